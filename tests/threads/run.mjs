// Runs a C test that was built with threads: `node run.mjs TEST.wasm`. Each thread is a worker of Node's with an
// instance of the module on the one memory, as in a page. The program can write text, and has no files.
import { readFileSync, writeSync } from 'node:fs';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

const WORKERS = 8; // at most so many threads besides the first, over all pools that exist at a time

/** The imports that the module asks for; those not in `own` do nothing. */
function importsOf(module, own) {
  const imports = {};
  for (const { module: space, name, kind } of WebAssembly.Module.imports(module)) {
    (imports[space] ??= {})[name] = own[name] ?? (kind === 'function' ? () => 0 : undefined);
  }
  return imports;
}

function fileWriter(memory) {
  return (fd, vectors, count, written) => {
    const view = new DataView(memory.buffer);
    let total = 0;
    for (let i = 0; i < count; i++) {
      const [start, length] = [0, 4].map((offset) => view.getUint32(vectors + 8 * i + offset, true));
      writeSync(fd, new Uint8Array(memory.buffer).slice(start, start + length));
      total += length;
    }
    view.setUint32(written, total, true);
    return 0;
  };
}

/** Atomics.wait(), as src/base/thread.c asks for it. */
function sleeper(memory) {
  return (word, seen) => Atomics.wait(new Int32Array(memory.buffer), word >>> 2, seen | 0);
}

async function runTest(path) {
  const module = new WebAssembly.Module(readFileSync(path));
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 65536, shared: true });
  const workers = Array.from({ length: WORKERS }, () => new Worker(new URL(import.meta.url), { workerData: { module, memory } }));
  let next = 0;
  const instance = new WebAssembly.Instance(module, importsOf(module, {
    memory,
    fd_write: fileWriter(memory),
    proc_exit: (status) => process.exit(status),
    ink_thread_sleep: sleeper(memory),
    // Pools are made one after another, so that the one whose turn it is has nothing to do.
    ink_thread_spawn: (thread, stackTop) => {
      workers[next++ % WORKERS].postMessage({ thread, stackTop });
      return 1;
    },
  }));
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
  try {
    instance.exports._start();
  } catch (error) {
    console.log(`The program trapped: ${error.message}`);
    process.exit(1);
  }
  process.exit(0);
}

function serveThread({ module, memory }) {
  const { exports } = new WebAssembly.Instance(module, importsOf(module, { memory, ink_thread_sleep: sleeper(memory) }));
  parentPort.on('message', ({ thread, stackTop }) => {
    exports._emscripten_stack_restore(stackTop);
    try {
      exports.ink_thread_enter(thread);
    } catch (error) {
      console.error(error);
      exports.ink_thread_break(thread);
    }
  });
  parentPort.postMessage('ready');
}

if (isMainThread) await runTest(process.argv[2]);
else serveThread(workerData);
