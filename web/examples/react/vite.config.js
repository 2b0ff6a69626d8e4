// npx vite examples/react, from web/; VITE_MODEL says where the model is, e.g.
// http://127.0.0.1:8080/model.gguf
import { fileURLToPath } from 'node:url';

export default {
  oxc: { jsx: { runtime: 'automatic' } },
  worker: { format: 'es' },
  // The development server would otherwise bundle the package beforehand, and lose its worker.
  optimizeDeps: { exclude: ['inkling-wasm'] },
  // Here the package is this repository's own; in a project of yours npm has put it into place.
  resolve: {
    alias: { 'inkling-wasm': fileURLToPath(new URL('../../dist/index.js', import.meta.url)) },
  },
};
