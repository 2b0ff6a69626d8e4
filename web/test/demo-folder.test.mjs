// The folder that `tools/demo --offline` makes: what it weighs, and that any small server brings it to life without a network.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { BROWSERS, openBrowser, openPage, waitFor } from './lib/browser.mjs';
import { BUNDLED, LIMIT, answers, idle, modelShown, newVisitor } from './lib/demo.mjs';
import { ROOT } from './lib/files.mjs';
import { removeFolder } from './lib/folders.mjs';

const MOST_BYTES = 17e6;
const SKIP = BUNDLED.length === 0 && 'no model comes with the repository';
const NO_NETWORK = '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1';

let folder, browser;

before(async () => {
  if (SKIP) return;
  folder = mkdtempSync(join(tmpdir(), 'inkling-offline-'));
  const code = 'import sys; from pathlib import Path; import run_demo; run_demo.write_offline(Path(sys.argv[1]))';
  execFileSync('python3', ['-c', code, folder], { env: { ...process.env, PYTHONPATH: `${ROOT}tools/lib` } });
  browser = await openBrowser({ args: [NO_NETWORK] });
});
after(async () => {
  await browser?.close();
  if (folder) await removeFolder(folder);
});

/** Python's own server, which sends no header that would help. */
async function servePlainly() {
  const server = spawn('python3', ['-u', '-m', 'http.server', '-b', '127.0.0.1', '0'], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const [, port] = await new Promise((resolve) => server.stdout.on('data', (line) => resolve(/port (\d+)/.exec(line))));
  return { url: `http://127.0.0.1:${port}/`, close: () => (server.kill(), ended) };
}

async function firstAnswer(page) {
  await page.waitForSelector('#examples button:enabled', LIMIT);
  await page.click('#examples button');
  await waitFor(page, () => document.querySelector('.assistant .text:not(:has(.soft))')?.textContent);
  const shown = await page.evaluate(() => performance.timeOrigin + performance.now());
  await page.waitForSelector('.assistant .copy', LIMIT);
  await idle(page);
  return shown;
}

test('the folder weighs at most 17 MB, and says how to serve it', { skip: SKIP }, (t) => {
  const files = readdirSync(folder, { recursive: true }).filter((name) => statSync(join(folder, name)).isFile());
  const bytes = files.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  t.diagnostic(`${(bytes / 1e6).toFixed(2)} MB`);
  assert.ok(bytes <= MOST_BYTES, `${bytes} bytes`);
  assert.deepEqual(files.filter((name) => name.endsWith('.gguf')), BUNDLED.map(([, { file }]) => `models/${file}`));
  assert.match(readFileSync(join(folder, 'README.txt'), 'utf8'), /python3 -m http\.server/);
});

test('a plain server is enough, and then none', { ...LIMIT, skip: SKIP }, async (t) => {
  const server = await servePlainly();
  const visitor = await newVisitor(browser);
  try {
    const { page, complaints } = await openPage(visitor, 'about:blank');
    const asked = Date.now();
    await page.goto(server.url);
    const shown = await firstAnswer(page);
    t.diagnostic(`from a cold page to the first word: ${Math.round(shown - asked)} ms`);
    assert.equal(await page.textContent('#model-name'), BUNDLED[0][1].page.name);
    assert.ok((await answers(page))[0].length > 40);
    assert.deepEqual(complaints, []);
    await page.click('#open-model');
    assert.equal(await page.locator('#model .models').first().locator('li').count(), BUNDLED.length);
    await page.close();

    await server.close();
    const again = await visitor.newPage();
    await again.goto(server.url);
    await modelShown(again, BUNDLED[0][1].page.name);
    await again.click('.new-chat:visible');
    await firstAnswer(again);
  } finally {
    await server.close();
    await visitor.close();
  }
});

test('one thread tells its speed', { ...LIMIT, skip: SKIP }, async (t) => {
  const server = await servePlainly();
  const visitor = await newVisitor(browser, { serviceWorkers: 'block' });
  try {
    const { page } = await openPage(visitor, server.url);
    await firstAnswer(page);
    assert.equal(await page.evaluate(() => crossOriginIsolated), false);
    t.diagnostic(await page.textContent('.assistant .stats'));
  } finally {
    await server.close();
    await visitor.close();
  }
});

/** What the page says, once it says something; it may be loaded again meanwhile. */
async function heardOf(page, look) {
  for (;;) {
    const found = await page.evaluate(look).catch(() => undefined);
    if (found) return found;
    await delay(100);
  }
}

test('Firefox starts it and gets an answer', { ...LIMIT, skip: SKIP }, async (t) => {
  const server = await servePlainly();
  const firefox = await BROWSERS.firefox();
  try {
    const page = await firefox.visit(server.url);
    await heardOf(page, () => {
      const example = document.querySelector('#examples button:enabled');
      example?.click();
      return example !== null;
    });
    t.diagnostic(await heardOf(page, () => document.querySelector('.assistant .copy') && document.querySelector('.stats').textContent));
    assert.ok((await page.evaluate(() => document.querySelector('.assistant .text').textContent)).length > 40);
    assert.deepEqual(page.complaints, []);
  } finally {
    await firefox.close();
    await server.close();
  }
});

for (const [name, open] of Object.entries(BROWSERS)) {
  test(`${name}: opened as a file, the page says what it needs`, { ...LIMIT, skip: SKIP }, async () => {
    const direct = await open();
    try {
      const page = await direct.visit(pathToFileURL(join(folder, 'index.html')).href);
      assert.match(await page.evaluate(() => document.querySelector('#opened-as-file').textContent), /python3 -m http\.server/);
      await page.close();
    } finally {
      await direct.close();
    }
  });
}
