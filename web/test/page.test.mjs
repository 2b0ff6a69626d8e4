// The package in a real Chromium, with the real default model, under a strict
// Content-Security-Policy and without COOP or COEP.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { openBrowser, openPage } from './lib/browser.mjs';
import { DATA, NATIVE, ROOT, defaultModel, runNatively } from './lib/files.mjs';
import { peakMemory } from './lib/memory.mjs';
import { startServer } from './lib/server.mjs';

const MANIFEST = JSON.parse(readFileSync(`${ROOT}models/manifest.json`, 'utf8'));
const MODEL = `/models/${MANIFEST.models[MANIFEST.default].file}`;
const LIMIT = { timeout: 120_000 };
let server, browser;

before(async () => {
  server = await startServer({ [MODEL]: defaultModel(), '/stories.gguf': `${DATA}stories260K.gguf` });
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** Runs `use(page)` on an empty page of the server's, which can import /package/index.js. */
async function onBlankPage(use) {
  const { page } = await openPage(browser.context, `${server.url}/blank`);
  try {
    return await use(page);
  } finally {
    await page.close();
  }
}

test('greedy tokens are those of the native scalar kernels', LIMIT, async () => {
  const prompt = 'The history of the printing press begins in';
  const native = runNatively(defaultModel(), prompt, '-n', '48', '--kernels', 'scalar');
  const tables = { auto: /^wasm_relaxed(_dot)?$/, 'relaxed-dot': /^wasm_relaxed_dot$/, relaxed: /^wasm_relaxed$/, simd128: /^wasm_simd128$/ };
  for (const [kernels, table] of Object.entries(tables)) {
    const answer = await onBlankPage((page) => page.evaluate(async ([url, text, kernels]) => {
      const { loadModel } = await import('/package/index.js');
      const model = await loadModel(url, { contextLength: 256, kernels });
      const { tokens } = await model.complete(text, { temperature: 0, maxTokens: 48 }).result();
      return { tokens, table: model.info.kernels };
    }, [MODEL, prompt, kernels]));
    assert.deepEqual(answer.tokens, native.tokens, kernels);
    assert.match(answer.table, table);
  }
});

test('a page has tokenizer and chat template without the weights', LIMIT, async () => {
  const text = '안녕하세요 👩‍👩‍👧 <|im_start|>';
  const conversation = { messages: [{ role: 'user', content: text }], tools: [{ name: '날씨' }], add_generation_prompt: true };
  const command = (parameters, input) => execFileSync(NATIVE, parameters, { input, encoding: 'utf8' });
  const found = await onBlankPage((page) => page.evaluate(async ([url, text, conversation]) => {
    const { loadModel } = await import('/package/index.js');
    let read;
    const model = await loadModel(url, { vocabularyOnly: true, onProgress: ({ loaded }) => (read = loaded) });
    const ids = await model.tokenize(text);
    return {
      read,
      memory: model.info.memoryBytes,
      ids: ids.join(' '),
      back: await model.detokenize(ids),
      count: await model.countTokens(conversation),
      pieces: (await model.tokenPieces(ids)).flatMap(({ bytes }) => [...bytes]),
      prompts: [await model.applyChatTemplate(conversation), await model.applyChatTemplate(conversation, { chatTemplate: 'llama3' })],
    };
  }, [MODEL, text, conversation]));
  const prompts = [[], ['--chat-template', 'llama3']].map((more) => command(['template', '-m', defaultModel(), ...more], JSON.stringify(conversation)));
  assert.deepEqual(found.prompts, prompts);
  assert.equal(found.ids, command(['tokenize', '-m', defaultModel()], text).trim());
  assert.equal(found.count, command(['tokenize', '-m', defaultModel(), '--special'], prompts[0]).split(' ').length);
  assert.equal(found.back, text);
  assert.equal(Buffer.from(found.pieces).toString(), text);
  assert.ok(found.read < statSync(defaultModel()).size / 10, `${found.read} bytes were read`);
  assert.ok(found.memory < 16e6, `${found.memory} bytes of memory`);
});

test('loading keeps the weights in memory once', LIMIT, async () => {
  const size = statSync(defaultModel()).size;
  const [engine, renderer] = await onBlankPage(async (page) => {
    const memory = await peakMemory(browser.context);
    const engine = await page.evaluate(async (url) => {
      const { loadModel } = await import('/package/index.js');
      globalThis.model = await loadModel(url, { contextLength: 16 }); // kept, so that it is not collected
      return globalThis.model.info.memoryBytes;
    }, MODEL);
    return [engine, memory.stop()];
  });
  assert.ok(engine <= 1.1 * size, `the engine took ${(engine / size).toFixed(3)} of the file`);
  // Besides the engine: a worker thread with its own JavaScript heap, compiled code, and chunks on their way.
  assert.ok(renderer <= 1.1 * size + 15e6, `the renderer took ${(renderer / size).toFixed(3)} of the file`);
});

test('worker and module that fail to start reject', LIMIT, async (t) => {
  const attempt = (page) => page.evaluate(async () => {
    const { loadModel } = await import('/package/index.js');
    return loadModel('/stories.gguf').then(() => 'loaded', ({ name, code, message }) => ({ name, code, message }));
  });
  const cases = [
    ['no worker.js', '**/worker.js', (route) => route.fulfill({ status: 404 }), 'INK_ERR_CRASHED'],
    ['a worker.js that throws', '**/worker.js', (route) => route.fulfill({ contentType: 'text/javascript', body: 'throw new Error("no")' }), 'INK_ERR_CRASHED'],
    ['no inkling.wasm', '**/inkling*.wasm', (route) => route.fulfill({ status: 404 }), 'INK_ERR_IO'],
    // Which of these two is chosen is a matter of time; the other one does as well.
    ['no inkling-relaxed-dot.wasm', '**/inkling-relaxed-dot*.wasm', (route) => route.abort(), 'loaded'],
    ['no inkling-relaxed.wasm', /inkling-relaxed(-threads)?\.wasm/, (route) => route.abort(), 'loaded'],
    ['an inkling.wasm whose connection breaks', '**/inkling*.wasm', (route) => route.continue({ url: `${server.url}/breaking${MODEL}` }), 'INK_ERR_IO'],
    ['an inkling.wasm that is none', '**/inkling*.wasm', (route) => route.fulfill({ body: 'text' }), 'INK_ERR_CRASHED'],
    ['a wasm of another content type', '**/inkling*.wasm', async (route) => route.fulfill({ response: await route.fetch(), contentType: 'text/plain' }), 'loaded'],
  ];
  for (const [name, pattern, answer, code] of cases) {
    await t.test(name, () => onBlankPage(async (page) => {
      await browser.context.route(pattern, answer);
      const outcome = await attempt(page);
      await browser.context.unroute(pattern);
      assert.equal(outcome.code ?? outcome, code, outcome.message);
    }));
  }
});

test('a worker that says nothing for a minute is given up, one that only waits is not', LIMIT, () => onBlankPage(async (page) => {
  await page.clock.install();
  const ask = () => page.evaluate(async () => {
    const { checkModel } = await import('/package/index.js');
    globalThis.outcome = undefined;
    const asked = checkModel(new ReadableStream({ pull: () => new Promise(() => {}) }));
    asked.then(() => 'checked', ({ code, message }) => `${code} ${message}`).then((outcome) => (globalThis.outcome = outcome));
  });
  /** realMs: of the worker's own clock, for each 5 s of the page's. */
  const afterAMinute = async (realMs) => {
    for (let seconds = 0; seconds <= 75; seconds += 5) {
      await page.clock.runFor(5000);
      await setTimeout(realMs);
    }
    return page.evaluate(() => globalThis.outcome);
  };

  await page.route('**/worker.js', (route) => route.fulfill({ contentType: 'text/javascript', body: 'for (;;);' }));
  await ask();
  assert.match(await afterAMinute(0), /^INK_ERR_CRASHED .*no sign of life/);

  await page.unroute('**/worker.js');
  await ask();
  assert.equal(await afterAMinute(600), undefined);
}));

test('a worker that dies rejects what waits, and what comes', LIMIT, () => onBlankPage(async (page) => {
  const codes = await page.evaluate(async () => {
    let worker;
    const { Worker } = globalThis;
    globalThis.Worker = class extends Worker {
      constructor(...parameters) {
        super(...parameters);
        worker = this;
      }
    };
    const { loadModel } = await import('/package/index.js');
    const model = await loadModel('/stories.gguf');
    const run = model.complete('Once upon a time');
    worker.dispatchEvent(new ErrorEvent('error', { message: 'out of memory' }));
    const codeOf = (promise) => promise.then(() => 'done', ({ code }) => code);
    return [await codeOf(run.result()), await codeOf(model.tokenize('x'))];
  });
  assert.deepEqual(codes, ['INK_ERR_CRASHED', 'INK_ERR_CRASHED']);
}));

