// Puts together what the browser can load as an unpacked extension:
//   node examples/extension/assemble.mjs MODEL.gguf FOLDER
import { cpSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [model, folder] = process.argv.slice(2);
if (!folder) {
  console.error('usage: node examples/extension/assemble.mjs MODEL.gguf FOLDER');
  process.exit(2);
}
const at = (path) => fileURLToPath(new URL(path, import.meta.url));
mkdirSync(join(folder, 'inkling'), { recursive: true });
for (const file of ['manifest.json', 'background.js', 'panel.html', 'panel.js'])
  cpSync(at(file), join(folder, file));
// Here the package is this repository's own; in a project of yours it is
// node_modules/inkling-wasm/dist.
for (const file of [
  'index.js',
  'worker.js',
  'thread.js',
  'cache-manager.js',
  'inkling.wasm',
  'inkling-threads.wasm',
  'inkling-relaxed.wasm',
  'inkling-relaxed-threads.wasm',
  'inkling-relaxed-dot.wasm',
  'inkling-relaxed-dot-threads.wasm',
]) {
  cpSync(at(`../../dist/${file}`), join(folder, 'inkling', basename(file)));
}
cpSync(model, join(folder, 'model.gguf'));
