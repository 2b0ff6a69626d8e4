// Loading in Node: every kind of source, broken files, aborts, and memory.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, openAsBlob, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { InklingError, loadModel } from '../dist/index.js';
import { DATA, dataUrl, defaultModel, readData } from './lib/files.mjs';

const STORIES = readData('stories260K.gguf');
const GREEDY = { temperature: 0, maxTokens: 12 };

/** The buffer as a stream of chunks whose sizes repeat `sizes`. */
function streamOf(buffer, sizes) {
  let offset = 0;
  let i = 0;
  return new ReadableStream({
    pull(controller) {
      if (offset >= buffer.byteLength) return controller.close();
      const size = sizes[i++ % sizes.length];
      controller.enqueue(new Uint8Array(buffer.slice(offset, offset + size)));
      offset += size;
    },
  });
}

const withoutSpeed = ({ bytesPerSecond: _, ...progress }) => progress;

async function textFrom(source, options) {
  const model = await loadModel(source, options);
  const { text } = await model.complete('Once upon a time', GREEDY).result();
  model.dispose();
  return text;
}

test('every kind of source gives the same model', async (t) => {
  const expected = await textFrom(STORIES.slice(0));
  assert.match(expected, /^, there was a little girl/);
  const sources = {
    'a Blob': () => new Blob([STORIES]),
    'the Blob of a file': () => openAsBlob(dataUrl('stories260K.gguf')),
    'a file: URL': () => dataUrl('stories260K.gguf'),
    'a file: URL as a string': () => dataUrl('stories260K.gguf').href,
    'a stream of odd chunks': () => streamOf(STORIES, [1, 7, 4093, 65537, 2]),
    'a stream of one chunk': () => streamOf(STORIES, [STORIES.byteLength]),
    'a stream with empty chunks': () => streamOf(STORIES, [0, 100_000]),
    'views into one buffer that stays whole': () => new ReadableStream({
      start(controller) {
        for (let at = 0; at < STORIES.byteLength; at += 300_000) {
          controller.enqueue(new Uint8Array(STORIES, at, Math.min(300_000, STORIES.byteLength - at)));
        }
        controller.close();
      },
    }),
  };
  for (const [name, source] of Object.entries(sources)) {
    await t.test(name, async () => assert.equal(await textFrom(await source()), expected));
  }
});

test('the caller keeps an ArrayBuffer', async () => {
  const buffer = STORIES.slice(0);
  (await loadModel(buffer)).dispose();
  assert.equal(buffer.byteLength, STORIES.byteLength);
});

test('progress rises to the whole file', async () => {
  const seen = [];
  const model = await loadModel(new Blob([STORIES]), { onProgress: (progress) => seen.push(progress) });
  model.dispose();
  assert.deepEqual(withoutSpeed(seen.at(-1)), { loaded: STORIES.byteLength, total: STORIES.byteLength, phase: 'prepare' });
  assert.ok(seen.every(({ loaded }, i) => i === 0 || loaded >= seen[i - 1].loaded));
  assert.ok(seen.every(({ bytesPerSecond }) => Number.isInteger(bytesPerSecond) && bytesPerSecond >= 0));
});

test('info describes the model', async () => {
  const model = await loadModel(dataUrl('stories260K.gguf'), { contextLength: 100 });
  assert.equal(model.info.architecture, 'llama');
  assert.equal(model.info.vocabularySize, 512);
  assert.equal(model.info.contextLength, 100);
  assert.equal(model.info.addsBos, true);
  assert.match(model.info.kernels, /^wasm_(relaxed|relaxed_dot|simd128)$/); // Node.js 20 has no relaxed SIMD
  model.dispose();
});

test('kernels can be chosen', async () => {
  const model = await loadModel(dataUrl('stories260K.gguf'), { kernels: 'simd128' });
  assert.equal(model.info.kernels, 'wasm_simd128');
  model.dispose();
  await assert.rejects(loadModel(dataUrl('stories260K.gguf'), { kernels: 'abacus' }), { code: 'INK_ERR_INVALID_ARGUMENT' });
});

test('the weights are in memory once', async () => {
  // WebAssembly memory never shrinks: its size is the load's peak, and the context after it, of which a second one takes
  // as much.
  const model = await loadModel(pathToFileURL(defaultModel()), { contextLength: 16, threads: 1 });
  const { memoryBytes, weightBytes } = model.info;
  await model.createSession();
  const share = (memoryBytes - (await model.memoryUse() - memoryBytes)) / weightBytes;
  model.dispose();
  assert.ok(share > 1 && share <= 1.05, `loading takes ${share.toFixed(3)} of the tensors`);
});

test('memory that the system refuses is a typed rejection', () => {
  const urls = [pathToFileURL(defaultModel()).href, dataUrl('stories260K.gguf').href];
  /** Names or codes from a process that may have so much more than what the engine itself took. */
  const loadWithin = (field, limit, bytes, kernels) => execFileSync(process.execPath, ['--input-type=module', '--eval', `
    import { execFileSync } from 'node:child_process';
    import { readFileSync } from 'node:fs';
    import { loadModel } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
    const kept = []; // a model that was collected would leave its addresses to the next one
    const load = (url) => loadModel(url, { threads: 1, kernels: '${kernels}' }).then((model) => (kept.push(model), model.info.name), ({ code }) => code);
    const found = [await load(${JSON.stringify(urls[1])})];
    const used = Number(/${field}:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
    execFileSync('prlimit', ['--pid', String(process.pid), '--${limit}=' + (used + ${bytes})]);
    for (const url of ${JSON.stringify(urls)}) found.push(await load(url));
    console.log(...found);`], { encoding: 'utf8' }).trim();
  // Not enough for the weights, but for a smaller model; and not for an instance's addresses.
  assert.equal(loadWithin('VmData', 'data', 60e6, 'auto'), 'stories260K INK_ERR_OUT_OF_MEMORY stories260K');
  assert.equal(loadWithin('VmSize', 'as', 300e6, 'simd128'), 'stories260K INK_ERR_OUT_OF_MEMORY INK_ERR_OUT_OF_MEMORY');
  // Choosing among kernels takes addresses too, and leaves them to be collected: what fits may fit or not.
  assert.doesNotMatch(loadWithin('VmSize', 'as', 300e6, 'auto'), /CRASHED/);
});

test('hostile files are refused with their code', async (t) => {
  const cases = JSON.parse(readFileSync(`${DATA}hostile/hostile.json`, 'utf8'));
  for (const { file, expect, reason } of cases) {
    await t.test(`${file}: ${reason}`, async () => {
      for (const source of [readData(`hostile/${file}`), streamOf(readData(`hostile/${file}`), [3, 50])]) {
        const code = await loadModel(source).then(
          (model) => (model.dispose(), 'INK_OK'),
          (error) => (assert.ok(error instanceof InklingError, String(error)), assert.ok(error.message.length > 10), error.code),
        );
        // Whether bytes are missing or absurd can't always be told while the file's size is not known.
        const allowed = source instanceof ArrayBuffer ? expect : [...expect, 'INK_ERR_TRUNCATED', 'INK_ERR_OUT_OF_MEMORY'];
        assert.ok(allowed.includes(code), `${code}, not ${allowed.join(' or ')}`);
      }
    });
  }
});

test('failures are typed', async (t) => {
  const code = (name) => (error) => error instanceof InklingError && error.code === name;
  await t.test('no such file', () => assert.rejects(loadModel('file:///no/such/model.gguf'), code('INK_ERR_IO')));
  await t.test('no such host', () => assert.rejects(loadModel('http://127.0.0.1:9/model.gguf'), code('INK_ERR_IO')));
  await t.test('a relative URL in Node', () => assert.rejects(loadModel('model.gguf'), code('INK_ERR_INVALID_ARGUMENT')));
  await t.test('no source at all', () => assert.rejects(loadModel(42), code('INK_ERR_INVALID_ARGUMENT')));
  await t.test('a stream that fails', () => {
    const stream = new ReadableStream({ pull: (controller) => controller.error(new Error('the cable was cut')) });
    return assert.rejects(loadModel(stream), (error) => code('INK_ERR_IO')(error) && /cable/.test(error.message));
  });
  await t.test('a stream of text', () => {
    const stream = new ReadableStream({ start: (controller) => controller.enqueue('text') });
    return assert.rejects(loadModel(stream), code('INK_ERR_IO'));
  });
  await t.test('a context that memory cannot hold, before all is read', async () => {
    let read = 0;
    const onProgress = ({ loaded }) => (read = loaded);
    const options = { contextLength: 2 ** 31, onProgress };
    await assert.rejects(loadModel(streamOf(STORIES, [50_000]), options), code('INK_ERR_OUT_OF_MEMORY'));
    assert.ok(read < STORIES.byteLength / 2, `after ${read} bytes`);
  });
  await t.test('a context that is no number', () =>
    assert.rejects(loadModel(STORIES, { contextLength: '2048' }), code('INK_ERR_INVALID_ARGUMENT')));
});

test('a model in several files', async (t) => {
  const names = [1, 2, 3].map((i) => `split/tiny-gpt2-0000${i}-of-00003.gguf`);
  const buffers = names.map(readData);
  const size = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const answer = async (source, options) => {
    const model = await loadModel(source, options);
    const { tokens } = await model.complete('To be', GREEDY).result();
    model.dispose();
    return tokens;
  };
  const files = () => buffers.map((buffer, i) => new File([buffer], names[i]));
  const expected = await answer(readData('tiny-gpt2.gguf'));
  const sources = {
    'the URL of the first': () => dataUrl(names[0]),
    'the URL of another, with a query': () => `${dataUrl(names[1]).href}?download=true`,
    'buffers in order': () => buffers,
    'streams in order': () => buffers.map((buffer) => streamOf(buffer, [1, 7, 4093])),
    'files in any order': () => files().reverse(),
    'URLs in any order': () => [names[1], names[2], names[0]].map(dataUrl),
    'of every kind': () => [dataUrl(names[0]), new Blob([buffers[1]]), streamOf(buffers[2], [100])],
  };
  for (const [name, source] of Object.entries(sources)) {
    await t.test(name, async () => assert.deepEqual(await answer(source()), expected));
  }
  await t.test('progress is over all of them', async () => {
    const seen = [];
    await answer(dataUrl(names[2]), { onProgress: (progress) => seen.push(progress) });
    assert.deepEqual(withoutSpeed(seen.at(-1)), { loaded: size, total: size, phase: 'prepare' });
    assert.ok(seen.every(({ loaded, total }, i) => total === size && (i === 0 || loaded >= seen[i - 1].loaded)));
  });
  await t.test('the vocabulary comes from the first', async () => {
    const model = await loadModel(buffers, { vocabularyOnly: true });
    assert.ok((await model.tokenize('To be')).length > 0);
    model.dispose();
  });
  const failures = {
    'parts in the wrong order': [() => [buffers[0], buffers[2], buffers[1]], 'INK_ERR_BAD_MODEL', /Part 2 of 3: .*part 3/],
    'a part of another model': [() => [buffers[0], readData('split/bare-00002-of-00003.gguf'), buffers[2]], 'INK_ERR_BAD_MODEL', /Part 2 of 3/],
    'a part too few': [() => buffers.slice(0, 2), 'INK_ERR_BAD_MODEL', /in 3 files, not 2/],
    'one part alone': [() => buffers[0], 'INK_ERR_BAD_MODEL', /in 3 files, not 1/],
    'a whole model in a list of two': [() => [readData('tiny-gpt2.gguf'), buffers[1]], 'INK_ERR_BAD_MODEL', /in 1 file, not 2/],
    'a truncated part': [() => [buffers[0], buffers[1].slice(0, 2000), buffers[2]], 'INK_ERR_TRUNCATED', /Part 2 of 3/],
    'no parts': [() => [], 'INK_ERR_INVALID_ARGUMENT', /empty/],
    'a missing file': [() => dataUrl('split/none-00001-of-00002.gguf'), 'INK_ERR_IO', /missing.*none-0000[12]-of-00002/],
  };
  for (const [name, [source, code, message]] of Object.entries(failures)) {
    await t.test(name, () => assert.rejects(loadModel(source()), (error) => error.code === code && message.test(error.message)));
  }
  await t.test('over HTTP', async () => {
    const { url, close, asked } = await servePath(`${DATA}split/`);
    const seen = [];
    assert.deepEqual(await answer(`${url}tiny-gpt2-00001-of-00003.gguf`, { onProgress: (p) => seen.push(p) }), expected);
    assert.deepEqual(withoutSpeed(seen.at(-1)), { loaded: size, total: size, phase: 'prepare' });
    const before = asked.length;
    await assert.rejects(loadModel(`${url}bare-00001-of-00004.gguf`), { code: 'INK_ERR_IO', httpStatus: 404 });
    assert.ok(asked.slice(before).every((method) => method === 'HEAD')); // nothing was downloaded for it
    close();
  });
});

/** A server of one folder's files. */
async function servePath(folder) {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.method);
    const path = folder + request.url.slice(1);
    if (!existsSync(path)) return response.writeHead(404).end();
    response.writeHead(200, { 'content-length': statSync(path).size });
    response.end(request.method === 'HEAD' ? undefined : readFileSync(path));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => (server.closeAllConnections(), server.close());
  return { url: `http://127.0.0.1:${server.address().port}/`, asked, close };
}

test('a load can be aborted', async (t) => {
  await t.test('before it starts', () =>
    assert.rejects(loadModel(STORIES, { signal: AbortSignal.abort() }), { name: 'AbortError' }));
  await t.test('halfway, and the stream is cancelled', async () => {
    const controller = new AbortController();
    let cancelled = false;
    const stream = new ReadableStream({
      start: (stream) => stream.enqueue(new Uint8Array(STORIES, 0, 200_000)), // and then nothing more comes
      cancel: () => (cancelled = true),
    });
    setTimeout(() => controller.abort(new Error('changed my mind')), 20);
    await assert.rejects(loadModel(stream, { signal: controller.signal }), { message: 'changed my mind' });
    await new Promise(setImmediate);
    assert.ok(cancelled);
  });
});
