// The package as users get it: what npm packs, installed in a fresh project, in every place where it is to work.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build as esbuild } from 'esbuild';
import { build as vite, createServer as createViteServer } from 'vite';
import webpack from 'webpack';
import { BROWSERS, openBrowser, openPage, waitFor } from './lib/browser.mjs';
import { DATA, DIST, dataUrl } from './lib/files.mjs';
import { removeFolder } from './lib/folders.mjs';
import { startServer } from './lib/server.mjs';

const WEB = fileURLToPath(new URL('..', import.meta.url));
const BIN = `${WEB}node_modules/.bin/`;
const LIMIT = { timeout: 120_000 };
const MODULES = ['inkling.wasm', 'inkling-threads.wasm', 'inkling-relaxed.wasm', 'inkling-relaxed-threads.wasm',
  'inkling-relaxed-dot.wasm', 'inkling-relaxed-dot-threads.wasm'];
const WORKERS = ['worker.js', 'thread.js'];
const EXPECTED = ', there was a little girl named Lily.';
/** Bytes that a page transfers before any weights: the library's files and one module, gzipped. */
const BUDGET = 150_000;
/** And those of each module. */
const MODULE_BUDGET = { raw: 360_000, gzipped: 130_000 };

const app = realpathSync(mkdtempSync(join(tmpdir(), 'inkling-app-')));
const installed = join(app, 'node_modules/inkling-wasm/');
const browsers = {};
let packed;

const run = (command, parameters, options = {}) => execFileSync(command, parameters, { cwd: app, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...options });

function write(files) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(app, name)), { recursive: true });
    writeFileSync(join(app, name), typeof text === 'string' ? text : JSON.stringify(text));
  }
}

before(async () => {
  [packed] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', app], { cwd: WEB }));
  write({ 'package.json': { name: 'app', private: true, type: 'module' } });
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${packed.filename}`]);
  for (const [name, open] of Object.entries(BROWSERS)) browsers[name] = await open();
});
after(async () => {
  for (const browser of Object.values(browsers)) await browser.close();
  await removeFolder(app);
});

// ---- What is in it ----

test('what is packed is what is needed', () => {
  const paths = packed.files.map(({ path }) => path);
  const allowed = /^(LICENSE|README\.md|package\.json|dist\/(adapters\/)?[\w-]+\.(js|js\.map|wasm)|dist\/[\w/-]+\.d\.ts(\.map)?|src\/[\w/-]+\.ts)$/;
  assert.deepEqual(paths.filter((path) => !allowed.test(path)), []);
  for (const path of ['LICENSE', 'README.md', 'dist/index.js', 'dist/types/index.d.ts', ...[...WORKERS, ...MODULES].map((file) => `dist/${file}`)]) {
    assert.ok(paths.includes(path), path);
  }
  assert.ok(!paths.some((path) => path.startsWith('dist/demo/')));
});

test('every export of package.json is there, and nothing is needed besides', () => {
  const { exports, dependencies = {}, peerDependenciesMeta = {}, peerDependencies = {} } = JSON.parse(readFileSync(`${installed}package.json`, 'utf8'));
  const targets = Object.values(exports).flatMap((target) => (typeof target === 'string' ? target : Object.values(target)));
  for (const target of targets) assert.ok(existsSync(join(installed, target)), target);
  assert.deepEqual(dependencies, {});
  for (const name of Object.keys(peerDependencies)) assert.ok(peerDependenciesMeta[name]?.optional, name);
});

test('adapters need nothing that they stand in for', () => {
  const program = `
    import { createInkling } from 'inkling-wasm/ai-sdk';
    import { createOpenAI } from 'inkling-wasm/openai';
    import { createLanguageModel } from 'inkling-wasm/prompt-api';
    console.log(typeof createInkling, typeof createOpenAI, typeof createLanguageModel);`;
  assert.equal(run(process.execPath, ['--input-type=module', '-e', program]).trim(), 'function function function');
  for (const name of ['ai', 'openai', '@ai-sdk', '@types']) assert.ok(!existsSync(join(app, 'node_modules', name)), name);
});

test('source maps lead to sources that are there', () => {
  const maps = readdirSync(`${installed}dist`, { recursive: true }).filter((name) => name.endsWith('.map'));
  assert.ok(maps.length > 20);
  for (const name of maps) {
    const { sources, mappings } = JSON.parse(readFileSync(`${installed}dist/${name}`, 'utf8'));
    assert.ok(sources.length > 0 && (mappings || !name.endsWith('.js.map')), name);
    for (const source of sources) assert.ok(existsSync(join(installed, 'dist', dirname(name), source)), `${name}: ${source}`);
  }
  for (const file of ['index.js', ...WORKERS]) assert.match(readFileSync(`${installed}dist/${file}`, 'utf8'), /\/\/# sourceMappingURL=\w+\.js\.map\s*$/);
});

test('library and module are small', (t) => {
  // By the program itself, since Node's zlib, made for speed, leaves 0.5 % more.
  const size = (file) => execFileSync('gzip', ['-9nc', DIST + file]).length;
  const library = Object.fromEntries(['index.js', ...WORKERS].map((file) => [file, size(file)]));
  const modules = Object.fromEntries(MODULES.map((file) => [file, size(file)]));
  const total = Object.values(library).reduce((sum, bytes) => sum + bytes) + Math.max(...Object.values(modules));
  t.diagnostic(`${total} bytes: ${JSON.stringify(library)}, the largest of ${JSON.stringify(modules)}`);
  assert.ok(total <= BUDGET, `${total} bytes, gzipped`);
  for (const file of MODULES) {
    const raw = readFileSync(DIST + file).length;
    assert.ok(raw <= MODULE_BUDGET.raw && modules[file] <= MODULE_BUDGET.gzipped, `${file}: ${raw} bytes, ${modules[file]} gzipped`);
  }
});

test('there is no eval and no blob URL', () => {
  for (const file of ['index.js', ...WORKERS]) {
    assert.doesNotMatch(readFileSync(DIST + file, 'utf8'), /\beval\(|new Function\(|createObjectURL|["'`]blob:/);
  }
});

test('types are found, and are strict', LIMIT, () => {
  write({
    'types.ts': `
      import { InklingError, type Message, type Model, type Session, loadModel } from 'inkling-wasm';
      export async function ask(url: URL, messages: readonly Message[], signal: AbortSignal): Promise<string> {
        using model: Model = await loadModel(url, { signal, onProgress: ({ loaded }) => console.log(loaded.toFixed()) });
        using session: Session = await model.createSession({ messages, priority: 'background' });
        for await (const piece of session.chat('Hello', { signal, maxTokens: 3 })) console.log(piece.length);
        const { text, usage } = await model.complete('x').result();
        // @ts-expect-error: no such option
        model.complete('x', { maxToken: 3 });
        // @ts-expect-error: no such priority
        model.complete('x', { priority: 'high' });
        return text + usage.promptTokens.toFixed() + (await session.countTokens()).toFixed() + new InklingError('INK_ERR_IO', 'x').code;
      }`,
  });
  for (const [module, moduleResolution, lib] of [['esnext', 'bundler', 'es2022'], ['nodenext', 'nodenext', 'esnext']]) {
    const compilerOptions = {
      module, moduleResolution, lib: [lib, 'dom', 'dom.iterable', 'dom.asynciterable'], target: 'es2022', types: [], noEmit: true,
      strict: true, exactOptionalPropertyTypes: true,
    };
    write({ 'tsconfig.json': { compilerOptions, files: ['types.ts'] } });
    const { status, stdout } = spawnSync(`${BIN}tsc`, { cwd: app, encoding: 'utf8' });
    assert.equal(status, 0, `${moduleResolution}, ${lib}:\n${stdout}`);
  }
});

test('its code is as ESLint wants it', LIMIT, () => run(`${BIN}eslint`, ['.'], { cwd: WEB }));

// ---- Runtimes ----

const SCRIPT = `
  import { loadModel } from 'inkling-wasm';
  const threads = Number(globalThis.Deno?.args[0] ?? process.argv[2]);
  const model = await loadModel(${JSON.stringify(dataUrl('stories260K.gguf').href)}, { threads, chatTemplate: 'chatml' });
  const { text } = await model.complete('Once upon a time', { temperature: 0, maxTokens: 14 }).result();
  const session = await model.createSession({ systemPrompt: 'S' });
  let streamed = '';
  for await (const piece of session.chat('x', { temperature: 0, maxTokens: 5 })) streamed += piece;
  const controller = new AbortController();
  const run = model.complete('Once', { signal: controller.signal });
  setTimeout(() => controller.abort(), 20);
  const end = await run.result().catch(({ name }) => name);
  console.log(JSON.stringify({ text, threads: model.info.threads, same: streamed === session.messages.at(-1).content, end }));
  model.dispose();`;

const RUNTIMES = {
  'Node.js': [process.execPath, []],
  Deno: [`${BIN}deno`, ['run', '--allow-read', '--no-lock', '--no-remote']],
  Bun: [`${BIN}bun`, ['run']],
};

for (const [name, [command, parameters]] of Object.entries(RUNTIMES)) {
  test(`${name} runs it, with one thread and with two`, LIMIT, () => {
    write({ 'script.mjs': SCRIPT });
    const env = { ...process.env, NODE_OPTIONS: '', DENO_DIR: join(app, 'deno'), DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' };
    for (const threads of [1, 2]) {
      const output = run(command, [...parameters, 'script.mjs', String(threads)], { env, timeout: 60_000 });
      const { text, ...rest } = JSON.parse(output);
      assert.ok(EXPECTED.startsWith(text.slice(0, 30)) && text.length > 20, text);
      assert.deepEqual(rest, { threads, same: true, end: 'AbortError' });
    }
  });
}

test('a server can import it without touching what it lacks', () => {
  write({
    'server.mjs': `
      for (const name of ['window', 'document', 'self', 'location', 'Worker', 'indexedDB', 'localStorage']) {
        Object.defineProperty(globalThis, name, { get() { throw new Error(name + ' was touched'); } });
      }
      const { loadModel } = await import('inkling-wasm');
      console.log(typeof loadModel);`,
  });
  assert.equal(run(process.execPath, ['server.mjs']), 'function\n');
});

// ---- Bundlers and pages ----

const MAIN = `
  import { loadModel } from 'inkling-wasm';
  globalThis.answer = async (url, options) => {
    const model = await loadModel(url, options);
    const { text } = await model.complete('Once upon a time', { temperature: 0, maxTokens: 14 }).result();
    model.dispose();
    return { text, threads: model.info.threads, isolated: crossOriginIsolated };
  };`;
const PAGE = '<!doctype html><title>app</title><link rel="icon" href="data:,"><script type="module" src="main.js"></script>';

const copyBeside = (folder) => {
  for (const file of [...WORKERS, ...MODULES]) copyFileSync(`${installed}dist/${file}`, join(folder, file));
};

/** Each fills a folder that is to be served. */
const BUNDLERS = {
  Vite: async (folder) => {
    write({ 'index.html': PAGE });
    await vite({ root: app, configFile: false, logLevel: 'error', build: { outDir: folder, target: 'es2022' }, worker: { format: 'es' } });
  },
  webpack: async (folder) => {
    const options = { mode: 'production', context: app, entry: './main.js', output: { path: folder, filename: 'main.js' }, optimization: { minimize: false } };
    const stats = await new Promise((resolve, reject) => webpack(options, (error, stats) => (error ? reject(error) : resolve(stats))));
    assert.deepEqual([...stats.toJson().errors, ...stats.toJson().warnings.filter(({ message }) => !/size limit|performance/.test(message))], []);
    writeFileSync(join(folder, 'index.html'), PAGE);
  },
  esbuild: async (folder) => {
    await esbuild({ absWorkingDir: app, entryPoints: ['main.js'], bundle: true, format: 'esm', outdir: folder, logLevel: 'error' });
    copyBeside(folder);
    writeFileSync(join(folder, 'index.html'), PAGE);
  },
  'no bundler': async (folder) => {
    cpSync(`${installed}dist`, join(folder, 'inkling-wasm'), { recursive: true });
    writeFileSync(join(folder, 'main.js'), MAIN.replace("'inkling-wasm'", "'./inkling-wasm/index.js'"));
    writeFileSync(join(folder, 'index.html'), PAGE);
  },
};

async function checkPage(browser, url, options, { threads, isolated }) {
  const page = await browser.visit(url);
  const answer = await page.evaluate(async ([url, options]) => {
    for (let i = 0; i < 100 && !globalThis.answer; i++) await new Promise((resolve) => setTimeout(resolve, 50));
    return globalThis.answer(url, options).catch(String);
  }, ['/stories.gguf', options]);
  assert.ok(answer.text && EXPECTED.startsWith(answer.text.slice(0, 30)), JSON.stringify([answer, page.complaints]));
  assert.deepEqual([answer.threads, answer.isolated], [threads, isolated]);
  assert.deepEqual(page.complaints, []);
  await page.close();
}

const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; img-src data:";

for (const [name, bundle] of Object.entries(BUNDLERS)) {
  test(`${name}: works in a strict page, isolated and not`, LIMIT, async () => {
    write({ 'main.js': MAIN });
    const folder = join(app, 'public', name);
    mkdirSync(folder, { recursive: true });
    await bundle(folder);
    for (const isolated of [true, false]) {
      const files = { '/': `${folder}/`, '/stories.gguf': `${DATA}stories260K.gguf` };
      const server = await startServer(files, { policy: POLICY, isolated });
      try {
        for (const browser of Object.values(browsers)) {
          await checkPage(browser, `${server.url}/`, { threads: 2 }, { threads: isolated ? 2 : 1, isolated });
        }
      } finally {
        await server.close();
      }
    }
  });
}

test('Vite: works while developing', LIMIT, async () => {
  write({ 'main.js': MAIN, 'index.html': PAGE });
  mkdirSync(join(app, 'public'), { recursive: true });
  copyFileSync(`${DATA}stories260K.gguf`, join(app, 'public/stories.gguf'));
  const server = await createViteServer({
    root: app, configFile: false, logLevel: 'error', cacheDir: join(app, 'vite'),
    server: { port: 0, host: '127.0.0.1' }, optimizeDeps: { exclude: ['inkling-wasm'] },
  });
  try {
    await server.listen();
    const { port } = server.httpServer.address();
    await checkPage(browsers.chromium, `http://127.0.0.1:${port}/`, {}, { threads: 1, isolated: false });
  } finally {
    await server.close();
  }
});

test('Chromium: works in an extension’s page (Manifest V3)', LIMIT, async () => {
  const folder = join(app, 'extension');
  write({
    'extension/manifest.json': {
      manifest_version: 3,
      name: 'Inkling',
      version: '1.0',
      content_security_policy: { extension_pages: "script-src 'self' 'wasm-unsafe-eval'; object-src 'self'" },
    },
    'extension/index.html': PAGE,
  });
  await BUNDLERS['no bundler'](folder);
  copyFileSync(`${DATA}stories260K.gguf`, join(folder, 'stories.gguf'));
  // An unpacked extension's name comes from its path.
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, 32);
  const id = hash.replace(/./g, (digit) => String.fromCharCode(97 + parseInt(digit, 16)));
  const browser = await openBrowser({
    args: [`--load-extension=${folder}`, `--disable-extensions-except=${folder}`],
    ignoreDefaultArgs: ['--disable-extensions'],
  });
  try {
    const { page, complaints } = await openPage(browser.context, `chrome-extension://${id}/index.html`);
    await waitFor(page, () => globalThis.answer);
    const { text } = await page.evaluate(() => globalThis.answer('/stories.gguf'));
    assert.ok(EXPECTED.startsWith(text.slice(0, 30)) && text.length > 20, text);
    assert.deepEqual(complaints, []);
  } finally {
    await browser.close();
  }
});
