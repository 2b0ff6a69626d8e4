// What the package does, in Chromium and in Firefox, on pages that are cross-origin isolated and on pages that are not,
// under a strict Content-Security-Policy. Times are those of the best of several tries: the machine may be busy.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BROWSERS } from './lib/browser.mjs';
import { DATA, runNatively } from './lib/files.mjs';
import { startServer } from './lib/server.mjs';

const LIMIT = { timeout: 120_000 };
const PROMPT = 'Once upon a time';
const servers = {};
const expected = {};

before(async () => {
  const files = { '/stories.gguf': `${DATA}stories260K.gguf`, '/tiny.gguf': `${DATA}tiny-q.gguf`, '/broken.gguf': `${DATA}hostile/truncated-data.gguf` };
  servers.isolated = await startServer(files, { isolated: true });
  servers.plain = await startServer(files);
  for (const name of ['stories260K', 'tiny-q']) {
    expected[name] = runNatively(`${DATA}${name}.gguf`, PROMPT, '-n', '40', '--kernels', 'scalar', '-t', '1').tokens;
  }
});
after(() => Promise.all(Object.values(servers).map((server) => server.close())));

for (const [browserName, open] of Object.entries(BROWSERS)) {
  let browser;
  before(async () => (browser = await open()));
  after(() => browser?.close());

  for (const kind of ['isolated', 'plain']) {
    /** A test whose `work` runs on a page of that kind; what it returns goes to `check`. */
    const onPage = (name, work, check, argument) => test(`${browserName}, ${kind}: ${name}`, LIMIT, async () => {
      const page = await browser.visit(`${servers[kind].url}/blank`);
      try {
        check(await page.evaluate(work, argument));
        assert.deepEqual(page.complaints, []);
      } finally {
        await page.close();
      }
    });

    onPage('tokens are those of the native scalar kernels', async ([prompt]) => {
      const { loadModel } = await import('/package/index.js');
      const found = [];
      const firefox = Number(/Firefox\/(\d+)/.exec(navigator.userAgent)?.[1] ?? Infinity);
      const levels = firefox < 145 ? ['simd128'] : ['simd128', 'relaxed', 'relaxed-dot']; // it has relaxed SIMD from then on
      for (const kernels of levels) {
        for (const threads of [1, 2]) {
          for (const [name, url] of [['stories260K', '/stories.gguf'], ['tiny-q', '/tiny.gguf']]) {
            const model = await loadModel(url, { threads, kernels });
            const { tokens } = await model.complete(prompt, { temperature: 0, maxTokens: 40 }).result();
            found.push({ name, tokens, threads: [threads, model.info.threads], kernels: [kernels, model.info.kernels] });
            model.dispose();
          }
        }
      }
      return { levels, found, isolated: crossOriginIsolated };
    }, ({ levels, found, isolated }) => {
      assert.equal(isolated, kind === 'isolated');
      assert.equal(found.length, 4 * levels.length);
      for (const { name, tokens, threads, kernels } of found) {
        assert.deepEqual(tokens, expected[name], JSON.stringify([name, threads, kernels]));
        assert.equal(threads[1], isolated ? threads[0] : 1);
        assert.equal(kernels[1], `wasm_${kernels[0].replace('-', '_')}`);
      }
    }, [PROMPT]);

    onPage('sessions, priorities, a blob and a stream', async () => {
      const { loadModel } = await import('/package/index.js');
      const blob = await (await fetch('/tiny.gguf')).blob();
      const models = [await loadModel(blob, { contextLength: 256 }), await loadModel(blob.stream(), { contextLength: 256 })];
      const greedy = { temperature: 0, maxTokens: 8 };
      const order = [];
      const [session, other] = [await models[0].createSession({ systemPrompt: 'You count.' }), await models[0].createSession()];
      const low = session.chat('one', { ...greedy, maxTokens: 40, priority: 'background' });
      const high = other.chat('two', { ...greedy, priority: 'user-blocking' });
      await Promise.all([low.result().then(() => order.push('low')), high.result().then(() => order.push('high'))]);
      const clone = await session.clone();
      const answers = await Promise.all([session, clone].map((one) => one.chat('three', greedy).result()));
      const same = await models[1].chat([...session.messages.slice(0, -1)], greedy).result();
      let streamed = '';
      for await (const piece of clone.chat('four', greedy)) streamed += piece;
      session.dispose();
      const codes = [await session.append('x').catch(({ code }) => code)];
      models[0].dispose();
      codes.push(await clone.append('x').catch(({ code }) => code));
      models[1].dispose();
      return { order, answers: answers.map(({ text }) => text), same: same.text, cached: answers[1].usage.cachedPromptTokens, streamed, codes };
    }, ({ order, answers, same, cached, streamed, codes }) => {
      assert.deepEqual(order, ['high', 'low']);
      assert.deepEqual(answers, [same, same]);
      assert.ok(cached > 20, String(cached));
      assert.ok(streamed.length > 0);
      assert.deepEqual(codes, ['INK_ERR_WRONG_STATE', 'INK_ERR_WRONG_STATE']);
    });

    onPage('failures have codes', async () => {
      const { loadModel } = await import('/package/index.js');
      const codeOf = (source, options) => loadModel(source, options).then(() => 'loaded', ({ name, code, httpStatus }) => [name, code, httpStatus]);
      return [
        await codeOf('/broken.gguf'),
        await codeOf('/nothing.gguf'),
        await codeOf('/package/index.js'),
        await codeOf('/stories.gguf', { signal: AbortSignal.abort() }),
        await codeOf('/stories.gguf', { contextLength: 2 ** 24 }),
      ];
    }, (codes) => assert.deepEqual(codes.map(([name, code, httpStatus]) => [name, name === 'AbortError' ? null : code, httpStatus ?? null]), [
      ['InklingError', 'INK_ERR_TRUNCATED', null],
      ['InklingError', 'INK_ERR_IO', 404],
      ['InklingError', 'INK_ERR_NOT_GGUF', null],
      ['AbortError', null, null],
      ['InklingError', 'INK_ERR_OUT_OF_MEMORY', null],
    ]));
  }
}
