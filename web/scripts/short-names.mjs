// Short names for what worker.js calls in the modules: a page transfers both, and nobody reads them there.

// Tests put a function of their own in this one's place, and inkjs_now is imported, not exported.
const KEPT = ['inkjs_generation_step', 'inkjs_now'];
// What else is used of the exports; the rest is the linker's own.
const OTHERS = ['memory', '_initialize', '_emscripten_stack_restore', 'ink_thread_enter', 'ink_thread_break'];
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const EXPORT_SECTION = 7; // WebAssembly Core Specification, 5.5

/** For esbuild's mangleCache: a short name for every function that exports.h declares, or false. */
export function shortNames(header) {
  const names = [...new Set(header.match(/\binkjs_\w+(?=\()/g))].sort();
  const short = (i) => (i < LETTERS.length ? '' : LETTERS[Math.floor(i / LETTERS.length) - 1]) + LETTERS[i % LETTERS.length];
  return Object.fromEntries([...names.map((name, i) => [name, short(i)]), ...KEPT.map((name) => [name, false])]);
}

/** The module with those names, and without the exports that nobody uses. */
export function renameExports(module, names) {
  const parts = [module.subarray(0, 8)];
  for (let at = 8; at < module.length; ) {
    const [size, start] = readLeb(module, at + 1);
    const section = module.subarray(at, start + size);
    parts.push(module[at] === EXPORT_SECTION ? exportSection(exportsOf(module, start), names) : section);
    at = start + size;
  }
  return Buffer.concat(parts);
}

/** @returns {{name: string, what: Uint8Array}[]} `what`: a kind and an index, as they stand there */
function exportsOf(module, start) {
  const list = [];
  let [count, at] = readLeb(module, start);
  while (count-- > 0) {
    const [length, from] = readLeb(module, at);
    const end = readLeb(module, from + length + 1)[1];
    list.push({ name: module.toString('latin1', from, from + length), what: module.subarray(from + length, end) });
    at = end;
  }
  return list;
}

function exportSection(list, names) {
  const used = list.filter(({ name }) => name in names || OTHERS.includes(name));
  const entries = used.map(({ name, what }) => {
    const short = Buffer.from(names[name] || name);
    return Buffer.concat([leb(short.length), short, what]);
  });
  const body = Buffer.concat([leb(entries.length), ...entries]);
  return Buffer.concat([Buffer.of(EXPORT_SECTION), leb(body.length), body]);
}

/** An unsigned LEB128 number, and where it ends. */
function readLeb(bytes, at) {
  let value = 0;
  for (let shift = 1; ; shift *= 128) {
    const byte = bytes[at++];
    value += (byte & 127) * shift;
    if (byte < 128) return [value, at];
  }
}

function leb(value) {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value & 127) | 128);
  return Buffer.of(...bytes, value);
}
