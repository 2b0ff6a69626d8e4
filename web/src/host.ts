/** The engine's side of the protocol: answers requests in the order that queue.ts gives them. */
import { Engine } from './engine.js';
import { InklingError, reasonOf } from './errors.js';
import { embed, generate, read } from './generation.js';
import { chooseLevel } from './level.js';
import { checkModel } from './check-host.js';
import { type LoadTask, type Loaded, LoadAgain, load } from './loader.js';
import { type OpenThread, PageOpener, nodeOpener } from './open-thread.js';
import { Pace } from './pace.js';
import { type FilesRequest, type HostPort, type LoadRequest, MAIN_SESSION, type Request, type Results, type ToHost } from './protocol.js';
import { Queue } from './queue.js';
import { score } from './scoring.js';

/** Far more often than connection.ts looks. */
const ALIVE_MS = 2000;

interface ChunkAsked {
  id: number;
  resolve: (chunk: Uint8Array | null) => void;
  reject: (error: InklingError) => void;
}

class Host {
  readonly #port: HostPort;
  readonly #pageOpener: PageOpener;
  /** Undefined where nobody can. */
  readonly #openThread: OpenThread | undefined;
  /** Requests that are neither answered nor aborted. */
  readonly #live = new Map<number, AbortController>();
  readonly #queue = new Queue();
  /** Of adapters, which come while the model answers. */
  readonly #loads = new Queue();
  /** A piece is one layer. */
  readonly #pace = new Pace(20, () => this.#queue.letOthersIn());
  /** A piece is all layers, and every token's logits. */
  readonly #scorePace = new Pace(25, () => this.#queue.letOthersIn());
  #engine: Engine | undefined;
  /** By the request that waits for it; there is one at a time. */
  #chunkAsked: ChunkAsked | undefined;

  constructor(port: HostPort) {
    this.#port = port;
    this.#pageOpener = new PageOpener(port);
    this.#openThread = nodeOpener() ?? (port === (globalThis as unknown) ? this.#pageOpener.open : undefined);
    port.onmessage = (event) => this.#receive(event.data);
  }

  #receive(message: ToHost): void {
    switch (message.type) {
      case 'abort':
        this.#live.get(message.id)?.abort();
        this.#askedBy(message.id)?.reject(new InklingError('INK_ERR_IO', 'The load was given up.'));
        break;
      case 'close':
        this.#port.onmessage = null;
        this.#queue.onIdle(() => this.#engine?.close()); // what was under way has been aborted
        break;
      case 'chunk':
        this.#askedBy(message.id)?.resolve(message.bytes);
        break;
      case 'chunkFailed':
        this.#askedBy(message.id)?.reject(InklingError.fromMessage(message.error));
        break;
      case 'threadFailed':
        this.#pageOpener.failed(message.thread, message.message);
        break;
      default: {
        const { id } = message;
        const controller = new AbortController();
        this.#live.set(id, controller);
        const queue = message.type === 'loadAdapter' ? this.#loads : this.#queue;
        queue.add({
          priority: message.priority ?? 0,
          sessions: sessionsOf(message),
          run: () => this.#answer(id, message, controller.signal),
        });
      }
    }
  }

  #askedBy(id: number): ChunkAsked | undefined {
    return this.#chunkAsked?.id === id ? this.#chunkAsked : undefined;
  }

  async #answer(id: number, request: Request, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const life = setInterval(() => this.#port.postMessage({ type: 'alive' }), ALIVE_MS);
    try {
      const value = await this.#perform(id, request, signal);
      this.#port.postMessage({ type: 'done', id, value });
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof InklingError) {
        this.#port.postMessage({ type: 'failed', id, error: error.toMessage() });
      } else {
        // A trap in the module, or a bug here: nobody knows what state the engine is in.
        this.#port.onmessage = null;
        this.#engine?.close();
        this.#port.postMessage({
          type: 'crashed',
          error: { code: 'INK_ERR_CRASHED', message: `The engine stopped working (${reasonOf(error)}). Load the model again.` },
        });
      }
    } finally {
      clearInterval(life);
      this.#live.delete(id);
    }
  }

  async #perform(id: number, request: Request, signal: AbortSignal): Promise<Results[keyof Results]> {
    if (request.type === 'load') return this.#load(id, request, signal);
    if (request.type === 'check') return checkModel({ ...request, signal, pull: (part) => this.#pull(id, part, signal) });
    const engine = this.#engine!; // the page has no model to ask before the load is answered
    switch (request.type) {
      case 'openSession':
        return engine.addSession(request.session, request.contextLength, request.kvType, request.adapters);
      case 'cloneSession':
        return engine.cloneSession(request.session, request.clone);
      case 'closeSession':
        engine.closeSession(request.session);
        return null;
      case 'loadAdapter':
        return this.#loadAdapter(id, request.adapter, request, signal);
      case 'closeAdapter':
        engine.closeAdapter(request.adapter);
        return null;
      case 'setAdapters':
        engine.setAdapters(request.session, request.adapters);
        return null;
      case 'generate': {
        const onPiece = (piece: string) => this.#port.postMessage({ type: 'piece', id, text: piece });
        const prompt = engine.tokensOf(request.input);
        return generate(engine, request.session, prompt, request.sampling, this.#pace, signal, onPiece);
      }
      case 'read':
        return read(engine, request.session, engine.tokensOf(request.input), this.#pace, signal);
      case 'tokenize':
        return engine.tokensOf(request.input);
      case 'countTokens':
        return engine.tokensOf(request.input).length;
      case 'detokenize':
        return engine.detokenize(request.tokens);
      case 'tokenPieces':
        return engine.tokenPieces(request.tokens);
      case 'memoryUse':
        return engine.memoryBytes;
      case 'applyChatTemplate':
        return engine.applyChatTemplate(request.input);
      case 'score':
        return score(engine, request.text, request.windowLength, this.#scorePace, signal);
      case 'embed':
        return embed(engine, request, this.#pace, signal);
    }
  }

  async #load(id: number, request: LoadRequest, signal: AbortSignal): Promise<Results['load']> {
    const chosen = chooseLevel(request.kernels);
    return again(async (anew) => {
      this.#engine?.close();
      const engine = await Engine.create(chosen, request.threads, this.#openThread);
      this.#engine = engine;
      const outcome = await load(engine, this.#taskOf(id, { ...request, kernels: chosen.kernels }, signal), anew);
      return { ...engine.info(), ...outcome };
    });
  }

  async #loadAdapter(id: number, adapter: number, request: FilesRequest, signal: AbortSignal): Promise<Results['loadAdapter']> {
    const engine = this.#engine!;
    return again(async (anew) => {
      try {
        await load(engine, this.#taskOf(id, { ...request, adapter }, signal), anew);
      } catch (error) {
        if (error instanceof InklingError || error instanceof LoadAgain || signal.aborted) engine.cancelAdapter();
        throw error;
      }
      return engine.adapterInfo(adapter);
    });
  }

  #taskOf(id: number, request: FilesRequest & Loaded, signal: AbortSignal): LoadTask {
    return {
      ...request,
      signal,
      pull: (part) => this.#pull(id, part, signal),
      onProgress: (progress) => this.#port.postMessage({ type: 'progress', id, progress }),
    };
  }

  async #pull(id: number, part: number, signal: AbortSignal): Promise<Uint8Array | null> {
    signal.throwIfAborted(); // nobody would answer
    return new Promise((resolve, reject) => {
      this.#chunkAsked = { id, resolve, reject };
      this.#port.postMessage({ type: 'pull', id, part });
    });
  }
}

/** Once more, from the first byte on, where that is asked for. */
async function again<T>(attempt: (anew: boolean) => Promise<T>): Promise<T> {
  try {
    return await attempt(false);
  } catch (error) {
    if (!(error instanceof LoadAgain)) throw error;
  }
  return attempt(true).catch((error: unknown) => {
    throw error instanceof LoadAgain ? error.cause : error;
  });
}

/** Those whose contexts a request uses; it runs alone with them. */
function sessionsOf(request: Request): number[] {
  switch (request.type) {
    case 'generate':
    case 'read':
    case 'openSession':
    case 'closeSession':
    case 'setAdapters':
      return [request.session];
    case 'cloneSession':
      return [request.session, request.clone];
    case 'score':
    case 'embed':
      return [MAIN_SESSION];
    default:
      return [];
  }
}

/** Serves requests that arrive at the port, for as long as it is open. */
export function serve(port: HostPort): void {
  new Host(port);
}
