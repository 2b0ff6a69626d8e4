// Builds dist/: the package (index.js, worker.js, inkling.wasm, types) and, as a folder that any static server can
// serve by itself, dist/demo. The WebAssembly module must have been built before, by the preset web-simd128.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { writeConstants } from './constants.mjs';

const WEB = fileURLToPath(new URL('..', import.meta.url));
const MODULE = fileURLToPath(new URL('../../build/web-simd128/inkling.wasm', import.meta.url));
const TSC = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));

const options = {
  absWorkingDir: WEB,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  sourcemap: true,
  external: ['*/worker.js'], // imported where there are no workers; never part of index.js
  logLevel: 'warning',
};

/** The default model as the page needs to know it; its file is served from models/ beside the page. */
function defaultModel() {
  const manifest = JSON.parse(readFileSync(new URL('../../models/manifest.json', import.meta.url), 'utf8'));
  const { file, about } = manifest.models[manifest.default];
  return { url: `models/${file}`, name: about.split(':')[0] };
}

if (!existsSync(MODULE)) {
  console.error('build/web-simd128/inkling.wasm is missing. Build it first, at the top of the repository:\n' +
    '  tools/setup && . .cache/env.sh && cmake --preset web-simd128 && cmake --build --preset web-simd128');
  process.exit(1);
}
writeConstants();
for (const project of ['.', 'demo']) execFileSync(process.execPath, [TSC, '--noEmit', '-p', project], { cwd: WEB, stdio: 'inherit' });

rmSync(`${WEB}/dist`, { recursive: true, force: true });
execFileSync(process.execPath, [TSC, '-p', '.'], { cwd: WEB, stdio: 'inherit' });
await build({ ...options, entryPoints: ['src/index.ts', 'src/worker.ts'], outdir: 'dist' });
copyFileSync(MODULE, `${WEB}/dist/inkling.wasm`);

mkdirSync(`${WEB}/dist/demo`);
await build({
  ...options,
  entryPoints: ['demo/main.ts'],
  outdir: 'dist/demo',
  define: { DEFAULT_MODEL: JSON.stringify(defaultModel()) },
});
for (const file of ['index.html', 'style.css', 'icon.svg']) cpSync(`${WEB}/demo/${file}`, `${WEB}/dist/demo/${file}`);
for (const file of ['worker.js', 'worker.js.map', 'inkling.wasm']) cpSync(`${WEB}/dist/${file}`, `${WEB}/dist/demo/${file}`);
