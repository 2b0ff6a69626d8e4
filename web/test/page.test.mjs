// The demo page and the package in a real Chromium, with the real default model, under a strict
// Content-Security-Policy and without COOP or COEP.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { openBrowser, openPage } from './lib/browser.mjs';
import { DATA, NATIVE, ROOT, defaultModel, runNatively } from './lib/files.mjs';
import { peakMemory } from './lib/memory.mjs';
import { startServer } from './lib/server.mjs';

const MANIFEST = JSON.parse(readFileSync(`${ROOT}models/manifest.json`, 'utf8'));
const MODEL = `/models/${MANIFEST.models[MANIFEST.default].file}`;
const LIMIT = { timeout: 120_000 };
let server, browser;

before(async () => {
  const stories = `${DATA}stories260K.gguf`;
  server = await startServer({
    [MODEL]: defaultModel(),
    '/broken.gguf': `${DATA}hostile/truncated-data.gguf`,
    '/stories.gguf': stories,
    '/page.gguf': `${ROOT}web/demo/index.html`,
  });
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

const idle = (page) => page.waitForSelector('#send:not([hidden])', LIMIT);
const answerOf = (page, n = 1) => page.locator('.assistant .text').nth(n - 1).textContent();
const modelShown = (page) => page.waitForFunction(() => document.querySelector('#model-name').textContent !== '', null, LIMIT);

const openDemo = (query = '') => openPage(browser.context, `${server.url}/${query}`);

/** Runs `use(page)` on an empty page of the server's, which can import /package/index.js. */
async function onBlankPage(use) {
  const { page } = await openPage(browser.context, `${server.url}/blank`);
  try {
    return await use(page);
  } finally {
    await page.close();
  }
}

// ---- The page ----

test('the page answers, goes on, and starts anew', LIMIT, async () => {
  const { page, complaints } = await openDemo();
  await modelShown(page);
  assert.equal(await page.evaluate(() => crossOriginIsolated), false);
  await page.fill('#message', 'Say hello.');
  await page.press('#message', 'Enter');
  await idle(page);
  const answer = await answerOf(page);
  assert.ok(answer.length > 3, answer);
  assert.match(await page.locator('.stats').first().textContent(), /first word after \d.*prefill \d+ tokens\/s.*decode \d+ tokens\/s/);
  await page.fill('#message', '안녕하세요! <b>&amp;');
  await page.click('#send');
  await idle(page);
  assert.equal(await page.locator('.user .text').nth(1).textContent(), '안녕하세요! <b>&amp;');
  assert.equal(await page.locator('.conversation b').count(), 0);
  await page.click('#new-chat');
  assert.equal(await page.locator('.message').count(), 0);
  assert.ok(await page.isVisible('#welcome'));
  assert.deepEqual(complaints, []);
  await page.close();
});

test('Stop acts within 50 ms, while reading and while writing', LIMIT, async () => {
  const { page } = await openDemo();
  await modelShown(page);
  const delays = { reading: [], writing: [] };
  for (let i = 0; i < 3; i++) {
    for (const when of ['reading', 'writing']) {
      const message = when === 'reading' ? `${i} ${'The quick brown fox jumps over the lazy dog. '.repeat(60)}` : 'Tell me a long story.';
      await page.fill('#message', message);
      await page.press('#message', 'Enter');
      if (when === 'writing') await page.waitForFunction(() => [...document.querySelectorAll('.assistant .text')].at(-1).textContent.length > 20);
      else await page.waitForTimeout(300);
      delays[when].push(await page.evaluate(async () => {
        let last = performance.now();
        const observer = new MutationObserver(() => (last = performance.now()));
        observer.observe(document.querySelector('#conversation'), { subtree: true, childList: true, characterData: true });
        const clicked = performance.now();
        document.querySelector('#stop').click();
        await new Promise((resolve) => setTimeout(resolve, 400));
        observer.disconnect();
        return last - clicked;
      }));
      assert.ok(await page.isVisible('#send'));
      assert.match(await page.locator('.stats').last().textContent(), /^stopped/);
      await page.click('#new-chat');
    }
  }
  // The best of three: a busy machine delays everything now and then.
  for (const [when, ms] of Object.entries(delays)) assert.ok(Math.min(...ms) < 50, `${when}: ${ms}`);
  await page.close();
});

test('Enter that ends an IME composition sends nothing', LIMIT, async () => {
  const { page } = await openDemo('?model=/stories.gguf');
  await modelShown(page);
  await page.fill('#message', '안녕');
  await page.evaluate(() => {
    const options = { key: 'Enter', isComposing: true, bubbles: true, cancelable: true };
    document.querySelector('#message').dispatchEvent(new KeyboardEvent('keydown', options));
  });
  assert.equal(await page.inputValue('#message'), '안녕');
  await page.press('#message', 'Shift+Enter');
  assert.equal(await page.inputValue('#message'), '안녕\n');
  assert.equal(await page.locator('.message').count(), 0);
  await page.close();
});

test('errors are readable, and a model of one’s own gets past them', LIMIT, async (t) => {
  const cases = {
    '?model=/broken.gguf': ['incomplete', 'INK_ERR_TRUNCATED'],
    '?model=/page.gguf': ['not a model', 'INK_ERR_NOT_GGUF'],
    '?model=/nothing.gguf': ['not there', 'INK_ERR_IO'],
    [`?model=/breaking${MODEL}`]: ['could not be read', 'INK_ERR_IO'],
  };
  for (const [query, words] of Object.entries(cases)) {
    await t.test(query, async () => {
      const { page } = await openDemo(query);
      await page.waitForSelector('#problem:not([hidden])', LIMIT);
      const text = await page.textContent('#problem');
      for (const word of words) assert.ok(text.includes(word), text);
      await page.setInputFiles('#file', `${DATA}stories260K.gguf`);
      await modelShown(page);
      assert.ok(!(await page.isVisible('#problem')));
      await page.fill('#message', 'Hello');
      await page.press('#message', 'Enter');
      await page.waitForSelector('#problem:not([hidden])');
      assert.match(await page.textContent('#problem'), /INK_ERR_UNSUPPORTED_CHAT_FORMAT/);
      await page.close();
    });
  }
});

test('a load can be cancelled and taken up again', LIMIT, async () => {
  const { page } = await openDemo('?model=/slow/stories.gguf');
  await page.waitForFunction(() => document.querySelector('#loading-bar').value > 0);
  await page.click('#cancel-load');
  await page.waitForSelector('#problem:not([hidden])');
  await page.click('#retry');
  await modelShown(page);
  await page.close();
});

// ---- The package ----

test('greedy tokens are those of the native scalar kernels', LIMIT, async () => {
  const prompt = 'The history of the printing press begins in';
  const native = runNatively(defaultModel(), prompt, '-n', '48', '--kernels', 'scalar');
  for (const [kernels, table] of [['auto', 'wasm_relaxed'], ['relaxed', 'wasm_relaxed'], ['simd128', 'wasm_simd128']]) {
    const answer = await onBlankPage((page) => page.evaluate(async ([url, text, kernels]) => {
      const { loadModel } = await import('/package/index.js');
      const model = await loadModel(url, { contextLength: 256, kernels });
      const { tokens } = await model.complete(text, { temperature: 0, maxTokens: 48 }).result();
      return { tokens, table: model.info.kernels };
    }, [MODEL, prompt, kernels]));
    assert.deepEqual(answer, { tokens: native.tokens, table }, kernels);
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

