// Engines in a page of Chromium: Inkling at its levels, and its peers there. All share one browser while speed is
// measured, each in a page of its own; for how it starts, each gets a browser and a profile of its own.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { openBrowser, openPage } from '../../web/test/lib/browser.mjs';
import { startServer } from '../../web/test/lib/server.mjs';
import { peakMemory } from './child.mjs';
import { ROOT } from './measure.mjs';
import { makeOnnx, onnxFolder } from './models.mjs';
import { testsByGenerating } from './prompts.mjs';

const PEERS = fileURLToPath(new URL('.', import.meta.url));
const FILES = {
  inkling: { path: `${ROOT}web/dist/`, missing: 'web/dist has not been built' },
  wllama: { path: `${PEERS}node_modules/@wllama/wllama/esm/`, missing: 'wllama is not installed' },
  transformers: {
    path: `${PEERS}node_modules/@huggingface/transformers/dist/`,
    missing: 'transformers.js is not installed',
    prepare: makeOnnx,
    address: (model) => `/onnx/${model.name}/onnx/model_quantized.onnx`,
  },
};
// Peers make workers from blob: URLs and compile text.
const POLICY = "script-src 'self' 'unsafe-eval' blob:; worker-src 'self' blob:";

const gguf = (model) => `/models/${model.name}.gguf`;

/** A server of the models and of every engine's files, and a Chromium that is kept off everything else. */
export async function openHost(models, isolated = false) {
  const sent = [];
  const files = {
    '/bench/in_page.js': `${PEERS}in_page.js`,
    '/wllama/': FILES.wllama.path,
    '/transformers/': FILES.transformers.path,
    '/onnxruntime/': `${PEERS}node_modules/onnxruntime-web/dist/`,
    ...Object.fromEntries(models.map((model) => [gguf(model), model.path])),
    ...Object.fromEntries(models.map((model) => [`/onnx/${model.name}/`, onnxFolder(model)])),
  };
  const server = await startServer(files, { policy: POLICY, isolated, onFile: (path) => sent.push(path) });
  const browser = await openBrowser();
  return {
    version: browser.context.browser().version(),
    sent,
    /** call(name, ...args): a function of in_page.js, in a new page. */
    async page() {
      const { page } = await openPage(browser.context, `${server.url}/blank`);
      const call = (name, ...args) =>
        page.evaluate(async ([name, args]) => (await import('/bench/in_page.js'))[name](...args), [name, args]);
      return { call, isolated: await page.evaluate(() => crossOriginIsolated), close: () => page.close() };
    },
    /** The most memory that one of the browser's pages has held, in bytes. */
    async peakBytes() {
      const session = await browser.context.browser().newBrowserCDPSession();
      const { processInfo } = await session.send('SystemInfo.getProcessInfo');
      const peaks = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => peakMemory(id) ?? 0);
      return Math.max(...peaks) || undefined;
    },
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** What a visitor downloads besides the model. */
function downloadSize(paths, model) {
  const others = /\.(svg|map)$|in_page\.js$/;
  const isModel = (path) => path === model.path || path.startsWith(onnxFolder(model));
  const own = [...new Set(paths)].filter((path) => !isModel(path) && !others.test(path));
  const contents = own.map((path) => readFileSync(path));
  const sum = (list) => list.reduce((total, { length }) => total + length, 0);
  return { bytes: sum(contents), gzipBytes: sum(contents.map((content) => gzipSync(content, { level: 9 }))) };
}

/**
 * options: { threads, kernels }, kernels of Inkling alone. More than one thread needs an isolated page. An engine that
 * falls back to something else than asked for isn't measured.
 */
export function pageEngine({ name, label, kind, options }) {
  const isolated = options.threads > 1;
  const { path, missing, prepare = () => {}, address = gguf } = FILES[kind];
  const settings = (model, cached) => ({ kind, name: model.name, url: address(model), options, cached });

  function check(about) {
    for (const [key, value] of Object.entries(options)) {
      if (value === undefined || about[key] === value) continue;
      throw new Error(`it has ${key} ${about[key]} instead of ${value}`);
    }
  }

  return {
    name,
    label,
    inPage: true,
    isolated,
    missing: () => (existsSync(path) ? undefined : missing),
    async open(model, host) {
      prepare(model);
      const page = await host.page();
      try {
        if (isolated && !page.isolated) throw new Error('threads need a cross-origin isolated page');
        const about = await page.call('open', settings(model, false));
        check(about);
        return { about, ...testsByGenerating((request) => page.call('generate', request)), close: page.close };
      } catch (error) {
        await page.close();
        throw error;
      }
    },
    /** The second visit; the first one fills every cache that the engine has. */
    async start(model, prompt) {
      prepare(model);
      const host = await openHost([model], isolated);
      try {
        const first = await host.page();
        const fetchMs = await first.call('fetchAndDrop', address(model));
        await first.call('start', settings(model, true), prompt);
        const download = downloadSize(host.sent, model);
        await first.close();
        const second = await host.page();
        const result = await second.call('start', settings(model, true), prompt);
        return { ...result, fetchMs, download, peakBytes: await host.peakBytes() };
      } finally {
        await host.close();
      }
    },
  };
}
