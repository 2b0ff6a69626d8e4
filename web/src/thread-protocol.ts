/** What the engine's side (threads.ts) and a thread's (thread.ts) both know. */

export type ToThread =
  | { module: WebAssembly.Module; memory: WebAssembly.Memory }
  /** Pointers into the memory: enter the module, which does not return for as long as the engine lives. */
  | { thread: number; stackTop: number };

/** After the first message. */
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
