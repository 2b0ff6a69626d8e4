/** The engine's side of opening a thread: in Node.js, Deno and Bun a worker of the thread it runs in, in browsers one that
 *  the page opens. */
import { nodeModule } from './node.js';
import type { HostPort } from './protocol.js';
import type { ThreadStart, ToThread } from './thread-protocol.js';

/** A worker of either kind, with an instance of the module on that memory. */
export interface ThreadWorker {
  postMessage(message: ToThread): void;
  terminate(): unknown;
}

/** Opens a worker and, later, calls one of these or both. */
export type OpenThread = (start: ThreadStart, onReady: () => void, onError: (error: Error) => void) => ThreadWorker;

interface NodeWorker {
  on(event: string, listener: (value: unknown) => void): void;
  postMessage(message: ThreadStart | ToThread): void;
  terminate(): unknown;
  unref(): void;
}
type NodeWorkerClass = new (url: URL) => NodeWorker;

/** Undefined where there are no such workers. (Deno ends no web worker that sleeps while its parent lives on.) */
export function nodeOpener(): OpenThread | undefined {
  const node = nodeModule<{ Worker: NodeWorkerClass }>('worker_threads');
  return node && ((start, onReady, onError) => {
    const worker = new node.Worker(new URL('./thread.js', import.meta.url));
    worker.on('message', onReady);
    worker.on('error', (error) => onError(error as Error));
    worker.unref(); // whoever waits for an answer keeps the process alive
    worker.postMessage(start);
    return worker;
  });
}

/**
 * Has the page open them (see page-threads.ts), and speaks with them directly: what the page itself is sent stays in memory
 * until it next collects garbage, and the engine's memory is large. A worker could open workers itself, but in
 * Firefox (153) that now and then blocks it for ever: it waits for the new one on a condition variable that wakes one
 * waiter only, and the new one may be waiting there too.
 */
export class PageOpener {
  readonly #page: HostPort;
  readonly #onError: ((error: Error) => void)[] = [];

  constructor(page: HostPort) {
    this.#page = page;
  }

  readonly open: OpenThread = (start, onReady, onError) => {
    const thread = this.#onError.push(onError) - 1;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = onReady;
    this.#page.postMessage({ type: 'openThread', thread, port: port2 }, [port2]);
    port1.postMessage(start);
    return {
      postMessage: (message) => port1.postMessage(message),
      terminate: () => {
        port1.close();
        this.#page.postMessage({ type: 'closeThread', thread });
      },
    };
  };

  failed(thread: number, message: string): void {
    this.#onError[thread]?.(new Error(message));
  }
}
