/** What the engine's side (threads.ts) and a thread's (thread.ts) both know. */

/** What a thread gets from the engine first. (If it isn't the engine that opened the thread's worker, that gets a port to
 *  the engine before.) */
export interface ThreadStart {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
}

/** Then. Pointers into the memory: enter the module, which does not return for as long as the engine lives. */
export interface ToThread {
  thread: number;
  stackTop: number;
}

/** To the engine, once the thread has an instance. */
export type FromThread = 'ready';

/** See src/base/thread.c. */
export interface ThreadExports {
  _emscripten_stack_restore(stackTop: number): void;
  ink_thread_enter(thread: number): void;
  ink_thread_break(thread: number): void;
}

/** Some hosts end a worker that sleeps only when it wakes (WebKit before 2026), so it does now and then. */
const NAP_MS = 5000;

/** Atomics.wait() as the module imports it; `word` is a pointer. */
export function sleepOn(memory: WebAssembly.Memory): (word: number, seen: number) => void {
  return (word, seen) => void Atomics.wait(new Int32Array(memory.buffer), word >>> 2, seen, NAP_MS);
}
