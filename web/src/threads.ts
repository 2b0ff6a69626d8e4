/**
 * The engine's threads: workers of the engine's own worker (in Node.js, of the thread it runs in). They are started
 * while the model loads, wait in the module for work, and sleep while there is none. See src/base/thread.c.
 */
import { reasonOf } from './errors.js';
import { nodeModule } from './node.js';
import type { ToThread } from './thread-protocol.js';

/** Each worker costs some megabytes, and these models stop gaining long before. */
const MOST_BY_ITSELF = 8;
/** A worker that is not there by then won't come. */
const START_MS = 10_000;

const PAGE_BYTES = 65536;
/** More than the module asks for at least. */
const INITIAL_PAGES = 64;
/** Shared memory must say how far it may grow, and some hosts (iOS, 32-bit) set that much aside at once: so less is
 *  tried too. */
const LIMITS = [65536, 32768, 16384, 8192];

/** A worker of either kind. */
interface ThreadWorker {
  postMessage(message: ToThread): void;
  terminate(): unknown;
}

/** Opens a worker and, later, calls one of these or both. */
type OpenWorker = (onReady: () => void, onError: (error: Error) => void) => ThreadWorker;

const openWebWorker: OpenWorker = (onReady, onError) => {
  // This very form is what bundlers look for.
  const worker = new Worker(new URL('./thread.js', import.meta.url), { type: 'module' });
  worker.onmessage = onReady;
  worker.onerror = (event) => {
    event.preventDefault();
    onError(new Error(event.message || 'thread.js could not be loaded; is it where worker.js is, and served with the same headers?'));
  };
  return worker;
};

interface NodeWorker extends ThreadWorker {
  on(event: string, listener: (value: unknown) => void): void;
  unref(): void;
}
type NodeWorkerClass = new (url: URL) => NodeWorker;

function nodeWorkerOpener(NodeWorker: NodeWorkerClass): OpenWorker {
  return (onReady, onError) => {
    const worker = new NodeWorker(new URL('./thread.js', import.meta.url));
    worker.on('message', onReady);
    worker.on('error', (error) => onError(error as Error));
    worker.unref(); // whoever waits for an answer keeps the process alive
    return worker;
  };
}

function workerOpener(): OpenWorker | undefined {
  if (typeof Worker !== 'undefined') return openWebWorker;
  const node = nodeModule<{ Worker: NodeWorkerClass }>('worker_threads');
  return node && nodeWorkerOpener(node.Worker);
}

function processorCount(): number {
  const fromNode = nodeModule<{ availableParallelism(): number }>('os')?.availableParallelism();
  return fromNode ?? (globalThis as { navigator?: Navigator }).navigator?.hardwareConcurrency ?? 1;
}

/** The threads besides the one that computes anyway. */
export class Threads {
  readonly memory: WebAssembly.Memory;
  /** Bytes that the memory may grow to. */
  readonly memoryLimit: number;
  readonly #count: number;
  readonly #open: OpenWorker;
  #opening: Promise<ThreadWorker | undefined>[] = [];
  readonly #giveUp: ((error: Error) => void)[] = [];
  #idle: ThreadWorker[] = [];
  readonly #working: ThreadWorker[] = [];
  /** Why a thread is missing; '' when none is. */
  problem = '';

  private constructor(memory: WebAssembly.Memory, pages: number, count: number, open: OpenWorker) {
    this.memory = memory;
    this.memoryLimit = pages * PAGE_BYTES;
    this.#count = count;
    this.#open = open;
  }

  /** asked: how many threads in all, 0: as many as may be of use. A string says why there can't be any. */
  static plan(asked: number): Threads | string {
    if (asked === 1) return 'one thread was asked for';
    if (typeof SharedArrayBuffer === 'undefined' || (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === false) {
      return 'the page is not cross-origin isolated (its server must send Cross-Origin-Opener-Policy: same-origin and ' +
        'Cross-Origin-Embedder-Policy: require-corp)';
    }
    const open = workerOpener();
    if (!open) return 'there are no workers here';
    const count = asked || Math.min(processorCount(), MOST_BY_ITSELF);
    if (count === 1) return 'there is one processor';
    for (const pages of LIMITS) {
      try {
        const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: pages, shared: true });
        return new Threads(memory, pages, count - 1, open);
      } catch {
        // Perhaps less.
      }
    }
    return 'there is no room for shared memory';
  }

  /** Opens the workers, which takes a while; later calls do nothing. */
  start(module: WebAssembly.Module): void {
    if (this.#opening.length > 0) return;
    this.#opening = Array.from({ length: this.#count }, () => this.#openOne(module));
  }

  /** How many threads there are, with the one that computes anyway. */
  async ready(): Promise<number> {
    this.#idle = (await Promise.all(this.#opening)).filter((worker) => worker !== undefined);
    return 1 + this.#idle.length;
  }

  /** The module's import: 1 when a worker goes and enters it there, 0 when there is none left. */
  spawn(thread: number, stackTop: number): number {
    const worker = this.#idle.shift();
    if (!worker) return 0;
    worker.postMessage({ thread: thread >>> 0, stackTop: stackTop >>> 0 });
    this.#working.push(worker);
    return 1;
  }

  /** Ends all but the first `count - 1` that were spawned; the module must have put them to rest. */
  keep(count: number): void {
    for (const worker of this.#working.splice(count - 1)) worker.terminate();
  }

  /** Ends them all, whatever they do. */
  close(): void {
    for (const giveUp of this.#giveUp) giveUp(new Error('it is not needed any more'));
    for (const worker of [...this.#idle.splice(0), ...this.#working.splice(0)]) worker.terminate();
  }

  async #openOne(module: WebAssembly.Module): Promise<ThreadWorker | undefined> {
    let worker: ThreadWorker | undefined;
    let limit: ReturnType<typeof setTimeout> | undefined;
    try {
      return await new Promise<ThreadWorker>((resolve, reject) => {
        limit = setTimeout(() => reject(new Error(`it did not answer within ${START_MS / 1000} s`)), START_MS);
        this.#giveUp.push(reject);
        worker = this.#open(() => resolve(worker!), reject);
        worker.postMessage({ module, memory: this.memory });
      });
    } catch (error) {
      this.problem ||= `a thread could not be started: ${reasonOf(error)}`;
      worker?.terminate();
      return undefined;
    } finally {
      clearTimeout(limit);
    }
  }
}
