/**
 * The engine's threads, each in a worker. They are started while the model loads, wait in the module for work, and sleep
 * while there is none. See src/base/thread.c.
 */
import { reasonOf } from './errors.js';
import { nodeModule } from './node.js';
import type { OpenThread, ThreadWorker } from './open-thread.js';

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
  readonly #open: OpenThread;
  #opening: Promise<ThreadWorker | undefined>[] = [];
  readonly #giveUp: ((error: Error) => void)[] = [];
  #idle: ThreadWorker[] = [];
  readonly #working: ThreadWorker[] = [];
  /** Why a thread is missing; '' when none is. */
  problem = '';

  private constructor(memory: WebAssembly.Memory, pages: number, count: number, open: OpenThread) {
    this.memory = memory;
    this.memoryLimit = pages * PAGE_BYTES;
    this.#count = count;
    this.#open = open;
  }

  /** asked: how many threads in all, 0: as many as may be of use. A string says why there can't be any. */
  static plan(asked: number, open: OpenThread | undefined): Threads | string {
    if (asked === 1) return 'one thread was asked for';
    if (typeof SharedArrayBuffer === 'undefined' || (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === false) {
      return 'the page is not cross-origin isolated (its server must send Cross-Origin-Opener-Policy: same-origin and ' +
        'Cross-Origin-Embedder-Policy: require-corp)';
    }
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
        worker = this.#open({ module, memory: this.memory }, () => resolve(worker!), reject);
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
