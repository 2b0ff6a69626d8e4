// Where tests find what they need.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));
export const DATA = `${ROOT}tests/data/`;
export const NATIVE = process.env.INKLING_NATIVE ?? `${ROOT}build/native/inkling`;

/** A file of tests/data, in a buffer of its own. */
export function readData(name) {
  return new Uint8Array(readFileSync(DATA + name)).buffer;
}

export const dataUrl = (name) => pathToFileURL(DATA + name);

let model;
/** The default model's path: $INKLING_TEST_MODEL, or from tools/fetch. */
export function defaultModel() {
  model ??= process.env.INKLING_TEST_MODEL ?? execFileSync(`${ROOT}tools/fetch`, { encoding: 'utf8' }).trim().split('\n').pop();
  return model;
}

/** The command's answer to `run`, as its --json gives it. */
export function runNatively(modelPath, prompt, ...flags) {
  const options = { input: prompt, encoding: 'utf8' };
  return JSON.parse(execFileSync(NATIVE, ['run', '-m', modelPath, '--temp', '0', '--json', ...flags], options));
}
