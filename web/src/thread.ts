/** One thread of the engine: a worker with an instance of the engine's module on the engine's memory. */
import { nodeModule } from './node.js';
import { type FromThread, type ThreadExports, type ToThread, sleepOn } from './thread-protocol.js';

interface Port {
  postMessage(message: FromThread): void;
  onmessage: ((event: { data: ToThread }) => void) | null;
}

const port = nodeModule<{ parentPort: Port | null }>('worker_threads')?.parentPort ?? (globalThis as unknown as Port);
let wasm: ThreadExports;

port.onmessage = ({ data }) => {
  if ('module' in data) {
    const { module, memory } = data;
    const nothing = () => 0; // only the engine's own thread allocates, starts threads and asks for the time
    const env = {
      memory,
      ink_thread_sleep: sleepOn(memory),
      ink_thread_spawn: nothing,
      inkjs_now: nothing,
      emscripten_notify_memory_growth: nothing,
    };
    wasm = new WebAssembly.Instance(module, { env }).exports as unknown as ThreadExports;
    port.postMessage('ready');
    return;
  }
  wasm._emscripten_stack_restore(data.stackTop);
  try {
    wasm.ink_thread_enter(data.thread);
  } catch (error) {
    wasm.ink_thread_break(data.thread); // the engine waits for this thread, and nothing else would wake it
    throw error;
  }
};
