// Builds the demo app into dist/demo: static files with relative addresses, for any host and any
// folder of it. The package must have been built before: the app is bundled as any user of the
// package would bundle it.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const PUBLIC = at('public');
/** Where the build's time went is of no interest. */
const QUIET = { pluginTimings: false };

// What the page itself may do, wherever it is served. Models may come from anywhere, and nothing
// else may.
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  'connect-src *',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/**
 * What of models/manifest.json a visitor can be offered: the models with a `page` entry, the default
 * one first, then those that come with the repository. INKLING_DEMO_MODELS names others than all of
 * them.
 */
function offeredModels() {
  const manifest = JSON.parse(readFileSync(at('../../models/manifest.json'), 'utf8'));
  const names = process.env.INKLING_DEMO_MODELS?.split(',') ?? Object.keys(manifest.models);
  const rank = ([name, { sources }]) =>
    name === manifest.default ? 0 : sources.some(({ type }) => type === 'bundled') ? 1 : 2;
  return Object.entries(manifest.models)
    .filter(([name, { page }]) => page && names.includes(name))
    .sort((a, b) => rank(a) - rank(b))
    .map(([id, { file, size, sha256, license, page }]) => {
      return { id, url: `models/${file}`, size, sha256, license, ...page };
    });
}

/**
 * Tells the service worker which files make up the app: PRECACHE at once, MODULES when the page
 * asks for one.
 */
function fillServiceWorker() {
  return {
    name: 'fill-service-worker',
    enforce: 'post',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const digest = createHash('sha256');
        const precache = [];
        const modules = [];
        for (const file of Object.values(bundle)) {
          const { fileName } = file;
          if (fileName === 'sw.js' || fileName.endsWith('.map')) continue;
          digest.update(fileName).update(file.type === 'chunk' ? file.code : file.source);
          if (fileName.endsWith('.wasm')) modules.push(fileName);
          // The one dynamic import is the engine in the page's own thread, for hosts without
          // workers.
          else if (!(file.type === 'chunk' && file.isDynamicEntry)) precache.push(fileName);
        }
        for (const name of readdirSync(PUBLIC)) {
          digest.update(name).update(readFileSync(`${PUBLIC}/${name}`));
          precache.push(name);
        }
        const worker = bundle['sw.js'];
        const values = {
          VERSION: digest.digest('hex').slice(0, 12),
          PRECACHE: precache.sort(),
          MODULES: modules.sort(),
        };
        for (const [name, value] of Object.entries(values)) {
          worker.code = worker.code.replaceAll(`__${name}__`, JSON.stringify(value));
        }
      },
    },
  };
}

const addPolicy = {
  name: 'add-policy',
  apply: 'build', // the development server's own scripts would break it
  transformIndexHtml: () => [
    {
      tag: 'meta',
      attrs: { 'http-equiv': 'Content-Security-Policy', content: POLICY },
      injectTo: 'head-prepend',
    },
  ],
};

export default defineConfig({
  root: at('.'),
  base: './',
  publicDir: PUBLIC,
  plugins: [addPolicy, fillServiceWorker()],
  define: { OFFERED_MODELS: JSON.stringify(offeredModels()) },
  resolve: { alias: { 'inkling-wasm': at('../dist/index.js') } },
  worker: { format: 'es', rollupOptions: { checks: QUIET } },
  build: {
    outDir: at('../dist/demo'),
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: true,
    assetsInlineLimit: 0, // data: addresses are against the policy
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: {
      checks: QUIET,
      input: { main: at('index.html'), sw: at('sw.ts') },
      output: {
        // Its address must stay, for browsers look there for a new version.
        entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
});
