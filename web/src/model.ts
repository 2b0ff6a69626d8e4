import type { Connection } from './connection.js';
import { INK_DRAFT_AUTO, INK_DRAFT_OFF, INK_TOKENIZE_BOS, INK_TOKENIZE_SPECIAL } from './constants.js';
import { type ChatDefaults, answerInput, chatInput, completionText } from './conversation.js';
import { InklingError, invalidArgument } from './errors.js';
import type { Sampling, TextInput } from './protocol.js';
import { PieceStream, type Run } from './run.js';
import type {
  ApplyChatTemplateOptions,
  ChatOptions,
  CompleteOptions,
  Conversation,
  GenerateOptions,
  Message,
  ModelInfo,
  Score,
  ScoreOptions,
  TokenPiece,
  TokenizeOptions,
} from './types.js';

/**
 * A loaded model. Calls may overlap: they are answered one after another, in order. All reject with
 * `INK_ERR_CRASHED` if the engine has stopped working, and with `INK_ERR_WRONG_STATE` after dispose().
 */
export class Model {
  readonly info: Readonly<ModelInfo>;
  readonly #connection: Connection;
  readonly #defaults: ChatDefaults;

  /** @internal Use loadModel(). */
  constructor(connection: Connection, info: ModelInfo, defaults: ChatDefaults) {
    this.#connection = connection;
    this.#defaults = defaults;
    this.info = Object.freeze(info);
  }

  // ---- Generating ----

  /**
   * The assistant's next message in a conversation. What the conversation shares with the call before is not read
   * again, so that appending to it is quick. `INK_ERR_UNSUPPORTED_CHAT_FORMAT` when {@link ModelInfo.hasChatFormat}
   * is false; `INK_ERR_TEMPLATE` when the chat template refuses the conversation.
   */
  chat(conversation: readonly Message[] | Conversation, options: ChatOptions = {}): Run {
    const { chatTemplate, tools, examples, ...rest } = options;
    const given = { chatTemplate, tools, examples, addGenerationPrompt: true };
    return this.#generate(answerInput(conversation, given, this.#defaults), rest);
  }

  /** Goes on from `prompt`, in which the text of control tokens counts as those tokens. */
  complete(prompt: string, options: CompleteOptions = {}): Run {
    if (typeof prompt !== 'string') throw invalidArgument('The prompt must be a string.');
    const { examples, ...rest } = options;
    const flags = INK_TOKENIZE_SPECIAL | INK_TOKENIZE_BOS;
    return this.#generate({ text: completionText(prompt, examples), flags }, rest);
  }

  // ---- Text and tokens ----

  /**
   * The conversation as the model is to read it: what `apply_chat_template()` of Hugging Face's transformers gives.
   * Rejects as {@link chat} does.
   */
  applyChatTemplate(
    conversation: readonly Message[] | Conversation,
    options?: ApplyChatTemplateOptions & { tokenize?: false },
  ): Promise<string>;
  applyChatTemplate(
    conversation: readonly Message[] | Conversation,
    options: ApplyChatTemplateOptions & { tokenize: true },
  ): Promise<number[]>;
  async applyChatTemplate(
    conversation: readonly Message[] | Conversation,
    { tokenize = false, ...options }: ApplyChatTemplateOptions = {},
  ): Promise<string | number[]> {
    const input = chatInput(conversation, options, this.#defaults);
    return tokenize ? this.#tokenize(input) : this.#connection.request({ type: 'applyChatTemplate', input });
  }

  /** The text's tokens. */
  async tokenize(text: string, options: TokenizeOptions = {}): Promise<number[]> {
    return this.#tokenize(textInput(text, options));
  }

  /** How many tokens {@link tokenize} gives; or, of a conversation, how many {@link chat} reads. */
  countTokens(text: string, options?: TokenizeOptions): Promise<number>;
  countTokens(
    conversation: readonly Message[] | Conversation,
    options?: Omit<ApplyChatTemplateOptions, 'tokenize'>,
  ): Promise<number>;
  async countTokens(
    what: string | readonly Message[] | Conversation,
    options: TokenizeOptions & ApplyChatTemplateOptions = {},
  ): Promise<number> {
    const input = typeof what === 'string'
      ? textInput(what, options)
      : chatInput(what, { addGenerationPrompt: true, ...options }, this.#defaults);
    return this.#connection.request({ type: 'countTokens', input });
  }

  /** The tokens' text. Control tokens have none. Where the tokens are cut inside a character stands U+FFFD. */
  async detokenize(tokens: Iterable<number>): Promise<string> {
    return this.#connection.request({ type: 'detokenize', tokens: tokenArray(tokens) });
  }

  /** What each token stands for by itself, control tokens too: to show how a text is split. */
  async tokenPieces(tokens: Iterable<number>): Promise<TokenPiece[]> {
    const ids = tokenArray(tokens);
    const { lengths, bytes } = await this.#connection.request({ type: 'tokenPieces', tokens: ids });
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    let end = 0;
    return Array.from(ids, (id, i) => {
      const piece = bytes.slice(end, (end += lengths[i]!));
      return { id, text: decoder.decode(piece), bytes: piece };
    });
  }

  /** What one token stands for; see {@link tokenPieces}. */
  async tokenPiece(token: number): Promise<TokenPiece> {
    return (await this.tokenPieces([token]))[0]!;
  }

  /** All of the engine's memory as it is now, in bytes; {@link ModelInfo.memoryBytes} is what it was after loading. */
  memoryUse(): Promise<number> {
    return this.#connection.request({ type: 'memoryUse' });
  }

  /** How well the model predicts a text. */
  score(text: string, { windowLength = 0, signal }: ScoreOptions = {}): Promise<Score> {
    if (!isWhole(windowLength)) throw invalidArgument('windowLength must be a whole number of tokens.');
    return this.#connection.request({ type: 'score', text: String(text), windowLength }, signal);
  }

  /** Frees the engine and all its memory at once. Calls under way reject. */
  dispose(): void {
    this.#connection.close(new InklingError('INK_ERR_WRONG_STATE', 'The model has been disposed of.'));
  }

  async #tokenize(input: TextInput): Promise<number[]> {
    const tokens = await this.#connection.request({ type: 'tokenize', input });
    const list = new Array<number>(tokens.length); // Array.from() takes several times as long
    for (let i = 0; i < tokens.length; i++) list[i] = tokens[i]!;
    return list;
  }

  #generate(input: TextInput, given: GenerateOptions): Run {
    const { signal, stop = [], contextShift = false, draft = 'auto', ...options } = given;
    if (typeof contextShift !== 'boolean') throw invalidArgument('contextShift must be true or false.');
    const sampling: Sampling = {
      seed: Math.floor(Math.random() * Number.MAX_SAFE_INTEGER),
      ...pickNumbers(options),
      contextShift,
      draft: draftNumber(draft),
      stop: typeof stop === 'string' ? [stop] : [...stop],
    };
    return new PieceStream(
      (onPiece, stopped) => this.#connection.request({ type: 'generate', input, sampling }, stopped, { onPiece }),
      signal,
    );
  }
}

/** The sampling options that are given. Their ranges are checked by the core, their type here. */
function pickNumbers(options: Omit<GenerateOptions, 'signal' | 'stop' | 'contextShift' | 'draft'>): Partial<Sampling> {
  const { temperature, topK, topP, minP, repeatPenalty, seed, maxTokens, keepTokens } = options;
  const all = { temperature, topK, topP, minP, repeatPenalty, seed, maxTokens, keepTokens };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  const wrong = given.find(([, value]) => typeof value !== 'number');
  if (wrong) throw invalidArgument(`${wrong[0]} must be a number.`);
  return Object.fromEntries(given);
}

/** As the core has it. */
function draftNumber(draft: number | 'auto'): number {
  if (draft === 'auto') return INK_DRAFT_AUTO;
  if (!isWhole(draft)) throw invalidArgument("draft must be a whole number of tokens or 'auto'.");
  return draft === 0 ? INK_DRAFT_OFF : Math.min(draft, 2 ** 31 - 1);
}

function textInput(text: string, { special = false, addBos = false }: TokenizeOptions): TextInput {
  return { text: String(text), flags: (special ? INK_TOKENIZE_SPECIAL : 0) | (addBos ? INK_TOKENIZE_BOS : 0) };
}

/** Which of them exist is the core's to check; that each is a 32-bit number, here. */
function tokenArray(tokens: Iterable<number>): Int32Array {
  const list = [...tokens];
  const ids = new Int32Array(list);
  const wrong = list.findIndex((token, i) => token !== ids[i]);
  if (wrong >= 0) throw invalidArgument(`${String(list[wrong])} is no token.`);
  return ids;
}

function isWhole(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
