import { Adapter } from './adapter.js';
import type { Connection } from './connection.js';
import { type ChatDefaults, answerInput, chatInput, checkMessages, insertExamples } from './conversation.js';
import { dispose } from './dispose.js';
import { InklingError, invalidArgument } from './errors.js';
import { priorityNumber } from './priority.js';
import type { AdapterUses, SessionInfo } from './protocol.js';
import { PieceStream, type Run } from './run.js';
import { samplingOf } from './sampling.js';
import type { AdapterUse, ChatOptions, Message, RequestOptions, RunResult, SessionInput, SessionOptions } from './types.js';

/** What a session has from its model, or from the session that it is a clone of. */
export interface SessionOrigin {
  connection: Connection;
  defaults: ChatDefaults;
}

/**
 * A conversation that is remembered, in a context of its own: what has been read and written is never read again,
 * whatever other sessions do meanwhile. Calls may overlap; a session answers them in the order in which they are made.
 */
export class Session {
  /** Tokens that the conversation and its next answer may have together. */
  readonly contextLength: number;
  readonly #origin: SessionOrigin;
  readonly #id: number;
  #messages: readonly Message[];
  #tokenCount = 0;
  /** The last call so far, settled or not; never rejects. */
  #last: Promise<unknown> = Promise.resolve();
  /** Of calls that are under way or wait. */
  readonly #turns = new Set<AbortController>();
  #ended: InklingError | undefined;

  /** @internal Use Model.createSession(). */
  constructor(origin: SessionOrigin, id: number, { contextLength }: SessionInfo, messages: readonly Message[], tokenCount: number) {
    this.#origin = origin;
    this.#id = id;
    this.contextLength = contextLength;
    this.#messages = messages;
    this.#tokenCount = tokenCount;
  }

  /** The conversation so far. */
  get messages(): readonly Message[] {
    return this.#messages;
  }

  /** Tokens of the context that the conversation takes, as far as it has been read. */
  get tokenCount(): number {
    return this.#tokenCount;
  }

  /**
   * The assistant's answer to what is added to the conversation. Afterwards the conversation has both; when the run
   * fails or is aborted, it is as before. Rejects as Model.chat() does.
   */
  chat(input: SessionInput, options: ChatOptions = {}): Run {
    const { chatTemplate, tools, examples, signal, priority, ...rest } = options;
    const added = messagesOf(input);
    const sampling = samplingOf(rest);
    const request = { type: 'generate', session: this.#id, sampling, priority: priorityNumber(priority) } as const;
    const answer = async (onPiece: (text: string) => void, stopped: AbortSignal): Promise<RunResult> => {
      const messages = [...this.#messages, ...added];
      const given = { chatTemplate, tools, examples, addGenerationPrompt: true };
      const input = answerInput(messages, given, this.#origin.defaults);
      const result = await this.#origin.connection.request({ ...request, input }, stopped, { onPiece });
      this.#messages = [...messages, { role: 'assistant', content: result.text }];
      this.#tokenCount = result.usage.promptTokens + result.usage.completionTokens;
      return result;
    };
    return new PieceStream((onPiece, stopped) => this.#inTurn(stopped, (signal) => answer(onPiece, signal)), signal);
  }

  /**
   * Adds to the conversation and reads it, so that the next answer comes sooner. What the chat template takes only
   * with what comes later, it reads then. Rejects as Model.chat() does, and leaves the conversation as it was.
   */
  async append(input: SessionInput, { signal, priority }: RequestOptions = {}): Promise<void> {
    const added = messagesOf(input);
    const urgency = priorityNumber(priority);
    await this.#inTurn(signal, async (stopped) => {
      const messages = [...this.#messages, ...added];
      await this.#read(messages, urgency, stopped);
      this.#messages = messages;
    });
  }

  /** How many tokens chat() would read of the conversation with what is added to it; `contextLength` has to hold them. */
  async countTokens(input: SessionInput = [], { signal, priority }: RequestOptions = {}): Promise<number> {
    const added = messagesOf(input);
    const urgency = priorityNumber(priority);
    return this.#inTurn(signal, (stopped) => {
      const input = chatInput([...this.#messages, ...added], { addGenerationPrompt: true }, this.#origin.defaults);
      return this.#origin.connection.request({ type: 'countTokens', input, priority: urgency }, stopped);
    });
  }

  /**
   * What the session computes with from now on, in place of the adapters it had; none: with the model alone. It keeps
   * its conversation, which the next call reads anew.
   */
  async setAdapters(adapters: readonly (Adapter | AdapterUse)[], { signal, priority }: RequestOptions = {}): Promise<void> {
    const { connection } = this.#origin;
    const uses = Adapter.usesOf(connection, adapters);
    const request = { type: 'setAdapters', session: this.#id, adapters: uses, priority: priorityNumber(priority) } as const;
    await this.#inTurn(signal, (stopped) => connection.request(request, stopped));
  }

  /** Another session that has the same conversation and adapters, and has read it. */
  async clone({ signal, priority }: RequestOptions = {}): Promise<Session> {
    const urgency = priorityNumber(priority);
    return this.#inTurn(signal, async (stopped) => {
      const { connection } = this.#origin;
      const id = connection.newSession();
      const request = { type: 'cloneSession', session: this.#id, clone: id, priority: urgency } as const;
      const info = await connection.request(request, stopped).catch(closing(connection, id));
      return new Session(this.#origin, id, info, this.#messages, this.#tokenCount);
    });
  }

  /** Frees the context. Calls under way reject with `INK_ERR_WRONG_STATE`, and later ones. */
  dispose(): void {
    if (this.#ended) return;
    this.#ended = new InklingError('INK_ERR_WRONG_STATE', 'The session has been disposed of.');
    for (const turn of this.#turns) turn.abort(this.#ended);
    this.#origin.connection.closeSession(this.#id);
  }

  [dispose](): void {
    this.dispose();
  }

  /** Runs `work` when all calls before are done. Its signal follows the caller's, and dispose(). */
  #inTurn<T>(signal: AbortSignal | undefined, work: (stopped: AbortSignal) => Promise<T>): Promise<T> {
    const turn = new AbortController();
    const follow = () => turn.abort(signal!.reason);
    if (signal?.aborted) follow();
    if (this.#ended) turn.abort(this.#ended);
    signal?.addEventListener('abort', follow);
    this.#turns.add(turn);
    const before = this.#last;
    const done = settledOrAborted(before, turn.signal).then(() => work(turn.signal)).finally(() => {
      signal?.removeEventListener('abort', follow);
      this.#turns.delete(turn);
    });
    this.#last = Promise.allSettled([before, done]);
    return done;
  }

  async #read(messages: readonly Message[], priority: number, signal: AbortSignal): Promise<void> {
    const { connection, defaults } = this.#origin;
    const input = chatInput(messages, { addGenerationPrompt: false }, defaults);
    try {
      this.#tokenCount = await connection.request({ type: 'read', session: this.#id, input, priority }, signal);
    } catch (error) {
      if (!(error instanceof InklingError) || error.code !== 'INK_ERR_TEMPLATE') throw error;
    }
  }
}

/** For Model.createSession(); kvType -1 and no adapters: as the model's own. */
export async function openSession(
  origin: SessionOrigin,
  held: { contextLength: number; kvType: number; adapters: AdapterUses | undefined },
  { systemPrompt, messages = [], examples, signal, priority }: SessionOptions,
): Promise<Session> {
  if (systemPrompt !== undefined && typeof systemPrompt !== 'string') throw invalidArgument('systemPrompt must be a string.');
  checkMessages(messages);
  const system = systemPrompt === undefined ? [] : [{ role: 'system', content: systemPrompt }];
  const conversation = insertExamples([...system, ...messages], examples);
  const { connection } = origin;
  const id = connection.newSession();
  const request = { type: 'openSession', session: id, ...held, priority: priorityNumber(priority) } as const;
  const info = await connection.request(request, signal).catch(closing(connection, id));
  const session = new Session(origin, id, info, [], 0);
  try {
    if (conversation.length > 0) await session.append(conversation, { ...(signal && { signal }), ...(priority && { priority }) });
  } catch (error) {
    session.dispose();
    throw error;
  }
  return session;
}

/** Whether the engine made the session before it heard of the abort is not known here. */
function closing(connection: Connection, session: number): (error: unknown) => never {
  return (error) => {
    connection.closeSession(session);
    throw error;
  };
}

function messagesOf(input: SessionInput): readonly Message[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }];
  const messages = Array.isArray(input) ? (input as readonly Message[]) : [input as Message];
  checkMessages(messages);
  return [...messages];
}

function settledOrAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    void promise.then(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
  });
}
