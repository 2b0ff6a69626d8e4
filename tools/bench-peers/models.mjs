// The models of the comparison, made once in .cache/bench-models: the default one in several block types, and random
// weights in the shapes of others, which cannot be told from the real ones by the time that they take.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT, defaultModel } from './measure.mjs';

const FOLDER = `${ROOT}.cache/bench-models/`;
const NATIVE = `${ROOT}build/native/inkling`;
const QUIET = ['ignore', 'ignore', 'inherit'];

const SMOLLM2 = { title: 'SmolLM2-135M', make: (path, type) => quantize(defaultModel(), path, type) };
const randomly = (title, shape) => ({
  title: `${title}, random weights`,
  make: (path, type) => quantizeRandom(shape, path, type),
});
const QWEN25 = randomly('Qwen2.5-0.5B', 'qwen2.5-0.5b');
const QWEN3 = randomly('Qwen3-0.6B', 'qwen3-0.6b');

export const MODELS = {
  'smollm2-q4_0': { ...SMOLLM2, type: 'Q4_0' },
  'smollm2-q4_1': { ...SMOLLM2, type: 'Q4_1', make: undefined }, // as it is
  'smollm2-q8_0': { ...SMOLLM2, type: 'Q8_0' },
  'smollm2-q4_k_m': { ...SMOLLM2, type: 'Q4_K_M' },
  'qwen2.5-0.5b-q4_0': { ...QWEN25, type: 'Q4_0' },
  'qwen2.5-0.5b-q8_0': { ...QWEN25, type: 'Q8_0' },
  'qwen3-0.6b-q4_k_m': { ...QWEN3, type: 'Q4_K_M' },
};

export const onnxFolder = ({ name }) => `${FOLDER}${name}-onnx/`;

/** The model as transformers.js takes it. */
export function makeOnnx(model) {
  const folder = onnxFolder(model);
  if (existsSync(folder)) return;
  const partial = `${folder.slice(0, -1)}.partial`;
  rmSync(partial, { force: true, recursive: true });
  runPython('onnx_model.py', model.path, partial);
  renameSync(partial, folder);
}

function runPython(script, ...args) {
  const path = fileURLToPath(new URL(script, import.meta.url));
  execFileSync(process.env.BENCH_PYTHON ?? 'python3', [path, ...args], { stdio: QUIET });
}

function quantize(from, path, type) {
  if (!existsSync(NATIVE)) throw new Error(`${NATIVE}, which quantises models, is missing; build it first`);
  execFileSync(NATIVE, ['quantize', '-t', '2', from, path, type], { stdio: QUIET });
}

/** The shape in F16 stays, for its other types. */
function quantizeRandom(shape, path, type) {
  const whole = `${FOLDER}${shape}-f16.gguf`;
  if (!existsSync(whole)) {
    const partial = `${whole}.partial`;
    runPython('random_model.py', shape, defaultModel(), partial);
    renameSync(partial, whole);
  }
  quantize(whole, path, type);
}

/** { name, title, path, bytes } of a model of the list, or of a file. */
export function modelOf(name) {
  const known = MODELS[name];
  if (!known) {
    const path = resolve(name);
    if (!existsSync(path)) {
      throw new TypeError(`there is no model and no file ${name}; models: ${Object.keys(MODELS).join(', ')}`);
    }
    return { name: basename(path, '.gguf'), title: basename(path), path, bytes: statSync(path).size };
  }
  const path = known.make ? `${FOLDER}${name}.gguf` : defaultModel();
  if (!existsSync(path)) {
    console.error(`bench: making ${path}`);
    mkdirSync(FOLDER, { recursive: true });
    const partial = `${path}.partial`;
    rmSync(partial, { force: true });
    known.make(partial, known.type);
    renameSync(partial, path);
  }
  return { name, title: `${known.title}, ${known.type}`, path, bytes: statSync(path).size };
}
