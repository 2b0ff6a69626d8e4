// The demo app for everybody: axe-core's rules, the keyboard, screen readers, narrow screens.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { openPage, waitFor } from './lib/browser.mjs';
import { LIMIT, WITH_MODEL, answers, ask, keepChat, newVisitor, openDemo, serveDemo } from './lib/demo.mjs';
import { DATA } from './lib/files.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const MARKUP =
  '# Title\n\nSome **words**, `code`, a [link](https://example.org/).\n\n' +
  '| a | b |\n|---|---|\n| 1 | 2 |\n\n' +
  '```js\nconst a = 1;\n```\n\n- one\n- two\n\n> quoted';
const WIDE = { width: 1200, height: 760 };
const PHONE = { width: 390, height: 760 };

const app = serveDemo();

/** What axe-core finds serious or worse, in a line each. */
async function findings(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, { resultTypes: ['violations'] }),
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`,
    );
}

for (const [name, viewport] of Object.entries({ wide: WIDE, phone: PHONE })) {
  for (const colorScheme of ['light', 'dark']) {
    test(`axe-core finds nothing serious: ${name}, ${colorScheme}`, LIMIT, async () => {
      const visitor = await newVisitor(app.browser, { viewport, colorScheme });
      const { page } = await openDemo(visitor, app.server.url);
      const check = async (state) => assert.deepEqual(await findings(page), [], state);
      await check('welcome');
      await keepChat(page, [
        { role: 'user', content: 'Show' },
        { role: 'assistant', content: MARKUP },
      ]);
      await check('conversation');
      await page.setInputFiles('#file', `${DATA}hostile/truncated-data.gguf`);
      await page.waitForSelector('#problem');
      await check('problem');
      await page.click('#open-model');
      await check('model');
      await page.keyboard.press('Escape');
      await page.click('#open-settings');
      await page.click('#settings summary');
      await page.click('#sample');
      await check('settings');
      await page.keyboard.press('Escape');
      if (viewport === PHONE) {
        await page.click('.bar .narrow');
        await check('conversations');
      }
      await visitor.close();
      const late = await newVisitor(app.browser, { viewport, colorScheme });
      const { page: loading } = await openPage(late, `${app.server.url}/?model=slow/stories.gguf`);
      await waitFor(loading, () => document.querySelector('#loading-bar')?.value > 0);
      assert.deepEqual(await findings(loading), [], 'loading');
      await late.close();
    });
  }
}

test('nothing is cut off or scrolls sideways on a narrow phone', LIMIT, async () => {
  const visitor = await newVisitor(app.browser, {
    viewport: { width: 320, height: 568 },
    hasTouch: true,
    locale: 'ko-KR',
  });
  const { page } = await openDemo(visitor, app.server.url, '');
  const overflow = () =>
    page.evaluate(() =>
      Math.max(
        ...[
          document.documentElement,
          ...document.querySelectorAll('main, .dock, .bar, dialog[open]'),
        ].map((element) => element.scrollWidth - element.clientWidth),
      ),
    );
  assert.equal(await overflow(), 0);
  assert.equal(
    await page.evaluate(() => document.documentElement.scrollHeight - innerHeight),
    0,
    'downwards',
  );
  const long = `${'가'.repeat(300)} ${'x'.repeat(300)}`;
  await keepChat(page, [
    { role: 'user', content: long },
    { role: 'assistant', content: `${long}\n\n${MARKUP}\n\n    ${long}` },
  ]);
  assert.equal(await overflow(), 0);
  for (const opener of ['#open-settings', '#open-model', '.bar .narrow']) {
    await page.click(opener);
    if (opener === '#open-model') await page.waitForSelector('#kept li');
    assert.equal(await overflow(), 0, opener);
    await page.keyboard.press('Escape');
  }
  await page.setInputFiles('#file', `${DATA}hostile/truncated-data.gguf`);
  await page.waitForSelector('#problem');
  assert.equal(await overflow(), 0);
  await visitor.close();
});

test('everything can be done with the keyboard', LIMIT, async () => {
  const visitor = await newVisitor(app.browser);
  const { page } = await openDemo(visitor, app.server.url);
  const focused = () =>
    page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
  assert.equal(await focused(), 'message', 'one can write at once');
  await page.keyboard.type('Hello');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.assistant .copy', LIMIT);
  await waitFor(page, () => document.activeElement.id === 'message');
  await page.focus('#open-settings');
  await page.keyboard.press('Enter');
  assert.ok(await page.isVisible('#settings'));
  await page.keyboard.press('Escape');
  assert.equal(await focused(), 'open-settings', 'focus comes back');
  await page.focus('body');
  const reached = new Set();
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab');
    reached.add(
      await page.evaluate(() => document.activeElement.id || document.activeElement.className),
    );
  }
  for (const what of ['open-model', 'open-settings', 'message', 'quiet chat'])
    assert.ok(reached.has(what), `${what} of ${[...reached]}`);
  assert.ok(
    [...reached].some((name) => name.includes('copy')) &&
      [...reached].some((name) => name.includes('again')),
  );
  await visitor.close();
});

test('a screen reader hears the answer sentence by sentence, once', LIMIT, async () => {
  const visitor = await newVisitor(app.browser);
  const { page } = await openDemo(visitor, app.server.url, WITH_MODEL);
  await page.evaluate(() => {
    globalThis.heard = [];
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes)
        for (const node of addedNodes) globalThis.heard.push(node.textContent);
    }).observe(document.querySelector('#announcements'), { childList: true });
  });
  // Sampled, as a visitor's: to a question the model now and then gives but one sentence.
  await ask(page, 'Write a story of two paragraphs about a dragon and a knight.');
  const heard = await page.evaluate(() => globalThis.heard);
  const [answer] = await answers(page);
  const bare = (text) => text.replace(/[\s*`#|]+/g, '');
  assert.equal(bare(heard.join('')), bare(answer));
  assert.ok(
    heard.length >= 3 && heard.length < answer.length / 20,
    `${heard.length} announcements of ${answer}`,
  );
  assert.equal(await page.getAttribute('#conversation', 'aria-live'), 'off');
  await visitor.close();
});
