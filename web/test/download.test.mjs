// Downloads, in Node: what the network does to them, checksums, and the check before them.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { checkModel, loadModel, modelCache } from '../dist/index.js';
import { readData } from './lib/files.mjs';
import { randomOffsets, sha256Of, startModelServer } from './lib/model-server.mjs';

const buffer = (name) => Buffer.from(readData(name));
const STORIES = buffer('stories260K.gguf');
const GPT2 = buffer('tiny-gpt2.gguf');
const SHA256 = sha256Of(STORIES);
const SPLIT = [1, 2, 3].map((i) => `/tiny-gpt2-0000${i}-of-00003.gguf`);
const DEFAULTS = { ranges: true, etags: true, dates: true, gzip: false, breakAt: [], downMs: 0, bytesPerSecond: Infinity, failures: [], silent: false };
let server, url, expected, expectedGpt2;

before(async () => {
  server = await startModelServer({});
  url = `${server.url}/model.gguf`;
  expected = await textFrom(readData('stories260K.gguf'));
  expectedGpt2 = await textFrom(readData('tiny-gpt2.gguf'));
});
beforeEach(() => {
  const parts = SPLIT.map((path) => [path, buffer(`split${path}`)]);
  Object.assign(server, DEFAULTS, { files: { '/model.gguf': STORIES, ...Object.fromEntries(parts) }, requests: [], bytesSent: 0 });
});
after(() => server.close());

async function textFrom(source, options) {
  const model = await loadModel(source, { threads: 1, ...options });
  const { tokens } = await model.complete('Once', { temperature: 0, maxTokens: 12 }).result();
  model.dispose();
  return tokens;
}
const failure = (promise) => promise.then(() => assert.fail('it succeeded'), (error) => error);

test('a server that dies at ten random points costs no byte twice', async () => {
  for (const [seed, downMs] of [[1, 0], [2, 150]]) {
    Object.assign(server, { breakAt: randomOffsets(10, STORIES.length, seed), downMs, bytesSent: 0, requests: [] });
    const seen = [];
    assert.deepEqual(await textFrom(url, { onProgress: (progress) => seen.push(progress) }), expected);
    assert.deepEqual(server.breakAt, []);
    assert.equal(server.requests.length, 11);
    for (const { range, ifRange, status } of server.requests.slice(1)) {
      assert.match(range, /^bytes=\d+-$/);
      assert.match(ifRange, /^"[0-9a-f]+"$/);
      assert.equal(status, 206);
    }
    // What was under way when a connection broke may have to be sent again.
    assert.ok(server.bytesSent < STORIES.length * 1.5, `${server.bytesSent} bytes for ${STORIES.length}`);
    assert.ok(seen.every(({ loaded, total }, i) => (!loaded || total === STORIES.length) && (i === 0 || loaded >= seen[i - 1].loaded)));
    assert.ok(seen.some(({ phase }) => phase === 'retry'));
    assert.equal(seen.at(-1).loaded, STORIES.length);
  }
});

test('servers of every kind can be continued with', async (t) => {
  const kinds = {
    'that knows no ranges': { ranges: false },
    'that knows dates only': { etags: false },
    'that compresses': { gzip: true },
  };
  for (const [name, knobs] of Object.entries(kinds)) {
    await t.test(name, async () => {
      Object.assign(server, knobs, { breakAt: [300_000, 700_000] });
      assert.deepEqual(await textFrom(url), expected);
      assert.deepEqual(server.breakAt, []);
      assert.ok(server.requests.length === 3);
    });
  }
  await t.test('that knows no versions: with a checksum', async () => {
    Object.assign(server, { etags: false, dates: false, breakAt: [300_000, 700_000] });
    assert.deepEqual(await textFrom(url, { sha256: SHA256 }), expected);
    assert.deepEqual(server.requests.map(({ status }) => status), [200, 206, 206]);
  });
  await t.test('that knows no versions: from the beginning, once', async () => {
    Object.assign(server, { etags: false, dates: false, breakAt: [300_000] });
    assert.deepEqual(await textFrom(url), expected);
    Object.assign(server, { breakAt: [300_000, 300_001, 500_000], requests: [] });
    assert.equal((await failure(loadModel(url))).code, 'INK_ERR_IO');
  });
});

test('a file that is replaced meanwhile is loaded from the beginning', async () => {
  server.breakAt = [500_000];
  const loading = textFrom(url, { onProgress: ({ phase }) => phase === 'retry' && (server.files['/model.gguf'] = GPT2) });
  assert.deepEqual(await loading, expectedGpt2);
});

test('a connection that breaks before there is an answer is made again, once', async () => {
  server.failures = [0];
  assert.deepEqual(await textFrom(url), expected);
  Object.assign(server, { failures: [0, 0, 0], requests: [] });
  const { code, httpStatus } = await failure(loadModel(url));
  assert.deepEqual([code, httpStatus, server.requests.length], ['INK_ERR_IO', undefined, 2]);
});

test('a busy server is asked again, others are not', async () => {
  server.failures = [503, 429];
  assert.deepEqual(await textFrom(url), expected);
  for (const status of [404, 403, 400]) {
    Object.assign(server, { failures: [status], requests: [] });
    const { code, httpStatus } = await failure(loadModel(url));
    assert.deepEqual([code, httpStatus, server.requests.length], ['INK_ERR_IO', status, 1]);
  }
  server.breakAt = [400_000];
  server.failures = [];
  const forbidden = loadModel(url, { onProgress: ({ phase }) => phase === 'retry' && (server.failures = [403]) });
  assert.equal((await failure(forbidden)).httpStatus, 403);
});

/** While `use` runs, the package's waits are short: for silent servers, and (of random length) before it tries again. */
async function impatiently(use) {
  const { setTimeout } = globalThis;
  const isOurs = (ms) => ms === 30_000 || ms === 8000 || !Number.isInteger(ms); // fetch() itself has others
  globalThis.setTimeout = (callback, ms, ...parameters) => setTimeout(callback, isOurs(ms) ? ms / 100 : ms, ...parameters);
  try {
    return await use();
  } finally {
    globalThis.setTimeout = setTimeout;
  }
}

test('a connection that falls silent is lost', () => impatiently(async () => {
  const timer = AbortSignal.timeout(20_000);
  Object.assign(server, { breakAt: [300_000, 600_000], silent: true });
  assert.deepEqual(await textFrom(url, { signal: timer }), expected);
  assert.deepEqual(server.requests.map(({ status }) => status), [200, 206, 206]);
  server.breakAt = [0];
  assert.match((await failure(loadModel(url, { signal: timer }))).message, /no answer for 30 s/);
}));

test('a server that does not come back is given up', () => impatiently(async () => {
  Object.assign(server, { breakAt: [300_000], downMs: 3000 });
  const seen = new Set();
  const { code, message } = await failure(loadModel(url, { onProgress: ({ phase }) => seen.add(phase) }));
  assert.equal(code, 'INK_ERR_IO');
  assert.match(message, /could not be fetched from http/);
  assert.deepEqual([...seen], ['download', 'retry']);
  while (await fetch(url, { method: 'HEAD' }).then(() => false, () => true)) await new Promise((resolve) => setTimeout(resolve, 50));
}));

test('headers are sent', async () => {
  const seen = [];
  const guarded = await startModelServer({}, (request, response) => (seen.push(request.headers.authorization), response.writeHead(401).end()));
  const { httpStatus } = await failure(loadModel(`${guarded.url}/x.gguf`, { headers: { authorization: 'Bearer me' } }));
  assert.deepEqual([httpStatus, seen], [401, ['Bearer me']]);
  await guarded.close();
});

test('an abort while the connection is lost, or slow, acts at once', async () => {
  Object.assign(server, { breakAt: [300_000], downMs: 2000 });
  const controller = new AbortController();
  const options = { signal: controller.signal, onProgress: ({ phase }) => phase === 'retry' && controller.abort(new Error('enough')) };
  assert.equal((await failure(loadModel(url, options))).message, 'enough');
  await new Promise((resolve) => setTimeout(resolve, 2100));
  Object.assign(server, { bytesPerSecond: 100_000, downMs: 0 });
  for (let i = 0; i < 20; i++) {
    const error = await failure(loadModel(url, { signal: AbortSignal.timeout(10 * i) })); // it would take ten seconds
    assert.equal(error.name, 'TimeoutError');
  }
});

test('checksums', async (t) => {
  const spoilt = Buffer.from(STORIES);
  spoilt[STORIES.length - 1000] ^= 1;
  await t.test('right ones pass, in either case', async () => {
    assert.deepEqual(await textFrom(url, { sha256: SHA256.toUpperCase() }), expected);
    assert.deepEqual(await textFrom(new Blob([STORIES]), { sha256: [SHA256] }), expected);
  });
  await t.test('one wrong bit does not', async () => {
    server.files['/model.gguf'] = spoilt;
    for (const source of [url, new Blob([spoilt])]) {
      const { code, message } = await failure(loadModel(source, { sha256: SHA256 }));
      assert.equal(code, 'INK_ERR_CHECKSUM');
      assert.ok(message.includes(SHA256) && message.includes(sha256Of(spoilt)), message);
    }
  });
  await t.test('of bytes that the model does not need, and of a vocabulary', async () => {
    const longer = Buffer.concat([STORIES, Buffer.from('more')]);
    assert.deepEqual(await textFrom(new Blob([longer]), { sha256: sha256Of(longer) }), expected);
    assert.equal((await failure(loadModel(new Blob([longer]), { sha256: SHA256 }))).code, 'INK_ERR_CHECKSUM');
    (await loadModel(url, { vocabularyOnly: true, sha256: SHA256 })).dispose();
    assert.equal((await failure(loadModel(new Blob([spoilt]), { vocabularyOnly: true, sha256: SHA256 }))).code, 'INK_ERR_CHECKSUM');
  });
  await t.test('of each part', async () => {
    const digests = SPLIT.map((path) => sha256Of(server.files[path]));
    assert.deepEqual(await textFrom(server.url + SPLIT[0], { sha256: digests }), expectedGpt2);
    const { code, message } = await failure(loadModel(server.url + SPLIT[0], { sha256: [digests[0], digests[2], digests[2]] }));
    assert.equal(code, 'INK_ERR_CHECKSUM');
    assert.match(message, /^Part 2 of 3/);
  });
  await t.test('that are none', async () => {
    for (const sha256 of ['', 'abc', [SHA256, SHA256], 7]) {
      assert.equal((await failure(loadModel(url, { sha256 }))).code, 'INK_ERR_INVALID_ARGUMENT');
    }
  });
});

test('a check before the download', async (t) => {
  await t.test('reads the header only', async () => {
    server.files['/model.gguf'] = Buffer.concat([STORIES, Buffer.alloc(20 << 20)]);
    const check = await checkModel(url, { contextLength: 256 });
    const { architecture, fits, reason, fileBytes, contextLength, cached, parameterCount } = check;
    assert.deepEqual({ architecture, fits, reason, fileBytes, contextLength, cached }, {
      architecture: 'llama', fits: true, reason: '', fileBytes: server.files['/model.gguf'].length, contextLength: 256, cached: false,
    });
    assert.ok(parameterCount > 200_000 && parameterCount < 300_000);
    assert.equal(server.requests.length, 1);
    assert.ok(server.bytesSent <= 2 << 20, `${server.bytesSent}`);
    assert.ok(check.neededBytes > STORIES.length && check.neededBytes < STORIES.length + (8 << 20), `${check.neededBytes}`);
  });
  await t.test('says what a load will take', async () => {
    for (const [options, kvCache] of [[{ contextLength: 4096 }, 'f32'], [{}, 'default']]) {
      const { neededBytes, contextLength } = await checkModel(url, { ...options, kvCache });
      const model = await loadModel(url, { ...options, kvCache, threads: 1 });
      assert.equal(contextLength, model.info.contextLength);
      const more = neededBytes - model.info.memoryBytes; // the module's own memory may have had room for some of it
      assert.ok(more > -0.05 * neededBytes && more < (1 << 20) + 0.05 * neededBytes, `${neededBytes} for ${model.info.memoryBytes}`);
      model.dispose();
    }
  });
  await t.test('of what does not fit', async () => {
    const { fits, reason, neededBytes, availableBytes } = await checkModel(url, { contextLength: 2 ** 24, kvCache: 'f32' });
    assert.equal(fits, false);
    assert.match(reason, /GiB/);
    assert.ok(neededBytes > availableBytes);
  });
  await t.test('of a header that comes in many pieces, and of parts', async () => {
    const { fileBytes, fits } = await checkModel(server.url + SPLIT[1]);
    assert.equal(fileBytes, SPLIT.reduce((sum, path) => sum + server.files[path].length, 0));
    assert.ok(fits);
    assert.equal((await checkModel(new Blob([GPT2]))).fileBytes, GPT2.length);
    assert.ok((await checkModel(readData('stories260K.gguf'))).fits);
  });
  await t.test('of a server that knows no ranges', async () => {
    server.ranges = false;
    assert.equal((await checkModel(url)).fileBytes, STORIES.length);
  });
  await t.test('of what is no model', async () => {
    server.files['/model.gguf'] = Buffer.from('<!doctype html>');
    assert.equal((await failure(checkModel(url))).code, 'INK_ERR_NOT_GGUF');
    server.failures = [404];
    assert.equal((await failure(checkModel(url))).httpStatus, 404);
    assert.equal((await failure(checkModel(new Blob([STORIES.subarray(0, 500)])))).code, 'INK_ERR_TRUNCATED');
  });
});

test('without OPFS there is no cache, and all else works', async () => {
  const model = await loadModel(url, { cache: true });
  assert.equal(model.info.cached, false);
  assert.equal(model.info.cacheError.code, 'INK_ERR_UNSUPPORTED_HOST');
  model.dispose();
  const uncached = await loadModel(url, { cache: false });
  assert.equal(uncached.info.cacheError, null);
  uncached.dispose();
  assert.deepEqual(await modelCache.list(), []);
  assert.deepEqual(await modelCache.estimate(), { models: 0, usage: undefined, quota: undefined });
  assert.equal(await modelCache.delete(url), false);
  assert.equal(await modelCache.evict(), false);
  assert.equal(await modelCache.open(url), undefined);
  assert.equal(await modelCache.persist(), false);
  await modelCache.clear();
  assert.equal((await failure(loadModel(url, { cache: '' }))).code, 'INK_ERR_INVALID_ARGUMENT');
});
