/**
 * Calls of tools, found in an answer while it comes. Models write them in the notation that they
 * were taught. Two are read, which most small models use:
 *
 * - `<tool_call>{"name": …, "arguments": {…}}</tool_call>`, several times and after a text, as
 *   Hermes, Qwen 2.5 and 3, and SmolLM3 do;
 * - nothing but such an object, or a list of them, as Llama 3 and Mistral do (their marks before it
 *   are special tokens, which are no text). Only if the names are those of tools that were given,
 *   for JSON can be an answer too.
 *
 * `parameters` means the same as `arguments`. What can't be read is left in the text as it is.
 */

export interface ToolCall {
  readonly name: string;
  /** JSON. */
  readonly input: string;
}

/** Of an answer. */
export type AnswerPart = { readonly text: string } | { readonly call: ToolCall };

const OPEN = '<tool_call>';
const CLOSE = '</tool_call>';

export class ToolCallReader {
  readonly #names: ReadonlySet<string>;
  /** What is read: an answer's beginning, which shows the notation; text; a call; an answer of JSON. */
  #state: 'beginning' | 'text' | 'call' | 'json' = 'beginning';
  /** What can't be given out yet. */
  #held = '';
  /** The mark that a call began with, and the space before it, which goes if it is one. */
  #opening = '';
  #hasCalls = false;

  /** names: of the tools that the model was given; without any, all is text. */
  constructor(names: readonly string[]) {
    this.#names = new Set(names);
  }

  /** What is known after the next piece of the answer. */
  push(piece: string): AnswerPart[] {
    if (this.#names.size === 0) return textPart(piece);
    const searched = this.#held.length;
    this.#held += piece;
    if (this.#state === 'beginning') {
      const first = this.#held.trimStart()[0];
      if (first === undefined) return [];
      this.#state = first === '{' || first === '[' ? 'json' : 'text';
    }
    const parts: AnswerPart[] = [];
    for (let from = Math.max(0, searched - CLOSE.length); this.#step(parts, from); from = 0);
    return parts;
  }

  /** What is left when the answer is over. */
  end(): AnswerPart[] {
    const held = this.#held;
    this.#held = '';
    const calls = this.#state === 'call' || this.#state === 'json' ? callsOf(held) : [];
    const areKnown = this.#state === 'call' || calls.every(({ name }) => this.#names.has(name));
    if (calls.length > 0 && areKnown) return calls.map((call) => ({ call }));
    if (this.#hasCalls && held.trim() === '') return [];
    return textPart(this.#state === 'call' ? this.#opening + held : held);
  }

  /** Reads up to the next mark, searching from there on; false: there is none yet. */
  #step(parts: AnswerPart[], from: number): boolean {
    if (this.#state === 'json' || this.#state === 'beginning') return false;
    const mark = this.#state === 'call' ? CLOSE : OPEN;
    const at = this.#held.indexOf(mark, from);
    if (at < 0) {
      if (this.#state === 'text') parts.push(...this.#takeText(sureLength(this.#held)));
      return false;
    }
    const before = this.#held.slice(0, at);
    this.#held = this.#held.slice(at + mark.length);
    if (this.#state === 'text') {
      const text = before.trimEnd();
      parts.push(...textPart(text));
      this.#opening = before.slice(text.length) + OPEN;
      this.#state = 'call';
    } else {
      const calls = callsOf(before);
      for (const call of calls) parts.push({ call });
      if (calls.length > 0) this.#hasCalls = true;
      else parts.push({ text: this.#opening + before + CLOSE });
      this.#state = 'text';
    }
    return true;
  }

  #takeText(length: number): AnswerPart[] {
    const text = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return textPart(text);
  }
}

const textPart = (text: string): AnswerPart[] => (text === '' ? [] : [{ text }]);

/** How much of a text comes before anything that may yet turn out to be a mark, or the space before one. */
function sureLength(text: string): number {
  let length = text.length;
  for (let n = Math.min(OPEN.length - 1, length); n > 0; n--) {
    if (!text.endsWith(OPEN.slice(0, n))) continue;
    length -= n;
    break;
  }
  return text.slice(0, length).trimEnd().length;
}

/** Of one object or a list of them; none if it is anything else. */
function callsOf(json: string): ToolCall[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return [];
  }
  const calls = (Array.isArray(value) ? value : [value]).map(callOf);
  return calls.every((call) => call !== undefined) ? calls : [];
}

function callOf(value: unknown): ToolCall | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { name, parameters = {}, arguments: input = parameters } = value as Record<string, unknown>;
  if (typeof name !== 'string' || typeof input !== 'object') return undefined;
  return { name, input: JSON.stringify(input ?? {}) };
}

/** An answer's parts, as its pieces come. */
export async function* readParts(
  pieces: AsyncIterable<string>,
  names: readonly string[],
): AsyncGenerator<AnswerPart, void, undefined> {
  const reader = new ToolCallReader(names);
  for await (const piece of pieces) yield* reader.push(piece);
  yield* reader.end();
}

/** A whole answer's text and calls. */
export function readAnswer(text: string, names: readonly string[]): { text: string; calls: ToolCall[] } {
  const reader = new ToolCallReader(names);
  const parts = [...reader.push(text), ...reader.end()];
  return {
    text: parts.map((part) => ('text' in part ? part.text : '')).join(''),
    calls: parts.flatMap((part) => ('call' in part ? [part.call] : [])),
  };
}
