/// <reference types="dom-chromium-ai" />
/** One session of the Prompt API: a conversation, and the queue of what is asked of it. */
import type { GenerateOptions, Message, Model } from '../index.js';
import { domException, promptError, quotaExceeded } from './prompt-errors.js';
import {
  type PromptInput,
  type SessionSampling,
  checkPromptOptions,
  generateOptions,
  promptInput,
} from './prompt-input.js';

/** What a session starts from; turns are evicted as a whole, the oldest first. */
export interface SessionStart {
  model: Model;
  sampling: SessionSampling;
  /** Never evicted. */
  initial: readonly Message[];
  turns: readonly (readonly Message[])[];
  /** Tokens of both. */
  usage: number;
}

/** Which attribute handles which event. */
const HANDLERS = {
  oncontextoverflow: 'contextoverflow',
  onquotaoverflow: 'quotaoverflow',
} as const;
type Handler = ((this: LanguageModel, event: Event) => unknown) | null;

export class PromptSession extends EventTarget implements LanguageModel {
  readonly #model: Model;
  readonly #sampling: SessionSampling;
  readonly #initial: readonly Message[];
  #turns: readonly (readonly Message[])[];
  #usage: number;
  /** Aborts when the session is destroyed. */
  readonly #destruction = new AbortController();
  /** What was asked last, settled or not; never rejects. */
  #last: Promise<unknown> = Promise.resolve();
  readonly #handlers = new Map<keyof typeof HANDLERS, Handler>();

  /** @internal Use LanguageModel.create(). */
  constructor(start?: SessionStart) {
    if (!start) throw new TypeError('Illegal constructor');
    super();
    this.#model = start.model;
    this.#sampling = start.sampling;
    this.#initial = start.initial;
    this.#turns = start.turns;
    this.#usage = start.usage;
    for (const [attribute, type] of Object.entries(HANDLERS)) {
      this.addEventListener(type, (event) =>
        this.#handlers.get(attribute as keyof typeof HANDLERS)?.call(this, event),
      );
    }
  }

  // ---- Attributes ----

  /** An answer that the window cut off takes all of it. */
  get contextUsage(): number {
    return Math.min(this.#usage, this.contextWindow);
  }
  get inputUsage(): number {
    return this.contextUsage;
  }
  get contextWindow(): number {
    return this.#model.info.contextLength;
  }
  get inputQuota(): number {
    return this.contextWindow;
  }
  get topK(): number {
    return this.#sampling.topK;
  }
  get temperature(): number {
    return this.#sampling.temperature;
  }
  /** Null where topK or temperature were given. */
  get samplingMode(): string | null {
    return this.#sampling.samplingMode;
  }
  get oncontextoverflow(): Handler {
    return this.#handlers.get('oncontextoverflow') ?? null;
  }
  set oncontextoverflow(handler: Handler) {
    this.#handlers.set('oncontextoverflow', handler);
  }
  get onquotaoverflow(): Handler {
    return this.#handlers.get('onquotaoverflow') ?? null;
  }
  set onquotaoverflow(handler: Handler) {
    this.#handlers.set('onquotaoverflow', handler);
  }

  // ---- Methods ----

  async prompt(
    input: LanguageModelPrompt,
    options: LanguageModelPromptOptions = {},
  ): Promise<string> {
    return this.#inTurn(options.signal, (stopped) =>
      this.#answer(input, options, stopped, () => {}),
    );
  }

  promptStreaming(
    input: LanguageModelPrompt,
    options: LanguageModelPromptOptions = {},
  ): ReadableStream<string> {
    const cancelled = new AbortController();
    const signal = options.signal
      ? AbortSignal.any([options.signal, cancelled.signal])
      : cancelled.signal;
    return new ReadableStream<string>({
      start: (output) => {
        this.#inTurn(signal, (stopped) =>
          this.#answer(input, options, stopped, (piece) => output.enqueue(piece)),
        ).then(
          () => !cancelled.signal.aborted && output.close(),
          (error: unknown) => !cancelled.signal.aborted && output.error(error),
        );
      },
      cancel: (reason) => cancelled.abort(reason),
    });
  }

  async append(
    input: LanguageModelPrompt,
    { signal }: LanguageModelAppendOptions = {},
  ): Promise<undefined> {
    return this.#inTurn(signal, async (stopped) => {
      if (Array.isArray(input) && input.length === 0) return undefined;
      const { messages, prefix } = promptInput(input, this.#isEmpty());
      const added =
        prefix === undefined ? messages : [...messages, { role: 'assistant', content: prefix }];
      await this.#makeRoom(added);
      stopped.throwIfAborted();
      const turns = [...this.#turns, added];
      const conversation = this.#conversation(turns);
      await readAhead(this.#model, conversation, stopped);
      const usage = await tokensOf(this.#model, conversation);
      stopped.throwIfAborted();
      this.#turns = turns;
      this.#usage = usage;
      return undefined;
    });
  }

  async measureContextUsage(
    input: LanguageModelPrompt,
    options: LanguageModelPromptOptions = {},
  ): Promise<number> {
    return this.#guard(options.signal, async (stopped) => {
      checkPromptOptions(options);
      const { messages, prefix } = promptInput(input, this.#isEmpty());
      const added =
        prefix === undefined ? messages : [...messages, { role: 'assistant', content: prefix }];
      const tokens = await tokensOf(this.#model, this.#conversation([...this.#turns, added]));
      stopped.throwIfAborted();
      return Math.max(0, tokens - this.#usage);
    });
  }

  measureInputUsage(
    input: LanguageModelPrompt,
    options?: LanguageModelPromptOptions,
  ): Promise<number> {
    return this.measureContextUsage(input, options);
  }

  /** Another session that goes on from what this one has been told and has answered. */
  async clone({ signal }: LanguageModelCloneOptions = {}): Promise<LanguageModel> {
    return this.#guard(signal, async () => {
      const Same = this.constructor as typeof PromptSession;
      return new Same({
        model: this.#model,
        sampling: this.#sampling,
        initial: this.#initial,
        turns: this.#turns,
        usage: this.#usage,
      });
    });
  }

  /** What is under way rejects with an AbortError. The model stays loaded, for other sessions. */
  destroy(): undefined {
    this.destroyFor(domException('AbortError', 'The session has been destroyed.'));
    return undefined;
  }

  /** @internal The reason that calls reject with. */
  destroyFor(reason: unknown): void {
    this.#destruction.abort(reason);
  }

  // ---- Beneath ----

  async #answer(
    input: LanguageModelPrompt,
    options: LanguageModelPromptOptions,
    stopped: AbortSignal,
    onPiece: (text: string) => void,
  ): Promise<string> {
    checkPromptOptions(options);
    const { messages, prefix } = promptInput(input, this.#isEmpty());
    await this.#makeRoom(messages, prefix);
    stopped.throwIfAborted();
    const run = await this.#run(
      { messages, prefix },
      { ...generateOptions(this.#sampling), signal: stopped },
    );
    for await (const piece of run) onPiece(piece);
    const { text } = await run.result();
    const turns = [
      ...this.#turns,
      [...messages, { role: 'assistant', content: (prefix ?? '') + text }],
    ];
    const usage = await tokensOf(this.#model, this.#conversation(turns));
    stopped.throwIfAborted(); // only as a whole is it part of the conversation
    this.#turns = turns;
    this.#usage = usage;
    return text;
  }

  async #run({ messages, prefix }: PromptInput, options: GenerateOptions) {
    const conversation = this.#conversation([...this.#turns, messages]);
    if (prefix === undefined) return this.#model.chat(conversation, options);
    const text = await this.#model.applyChatTemplate(conversation, { addGenerationPrompt: true });
    return this.#model.complete(text + prefix, options);
  }

  /** Drops the oldest turns until what is added fits; or nothing, if it never will. */
  async #makeRoom(added: readonly Message[], prefix = ''): Promise<void> {
    const window = this.contextWindow;
    const needed = async (turns: readonly (readonly Message[])[]) => {
      const prompt = await this.#model.countTokens(this.#conversation([...turns, added]));
      const tokens = prompt + 1; // an answer has one at least
      return prefix === '' ? tokens : tokens + (await this.#model.countTokens(prefix));
    };
    let turns = this.#turns;
    for (let tokens = await needed(turns); tokens > window; tokens = await needed(turns)) {
      if (turns.length === 0)
        throw quotaExceeded(
          `With what precedes it, the prompt needs ${tokens} tokens; the window has ${window}.`,
          tokens,
          window,
        );
      turns = turns.slice(1);
    }
    if (turns === this.#turns) return;
    this.#turns = turns;
    this.#usage = await tokensOf(this.#model, this.#conversation(turns));
    for (const type of Object.values(HANDLERS)) this.dispatchEvent(new Event(type));
  }

  #conversation(turns: readonly (readonly Message[])[]): Message[] {
    return joinTurns([...this.#initial, ...turns.flat()]);
  }

  #isEmpty(): boolean {
    return this.#initial.length === 0 && this.#turns.length === 0;
  }

  /** Runs `work` when all that was asked before is done, as it depends on the answers. */
  #inTurn<T>(
    signal: AbortSignal | undefined,
    work: (stopped: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const before = this.#last;
    const done = this.#guard(signal, async (stopped) => {
      await settledOrAborted(before, stopped);
      return work(stopped);
    });
    this.#last = Promise.allSettled([before, done]);
    return done;
  }

  /**
   * Runs `work` with a signal that follows the caller's and destroy(), and rejects as the
   * specification has it.
   */
  async #guard<T>(
    signal: AbortSignal | undefined,
    work: (stopped: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const stopped = AbortSignal.any(
      signal ? [this.#destruction.signal, signal] : [this.#destruction.signal],
    );
    stopped.throwIfAborted();
    try {
      return await work(stopped);
    } catch (thrown) {
      throw promptError(thrown, this.contextWindow);
    }
  }
}

/** What one side says in several messages as one: many chat templates want the two in turns. */
export function joinTurns(messages: readonly Message[]): Message[] {
  const joined: Message[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    if (last?.role !== message.role) {
      joined.push(message);
    } else {
      const content = `${last.content as string}\n${message.content as string}`;
      joined[joined.length - 1] = { ...last, content };
    }
  }
  return joined;
}

/**
 * Tokens that a conversation takes of the context, as far as it has been read: no header of an
 * answer follows.
 */
export async function tokensOf(model: Model, conversation: readonly Message[]): Promise<number> {
  return conversation.length === 0
    ? 0
    : model.countTokens(conversation, { addGenerationPrompt: false });
}

/** Reads the conversation, so that an answer that follows comes sooner. */
export async function readAhead(
  model: Model,
  conversation: readonly Message[],
  signal: AbortSignal | undefined,
): Promise<void> {
  if (conversation.length === 0) return;
  const text = await model.applyChatTemplate(conversation, { addGenerationPrompt: false });
  await model.complete(text, { maxTokens: 0, ...(signal && { signal }) }).result();
}

function settledOrAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    void promise.then(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
  });
}
