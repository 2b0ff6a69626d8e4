// The demo app as static files in any folder: what a first visit costs, that it installs, and that
// it works without a network afterwards.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openBrowser, waitFor } from './lib/browser.mjs';
import {
  LIMIT,
  MODEL,
  MODEL_NAME,
  TINY,
  WITH_MODEL,
  answers,
  ask,
  demoFiles,
  modelShown,
  newVisitor,
  openDemo,
} from './lib/demo.mjs';
import { DIST, defaultModel } from './lib/files.mjs';
import { startServer } from './lib/server.mjs';

const FIRST_LOAD_BYTES = 300e3;
const FOLDER = '/some/folder';

test(
  'in a folder of a static host: a small first load, and no network afterwards',
  LIMIT,
  async () => {
    const files = new Set();
    const server = await startServer(
      {
        ...demoFiles(),
        [`${FOLDER}/`]: `${DIST}demo/`,
        [`${FOLDER}/${MODEL}`]: defaultModel(),
      },
      { onFile: (file) => files.add(file) },
    );
    const browser = await openBrowser();
    const visitor = await newVisitor(browser);
    try {
      const { page, complaints } = await openDemo(visitor, server.url + FOLDER, WITH_MODEL);
      await ask(page, 'Say hello.');
      const before = await answers(page);

      const loaded = [...files].filter((file) => extname(file) !== '.gguf');
      assert.ok(
        loaded.every((file) => file.startsWith(`${DIST}demo/`)),
        loaded.join('\n'),
      );
      assert.equal(loaded.filter((file) => file.endsWith('.wasm')).length, 1, loaded.join('\n'));
      const bytes = loaded.reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0);
      assert.ok(bytes <= FIRST_LOAD_BYTES, `${bytes} bytes`);

      const session = await visitor.newCDPSession(page);
      const { errors, url } = await session.send('Page.getAppManifest');
      assert.deepEqual(errors, []);
      assert.ok(url.endsWith(`${FOLDER}/manifest.webmanifest`), url);
      const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
      assert.deepEqual(
        installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito'),
        [],
      );
      assert.deepEqual(complaints, []);
      await page.close();

      await server.close();
      const again = await visitor.newPage();
      await again.goto(`${server.url}${FOLDER}/`);
      await modelShown(again, MODEL_NAME);
      assert.deepEqual(await answers(again), before);
      await ask(again, 'Are you still there?');
      assert.equal((await answers(again)).length, 2);
    } finally {
      await visitor.close();
      await browser.close();
    }
  },
);

test('a new version takes over when the visitor agrees, or on the visit after', LIMIT, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'inkling-app-'));
  cpSync(`${DIST}demo`, folder, { recursive: true });
  const release = (version) => {
    writeFileSync(join(folder, 'theme.js'), `globalThis.version = ${version};`);
    const worker = readFileSync(join(DIST, 'demo/sw.js'), 'utf8');
    writeFileSync(
      join(folder, 'sw.js'),
      worker.replace(/"[\da-f]{12}"/, `"${String(version).padStart(12, '0')}"`),
    );
  };
  const server = await startServer({
    ...demoFiles(),
    '/app/': `${folder}/`,
    '/app/tiny.gguf': TINY,
  });
  const browser = await openBrowser();
  const visitor = await newVisitor(browser);
  const open = async () => (await openDemo(visitor, `${server.url}/app`)).page;
  const version = (page) => page.evaluate(() => globalThis.version);
  try {
    release(1);
    let page = await open();
    assert.equal(await version(page), 1);
    await page.close();

    release(2);
    page = await open();
    await page.click('.toast button');
    await waitFor(page, () => globalThis.version === 2);
    await modelShown(page);
    await page.close();

    release(3);
    page = await open();
    await page.waitForSelector('.toast', LIMIT);
    assert.equal(await version(page), 2, 'what is in use stays');
    await page.close();
    await server.close();
    page = await visitor.newPage();
    await page.goto(`${server.url}/app/?model=tiny.gguf`);
    await waitFor(page, () => globalThis.version === 3);
    await modelShown(page); // with the engine's module, which the new version got while it waited
  } finally {
    await visitor.close();
    await browser.close();
    await server.close().catch(() => {});
    rmSync(folder, { recursive: true });
  }
});
