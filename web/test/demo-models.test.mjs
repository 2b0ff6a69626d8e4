// The demo app's models in a real Chromium: choosing them, keeping them, and what goes wrong with
// them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPage, waitFor } from './lib/browser.mjs';
import {
  LIMIT,
  MODEL,
  MODEL_NAME,
  TINY,
  WITH_MODEL,
  answers,
  ask,
  demoFiles,
  drop,
  modelShown,
  newVisitor,
  openDemo,
  questions,
  serveDemo,
  visitDemo,
} from './lib/demo.mjs';
import { DATA } from './lib/files.mjs';
import { startServer } from './lib/server.mjs';

const app = serveDemo();
const visit = (use, options) => visitDemo(app, use, options);

test('a model of one’s own, by drag and drop and by its address', LIMIT, () =>
  visit(async (page) => {
    await drop(page, [{ name: 'my own.gguf', path: TINY }]);
    await modelShown(page, 'my own');
    await drop(
      page,
      [1, 2, 3].map((i) => ({
        name: `tiny-gpt2-0000${i}-of-00003.gguf`,
        path: `${DATA}split/tiny-gpt2-0000${i}-of-00003.gguf`,
      })),
    );
    await modelShown(page, 'tiny-gpt2');
    await page.click('#open-model');
    await page.fill('#address', `${app.server.url}/stories.gguf`);
    await page.press('#address', 'Enter');
    await page.waitForSelector('#offer', LIMIT);
    assert.match(
      await page.textContent('#offer'),
      /^stories1\.1 MB to download, once · \d\.\d MB of memory · 260,032 parameters/,
    );
    assert.equal(await page.textContent('#model-name'), 'tiny-gpt2', 'nothing has been loaded yet');
    await page.click('#download');
    await modelShown(page, 'stories');
    await page.click('#open-model');
    await page.locator('.models li').filter({ hasText: MODEL_NAME }).getByRole('button').click();
    await modelShown(page, MODEL_NAME);
  }),
);

test('a file that is to be kept is there on the next visit, until it is deleted', LIMIT, () =>
  visit(async (page, visitor) => {
    await page.click('#open-model');
    await page.check('#keep-files');
    await page.keyboard.press('Escape');
    await page.setInputFiles('#file', `${DATA}stories260K.gguf`);
    await modelShown(page, 'stories260K');
    await page.close();
    const { page: next } = await openDemo(visitor, app.server.url, '');
    assert.equal(await next.textContent('#model-name'), 'stories260K');
    await next.click('#open-model');
    const kept = next.locator('#kept li');
    await kept.first().waitFor();
    assert.deepEqual((await kept.allTextContents()).sort(), ['stories260K1.1 MB', 'tiny0.1 MB']);
    await kept.filter({ hasText: 'tiny' }).locator('.kept').click();
    await modelShown(next, 'tiny');
    await next.click('#open-model');
    await kept.filter({ hasText: 'stories' }).locator('.icon-button').click();
    await waitFor(next, () => document.querySelectorAll('#kept li').length === 1);
  }),
);

test(
  'no model is downloaded unasked on a connection that may cost money, nor from a stranger’s link',
  LIMIT,
  async (t) => {
    const other = await startServer(demoFiles(), { more: { 'access-control-allow-origin': '*' } });
    const open = await startServer(demoFiles(), { policy: "script-src 'self' 'wasm-unsafe-eval'" });
    const cases = {
      metered: [
        WITH_MODEL,
        async (visitor) =>
          visitor.addInitScript(() => {
            Object.defineProperty(navigator, 'connection', { value: { saveData: true } });
          }),
        /98 MB to download/,
      ],
      stranger: [`?model=${other.url}/stories.gguf`, async () => {}, /1\.1 MB to download/],
    };
    for (const [name, [query, prepare, words]] of Object.entries(cases)) {
      await t.test(name, async () => {
        const visitor = await newVisitor(app.browser);
        await prepare(visitor);
        const { page } = await openPage(visitor, `${open.url}/${query}`);
        await page.waitForSelector('#offer', LIMIT);
        assert.match(await page.textContent('#offer'), words);
        assert.equal(await page.textContent('#model-name'), '');
        await page.click('#download');
        await modelShown(page);
        await visitor.close();
      });
    }
    await other.close();
    await open.close();
  },
);

test('a broken file that is picked changes nothing', LIMIT, () =>
  visit(async (page) => {
    await ask(page, 'Hello');
    const before = await answers(page);
    const cases = {
      'hostile/truncated-data.gguf': 'INK_ERR_TRUNCATED',
      'README.md': 'INK_ERR_NOT_GGUF',
    };
    for (const [file, code] of Object.entries(cases)) {
      await drop(page, [{ name: file.split('/').pop(), path: DATA + file }]);
      await page.waitForSelector('#problem');
      assert.match(await page.textContent('#problem'), new RegExp(code));
      assert.match(await page.textContent('#problem-kept'), /^tiny is still loaded/);
      assert.equal(await page.textContent('#model-name'), 'tiny');
      assert.deepEqual(await answers(page), before);
      await page.click('#dismiss');
      assert.equal(await page.locator('#problem').count(), 0);
    }
    await ask(page, 'Still there?');
    assert.equal((await answers(page)).length, 2);
  }),
);

test('errors are readable, and a model of one’s own gets past them', LIMIT, async (t) => {
  const cases = {
    '?model=broken.gguf': ['incomplete', 'INK_ERR_TRUNCATED'],
    '?model=page.gguf': ['not a model', 'INK_ERR_NOT_GGUF'],
    '?model=nothing.gguf': ['not there', 'INK_ERR_IO'],
    [`?model=breaking/${MODEL}`]: ['could not be read', 'INK_ERR_IO'],
  };
  for (const [query, words] of Object.entries(cases)) {
    await t.test(query, async () => {
      const visitor = await newVisitor(app.browser);
      const { page } = await openPage(visitor, `${app.server.url}/${query}`);
      await page.waitForSelector('#problem', LIMIT);
      const text = await page.textContent('#problem');
      for (const word of words) assert.ok(text.includes(word), text);
      await page.setInputFiles('#file', `${DATA}stories260K.gguf`);
      await modelShown(page);
      assert.equal(await page.locator('#problem').count(), 0);
      await page.fill('#message', 'Hello');
      await page.press('#message', 'Enter');
      await page.waitForSelector('#problem');
      assert.match(await page.textContent('#problem'), /INK_ERR_UNSUPPORTED_CHAT_FORMAT/);
      assert.deepEqual(await questions(page), ['Hello']);
      await page.setInputFiles('#file', TINY);
      await modelShown(page, 'llama3');
      await page.click('.user .foot button');
      await page.waitForSelector('.assistant .stats', LIMIT);
      await visitor.close();
    });
  }
});

test('a load can be cancelled and taken up again', LIMIT, async () => {
  const visitor = await newVisitor(app.browser);
  const { page } = await openPage(visitor, `${app.server.url}/?model=slow/stories.gguf`);
  await waitFor(page, () => {
    const begun = document.querySelector('#loading-bar')?.value > 0;
    if (begun) document.querySelector('#cancel-load').click(); // from here it might come too late
    return begun;
  });
  await page.waitForSelector('#problem');
  await page.click('#retry');
  await modelShown(page);
  await visitor.close();
});
