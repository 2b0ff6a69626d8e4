// Runs a WASI program that takes arguments, writes to stdout and stderr and reads the clock, in a page as in Node.
const [SUCCESS, BAD_DESCRIPTOR] = [0, 8]; // errno of wasi_snapshot_preview1

/** What the program wrote to stdout. Rejects when it ends with another status than 0. */
export async function runProgram(module, args) {
  const output = { 1: '', 2: '' };
  let memory;
  const view = () => new DataView(memory.buffer);
  const encoder = new TextEncoder();
  const argv = ['program', ...args].map((arg) => encoder.encode(`${arg}\0`));

  const functions = {
    args_sizes_get(count, size) {
      view().setUint32(count, argv.length, true);
      view().setUint32(size, argv.reduce((sum, { length }) => sum + length, 0), true);
    },
    args_get(pointers, at) {
      for (const [i, arg] of argv.entries()) {
        view().setUint32(pointers + 4 * i, at, true);
        new Uint8Array(memory.buffer).set(arg, at);
        at += arg.length;
      }
    },
    clock_time_get(_id, _precision, at) {
      view().setBigUint64(at, BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6)), true);
    },
    fd_write(descriptor, vectors, count, written) {
      let total = 0;
      for (let i = 0; i < count; i++) {
        const [at, length] = [0, 4].map((offset) => view().getUint32(vectors + 8 * i + offset, true));
        output[descriptor] += new TextDecoder().decode(new Uint8Array(memory.buffer, at, length));
        total += length;
      }
      view().setUint32(written, total, true);
    },
    fd_prestat_get: () => BAD_DESCRIPTOR, // no folders
    proc_exit(status) {
      throw Object.assign(new Error(`status ${status}: ${output[2].trim()}`), { status });
    },
  };
  const wasi = Object.fromEntries(
    WebAssembly.Module.imports(module).map(({ name }) => [name, (...args) => functions[name]?.(...args) ?? SUCCESS]),
  );
  const { exports } = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: wasi });
  memory = exports.memory;
  try {
    exports._start();
  } catch (error) {
    if (error.status !== 0) throw error;
  }
  return output[1];
}
