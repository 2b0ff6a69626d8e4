// Every engine that tools/bench knows. One that this checkout or machine lacks is left out with a word.
import { readFileSync } from 'node:fs';
import { commandEngine } from './command_engine.mjs';
import { ROOT } from './measure.mjs';
import { llamaCpp, packageInNode } from './node_engines.mjs';
import { pageEngine } from './page_engines.mjs';

const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
const WLLAMA = `wllama ${dependencies['@wllama/wllama']}, Chromium`;
const NATIVE = `${ROOT}build/native/inkling`;

const TRANSFORMERS = `transformers.js ${dependencies['@huggingface/transformers']}, Chromium, 8 bits`;

const native = (threads) => ({ file: NATIVE, launcher: () => [NATIVE], threads });
const wasmtime = (preset, ...flags) => {
  const file = `${ROOT}build/${preset}/inkling.wasm`;
  return { file, launcher: (folder) => ['wasmtime', 'run', '-C', 'cache=y', ...flags, '--dir', folder, file] };
};
const inkling = (threads, kernels) => ({ kind: 'inkling', options: { threads, kernels } });
const wllama = (threads) => ({ kind: 'wllama', options: { threads } });

export const ENGINES = [
  commandEngine({ name: 'native', label: 'Inkling, native', ...native(1) }),
  commandEngine({ name: 'native-2', label: 'Inkling, native, 2 threads', ...native(2) }),
  pageEngine({ name: 'chromium', label: 'Inkling, Chromium, simd128', ...inkling(1, 'simd128') }),
  pageEngine({ name: 'chromium-relaxed', label: 'Inkling, Chromium, relaxed', ...inkling(1, 'relaxed') }),
  pageEngine({ name: 'chromium-relaxed-dot', label: 'Inkling, Chromium, relaxed, dot product', ...inkling(1, 'relaxed-dot') }),
  pageEngine({ name: 'chromium-2', label: 'Inkling, Chromium, 2 threads', ...inkling(2, undefined) }),
  commandEngine({ name: 'wasmtime', label: 'Inkling, Wasmtime, simd128', ...wasmtime('wasi') }),
  commandEngine({ name: 'wasmtime-relaxed', label: 'Inkling, Wasmtime, relaxed', ...wasmtime('wasi-relaxed') }),
  packageInNode({ name: 'node', label: 'Inkling, Node', options: { threads: 1 } }),
  llamaCpp({ name: 'llama.cpp', label: 'llama.cpp, native', threads: 1 }),
  llamaCpp({ name: 'llama.cpp-2', label: 'llama.cpp, native, 2 threads', threads: 2 }),
  pageEngine({ name: 'wllama', label: WLLAMA, ...wllama(1) }),
  pageEngine({ name: 'wllama-2', label: `${WLLAMA}, 2 threads`, ...wllama(2) }),
  pageEngine({ name: 'transformers.js', label: TRANSFORMERS, kind: 'transformers', options: { threads: 1 } }),
];
