/** One thread of the engine: a worker with an instance of the engine's module on the engine's memory. */
import { nodeModule } from './node.js';
import { type FromThread, type ThreadExports, type ThreadStart, type ToThread, sleepOn } from './thread-protocol.js';

interface Port<In> {
  postMessage(message: FromThread): void;
  onmessage: ((event: { data: In }) => void) | null;
}

const parent = nodeModule<{ parentPort: Port<ThreadStart> | null }>('worker_threads')?.parentPort ?? (globalThis as unknown as Port<ThreadStart>);

parent.onmessage = ({ data: { module, memory, port } }) => {
  const nothing = () => 0; // only the engine's own thread allocates, starts threads and asks for the time
  const env = {
    memory,
    ink_thread_sleep: sleepOn(memory),
    ink_thread_spawn: nothing,
    inkjs_now: nothing,
    emscripten_notify_memory_growth: nothing,
  };
  const wasm = new WebAssembly.Instance(module, { env }).exports as unknown as ThreadExports;
  const engine = (port ?? parent) as Port<ToThread>;
  engine.onmessage = ({ data: { thread, stackTop } }) => {
    wasm._emscripten_stack_restore(stackTop);
    try {
      wasm.ink_thread_enter(thread);
    } catch (error) {
      wasm.ink_thread_break(thread); // the engine waits for this thread, and nothing else would wake it
      throw error;
    }
  };
  engine.postMessage('ready');
};
