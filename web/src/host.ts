/** The engine's side of the protocol: answers requests in the order that queue.ts gives them. */
import { Engine } from './engine.js';
import { InklingError, reasonOf } from './errors.js';
import { generate, read } from './generation.js';
import { chooseLevel } from './level.js';
import { checkModel } from './check-host.js';
import { LoadAgain, load } from './loader.js';
import { Pace } from './pace.js';
import { type FromHost, type LoadRequest, MAIN_SESSION, type Request, type Results, type ToHost } from './protocol.js';
import { Queue } from './queue.js';
import { score } from './scoring.js';

/** A dedicated worker's global scope, or a MessagePort where there are no workers. */
export interface HostPort {
  postMessage(message: FromHost): void;
  onmessage: ((event: MessageEvent<ToHost>) => void) | null;
}

class Host {
  readonly #port: HostPort;
  /** Requests that are neither answered nor aborted. */
  readonly #live = new Map<number, AbortController>();
  readonly #queue = new Queue();
  /** A piece is one layer. */
  readonly #pace = new Pace(20, () => this.#queue.letOthersIn());
  /** A piece is all layers, and every token's logits. */
  readonly #scorePace = new Pace(25, () => this.#queue.letOthersIn());
  #engine: Engine | undefined;
  #chunkAsked: { resolve: (chunk: Uint8Array | null) => void; reject: (error: InklingError) => void } | undefined;

  constructor(port: HostPort) {
    this.#port = port;
    port.onmessage = (event) => this.#receive(event.data);
  }

  #receive(message: ToHost): void {
    switch (message.type) {
      case 'abort':
        this.#live.get(message.id)?.abort();
        this.#chunkAsked?.reject(new InklingError('INK_ERR_IO', 'The load was given up.')); // only a load asks
        break;
      case 'close':
        this.#port.onmessage = null;
        this.#queue.onIdle(() => this.#engine?.close()); // what was under way has been aborted
        break;
      case 'chunk':
        this.#chunkAsked?.resolve(message.bytes);
        break;
      case 'chunkFailed':
        this.#chunkAsked?.reject(InklingError.fromMessage(message.error));
        break;
      default: {
        const { id } = message;
        const controller = new AbortController();
        this.#live.set(id, controller);
        this.#queue.add({
          priority: message.priority ?? 0,
          sessions: sessionsOf(message),
          run: () => this.#answer(id, message, controller.signal),
        });
      }
    }
  }

  async #answer(id: number, request: Request, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
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
      this.#live.delete(id);
    }
  }

  async #perform(id: number, request: Request, signal: AbortSignal): Promise<Results[keyof Results]> {
    if (request.type === 'load') return this.#load(id, request, signal);
    if (request.type === 'check') return checkModel({ ...request, signal, pull: (part) => this.#pull(part, signal) });
    const engine = this.#engine!; // the page has no model to ask before the load is answered
    switch (request.type) {
      case 'openSession':
        return engine.addSession(request.session, request.contextLength, request.kvType);
      case 'cloneSession':
        return engine.cloneSession(request.session, request.clone);
      case 'closeSession':
        engine.closeSession(request.session);
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
    }
  }

  async #load(id: number, request: LoadRequest, signal: AbortSignal): Promise<Results['load']> {
    const { level, kernels } = chooseLevel(request.kernels);
    for (let anew = false; ; anew = true) {
      const engine = await Engine.create(level, request.threads);
      this.#engine = engine;
      try {
        const outcome = await load(engine, {
          ...request,
          kernels,
          signal,
          pull: (part) => this.#pull(part, signal),
          onProgress: (progress) => this.#port.postMessage({ type: 'progress', id, progress }),
        }, anew);
        return { ...engine.info(), ...outcome };
      } catch (error) {
        if (!(error instanceof LoadAgain)) throw error;
        if (anew) throw error.cause;
        engine.close();
      }
    }
  }

  async #pull(part: number, signal: AbortSignal): Promise<Uint8Array | null> {
    signal.throwIfAborted(); // nobody would answer
    return new Promise((resolve, reject) => {
      this.#chunkAsked = { resolve, reject };
      this.#port.postMessage({ type: 'pull', part });
    });
  }
}

/** Those whose contexts a request uses; it runs alone with them. */
function sessionsOf(request: Request): number[] {
  switch (request.type) {
    case 'generate':
    case 'read':
    case 'openSession':
    case 'closeSession':
      return [request.session];
    case 'cloneSession':
      return [request.session, request.clone];
    case 'score':
      return [MAIN_SESSION];
    default:
      return [];
  }
}

/** Serves requests that arrive at the port, for as long as it is open. */
export function serve(port: HostPort): void {
  new Host(port);
}
