// The cache in OPFS, in Chromium and, where nothing of Chromium's own is needed, in Firefox: second visits, closed tabs,
// several tabs, full disks, spoilt files.
/* global package_, load, failureOf, rejections:writable, sleep -- of the pages */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { BROWSERS } from './lib/browser.mjs';
import { DATA, defaultModel, readData } from './lib/files.mjs';
import { randomOffsets, sha256Of, startModelServer } from './lib/model-server.mjs';
import { plainBrowser } from './lib/plain-browser.mjs';
import { handlePackage } from './lib/server.mjs';

const buffer = (name) => Buffer.from(readData(name));
const STORIES = buffer('stories260K.gguf');
const GPT2 = buffer('tiny-gpt2.gguf');
const SPLIT = [1, 2, 3].map((i) => `/tiny-gpt2-0000${i}-of-00003.gguf`);
const LIMIT = { timeout: 120_000 };
const DEFAULTS = { ranges: true, etags: true, dates: true, exposes: undefined, breakAt: [], downMs: 0, bytesPerSecond: Infinity, failures: [] };
let server;
const browsers = {};
/** That of the test that runs. */
let browser;
/** What the two models say. */
let expected, expectedGpt2;

before(async () => {
  server = await startModelServer({}, handlePackage({ connect: "'self' http://127.0.0.1:*" }));
  for (const [name, open] of Object.entries(BROWSERS)) browsers[name] = await open();
  browser = browsers.chromium;
  server.files = { '/m.gguf': STORIES, '/n.gguf': GPT2 };
  expected = (await textOf('/m.gguf', { cache: false })).tokens;
  expectedGpt2 = (await textOf('/n.gguf', { cache: false })).tokens;
});
after(async () => {
  for (const browser of Object.values(browsers)) await browser.close();
  await server?.close();
});

/** Runs the test in the browser, with nothing in its cache. */
async function testIn(name, work) {
  browser = browsers[name];
  const parts = SPLIT.map((path) => [path, buffer(`split${path}`)]);
  Object.assign(server, DEFAULTS, { files: { '/m.gguf': STORIES, '/n.gguf': GPT2, ...Object.fromEntries(parts) } });
  await onPage((page) => page.evaluate(() => package_.modelCache.clear()));
  Object.assign(server, { requests: [], bytesSent: 0 });
  await work();
}

/** In Chromium, whose pages can be told that there is no network, or no room. */
const inChromium = (what, options, work) => test(what, options, () => testIn('chromium', work));

function everywhere(what, options, work) {
  for (const name of Object.keys(BROWSERS)) test(`${name}: ${what}`, options, () => testIn(name, work));
}

/** A page of the origin with the package, and textOf(), failureOf() and sleep() to use in evaluate(). */
async function open() {
  const page = await browser.visit(`${server.url}/blank`);
  await page.evaluate(async () => {
    globalThis.package_ = await import('/package/index.js');
    globalThis.load = (source, options) => package_.loadModel(source, { threads: 1, ...options });
    globalThis.sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    globalThis.rejections = 0;
    addEventListener('unhandledrejection', () => rejections++);
    // What the model says, and what is known of it.
    globalThis.textOf = async (source, options) => {
      const model = await load(source, options);
      const { tokens } = await model.complete('Once', { temperature: 0, maxTokens: 12 }).result();
      const { cached, cacheError } = model.info;
      model.dispose();
      return { tokens: tokens.join(' '), cached, problem: cacheError?.code ?? null };
    };
    globalThis.failureOf = (promise) => promise.then(() => ({ code: 'none' }), (error) => {
      const { name, code, message } = error;
      return { name, code, message, known: error instanceof package_.InklingError };
    });
  });
  return page;
}

async function onPage(use) {
  const page = await open();
  try {
    const result = await use(page);
    assert.equal(await page.evaluate(() => rejections), 0);
    return result;
  } finally {
    await page.close();
  }
}

const textOf = (source, options) => onPage((page) => page.evaluate((given) => textOf(...given), [source, options]));
const list = () => onPage((page) => page.evaluate(() => package_.modelCache.list()));
const downloads = () => server.requests.filter(({ method }) => method === 'GET');

inChromium('the second visit downloads nothing, and needs no server', LIMIT, async () => {
  assert.deepEqual(await textOf('/m.gguf', { cache: false }), { tokens: expected, cached: false, problem: null });
  assert.deepEqual(await list(), []);
  server.requests = [];
  assert.deepEqual(await textOf('/m.gguf'), { tokens: expected, cached: true, problem: null });
  assert.deepEqual(await textOf('/m.gguf'), { tokens: expected, cached: true, problem: null });
  assert.deepEqual(server.requests.map(({ method }) => method), ['GET', 'HEAD']);
  const [{ key, bytes, totalBytes, complete, files }] = await list();
  assert.deepEqual([key, bytes, totalBytes, complete, files], [`${server.url}/m.gguf`, STORIES.length, STORIES.length, true, 1]);
  for (const failures of [[404], [429], [503]]) {
    Object.assign(server, { failures });
    assert.equal((await textOf('/m.gguf')).tokens, expected);
  }
  await onPage(async (page) => {
    await page.own.route('**/m.gguf', (route) => route.abort('internetdisconnected'));
    assert.equal((await page.evaluate(() => textOf('/m.gguf'))).tokens, expected);
  });
  assert.equal(downloads().length, 1);
});

everywhere('another version on the server takes the place of the cached one', LIMIT, async () => {
  await textOf('/m.gguf');
  server.files['/m.gguf'] = GPT2;
  assert.equal((await textOf('/m.gguf')).tokens, expectedGpt2);
  assert.equal((await list())[0].bytes, GPT2.length);
  // With a checksum no server need be asked.
  server.requests = [];
  const options = { sha256: sha256Of(GPT2) };
  assert.equal((await textOf('/m.gguf', options)).tokens, expectedGpt2);
  assert.equal((await textOf('/m.gguf', options)).tokens, expectedGpt2);
  assert.deepEqual(server.requests.map(({ method }) => method), ['HEAD']);
  server.files['/m.gguf'] = STORIES;
  assert.equal((await textOf('/m.gguf', { sha256: sha256Of(STORIES) })).tokens, expected);
});

everywhere('a tab that is closed loses little of a download', { timeout: 180_000 }, async () => {
  server.bytesPerSecond = 500_000;
  const page = await open();
  await page.evaluate(() => {
    globalThis.loaded = 0;
    load('/m.gguf', { onProgress: (progress) => (globalThis.loaded = progress.loaded) }).catch(() => {});
  });
  let loaded;
  while ((loaded = await page.evaluate(() => globalThis.loaded)) < 700_000) await delay(20);
  await page.close();
  const [{ bytes, complete, totalBytes }] = await list();
  assert.equal(complete, false);
  assert.equal(totalBytes, STORIES.length);
  // A checkpoint is made each second.
  assert.ok(bytes > loaded - 1.2 * server.bytesPerSecond && bytes < STORIES.length, `${bytes} of ${loaded}`);
  Object.assign(server, { requests: [], bytesSent: 0, bytesPerSecond: Infinity });
  const seen = await onPage((page) => page.evaluate(async () => {
    const seen = [];
    const result = await textOf('/m.gguf', { onProgress: (progress) => seen.push(progress) });
    return { result, seen };
  }));
  assert.deepEqual(seen.result, { tokens: expected, cached: true, problem: null });
  assert.deepEqual(downloads().map(({ range, status }) => [range, status]), [[`bytes=${bytes}-`, 206]]);
  assert.equal(server.bytesSent, STORIES.length - bytes);
  assert.ok(seen.seen.every(({ total, loaded }, i) => (!loaded || total === STORIES.length) && (i === 0 || loaded >= seen.seen[i - 1].loaded)));
});

everywhere('tabs that are closed while they write leave nothing that is taken for a model', { timeout: 180_000 }, async () => {
  server.bytesPerSecond = 4_000_000;
  for (const ms of randomOffsets(8, 450, 3)) {
    const page = await open();
    await page.evaluate(() => void load('/m.gguf').catch(() => {}));
    await delay(ms);
    await page.close();
    for (const { complete, bytes } of await list()) assert.ok(!complete || bytes === STORIES.length);
    assert.equal((await textOf('/m.gguf')).tokens, expected);
    await onPage((page) => page.evaluate(() => package_.modelCache.clear()));
  }
});

everywhere('a partial file of another version is not continued', LIMIT, async () => {
  for (const knobs of [{}, { etags: false }, { ranges: false }]) {
    Object.assign(server, { ...DEFAULTS, ...knobs, bytesPerSecond: 500_000 });
    server.files['/m.gguf'] = STORIES;
    const page = await open();
    await page.evaluate(() => void load('/m.gguf').catch(() => {}));
    // A checkpoint is made each second, and workers take a while to start on a busy machine.
    while (!(await page.evaluate(() => package_.modelCache.list()))[0]?.bytes) await delay(50);
    await page.close();
    assert.equal((await list())[0].complete, false);
    Object.assign(server, { bytesPerSecond: Infinity });
    server.files['/m.gguf'] = GPT2;
    assert.deepEqual(await textOf('/m.gguf'), { tokens: expectedGpt2, cached: true, problem: null });
    await onPage((page) => page.evaluate(() => package_.modelCache.clear()));
  }
});

everywhere('two tabs download once', LIMIT, async () => {
  server.bytesPerSecond = 500_000;
  const [first, second] = [await open(), await open()];
  const untilUnderWay = async () => {
    while ((await first.evaluate(() => package_.modelCache.list())).length === 0) await delay(50);
  };
  const ask = (page) => page.evaluate(async () => {
    const phases = new Set();
    const result = await textOf('/m.gguf', { onProgress: ({ phase }) => phases.add(phase) });
    return [result.tokens, [...phases]];
  });
  const asked = ask(first);
  await untilUnderWay();
  const texts = await Promise.all([asked, ask(second)]);
  assert.equal(downloads().length, 1);
  assert.deepEqual(texts.map(([tokens]) => tokens), [expected, expected]);
  assert.deepEqual(texts[1][1], ['wait', 'cache', 'prepare']);
  // The one that waits goes on when the other is closed.
  await first.evaluate(() => package_.modelCache.clear());
  server.bytesPerSecond = 150_000; // it can't be over before the second has asked
  await first.evaluate(() => void load('/m.gguf').catch(() => {}));
  await untilUnderWay();
  const waiting = second.evaluate(() => textOf('/m.gguf', { onProgress: ({ phase }) => (globalThis.phase = phase) }));
  while ((await second.evaluate(() => globalThis.phase)) !== 'wait') await delay(50);
  const refused = await second.evaluate(() => failureOf(package_.modelCache.delete('/m.gguf')));
  assert.deepEqual([refused.code, refused.known], ['INK_ERR_WRONG_STATE', true]);
  await first.close();
  server.bytesPerSecond = 1_500_000;
  assert.equal((await waiting).tokens, expected);
  // One that waits can be given up.
  await second.evaluate(() => package_.modelCache.clear());
  const aborted = await second.evaluate(async () => {
    const first = load('/m.gguf').then((model) => model.dispose());
    await sleep(100);
    const start = performance.now();
    const failure = await failureOf(load('/m.gguf', { signal: AbortSignal.timeout(200) }));
    await first;
    return { failure, ms: performance.now() - start };
  });
  assert.equal(aborted.failure.name, 'TimeoutError');
  await second.close();
});

everywhere('aborts at random moments leave a cache that is right', { timeout: 180_000 }, async () => {
  server.bytesPerSecond = 8_000_000;
  await onPage(async (page) => {
    // The short ones are for what comes before the model: a worker that ends while it compiles must not hinder the next.
    for (const [round, longest] of [350, 350, 100, 100].entries()) {
      await page.evaluate(async (moments) => {
        for (const ms of moments) {
          await failureOf(load('/m.gguf', { signal: AbortSignal.timeout(ms) }).then((model) => model.dispose()));
        }
      }, randomOffsets(30, longest, round));
      assert.equal((await page.evaluate(() => textOf('/m.gguf'))).tokens, expected);
      await page.evaluate(() => package_.modelCache.clear());
    }
    assert.deepEqual(await page.evaluate(() => package_.modelCache.list()), []);
  });
});

everywhere('what is wrong does not stay', LIMIT, async () => {
  const spoilt = Buffer.from(STORIES);
  spoilt[STORIES.length - 999] ^= 4;
  const sha256 = sha256Of(STORIES);
  await onPage(async (page) => {
    const refused = (options) => page.evaluate((options) => failureOf(load('/m.gguf', options)), options);
    server.files['/m.gguf'] = spoilt;
    assert.equal((await refused({ sha256 })).code, 'INK_ERR_CHECKSUM');
    assert.deepEqual(await list(), []);
    server.files['/m.gguf'] = Buffer.from('<!doctype html><p>Please log in.');
    assert.equal((await refused()).code, 'INK_ERR_NOT_GGUF');
    server.files['/m.gguf'] = STORIES.subarray(0, 600_000);
    assert.equal((await refused()).code, 'INK_ERR_TRUNCATED');
    assert.deepEqual(await list(), []);
    server.files['/m.gguf'] = STORIES;
    assert.equal((await textOf('/m.gguf', { sha256 })).tokens, expected);
  });
});

everywhere('a cached file that has gone bad is downloaded anew', LIMIT, async () => {
  const spoil = (page, at) => page.evaluate(async (at) => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('inkling-models');
    for await (const handle of folder.values()) {
      const stream = await handle.createWritable({ keepExistingData: true });
      await stream.write({ type: 'write', position: at, data: new Uint8Array(64).fill(0xff) });
      await stream.close();
    }
  }, at);
  await onPage(async (page) => {
    const text = (options) => page.evaluate((options) => textOf('/m.gguf', options), options);
    for (const [at, options] of [[16384, {}], [16384 + 900_000, { sha256: sha256Of(STORIES) }], [0, {}], [8192, {}]]) {
      await text(); // no checksum is known
      await spoil(page, at);
      assert.deepEqual(await text(options), { tokens: expected, cached: true, problem: null }, `at ${at}`);
      await page.evaluate(() => package_.modelCache.clear());
    }
  });
});

inChromium('a full disk does not keep a model from being loaded', LIMIT, async () => {
  await onPage(async (page) => {
    const session = await browser.context.newCDPSession(page.own);
    const quota = (quotaSize) => session.send('Storage.overrideQuotaForOrigin', { origin: server.url, ...(quotaSize && { quotaSize }) });
    const text = (path, options) => page.evaluate((given) => textOf(...given), [path, options]);
    await quota(500_000);
    assert.deepEqual(await text('/m.gguf'), { tokens: expected, cached: false, problem: 'INK_ERR_QUOTA' });
    assert.deepEqual(await list(), []);
    // Chromium gives the room of a file that is gone back a little later.
    while ((await page.evaluate(() => package_.modelCache.estimate())).usage > 50_000) await delay(20);
    // Room for one: Chromium takes it in pieces, here of 2 MiB.
    await quota(2_600_000);
    assert.deepEqual(await text('/m.gguf'), { tokens: expected, cached: true, problem: null });
    assert.deepEqual(await text('/m.gguf', { cache: 'another' }), { tokens: expected, cached: false, problem: 'INK_ERR_QUOTA' });
    assert.deepEqual((await list()).map(({ key }) => key), [`${server.url}/m.gguf`]);
    assert.deepEqual(await text('/m.gguf', { cache: 'another', evict: true }), { tokens: expected, cached: true, problem: null });
    assert.deepEqual((await list()).map(({ key }) => key), ['another']);
    const { usage, quota: told, models } = await page.evaluate(() => package_.modelCache.estimate());
    assert.ok(usage >= STORIES.length && told > usage && models === STORIES.length);
    await quota(); // estimate() does not know of it: Chromium tells pages the same quota whatever there is
    assert.equal((await page.evaluate(() => package_.checkModel('/m.gguf'))).fitsCache, true);
  });
});

inChromium('models in several files are one', LIMIT, async () => {
  const size = SPLIT.reduce((sum, path) => sum + server.files[path].length, 0);
  assert.deepEqual(await textOf(SPLIT[1]), { tokens: expectedGpt2, cached: true, problem: null });
  const [{ key, bytes, totalBytes, complete, files }] = await list();
  assert.deepEqual([key, bytes, totalBytes, complete, files], [server.url + SPLIT[0], size, size, true, 3]);
  const before = downloads().length;
  await onPage(async (page) => {
    await page.own.route('**/*.gguf', (route) => route.abort());
    assert.equal((await page.evaluate((path) => textOf(path), SPLIT[2])).tokens, expectedGpt2);
    assert.equal((await page.evaluate((path) => package_.checkModel(path), SPLIT[0])).cached, true);
    assert.equal(await page.evaluate(async (path) => (await package_.modelCache.open(path)).length, SPLIT[0]), 3);
    const text = await page.evaluate(async (path) => (await textOf(await package_.modelCache.open(path))).tokens, SPLIT[0]);
    assert.equal(text, expectedGpt2);
    assert.equal(await page.evaluate((path) => package_.modelCache.delete(path), SPLIT[2]), true);
    assert.deepEqual(await page.evaluate(() => package_.modelCache.list()), []);
  });
  assert.equal(downloads().length, before);
});

everywhere('a file of one’s own is kept under a name; files in OPFS are sources', LIMIT, async () => {
  await onPage(async (page) => {
    const [tokens, kept, direct, models] = await page.evaluate(async () => {
      const bytes = await (await fetch('/m.gguf')).arrayBuffer();
      const { tokens, cached } = await textOf(new File([bytes], 'mine.gguf'), { cache: 'mine' });
      const [kept] = await package_.modelCache.open('mine');
      const again = await textOf(kept);
      const handle = await (await navigator.storage.getDirectory()).getFileHandle('own.gguf', { create: true });
      const stream = await handle.createWritable();
      await stream.write(bytes);
      await stream.close();
      const direct = await textOf(handle);
      return [[tokens, cached], again.tokens, direct.tokens, await package_.modelCache.list()];
    });
    assert.deepEqual(tokens, [expected, true]);
    assert.deepEqual([kept, direct], [expected, expected]);
    assert.deepEqual(models.map(({ key, complete }) => [key, complete]), [['mine', true]]);
    if (browser === browsers.chromium) { // Firefox asks its user
      assert.equal(typeof (await page.evaluate(() => package_.modelCache.persist())), 'boolean');
    }
    assert.equal(await page.evaluate(() => package_.modelCache.delete('yours')), false);
    assert.equal(await page.evaluate(() => package_.modelCache.evict()), true);
    assert.equal(await page.evaluate(() => package_.modelCache.evict()), false);
  });
});

everywhere('the model that was not used for longest goes first', LIMIT, async () => {
  await onPage(async (page) => {
    const keys = await page.evaluate(async () => {
      const keys = async () => (await package_.modelCache.list()).map(({ key }) => key);
      for (const key of ['a', 'b', 'c', 'a']) await textOf('/n.gguf', { cache: key });
      const before = await keys();
      await package_.modelCache.evict();
      return [before, await keys()];
    });
    assert.deepEqual(keys, [['b', 'c', 'a'], ['c', 'a']]);
  });
});

everywhere('a tokenizer alone keeps what it read, and its model goes on from there', LIMIT, async () => {
  await onPage(async (page) => {
    const count = await page.evaluate(async () => {
      const model = await load('/m.gguf', { vocabularyOnly: true });
      return { tokens: await model.countTokens('Once upon a time'), cached: model.info.cached };
    });
    assert.ok(count.tokens > 0 && !count.cached);
    assert.equal((await page.evaluate(() => textOf('/m.gguf'))).cached, true);
  });
});

everywhere('a server of another origin, which shows neither ETag nor Content-Range', LIMIT, async () => {
  const other = await startModelServer({ '/m.gguf': STORIES });
  for (const exposes of ['', 'ETag, Content-Range']) {
    Object.assign(other, { exposes, requests: [], breakAt: [400_000], downMs: 100 });
    const url = `${other.url}/m.gguf`;
    assert.deepEqual(await textOf(url), { tokens: expected, cached: true, problem: null });
    assert.deepEqual(other.requests.map(({ method, status }) => [method, status]), [['GET', 200], ['GET', 206]]);
    assert.equal((await onPage((page) => page.evaluate((url) => package_.checkModel(url, { cache: false }), url))).fileBytes, STORIES.length);
    assert.deepEqual(await textOf(url), { tokens: expected, cached: true, problem: null });
    await onPage((page) => page.evaluate(() => package_.modelCache.clear()));
  }
  await other.close();
});

everywhere('a picked file that is broken leaves the loaded model alone', LIMIT, async () => {
  const broken = readFileSync(`${DATA}hostile/truncated-data.gguf`).toString('base64');
  const outcome = await onPage((page) => page.evaluate(async (broken) => {
    const model = await load('/m.gguf');
    const bytes = Uint8Array.from(atob(broken), (character) => character.charCodeAt(0));
    const { code } = await failureOf(load(new File([bytes], 'broken.gguf')));
    const checked = await failureOf(package_.checkModel(new File(['text'], 'broken.gguf')));
    const { tokens } = await model.complete('Once', { temperature: 0, maxTokens: 12 }).result();
    return [code, checked.code, tokens.join(' ')];
  }, broken));
  assert.deepEqual(outcome, ['INK_ERR_TRUNCATED', 'INK_ERR_NOT_GGUF', expected]);
});

test('the 98 MB model: ten deaths of the server, memory, and the second visit', { timeout: 300_000 }, async (t) => {
  const path = defaultModel();
  const { size } = statSync(path);
  const content = readFileSync(path);
  const plain = plainBrowser();
  const handle = handlePackage({ connect: "'self'" });
  const server = await startModelServer({ '/big.gguf': content }, (request, response) =>
    (request.url.startsWith('/plain/') ? plain.handle : handle)(request, response));
  const visit = async (options, knobs) => {
    Object.assign(server, { breakAt: [], downMs: 200, requests: [], bytesSent: 0 }, knobs);
    const { outcome, peak } = await plain.run(server.url, async (options) => {
      const { loadModel } = await import('/package/index.js');
      const start = performance.now();
      const model = await loadModel('/big.gguf', { contextLength: 512, threads: 1, ...options });
      const ms = performance.now() - start;
      const { tokens } = await model.complete('The capital of France is', { temperature: 0, maxTokens: 8 }).result();
      return { ms, tokens: tokens.join(' '), cached: model.info.cached };
    }, options);
    assert.equal(outcome.error, undefined);
    return { ...outcome, share: peak / size, requests: server.requests.map(({ method, status }) => `${method} ${status}`) };
  };
  const uncached = await visit({ cache: false });
  const broken = await visit({ sha256: sha256Of(content) }, { breakAt: randomOffsets(10, size, 5) });
  const sent = server.bytesSent;
  const cached = [await visit(), await visit(), await visit()];
  await server.close();
  await plain.close();
  const tell = (visits, field, digits) => visits.map((visit) => (visit[field] / (field === 'ms' ? 1000 : 1)).toFixed(digits)).join(', ');
  t.diagnostic(`until the model is ready: cached ${tell(cached, 'ms', 2)} s; downloaded ${tell([uncached], 'ms', 2)} s`);
  t.diagnostic(`renderer's peak memory above an empty tab's, in sizes of the file: downloaded ${tell([uncached], 'share', 2)}, ` +
    `with ten deaths of the server ${tell([broken], 'share', 2)}, cached ${tell(cached, 'share', 2)}`);
  assert.equal(broken.requests.length, 11, broken.requests);
  assert.ok(sent < size * 1.3, `${sent} of ${size}`);
  for (const { requests, cached: isCached } of cached) assert.deepEqual([requests, isCached], [['HEAD 200'], true]);
  for (const { tokens, share } of [uncached, broken, ...cached]) {
    assert.equal(tokens, uncached.tokens);
    assert.ok(share <= 1.3, `peak memory is ${share.toFixed(3)} of the file`);
  }
});
