// The demo app in Chromium: opening it as a new visitor, and waiting for what it does.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before } from 'node:test';
import { openBrowser, openPage, waitFor } from './browser.mjs';
import { DATA, ROOT, defaultModel } from './files.mjs';
import { startServer } from './server.mjs';

const MANIFEST = JSON.parse(readFileSync(`${ROOT}models/manifest.json`, 'utf8'));
const placeOf = ({ file }) => `models/${file}`;
const DEFAULT = MANIFEST.models[MANIFEST.default];
/** Where the page looks for the chat model. */
export const MODEL = placeOf(DEFAULT);
export const MODEL_NAME = DEFAULT.page.name;
export const WITH_MODEL = `?model=${MODEL}`;
/** By name: the models that come with the repository. */
export const BUNDLED = Object.entries(MANIFEST.models).filter(([, { sources }]) => sources.some(({ type }) => type === 'bundled'));
/** Paths in the page's folder and where the files are. */
export const bundledFiles = () => Object.fromEntries(BUNDLED.map(([, model]) => [`/${placeOf(model)}`, ROOT + placeOf(model)]));
/** Of a random model with a chat template: it answers at once, and makes no sense. */
export const TINY = `${DATA}architectures/llama3.gguf`;
export const LIMIT = { timeout: 120_000 };

/** What startServer() needs for the tests of the app. */
export const demoFiles = () => ({
  [`/${MODEL}`]: defaultModel(),
  ...bundledFiles(),
  '/tiny.gguf': TINY,
  '/broken.gguf': `${DATA}hostile/truncated-data.gguf`,
  '/stories.gguf': `${DATA}stories260K.gguf`,
  '/page.gguf': `${ROOT}web/demo/index.html`,
});

/** A server of the app and a browser, there from before a file's first test until after its last. */
export function serveDemo() {
  const app = {};
  before(async () => {
    app.server = await startServer(demoFiles());
    app.browser = await openBrowser();
  });
  after(async () => {
    await app.browser?.close();
    await app.server?.close();
  });
  return app;
}

/** A visitor who was never there before; options as Playwright's newContext() takes them. */
export function newVisitor(browser, options = {}) {
  return browser.context
    .browser()
    .newContext({ viewport: { width: 1100, height: 700 }, ...options });
}

/** Opens the app and waits for its model, by default a tiny one. */
export async function openDemo(visitor, url, query = '?model=tiny.gguf') {
  const opened = await openPage(visitor, `${url}/${query}`);
  await modelShown(opened.page);
  return opened;
}

export const modelShown = (page, name = '') =>
  waitFor(
    page,
    (name) => {
      const shown = document.querySelector('#model-name')?.textContent;
      return name ? shown === name : shown;
    },
    name,
  );

/** Asks, and waits for the whole answer. */
export async function ask(page, question) {
  const before = await page.locator('.assistant .stats').count();
  await page.fill('#message', question);
  await page.press('#message', 'Enter');
  await waitFor(
    page,
    (n) => document.querySelectorAll('.assistant .stats').length > n,
    before,
  );
  await idle(page);
}

export const idle = (page) => page.waitForSelector('#send:not([hidden])', LIMIT);
export const answers = (page) => page.locator('.assistant .text').allTextContents();
export const questions = (page) => page.locator('.user .text').allTextContents();

/** Runs use(page, visitor) for a new visitor, and checks that nothing was complained of. */
export async function visitDemo({ server, browser }, use, { query, ...options } = {}) {
  const visitor = await newVisitor(browser, options);
  try {
    const { page, complaints } = await openDemo(visitor, server.url, query);
    await use(page, visitor);
    assert.deepEqual(
      complaints.filter((text) => !/blocked by Playwright/.test(text)),
      [],
    );
  } finally {
    await visitor.close();
  }
}

/** Puts a conversation where the app keeps them, and has it shown. */
export async function keepChat(page, turns) {
  await page.evaluate(
    (turns) =>
      new Promise((resolve) => {
        const opening = indexedDB.open('inkling', 1);
        opening.onsuccess = () => {
          const chat = {
            id: 'put by the test',
            title: turns[0].content,
            updated: Date.now(),
            turns,
          };
          const request = opening.result
            .transaction('chats', 'readwrite')
            .objectStore('chats')
            .put(chat);
          request.onsuccess = resolve;
        };
      }),
    turns,
  );
  await page.reload();
  await modelShown(page);
}

/** Drops files on the page as a file manager would. */
export async function drop(page, files) {
  const given = files.map(({ name, path }) => ({
    name,
    bytes: readFileSync(path).toString('base64'),
  }));
  const data = await page.evaluateHandle((given) => {
    const data = new DataTransfer();
    for (const { name, bytes } of given)
      data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name));
    return data;
  }, given);
  await page.dispatchEvent('body', 'dragover', { dataTransfer: data });
  assert.ok(await page.isVisible('#drop'), 'the page shows where to drop');
  await page.dispatchEvent('body', 'drop', { dataTransfer: data });
  assert.ok(!(await page.isVisible('#drop')));
}
