/** The page's side of the engine's threads: it opens their workers when asked to, and ends them. */
import type { FromHost } from './protocol.js';

export class PageThreads {
  readonly #workers = new Map<number, Worker>();

  open({ thread, port }: FromHost & { type: 'openThread' }, onError: (message: string) => void): void {
    // This very form is what bundlers look for.
    const worker = new Worker(new URL('./thread.js', import.meta.url), { type: 'module' });
    worker.onerror = (event) => {
      event.preventDefault();
      onError(event.message || 'thread.js could not be loaded; is it where worker.js is, and served with the same headers?');
    };
    worker.postMessage(port, [port]);
    this.#workers.set(thread, worker);
  }

  close(thread: number): void {
    this.#workers.get(thread)?.terminate();
    this.#workers.delete(thread);
  }

  closeAll(): void {
    for (const thread of this.#workers.keys()) this.close(thread);
  }
}
