// Builds dist/: the package (index.js, worker.js, thread.js, cache-manager.js, adapters/, the WebAssembly modules, types)
// and, over it, the demo app in dist/demo (see demo/vite.config.mjs). The modules must have been built before, by the presets below.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { minify } from 'terser';
import { build as buildApp } from 'vite';
import { writeConstants } from './constants.mjs';
import { renameExports, shortNames } from './short-names.mjs';

const WEB = fileURLToPath(new URL('..', import.meta.url));
// Where they are built, each folder by the preset of its name; src/level.ts says when each is loaded.
const MODULES = {
  'inkling.wasm': 'web-simd128/inkling.wasm',
  'inkling-threads.wasm': 'web-simd128-threads/inkling.wasm',
  'inkling-relaxed.wasm': 'web-relaxed/inkling.wasm',
  'inkling-relaxed-threads.wasm': 'web-relaxed-threads/inkling.wasm',
  'inkling-relaxed-dot.wasm': 'web-relaxed/inkling-dot.wasm',
  'inkling-relaxed-dot-threads.wasm': 'web-relaxed-threads/inkling-dot.wasm',
};
const built = (path) => fileURLToPath(new URL(`../../build/${path}`, import.meta.url));
const TSC = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));

const NAMES = shortNames(readFileSync(`${WEB}/exports.h`, 'utf8'));

const options = {
  absWorkingDir: WEB,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  mangleProps: /^inkjs_/,
  mangleCache: NAMES,
  sourcemap: true,
  external: ['*/worker.js', '*/cache-manager.js'], // imported where they are needed; never part of index.js
  logLevel: 'warning',
};

/** Bundles entry points, and makes them a thirtieth smaller than esbuild alone, which shortens private names as terser does not. */
async function bundle(entryPoints, outdir, external = []) {
  const { metafile } = await build({ ...options, entryPoints, outdir, external: [...options.external, ...external], metafile: true });
  for (const path of Object.keys(metafile.outputs).filter((path) => path.endsWith('.js'))) {
    const file = `${WEB}/${path}`;
    const { code, map } = await minify(readFileSync(file, 'utf8'), {
      module: true,
      ecma: 2022,
      compress: { passes: 3, hoist_props: true, pure_getters: true, unsafe_arrows: true },
      sourceMap: { content: readFileSync(`${file}.map`, 'utf8'), url: `${basename(file)}.map` },
    });
    writeFileSync(file, code);
    writeFileSync(`${file}.map`, map);
  }
}

for (const path of Object.values(MODULES)) {
  if (existsSync(built(path))) continue;
  const preset = path.split('/')[0];
  console.error(`build/${path} is missing. Build it first, at the top of the repository:\n` +
    `  tools/setup && . .cache/env.sh && cmake --preset ${preset} && cmake --build --preset ${preset}`);
  process.exit(1);
}
writeConstants();
for (const project of ['.', 'demo']) execFileSync(process.execPath, [TSC, '--noEmit', '-p', project], { cwd: WEB, stdio: 'inherit' });

rmSync(`${WEB}/dist`, { recursive: true, force: true });
execFileSync(process.execPath, [TSC, '-p', '.'], { cwd: WEB, stdio: 'inherit' });
await bundle(['src/index.ts', 'src/worker.ts', 'src/thread.ts', 'src/cache-manager.ts'], 'dist');
// Adapters take the package itself as it is, so that an InklingError is the same class everywhere.
const adapters = ['ai-sdk', 'openai', 'prompt-api'].map((name) => `src/adapters/${name}.ts`);
await bundle(adapters, 'dist/adapters', ['../index.js']);
for (const [file, path] of Object.entries(MODULES)) {
  writeFileSync(`${WEB}/dist/${file}`, renameExports(readFileSync(built(path)), NAMES));
}

copyFileSync(`${WEB}/../LICENSE`, `${WEB}/LICENSE`); // npm packs no file from outside

await buildApp({ configFile: `${WEB}/demo/vite.config.mjs`, logLevel: 'warn' });
