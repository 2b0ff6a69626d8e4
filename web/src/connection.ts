/** The page's end of the protocol: matches answers to requests, and makes sure that each request ends. */
import { InklingError } from './errors.js';
import { PageThreads } from './page-threads.js';
import { type FromHost, MAIN_SESSION, type Request, type Results, type ToHost, type Urgency } from './protocol.js';
import type { LoadProgress } from './types.js';

interface Pending {
  resolve: (value: never) => void;
  reject: (reason: unknown) => void;
  handlers: Handlers;
}

/** What a request may hear before it is answered. */
export interface Handlers {
  onProgress?: (progress: LoadProgress) => void;
  /** The part's next chunk, whose buffer is transferred; null: it has ended. Rejects with an InklingError. */
  onPull?: (part: number) => Promise<Uint8Array<ArrayBuffer> | null>;
  onPiece?: (text: string) => void;
}

/** Where messages go: a worker, or a port to a host in this thread. */
interface Transport {
  postMessage(message: ToHost, transfer?: Transferable[]): void;
  close(): void;
  /** In Node and Bun: whether this transport keeps the process alive. */
  hold(on: boolean): void;
}

/** Outside browsers, what waits for messages can keep the process alive, or not. */
interface Referenced {
  ref?: () => void;
  unref?: () => void;
}

/** What concerns requests. */
type Answer = Exclude<FromHost, { type: 'openThread' | 'closeThread' | 'alive' }>;

/** A worker that has a request and says nothing for so many looks is taken for dead. */
const MOST_SILENT = 12;
const LOOK_MS = 5000;

export class Connection {
  readonly #transport: Transport;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #nextSession = MAIN_SESSION + 1;
  #nextAdapter = 1;
  /** Why no request can be made any more. */
  #ended: InklingError | undefined;

  private constructor(open: (connection: Connection) => Transport) {
    this.#transport = open(this);
  }

  /** A new engine in a worker of its own; in this thread where there are no workers. */
  static async open(): Promise<Connection> {
    if (typeof Worker === 'undefined') {
      const { serve } = await import('./worker.js');
      return new Connection((connection) => openPort(connection, serve));
    }
    return new Connection(openWorker);
  }

  /** Rejects with an InklingError, or with the signal's reason as soon as it aborts. */
  request<R extends Request>(request: R & Urgency, signal?: AbortSignal, handlers: Handlers = {}): Promise<Results[R['type']]> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#ended) throw this.#ended;
      const id = this.#nextId++;
      const abort = () => {
        this.#pending.delete(id);
        this.#transport.postMessage({ type: 'abort', id });
        this.#transport.hold(this.#pending.size > 0);
        reject(signal!.reason);
      };
      const settled = () => signal?.removeEventListener('abort', abort);
      this.#transport.postMessage({ ...request, id });
      this.#pending.set(id, {
        resolve: (value) => (settled(), resolve(value)),
        reject: (reason) => (settled(), reject(reason)),
        handlers,
      });
      this.#transport.hold(true);
      signal?.addEventListener('abort', abort);
    });
  }

  /** A number for a session that is to be opened. */
  newSession(): number {
    return this.#nextSession++;
  }

  /** A number for an adapter that is to be loaded. */
  newAdapter(): number {
    return this.#nextAdapter++;
  }

  /** Whether or not it has been opened. What is asked of it must have been aborted. */
  closeSession(session: number): void {
    this.request({ type: 'closeSession', session, priority: Infinity }).catch(() => {}); // a closed engine has no sessions
  }

  /** Frees the engine at once. Requests under way and later ones reject with `reason`. */
  close(reason: InklingError): void {
    if (this.#ended) return;
    this.#ended = reason;
    for (const id of this.#pending.keys()) this.#transport.postMessage({ type: 'abort', id });
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#pending.clear();
    this.#transport.close();
  }

  receive(message: Answer): void {
    if (message.type === 'crashed') {
      this.close(InklingError.fromMessage(message.error));
      return;
    }
    const request = this.#pending.get(message.id);
    if (!request) return; // aborted meanwhile
    switch (message.type) {
      case 'progress':
        request.handlers.onProgress?.(message.progress);
        return;
      case 'piece':
        request.handlers.onPiece?.(message.text);
        return;
      case 'pull':
        void this.#answerPull(message.id, request.handlers.onPull!(message.part));
        return;
      case 'done':
        request.resolve(message.value as never);
        break;
      case 'failed':
        request.reject(InklingError.fromMessage(message.error));
        break;
    }
    this.#pending.delete(message.id);
    this.#transport.hold(this.#pending.size > 0);
  }

  async #answerPull(id: number, chunk: Promise<Uint8Array<ArrayBuffer> | null>): Promise<void> {
    try {
      const bytes = await chunk;
      if (!this.#ended) this.#transport.postMessage({ type: 'chunk', id, bytes }, bytes ? [bytes.buffer] : []);
    } catch (error) {
      if (!this.#ended) this.#transport.postMessage({ type: 'chunkFailed', id, error: (error as InklingError).toMessage() });
    }
  }
}

function openWorker(connection: Connection): Transport {
  // This very form is what bundlers look for.
  const worker: Worker & Referenced = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  const crashed = (what: string) => connection.close(new InklingError('INK_ERR_CRASHED', what));
  const threads = new PageThreads();
  // Looks are counted, not time: where the page sleeps, so does the worker.
  let silent = 0;
  let watch: ReturnType<typeof setInterval> | undefined;
  const look = () => {
    if (++silent > MOST_SILENT) crashed('The engine has given no sign of life for a minute. Load the model again.');
  };
  worker.onmessage = ({ data }: MessageEvent<FromHost>) => {
    silent = 0;
    if (data.type === 'openThread') threads.open(data, (message) => worker.postMessage({ type: 'threadFailed', thread: data.thread, message } satisfies ToHost));
    else if (data.type === 'closeThread') threads.close(data.thread);
    else if (data.type !== 'alive') connection.receive(data);
  };
  worker.onmessageerror = () => crashed('A message from the engine could not be read.');
  worker.onerror = (event) => {
    event.preventDefault(); // reported by the rejection instead
    crashed(
      event.message
        ? `The engine's worker failed (${event.message}). Load the model again.`
        : `The engine's worker could not be started: is worker.js where index.js is, and does the page's ` +
            `Content-Security-Policy allow it (worker-src or script-src 'self')?`,
    );
  };
  return {
    postMessage: (message, transfer) => worker.postMessage(message, transfer ?? []),
    close: () => {
      clearInterval(watch);
      worker.terminate();
      threads.closeAll();
    },
    hold: (on) => {
      if (on) {
        watch ??= setInterval(look, LOOK_MS);
        worker.ref?.();
      } else {
        clearInterval(watch);
        watch = undefined;
        worker.unref?.();
      }
    },
  };
}

function openPort(connection: Connection, serve: typeof import('./worker.js').serve): Transport {
  const { port1, port2 } = new MessageChannel() as Record<'port1' | 'port2', MessagePort & Referenced>;
  serve(port2);
  port2.unref?.(); // this side decides how long the process is needed
  port1.onmessage = (event: MessageEvent<Answer>) => connection.receive(event.data);
  const hold = (on: boolean) => (on ? port1.ref?.() : port1.unref?.());
  hold(false);
  return {
    postMessage: (message, transfer) => port1.postMessage(message, transfer ?? []),
    close: () => {
      port1.postMessage({ type: 'close' } satisfies ToHost);
      port1.close();
    },
    hold,
  };
}
