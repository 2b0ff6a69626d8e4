/** Asking the model, and what becomes of its answer. */
import { type Signal, signal } from '@preact/signals';
import type { Model, RunResult } from 'inkling-wasm';
import { Announcer } from './announcer.js';
import type { Chats } from './chats.js';
import { fitPrompt } from './prompt.js';
import type { Settings } from './settings.js';
import type { Note, Turn } from './store.js';

/** How often an answer that is being written is kept. */
const KEEP_MS = 1000;

/** An answer while it is written. */
export interface LiveAnswer {
  readonly chatId: string;
  /** Its place among the turns. */
  readonly index: number;
  readonly text: Signal<string>;
  /** Tokens a second so far. */
  readonly rate: Signal<number | undefined>;
}

/** Who answers, under which name. */
export interface Answerer {
  model: Model;
  label: string;
  offered?: { singleTurn?: boolean };
}

export class Answers {
  readonly live = signal<LiveAnswer | undefined>();
  /**
   * How many turns of which conversation the model was not given: they outgrew its context, or it
   * is given one at a time.
   */
  readonly forgotten = signal<
    { chatId: string; turns: number; singleTurn: boolean } | undefined
  >();
  /** The last answer's tokens a second. */
  readonly lastRate = signal<number | undefined>();
  readonly #chats: Chats;
  readonly #settings: Settings;
  readonly #fail: (error: unknown) => void;
  #stop: AbortController | undefined;
  #keepNow: () => void = () => {};

  /** fail hears what went wrong, stops aside. */
  constructor(chats: Chats, settings: Settings, fail: (error: unknown) => void) {
    this.#chats = chats;
    this.#settings = settings;
    this.#fail = fail;
    // The last that a page hears before it is closed, on phones too.
    document.addEventListener('visibilitychange', () => this.#keepNow());
  }

  stop(): void {
    this.#stop?.abort();
  }

  /** at: the turn that the question takes the place of, with all that follow; default: the end. */
  ask(content: string, answerer: Answerer, at?: number): Promise<void> {
    const chat = this.#chats.current.peek();
    const turns = [...chat.turns.slice(0, at), { role: 'user', content } as const];
    this.#chats.setTurns(chat.id, turns);
    return this.#answer(chat.id, turns, [], answerer);
  }

  /**
   * Answers the last question anew. What was there stays if the new answer is stopped before its
   * first word.
   */
  again(answerer: Answerer): Promise<void> {
    const { id, turns } = this.#chats.current.peek();
    const asked = turns.findLastIndex(({ role }) => role === 'user') + 1;
    return this.#answer(id, turns.slice(0, asked), turns.slice(asked), answerer);
  }

  async #answer(
    chatId: string,
    turns: readonly Turn[],
    before: readonly Turn[],
    answerer: Answerer,
  ): Promise<void> {
    if (this.live.peek()) return;
    const stop = (this.#stop = new AbortController());
    const live: LiveAnswer = {
      chatId,
      index: turns.length,
      text: signal(''),
      rate: signal(undefined),
    };
    this.live.value = live;
    const announcer = new Announcer();
    const asked = performance.now();
    let first: number | undefined;
    let note: Note = { model: answerer.label, finish: 'failed' };
    const withAnswer = () => [
      ...turns,
      { role: 'assistant', content: live.text.peek(), note } as const,
    ];
    let kept = asked;
    this.#keepNow = () => {
      const { current } = this.#chats;
      kept = performance.now();
      if (!live.text.peek() || current.peek().id !== chatId) return;
      this.#chats.keep({ ...current.peek(), turns: withAnswer() });
    };
    try {
      const settings = this.#settings.values.peek();
      const singleTurn = answerer.offered?.singleTurn ?? false;
      const { messages, forgotten } = await fitPrompt(answerer.model, turns, settings, singleTurn);
      stop.signal.throwIfAborted();
      this.forgotten.value = { chatId, turns: forgotten, singleTurn };
      const run = answerer.model.chat(messages, { ...samplingOf(settings), signal: stop.signal });
      note.finish = 'stopped'; // what it is if the page is closed now
      let pieces = 0;
      for await (const piece of run) {
        const now = performance.now();
        first ??= now;
        if (pieces++ > 0) live.rate.value = ((pieces - 1) / (now - first)) * 1000;
        live.text.value += piece;
        announcer.follow(live.text.peek());
        if (now - kept > KEEP_MS) this.#keepNow();
      }
      note = noteOf(answerer.label, await run.result(), (first ?? performance.now()) - asked);
    } catch (error) {
      const stopped = stop.signal.aborted;
      note = {
        ...note,
        finish: stopped ? 'stopped' : 'failed',
        ...optional('decode', live.rate.peek()),
      };
      if (!stopped) this.#fail(error);
    }
    announcer.finish(live.text.peek());
    this.#keepNow = () => {};
    this.lastRate.value = note.decode;
    this.#chats.setTurns(
      chatId,
      live.text.peek() || note.finish === 'end' ? withAnswer() : [...turns, ...before],
    );
    this.live.value = undefined;
  }
}

function samplingOf(settings: ReturnType<Settings['values']['peek']>) {
  const { temperature, topK, topP, minP, repeatPenalty, maxTokens, seed } = settings;
  return {
    temperature,
    topK,
    topP,
    minP,
    repeatPenalty,
    maxTokens,
    ...optional('seed', seed ?? undefined),
  };
}

function optional<K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]: V });
}

function noteOf(model: string, { usage, timings, finishReason }: RunResult, firstMs: number): Note {
  const rate = (tokens: number, ms: number) => (tokens / Math.max(ms, 0.1)) * 1000;
  const { promptTokens, cachedPromptTokens, completionTokens: tokens } = usage;
  return {
    model,
    finish: finishReason,
    firstMs,
    prefill: rate(promptTokens - cachedPromptTokens, timings.prefillMs),
    ...optional('decode', tokens > 1 ? rate(tokens - 1, timings.decodeMs) : undefined),
    tokens,
  };
}
