// Every example of examples/, run as its first lines say, with the default model.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build, preview } from 'vite';
import { openBrowser, openPage, waitFor } from './lib/browser.mjs';
import { defaultModel } from './lib/files.mjs';

const LIMIT = { timeout: 120_000 };
/** Sampled answers differ each time, and some to `Tell me a long story.` are a few words; this one's never are. */
const LONG_ANSWER = 'Write a story of ten long paragraphs about a dragon and a knight.';
const EXAMPLES = fileURLToPath(new URL('../examples/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'inkling-examples-'));
let server, browser;

/** A program of the examples', running; `said(pattern)` waits for what it prints. */
function start(script, ...args) {
  const child = spawn(process.execPath, [EXAMPLES + script, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  const said = async (pattern) => {
    for (;;) {
      const match = pattern.exec(output);
      if (match) return match;
      const more = await Promise.race([
        new Promise((resolve) => child.stdout.once('data', () => resolve(true))),
        ended,
      ]);
      if (more !== true && !pattern.test(output))
        throw new Error(`${script} ended and had said ${output}`);
    }
  };
  return { child, said, ended, close: () => (child.kill(), ended) };
}

async function serve(...flags) {
  const program = start('serve.mjs', defaultModel(), '--port', '0', ...flags);
  const [url] = await program.said(/http:\S+\//);
  return { url, close: program.close };
}

before(async () => {
  server = await serve();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

const status = (page, pattern) =>
  waitFor(
    page,
    ([source]) => new RegExp(source).test(document.querySelector('#status').textContent),
    [pattern.source],
  );
const answered = (page, length) =>
  waitFor(
    page,
    (length) => document.querySelector('#answer').textContent.length > length,
    length,
  );

/** Asks, sees the answer grow, and stops it. */
async function askAndStop(page) {
  await page.fill('#question', LONG_ANSWER);
  await page.click('#form button');
  await answered(page, 20);
  await page.click('#stop');
  await page.waitForTimeout(100);
  const text = await page.textContent('#answer');
  await page.waitForTimeout(300);
  assert.equal(await page.textContent('#answer'), text, 'it goes on after Stop');
}

test('the list names every page', LIMIT, async () => {
  const { page } = await openPage(browser.context, server.url);
  assert.deepEqual((await page.locator('a').allTextContents()).sort(), [
    'offline',
    'openai',
    'plain',
    'prompt-api',
    'react',
  ]);
  await page.close();
  const tested = [
    'extension',
    'icon.svg',
    'node',
    'offline',
    'openai',
    'plain',
    'prompt-api',
    'react',
    'serve.mjs',
  ];
  assert.deepEqual(readdirSync(EXAMPLES).sort(), tested, 'an example that is not tested here');
});

test('plain', LIMIT, async () => {
  const { page, complaints } = await openPage(browser.context, `${server.url}examples/plain/`);
  await status(page, /thread\(s\)/);
  await page.fill('#question', 'Say hello.');
  await page.click('#form button');
  await status(page, /tokens\/s/);
  assert.ok((await page.textContent('#answer')).length > 0);
  await askAndStop(page);
  await status(page, /Stopped/);
  assert.deepEqual(complaints, []);
  await page.close();
});

test('openai', LIMIT, async () => {
  const { page, complaints } = await openPage(browser.context, `${server.url}examples/openai/`);
  await status(page, /smollm2-135m/);
  await page.fill('#question', 'Say hello.');
  await page.click('#form button');
  await status(page, /^\d+ \+ \d+ tokens$/);
  assert.ok((await page.textContent('#answer')).length > 0);
  await askAndStop(page);
  assert.deepEqual(complaints, []);
  await page.close();
});

test('prompt-api', LIMIT, async () => {
  const { page, complaints } = await openPage(
    browser.context,
    `${server.url}examples/prompt-api/?own`,
  );
  await status(page, /of 2048 tokens/);
  const before = parseInt(await page.textContent('#status'));
  await page.fill('#question', 'Say hello.');
  await page.click('#form button');
  await waitFor(
    page,
    (before) => parseInt(document.querySelector('#status').textContent) > before,
    before,
  );
  await askAndStop(page);
  await status(page, /AbortError/);
  assert.deepEqual(complaints, []);
  await page.close();
});

test('offline: isolated by its service worker, and there without a server', LIMIT, async (t) => {
  const own = await serve();
  t.after(own.close);
  const { page } = await openPage(browser.context, `${own.url}examples/offline/`);
  await waitFor(
    page,
    () => globalThis.crossOriginIsolated && navigator.serviceWorker.controller,
  );
  await status(page, /^Ready/);

  await page.reload();
  await status(page, /^Ready/);
  await own.close();
  await page.reload();
  await status(page, /^Ready/);
  await page.fill('#question', 'Say hello.');
  await page.click('#form button');
  await answered(page, 0);
  await page.close();
});

test('react, as Vite builds it', LIMIT, async (t) => {
  const root = `${EXAMPLES}react`;
  process.env.VITE_MODEL = '/model.gguf';
  await build({
    root,
    logLevel: 'warn',
    build: { outDir: join(folder, 'react'), emptyOutDir: true },
  });
  const site = await preview({
    root,
    logLevel: 'warn',
    build: { outDir: join(folder, 'react') },
    preview: { port: 0, proxy: { '/model.gguf': server.url } },
  });
  t.after(() => site.close());
  const { page, complaints } = await openPage(browser.context, site.resolvedUrls.local[0]);
  await page.waitForSelector('input[name=question]', LIMIT);
  // Buttons by their whole name: the question and its answer hold "ask" in other words.
  const ask = page.getByRole('button', { name: 'Ask', exact: true });
  const stop = page.getByRole('button', { name: 'Stop', exact: true });
  await page.fill('input[name=question]', 'Say hello before any task.');
  await ask.click();
  await page.waitForSelector('li.assistant', LIMIT);
  assert.ok((await page.textContent('li.assistant')).length > 0);
  await page.fill('input[name=question]', LONG_ANSWER);
  await ask.click();
  await waitFor(
    page,
    () => document.querySelector('p[role=status]')?.textContent.length > 20,
  );
  await stop.click();
  await page.waitForSelector('li.assistant >> nth=1', LIMIT);
  assert.deepEqual(complaints, []);
  await page.close();
});

test('extension', LIMIT, async (t) => {
  const unpacked = join(folder, 'extension');
  assert.equal(await start('extension/assemble.mjs', defaultModel(), unpacked).ended, 0);
  const own = await openBrowser({
    args: [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      `--disable-extensions-except=${unpacked}`,
      `--load-extension=${unpacked}`,
    ],
  });
  t.after(own.close);
  const worker =
    own.context.serviceWorkers()[0] ?? (await own.context.waitForEvent('serviceworker', LIMIT));
  const { page, complaints } = await openPage(
    own.context,
    new URL('panel.html', worker.url()).href,
  );
  await status(page, /^Ready/);
  await page.click('#form button');
  await answered(page, 0);
  assert.deepEqual(complaints, []);
});

test('node: a conversation in a terminal', LIMIT, async () => {
  const program = start('node/chat.mjs', defaultModel());
  await program.said(/> /);
  program.child.stdin.write('Say hello.\n');
  await program.said(/> .{3,}\n> /s);
  program.child.stdin.end('And again.\n');
  assert.equal(await program.ended, 0);
});

test('node: the AI SDK', LIMIT, async () => {
  const program = start('node/ai-sdk.mjs', defaultModel(), 'Say hello.');
  await program.said(/.{3,}\n\d+ \+ \d+ tokens/s);
  assert.equal(await program.ended, 0);
});
