// LoRA adapters, in Node and in Chromium: what the command answers with them, from every kind of source.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { InklingError, loadModel } from '../dist/index.js';
import { openBrowser, openPage } from './lib/browser.mjs';
import { DATA, dataUrl, readData, runNatively } from './lib/files.mjs';
import { startServer } from './lib/server.mjs';

const BASE = 'architectures/llama.gguf';
const ALL = 'adapters/llama-all.gguf';
const SOME = 'adapters/llama-some.gguf';
const PROMPT = 'the heads attend';
const GREEDY = { temperature: 0, maxTokens: 16 };
const LIMIT = { timeout: 120_000 };

let model;
before(async () => {
  model = await loadModel(dataUrl(BASE), { contextLength: 256 });
});
after(() => model?.dispose());

const isInkling = (code) => (error) => error instanceof InklingError && error.code === code;
const tokensOf = async (from) => (await from.complete(PROMPT, GREEDY).result()).tokens;
const answerOf = async (session) => (await session.chat(PROMPT, GREEDY).result()).tokens;
const flagsOf = (uses) => uses.flatMap(([file, scale]) => ['--lora', `${DATA}${file}:${scale}`]);
const natively = (uses) => runNatively(DATA + BASE, PROMPT, '-n', '16', '--kernels', 'scalar', ...flagsOf(uses)).tokens;

test('tokens are those of the command, however adapters are swapped', async () => {
  const [all, some] = await Promise.all([model.loadAdapter(dataUrl(ALL)), model.loadAdapter(dataUrl(SOME))]);
  assert.deepEqual(all.info, { matrixCount: 16, rank: 6, alpha: 9, parameterCount: all.info.parameterCount, memoryBytes: all.info.memoryBytes });
  assert.ok(all.info.memoryBytes >= 4 * all.info.parameterCount);
  const lists = [
    [[], []],
    [[all], [[ALL, 1]]],
    [[{ adapter: all, scale: 0.5 }, { adapter: some, scale: -1.5 }], [[ALL, 0.5], [SOME, -1.5]]],
    [[{ adapter: some }], [[SOME, 1]]],
    [[{ adapter: all, scale: 0 }], []],
  ];
  const seen = new Set();
  for (const [uses, files] of [...lists, ...lists.toReversed()]) {
    await model.setAdapters(uses);
    const tokens = await tokensOf(model);
    assert.deepEqual(tokens, natively(files));
    seen.add(tokens.join());
  }
  assert.equal(seen.size, 4);
  await model.setAdapters([all]);
  const scored = await model.score('a small model of each kind');
  await model.setAdapters([]);
  assert.notEqual(scored.nll, (await model.score('a small model of each kind')).nll);
  all.dispose();
  some.dispose();
});

test('sessions have adapters of their own, and keep their conversation', async () => {
  const all = await model.loadAdapter(dataUrl(ALL));
  const plain = await model.createSession();
  const adapted = await model.createSession({ adapters: [{ adapter: all, scale: 0.7 }] });
  const [before, with_] = [await answerOf(plain), await answerOf(adapted)];
  assert.notDeepEqual(before, with_);
  const clone = await adapted.clone();
  const second = await answerOf(adapted);
  assert.deepEqual(await answerOf(clone), second);

  const again = await model.createSession({ messages: plain.messages });
  await again.setAdapters([{ adapter: all, scale: 0.7 }]);
  await plain.setAdapters([{ adapter: all, scale: 0.7 }]);
  const run = plain.chat(PROMPT, GREEDY);
  assert.equal((await run.result()).usage.cachedPromptTokens, 0);
  assert.deepEqual((await run.result()).tokens, await answerOf(again));

  await model.setAdapters([{ adapter: all, scale: 0.7 }]);
  const heir = await model.createSession();
  await model.setAdapters([]);
  const bare = await model.createSession({ adapters: [] });
  assert.deepEqual([await answerOf(heir), await answerOf(bare)], [with_, before]);
  for (const session of [plain, adapted, clone, again, heir, bare]) session.dispose();
  all.dispose();
});

test('every kind of source', async () => {
  const bytes = readData(ALL);
  const digest = createHash('sha256').update(new Uint8Array(bytes)).digest('hex');
  const expected = natively([[ALL, 1]]);
  let progress;
  for (const source of [dataUrl(ALL), String(dataUrl(ALL)), bytes.slice(0), new Blob([bytes]), new Blob([bytes]).stream()]) {
    const adapter = await model.loadAdapter(source, { sha256: digest, onProgress: (told) => (progress = told) });
    assert.equal(progress.loaded, bytes.byteLength);
    await model.setAdapters([adapter]);
    assert.deepEqual(await tokensOf(model), expected);
    adapter.dispose();
  }
  await assert.rejects(model.loadAdapter(dataUrl(ALL), { sha256: '0'.repeat(64) }), isInkling('INK_ERR_CHECKSUM'));
  await model.setAdapters([]);
});

test('what is no adapter of this model is refused, and the model stays usable', async () => {
  const plain = await tokensOf(model);
  const half = readData(ALL).slice(0, 9000);
  const cases = [
    [dataUrl(BASE), 'INK_ERR_BAD_ADAPTER'], [dataUrl('adapters/gpt2.gguf'), 'INK_ERR_BAD_ADAPTER'], [half, 'INK_ERR_TRUNCATED'],
    [dataUrl('README.md'), 'INK_ERR_NOT_GGUF'], [dataUrl('absent.gguf'), 'INK_ERR_IO'], [7, 'INK_ERR_INVALID_ARGUMENT'],
  ];
  for (const [source, code] of cases) await assert.rejects(async () => model.loadAdapter(source), isInkling(code), code);
  await assert.rejects(loadModel(dataUrl(ALL)), isInkling('INK_ERR_BAD_MODEL'));
  const words = await loadModel(dataUrl(BASE), { vocabularyOnly: true });
  await assert.rejects(words.loadAdapter(dataUrl(ALL)), isInkling('INK_ERR_WRONG_STATE'));
  words.dispose();

  const adapter = await model.loadAdapter(dataUrl(SOME));
  const other = await loadModel(dataUrl(BASE));
  await assert.rejects(other.setAdapters([adapter]), isInkling('INK_ERR_INVALID_ARGUMENT'));
  other.dispose();
  for (const uses of [adapter, [{}], [{ adapter, scale: NaN }], [{ adapter, scale: 1e39 }], Array(9).fill(adapter)]) {
    await assert.rejects(model.setAdapters(uses), isInkling('INK_ERR_INVALID_ARGUMENT'));
  }
  adapter.dispose();
  await assert.rejects(model.setAdapters([adapter]), isInkling('INK_ERR_WRONG_STATE'));
  assert.deepEqual(await tokensOf(model), plain);
});

test('an adapter loads while the model answers, and an abort gives it up', async () => {
  let feed;
  const slow = new ReadableStream({ start: (controller) => (feed = controller) });
  const never = new ReadableStream({ start() {} });
  const stop = new AbortController();
  const abandoned = model.loadAdapter(never, { signal: stop.signal });
  const loading = model.loadAdapter(slow);
  const plain = natively([]);
  assert.deepEqual(await tokensOf(model), plain);
  stop.abort();
  await assert.rejects(abandoned, { name: 'AbortError' });
  const bytes = new Uint8Array(readFileSync(DATA + ALL));
  for (let at = 0; at < bytes.length; at += 5000) {
    feed.enqueue(bytes.slice(at, at + 5000));
    assert.deepEqual(await tokensOf(model), plain);
  }
  const adapter = await loading; // which needs no end of the stream
  await model.setAdapters([adapter]);
  assert.deepEqual(await tokensOf(model), natively([[ALL, 1]]));
  await model.setAdapters([]);
  adapter.dispose();
});

test('a disposed adapter goes when no session uses it', async () => {
  const adapter = await model.loadAdapter(dataUrl(ALL));
  const session = await model.createSession({ adapters: [adapter] });
  const expected = await answerOf(session);
  adapter.dispose();
  adapter.dispose();
  const clone = await (await model.createSession({ messages: [] })).clone();
  await clone.setAdapters([]);
  assert.equal((await answerOf(session)).length, expected.length); // still there
  session.dispose();
  const load = async () => (await model.loadAdapter(dataUrl(ALL))).dispose();
  for (let i = 0; i < 20; i++) await load();
  const settled = await model.memoryUse();
  for (let i = 0; i < 200; i++) await load();
  assert.equal(await model.memoryUse(), settled);
});

test('in Chromium, from a URL and from the cache', LIMIT, async () => {
  const server = await startServer({ '/base.gguf': DATA + BASE, '/all.gguf': DATA + ALL });
  const browser = await openBrowser();
  try {
    const { page, complaints } = await openPage(browser.context, `${server.url}/blank`);
    const found = await page.evaluate(async ([prompt, options]) => {
      const { loadModel } = await import('/package/index.js');
      const model = await loadModel('/base.gguf');
      const tokens = async () => (await model.complete(prompt, options).result()).tokens;
      const phases = [];
      const answers = [await tokens()];
      for (let i = 0; i < 2; i++) {
        const adapter = await model.loadAdapter('/all.gguf', { onProgress: ({ phase }) => phases.push(phase) });
        await model.setAdapters([adapter]);
        answers.push(await tokens());
        await model.setAdapters([]);
        adapter.dispose();
      }
      answers.push(await tokens());
      return { answers, phases };
    }, [PROMPT, GREEDY]);
    const [plain, adapted] = [natively([]), natively([[ALL, 1]])];
    assert.deepEqual(found.answers, [plain, adapted, adapted, plain]);
    assert.ok(found.phases.includes('download') && found.phases.includes('cache'), found.phases.join());
    assert.deepEqual(complaints, []);
  } finally {
    await browser.close();
    await server.close();
  }
});
