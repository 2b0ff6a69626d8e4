/** One thread of the engine: a worker with an instance of the engine's module on the engine's memory. */
import { nodeModule } from './node.js';
import { type FromThread, type ThreadExports, type ThreadStart, type ToThread, sleepOn } from './thread-protocol.js';

interface Port {
  postMessage(message: FromThread): void;
  onmessage: ((event: { data: unknown }) => void) | null;
}

const parentPort = nodeModule<{ parentPort: Port | null }>('worker_threads')?.parentPort;
if (parentPort) serve(parentPort);
else globalThis.onmessage = ({ data }: MessageEvent<MessagePort>) => serve(data as unknown as Port);

/** The engine's first message is a ThreadStart, its second a ToThread. */
function serve(engine: Port): void {
  engine.onmessage = ({ data }) => {
    const wasm = instantiate(data as ThreadStart);
    engine.onmessage = ({ data }) => enter(wasm, data as ToThread);
    engine.postMessage('ready');
  };
}

function instantiate({ module, memory }: ThreadStart): ThreadExports {
  const nothing = () => 0; // only the engine's own thread allocates, starts threads and asks for the time
  const env = {
    memory,
    ink_thread_sleep: sleepOn(memory),
    ink_thread_spawn: nothing,
    inkjs_now: nothing,
    emscripten_notify_memory_growth: nothing,
  };
  return new WebAssembly.Instance(module, { env }).exports as unknown as ThreadExports;
}

function enter(wasm: ThreadExports, { thread, stackTop }: ToThread): void {
  wasm._emscripten_stack_restore(stackTop);
  try {
    wasm.ink_thread_enter(thread);
  } catch (error) {
    wasm.ink_thread_break(thread); // the engine waits for this thread, and nothing else would wake it
    throw error;
  }
}
