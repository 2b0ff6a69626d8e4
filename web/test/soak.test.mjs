// Again and again: loads, aborts and disposals leave nothing behind, in Node, Chromium and Firefox.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { BROWSERS } from './lib/browser.mjs';
import { DATA, DIST, dataUrl, defaultModel, runNatively } from './lib/files.mjs';
import { plainBrowser } from './lib/plain-browser.mjs';
import { startServer } from './lib/server.mjs';

const LIMIT = { timeout: 300_000 };
const files = { '/stories.gguf': `${DATA}stories260K.gguf`, '/tiny.gguf': `${DATA}tiny-q.gguf`, '/model.gguf': defaultModel() };
let server;
const unhandled = [];
const note = (reason) => unhandled.push(reason);

before(async () => {
  process.on('unhandledRejection', note);
  server = await startServer(files, { isolated: true });
});
after(async () => {
  process.off('unhandledRejection', note);
  await server?.close();
  assert.deepEqual(unhandled, []);
});

/** What each of the loads below answers, whatever went before. */
const PROMPT = 'Once upon a time';
const expected = runNatively(files['/stories.gguf'], PROMPT, '-n', '4', '--kernels', 'scalar', '-t', '1').tokens.join();

/**
 * Loads the model, uses it and disposes of it 50 times; in a page or in Node. Returns how much memory there was after 3 times
 * (the median of three measures) and after 50 (the least of a few), as memory() measures it, and how much of each kind there
 * may be: a twentieth more than after 3 and, of the process, perLoad bytes besides for each of the 47 loads between.
 */
async function loadAndDispose({ entry, url, prompt, expected, perLoad = 0 }, memory) {
  const { loadModel } = await import(entry);
  let after3;
  for (let i = 1; i <= 50; i++) {
    const model = await loadModel(url, { threads: 1 + (i % 2) });
    const session = await model.createSession();
    const { tokens } = await model.complete(prompt, { temperature: 0, maxTokens: 4 }).result();
    if (tokens.join() !== expected) throw new Error(`load ${i}: ${tokens.join()}, not ${expected}`);
    if (i % 3) session.dispose();
    model.dispose();
    globalThis.gc?.(); // what waits to be collected is not kept; Chromium collects by itself only after some hundred loads
    if (i === 3) {
      const measured = [await memory(), await memory(), await memory()]; // Chromium's move by 2 to 3 % at rest
      const median = (what) => measured.map((one) => one[what]).sort((a, b) => a - b)[1];
      after3 = Object.fromEntries(Object.keys(measured[0]).map((what) => [what, median(what)]));
    }
  }
  const limits = { bytes: after3.bytes * 1.05 + 47 * perLoad, live: after3.live * 1.05 };
  const after50 = {};
  for (let i = 0; i < 6; i++) { // workers end when they end, and what was compiled goes when it goes
    for (const [what, bytes] of Object.entries(await memory())) after50[what] = Math.min(bytes, after50[what] ?? bytes);
    if (Object.keys(after50).every((what) => after50[what] <= limits[what])) break;
  }
  return { after3, after50, limits };
}

function checkMemory(t, { error, after3, after50, limits }) {
  assert.equal(error, undefined);
  for (const [what, bytes] of Object.entries(after50)) {
    t.diagnostic(`${what}: ${(after3[what] / 1e6).toFixed(1)} MB after 3, ${(bytes / 1e6).toFixed(1)} MB after 50`);
    assert.ok(bytes <= limits[what], `${what}: ${after3[what]} bytes after 3, ${bytes} after 50`);
  }
}

/**
 * Chromium's allocators keep room that has been freed: 2 to 5 MB of it after 50 loads, 1 after starting and ending as many
 * empty workers. A load whose engine stayed would take more than 4 MB.
 */
const PER_LOAD = { chromium: 250_000, firefox: 0 };

/** Aborts calls of every kind at random moments; then all is as it was. Returns how they ended, and the slowest abort in ms. */
async function abortAtRandom({ entry, url, times, threads }) {
  const { loadModel } = await import(entry);
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const greedy = { temperature: 0, maxTokens: 12 };
  const long = 'The quick brown fox jumps over the lazy dog. '.repeat(8);
  let model = await loadModel(url, { threads, contextLength: 512, chatTemplate: 'chatml' });
  const ask = async (model) => (await model.complete('Once upon a time', greedy).result()).tokens.join();
  const expected = await ask(model);
  let session = await model.createSession({ systemPrompt: 'S' });
  const calls = [
    (signal) => loadModel(url, { threads, signal }).then((loaded) => loaded.dispose()),
    (signal) => model.complete(long, { signal }).result(),
    (signal) => model.complete('Once', { signal, maxTokens: 100 }).result(),
    (signal) => model.score(long, { signal }),
    (signal) => session.chat('Once', { signal, maxTokens: 60 }).result(),
    (signal) => session.append(long, { signal }),
    (signal) => session.clone({ signal }).then((clone) => clone.dispose()),
    (signal) => model.createSession({ messages: [{ role: 'user', content: long }], signal }).then((made) => made.dispose()),
    (signal) => model.tokenize(long, { signal }),
    async (signal) => {
      for await (const piece of model.complete('Once', { signal, maxTokens: 100 })) if (piece.includes('.')) break;
    },
  ];
  const ended = { done: 0, aborted: 0 };
  let seed = 1;
  const random = (below) => (seed = (seed * 16807) % 2147483647) % below;
  for (let i = 0; i < times; i++) {
    const controller = new AbortController();
    const pending = [calls[i % calls.length](controller.signal)];
    if (i % 3 === 0) pending.push(calls[random(calls.length)](controller.signal));
    const settled = Promise.allSettled(pending);
    if (i % 5) await wait(random(12));
    controller.abort();
    for (const { reason } of await settled) {
      if (reason === undefined) ended.done++;
      else if (reason.name === 'AbortError') ended.aborted++;
      else if (reason.code !== 'INK_ERR_CONTEXT_FULL') throw reason;
    }
    if (session.messages.length > 5) {
      session.dispose();
      session = await model.createSession({ systemPrompt: 'S' });
    }
    if (i % 20 === 0 && (await ask(model)) !== expected) throw new Error(`another text after ${i} aborts`);
  }
  const same = (await ask(model)) === expected;
  model.dispose();
  return { ...ended, same };
}

function checkAborts({ done, aborted, same }) {
  assert.ok(same, 'another text');
  assert.ok(aborted >= 40 && done >= 10, `${aborted} aborted, ${done} done`);
}

// ---- Node ----

const entry = pathToFileURL(`${DIST}index.js`).href;

/** In Node: of the process, at rest. */
async function residentMemory() {
  let least = Infinity;
  for (let i = 0; i < 20; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50)); // threads end
    globalThis.gc();
    least = Math.min(least, process.memoryUsage.rss());
  }
  return { bytes: least };
}

test('Node: 50 loads and disposals take no memory', LIMIT, async (t) => {
  const url = dataUrl('stories260K.gguf').href;
  // The first 50 are V8's: as it compiles what has run often, it grows by 3 to 6 % once, and by nothing in the next 50.
  const code = `const run = (memory) => (${loadAndDispose})(${JSON.stringify({ entry, url, prompt: PROMPT, expected })}, memory);
    await run(() => ({}));
    console.log(JSON.stringify(await run(${residentMemory})));`;
  // By default, glibc gives each thread an arena of its own, V8's compiling ones too, and what they free stays there.
  const env = { ...process.env, MALLOC_ARENA_MAX: '1' };
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--input-type=module', '-e', code], { env });
  checkMemory(t, JSON.parse(stdout));
});

test('Node: 200 aborts at random moments', LIMIT, async () => {
  checkAborts(await abortAtRandom({ entry, url: dataUrl('stories260K.gguf'), times: 200, threads: 1 }));
});

// ---- Browsers ----

for (const [name, open] of Object.entries(BROWSERS)) {
  let browser;
  before(async () => (browser = await open()));
  after(() => browser?.close());

  const onPage = async (use) => {
    const page = await browser.visit(`${server.url}/blank`);
    try {
      await use(page);
      assert.deepEqual(page.complaints, []);
    } finally {
      await page.close();
    }
  };
  const inPage = { entry: '/package/index.js', url: '/stories.gguf', prompt: PROMPT, expected };

  test(`${name}: 200 aborts at random moments`, LIMIT, () => onPage(async (page) => {
    checkAborts(await page.evaluate(abortAtRandom, { ...inPage, times: 200, threads: 2 }));
  }));

  test(`${name}: 50 loads and disposals take no memory`, LIMIT, async (t) => {
    const plain = plainBrowser(name);
    const alone = await startServer(files, { isolated: true, plain: plain.handle });
    try {
      checkMemory(t, (await plain.run(alone.url, loadAndDispose, { ...inPage, perLoad: PER_LOAD[name] })).outcome);
    } finally {
      await alone.close();
      await plain.close();
    }
  });

  test(`${name}: the engine is quiet within 50 ms of an abort, reading, writing and scoring`, LIMIT, () => onPage(async (page) => {
    const measure = () => page.evaluate(async () => {
      const { loadModel } = await import('/package/index.js');
      const model = await loadModel('/model.gguf', { contextLength: 1024, threads: 1 });
      const long = 'The quick brown fox jumps over the lazy dog. '.repeat(60);
      const calls = {
        reading: (i, signal) => model.complete(`${i} ${long}`, { signal }).result(),
        writing: (i, signal) => model.complete(`${i} is a number`, { signal }).result(),
        scoring: (i, signal) => model.score(`${i} ${long}`, { signal }),
      };
      const medians = {};
      for (const [name, call] of Object.entries(calls)) {
        const delays = [];
        for (let i = 0; i < 7; i++) {
          const controller = new AbortController();
          const ended = call(i, controller.signal).catch(() => {});
          await new Promise((resolve) => setTimeout(resolve, 150 + 37 * i));
          const aborted = performance.now();
          controller.abort();
          await ended;
          await model.tokenize('x'); // answered only when the engine has nothing else to do
          delays.push(performance.now() - aborted);
        }
        medians[name] = delays.sort((a, b) => a - b)[3];
      }
      model.dispose();
      return medians;
    });
    let medians;
    for (let i = 0; i < 3; i++) { // a busy machine delays everything now and then
      medians = await measure();
      if (Object.values(medians).every((ms) => ms < 50)) break;
    }
    for (const [what, ms] of Object.entries(medians)) assert.ok(ms < 50, `${what}: ${ms} ms`);
    console.log(name, JSON.stringify(medians));
  }));
}
