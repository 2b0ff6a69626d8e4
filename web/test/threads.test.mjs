// Threads: in Node, and in Chromium on a page that is cross-origin isolated and on one that is not.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { InklingError, loadModel } from '../dist/index.js';
import { openBrowser, openPage } from './lib/browser.mjs';
import { DATA, DIST, dataUrl, defaultModel, runNatively } from './lib/files.mjs';
import { startServer } from './lib/server.mjs';

const PROMPT = 'The history of the printing press begins in';
const LIMIT = { timeout: 180_000 };
let isolated, plain, browser, expected;

before(async () => {
  const files = { '/model.gguf': defaultModel(), '/stories.gguf': `${DATA}stories260K.gguf` };
  isolated = await startServer(files, { isolated: true });
  plain = await startServer(files);
  browser = await openBrowser();
  expected = runNatively(defaultModel(), PROMPT, '-n', '24', '--kernels', 'scalar', '-t', '1').tokens;
});
after(async () => {
  await browser?.close();
  await isolated?.close();
  await plain?.close();
});

const greedy = { temperature: 0, maxTokens: 24 };

/** Polls for up to ten seconds. */
async function becomes(value, wanted) {
  for (let i = 0; i < 200 && value() !== wanted; i++) await delay(50);
  assert.equal(value(), wanted);
}

// ---- Node ----

test('Node: any number of threads gives the same tokens', LIMIT, async () => {
  for (const threads of [1, 2, 4]) {
    const model = await loadModel(pathToFileURL(defaultModel()), { threads, contextLength: 256 });
    assert.equal(model.info.threads, threads);
    assert.equal(model.info.whyOneThread, threads === 1 ? 'one thread was asked for' : '');
    assert.deepEqual((await model.complete(PROMPT, greedy).result()).tokens, expected);
    model.dispose();
  }
});

test('Node: a number is chosen, or one with the reason', async () => {
  const model = await loadModel(dataUrl('tiny-q.gguf'));
  assert.ok(model.info.threads >= 1);
  assert.equal(model.info.whyOneThread === '', model.info.threads > 1, model.info.whyOneThread);
  model.dispose();
});

test('Node: numbers that make no sense are refused', async () => {
  for (const threads of [0, -1, 1.5, 65, NaN, '2', null]) {
    await assert.rejects(loadModel(dataUrl('stories260K.gguf'), { threads }), (error) => error instanceof InklingError && error.code === 'INK_ERR_INVALID_ARGUMENT');
  }
});

test('Node: models with threads of their own work at the same time', LIMIT, async () => {
  const load = (threads) => loadModel(dataUrl('stories260K.gguf'), { threads });
  const models = await Promise.all([load(1), load(2), load(3)]);
  const results = await Promise.all(models.map((model) => model.complete('Once upon a time', { ...greedy, maxTokens: 60 }).result()));
  for (const { tokens } of results) assert.deepEqual(tokens, results[0].tokens);
  for (const model of models) model.dispose();
});

test('Node: threads sleep while there is nothing to do, and end with the model', LIMIT, async () => {
  const threads = () => readdirSync('/proc/self/task').length;
  await delay(500); // those of the tests before
  const before = threads();
  const model = await loadModel(dataUrl('stories260K.gguf'), { threads: 4 });
  await model.complete('Once upon a time', greedy).result();
  assert.ok(threads() >= before + 3);
  await delay(200);
  const start = process.cpuUsage();
  await delay(1000);
  const { user, system } = process.cpuUsage(start);
  assert.ok(user + system < 300_000, `${user + system} µs of work in an idle second`);
  model.dispose();
  await becomes(threads, before);
});

test('Node: a forgotten model does not keep the process', LIMIT, () => {
  const script = `import { loadModel } from ${JSON.stringify(pathToFileURL(`${DIST}index.js`).href)};
    const model = await loadModel(${JSON.stringify(dataUrl('stories260K.gguf').href)}, { threads: 3 });
    console.log((await model.complete('Once upon a time', { temperature: 0, maxTokens: 3 }).result()).text);`;
  assert.equal(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 60_000 }), ', there was\n');
});

// ---- Chromium ----

async function onPage(server, use) {
  const { page, complaints } = await openPage(browser.context, `${server.url}/blank`);
  try {
    const result = await use(page);
    assert.deepEqual(complaints, []);
    return result;
  } finally {
    await page.close();
  }
}

const answerWith = (page, url, prompt, options, maxTokens = 24) => page.evaluate(async ([url, prompt, options, maxTokens]) => {
  const { loadModel } = await import('/package/index.js');
  const model = await loadModel(url, { contextLength: 256, ...options });
  const { tokens } = await model.complete(prompt, { temperature: 0, maxTokens }).result();
  model.dispose();
  return { tokens, info: { ...model.info }, isolated: crossOriginIsolated };
}, [url, prompt, options, maxTokens]);

test('an isolated page: any number of threads gives the same tokens', LIMIT, () => onPage(isolated, async (page) => {
  for (const [threads, kernels] of [[1, 'relaxed'], [2, 'relaxed'], [4, 'relaxed'], [2, 'relaxed-dot'], [2, 'simd128']]) {
    const answer = await answerWith(page, '/model.gguf', PROMPT, { threads, kernels });
    assert.equal(answer.isolated, true);
    assert.equal(answer.info.threads, threads);
    assert.equal(answer.info.kernels, `wasm_${kernels.replace('-', '_')}`);
    assert.deepEqual(answer.tokens, expected);
    const share = answer.info.memoryBytes / statSync(defaultModel()).size;
    assert.ok(share <= 1.25, `${share.toFixed(3)} of the file with a context of 256`);
  }
  const { info } = await answerWith(page, '/model.gguf', PROMPT, {});
  assert.equal(info.whyOneThread === '', info.threads > 1, info.whyOneThread);
}));

// Firefox may block a worker for ever that opens another.
test('an isolated page: the page opens every worker', LIMIT, () => onPage(isolated, async (page) => {
  await page.evaluate(() => {
    globalThis.opened = [];
    globalThis.Worker = class extends Worker {
      constructor(url, options) {
        super(url, options);
        globalThis.opened.push(url.pathname);
      }
    };
  });
  const { info } = await answerWith(page, '/stories.gguf', 'Once upon a time', { threads: 3 });
  assert.equal(info.threads, 3);
  assert.deepEqual(await page.evaluate(() => globalThis.opened), ['worker.js', 'thread.js', 'thread.js'].map((file) => `/package/${file}`));
}));

test('a page that is not isolated: one thread, and the reason', LIMIT, () => onPage(plain, async (page) => {
  for (const options of [{}, { threads: 4 }]) {
    const answer = await answerWith(page, '/model.gguf', PROMPT, options);
    assert.equal(answer.isolated, false);
    assert.equal(answer.info.threads, 1);
    assert.match(answer.info.whyOneThread, /not cross-origin isolated/);
    assert.deepEqual(answer.tokens, expected);
  }
}));

test('an isolated page: the weights are in memory once', LIMIT, () => onPage(isolated, async (page) => {
  const { info } = await answerWith(page, '/model.gguf', PROMPT, { threads: 2, contextLength: 32 }, 1);
  const share = info.memoryBytes / statSync(defaultModel()).size;
  assert.ok(share <= 1.1, `peak memory is ${share.toFixed(3)} of the file`);
}));

test('an isolated page: without thread.js or its module there is one thread', LIMIT, async (t) => {
  const cases = {
    'thread.js': /could not be started/,
    'inkling-relaxed-threads.wasm': /answered 404/,
  };
  for (const [file, reason] of Object.entries(cases)) {
    await t.test(file, async () => {
      const server = await startServer({ '/stories.gguf': `${DATA}stories260K.gguf`, [`/package/${file}`]: '/no/such/file' }, { isolated: true });
      const { page } = await openPage(browser.context, `${server.url}/blank`);
      const { tokens, info } = await answerWith(page, '/stories.gguf', 'Once upon a time', { threads: 3, kernels: 'relaxed' });
      await page.close();
      await server.close();
      assert.equal(info.threads, 1);
      assert.match(info.whyOneThread, reason);
      assert.equal(tokens.length, 24);
    });
  }
});

test('an isolated page: the engine is quiet 50 ms after an abort', LIMIT, () => onPage(isolated, async (page) => {
  const delays = await page.evaluate(async () => {
    const { loadModel } = await import('/package/index.js');
    const model = await loadModel('/model.gguf', { contextLength: 2048, threads: 2 });
    const delays = [];
    for (let i = 0; i < 4; i++) {
      const controller = new AbortController();
      const run = model.complete(`${i} ${'The quick brown fox jumps over the lazy dog. '.repeat(60)}`, { signal: controller.signal });
      await new Promise((resolve) => setTimeout(resolve, 400));
      const aborted = performance.now();
      controller.abort();
      await run.result().catch(() => {});
      await model.tokenize('x'); // answered only when the engine has nothing else to do
      delays.push(performance.now() - aborted);
    }
    model.dispose();
    return delays;
  });
  assert.ok(Math.min(...delays) < 50, String(delays));
}));

async function rendererPids() {
  const session = await browser.context.browser().newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
}

/** What the kernel tells of a process or a thread; '' if it has ended since. */
function told(path) {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return '';
  }
}

/** Processor time that the processes have taken, in ticks of 10 ms, and how many worker threads they have. */
function usageOf(pids) {
  let ticks = 0;
  let workers = 0;
  for (const pid of pids) {
    const fields = told(`${pid}/stat`).split(') ')[1]?.split(' ');
    if (!fields) continue;
    ticks += Number(fields[11]) + Number(fields[12]);
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      workers += told(`${pid}/task/${task}/comm`).startsWith('DedicatedWorker');
    }
  }
  return { ticks, workers };
}

test('an isolated page: threads sleep while there is nothing to do, and end with the model', LIMIT, () => onPage(isolated, async (page) => {
  const pids = await rendererPids();
  const before = usageOf(pids).workers;
  await page.evaluate(async () => {
    const { loadModel } = await import('/package/index.js');
    globalThis.models = [await loadModel('/stories.gguf', { threads: 3 }), await loadModel('/stories.gguf', { threads: 2 })];
    await Promise.all(globalThis.models.map((model) => model.complete('Once upon a time', { maxTokens: 40 }).result()));
  });
  assert.equal(usageOf(pids).workers, before + 5);
  await delay(300);
  const { ticks } = usageOf(pids);
  await delay(1000);
  const worked = usageOf(pids).ticks - ticks;
  assert.ok(worked < 40, `${worked * 10} ms of work in an idle second`);
  await page.evaluate(() => globalThis.models[0].dispose());
  await becomes(() => usageOf(pids).workers, before + 2);
  await page.evaluate(() => globalThis.models[1].dispose());
  await becomes(() => usageOf(pids).workers, before);
}));
