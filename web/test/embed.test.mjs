// Embeddings, in Node and in Chromium: transformers' own, and the command's bit for bit.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { InklingError, loadModel } from '../dist/index.js';
import { openBrowser, openPage } from './lib/browser.mjs';
import { DATA, NATIVE, dataUrl } from './lib/files.mjs';
import { startServer } from './lib/server.mjs';

const NAMES = ['qwen3-last', 'llama-mean'];
const POOLING = { 'qwen3-last': 'last', 'llama-mean': 'mean' };
const GOLDEN = JSON.parse(readFileSync(`${DATA}embeddings/embeddings.json`, 'utf8')).models;
const LIMIT = { timeout: 120_000 };
/** How far the default KV cache, of 8 bits, is from transformers' doubles. */
const BY_8_BITS = 0.05;

const models = {};
before(async () => {
  for (const name of NAMES) models[name] = await loadModel(dataUrl(`embeddings/${name}.gguf`));
});
after(() => Object.values(models).forEach((model) => model.dispose()));

const isInkling = (code) => (error) => error instanceof InklingError && error.code === code;
const textsOf = (name) => GOLDEN[name].map(({ text }) => text);
const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);

/** As the command prints them, which tells every float. */
function natively(name, texts, ...flags) {
  const options = ['embed', '-m', `${DATA}embeddings/${name}.gguf`, '--kernels', 'scalar', '--json', ...flags];
  const { embeddings } = JSON.parse(execFileSync(NATIVE, options, { input: texts.join('\n'), encoding: 'utf8' }));
  return embeddings.map((values) => Float32Array.from(values));
}

/** The largest difference, by the largest value. */
function difference(actual, expected) {
  const largest = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, i) => Math.abs(value - actual[i]))) / largest;
}

test('embeddings are those of transformers', async () => {
  for (const name of NAMES) {
    const exact = await loadModel(dataUrl(`embeddings/${name}.gguf`), { kvCache: 'f32' });
    const { embeddings } = await exact.embed(textsOf(name), { normalize: false });
    const rough = await models[name].embed(textsOf(name), { normalize: false });
    for (const [i, { embedding }] of GOLDEN[name].entries()) {
      assert.ok(difference(embeddings[i], embedding) < 1e-4);
      assert.ok(difference(rough.embeddings[i], embedding) < BY_8_BITS);
    }
    exact.dispose();
  }
});

test('embeddings are those of the command, bit for bit', async () => {
  for (const name of NAMES) {
    const model = models[name];
    assert.equal(model.info.pooling, POOLING[name]);
    const { embeddings, usage } = await model.embed(textsOf(name));
    assert.deepEqual(embeddings, natively(name, textsOf(name)));
    assert.deepEqual(usage, { promptTokens: GOLDEN[name].reduce((sum, { tokens }) => sum + tokens.length, 0) });
    for (const values of embeddings) {
      assert.ok(values instanceof Float32Array && values.length === model.info.embeddingLength);
      assert.ok(Math.abs(dot(values, values) - 1) < 1e-5);
    }
    // One alone, from its tokens, and by the other pooling.
    const [{ text, tokens }] = GOLDEN[name];
    assert.deepEqual((await model.embed(text)).embeddings, [embeddings[0]]);
    assert.deepEqual((await model.embed([tokens, text])).embeddings, [embeddings[0], embeddings[0]]);
    const pooling = POOLING[name] === 'mean' ? 'last' : 'mean';
    const other = await model.embed(text, { pooling });
    assert.deepEqual(other.embeddings, natively(name, [text], '--pooling', pooling));
    assert.notDeepEqual(other.embeddings[0], embeddings[0]);
    assert.deepEqual((await model.embed([])).embeddings, []);
  }
});

test('a model that was not made for it has to be told how', async () => {
  const model = await loadModel(dataUrl('stories260K.gguf'), { contextLength: 64 });
  assert.equal(model.info.pooling, 'none');
  await assert.rejects(model.embed('Once'), (error) =>
    isInkling('INK_ERR_UNSUPPORTED_EMBEDDINGS')(error) && /mean/.test(error.message));
  assert.equal((await model.embed('Once', { pooling: 'mean' })).embeddings[0].length, 64);
  model.dispose();
});

test('what is wrong is refused, and the model stays usable', async () => {
  const model = models['qwen3-last'];
  const { embeddings } = await model.embed('the weights');
  const cases = [
    ['', {}, 'INK_ERR_INVALID_ARGUMENT'], [['a', ''], {}, 'INK_ERR_INVALID_ARGUMENT'], [[[]], {}, 'INK_ERR_INVALID_ARGUMENT'],
    [[[9999]], {}, 'INK_ERR_INVALID_ARGUMENT'], [[[0.5]], {}, 'INK_ERR_INVALID_ARGUMENT'],
    ['a', { pooling: 'cls' }, 'INK_ERR_INVALID_ARGUMENT'], ['a', { priority: 'soon' }, 'INK_ERR_INVALID_ARGUMENT'],
    ['the '.repeat(600), {}, 'INK_ERR_CONTEXT_FULL'],
  ];
  for (const [texts, options, code] of cases) await assert.rejects(model.embed(texts, options), isInkling(code), code);
  const words = await loadModel(dataUrl('embeddings/qwen3-last.gguf'), { vocabularyOnly: true });
  await assert.rejects(words.embed('a'), isInkling('INK_ERR_WRONG_STATE'));
  words.dispose();
  assert.deepEqual((await model.embed('the weights')).embeddings, embeddings);
});

test('embeddings and generations take turns', async () => {
  const model = models['llama-mean'];
  const options = { temperature: 0, maxTokens: 12 };
  const [{ tokens }, alone] = [await model.complete('the heads', options).result(), await model.embed('a test')];
  const session = await model.createSession();
  const [first, embedded, second, urgent] = await Promise.all([
    model.complete('the heads', options).result(), model.embed('a test'), model.complete('the heads', options).result(),
    model.embed('a test', { priority: 'user-blocking' }),
  ]);
  assert.deepEqual([first.tokens, second.tokens], [tokens, tokens]);
  assert.deepEqual([embedded, urgent], [alone, alone]);
  session.dispose();
});

test('an abort ends it soon', async () => {
  const model = models['qwen3-last'];
  const many = Array(5000).fill(textsOf('qwen3-last').at(-1));
  const { embeddings } = await model.embed('the weights');
  for (const ms of [0, 5, 40]) {
    await assert.rejects(model.embed(many, { signal: AbortSignal.timeout(ms) }), { name: 'TimeoutError' });
    assert.deepEqual((await model.embed('the weights')).embeddings, embeddings); // long before the rest would be done
  }
  await assert.rejects(model.embed('a', { signal: AbortSignal.abort() }), { name: 'AbortError' });
});

test('in Chromium they are the same, and an abort leaves the engine quiet in 50 ms', LIMIT, async () => {
  const server = await startServer(Object.fromEntries(NAMES.map((name) => [`/${name}.gguf`, `${DATA}embeddings/${name}.gguf`])));
  const browser = await openBrowser();
  try {
    const { page, complaints } = await openPage(browser.context, `${server.url}/blank`);
    for (const name of NAMES) {
      const found = await page.evaluate(async ([name, texts]) => {
        const { loadModel } = await import('/package/index.js');
        const model = await loadModel(`/${name}.gguf`, { kernels: 'simd128' });
        const { embeddings } = await model.embed(texts);
        const waits = [];
        for (let i = 0; i < 5; i++) {
          const stop = new AbortController();
          const abandoned = model.embed(Array(5000).fill(texts.at(-1)), { signal: stop.signal }).catch(() => {});
          await new Promise((resolve) => setTimeout(resolve, 30 + 10 * i));
          const started = performance.now();
          stop.abort();
          await model.tokenize('a'); // which waits for the engine
          waits.push(performance.now() - started);
          await abandoned;
        }
        model.dispose();
        return { embeddings: embeddings.map((values) => Array.from(values)), median: waits.sort((a, b) => a - b)[2] };
      }, [name, textsOf(name)]);
      assert.deepEqual(found.embeddings.map((values) => Float32Array.from(values)), natively(name, textsOf(name)));
      assert.ok(found.median < 50, `${found.median} ms`);
    }
    assert.deepEqual(complaints, []);
  } finally {
    await browser.close();
    await server.close();
  }
});
