// A browser that nobody instruments, for measuring: what drives a browser keeps copies of what its pages download
// (DevTools' protocol, and so Playwright, up to 10 MB of each answer; Firefox's WebDriver BiDi all of them, to its end).
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FLAGS } from './browser.mjs';
import { removeFolder } from './folders.mjs';
import { liveMemory } from './live-memory.mjs';
import { processesUnder } from './memory.mjs';

/** Kept off the network, and from asking its user anything. */
const FIREFOX_PREFERENCES = {
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'toolkit.telemetry.enabled': false,
};

/** By name: starts it with a profile's folder and an address. Chromium's pages have gc(). */
const STARTERS = {
  chromium: (profile, url) => [process.env.CHROME ?? '/usr/bin/chromium', [...FLAGS, '--js-flags=--expose-gc', '--remote-debugging-pipe', `--user-data-dir=${profile}`, url]],
  firefox: (profile, url) => {
    const lines = Object.entries(FIREFOX_PREFERENCES).map(([name, value]) => `user_pref("${name}", ${value});\n`);
    writeFileSync(join(profile, 'user.js'), lines.join(''));
    return [process.env.FIREFOX ?? '/usr/bin/firefox-esr', ['-headless', '-no-remote', '-profile', profile, url]];
  },
};

/**
 * By name: what a page does while its memory is measured. In Chromium each thread has a cache of its own of what it has
 * freed, and empties it only when it works again; and what is free in the process is given back by a task that sleeps while
 * the page has nothing to do. So this gives work to all threads, until it is measured.
 */
const STIRRED = {
  chromium: async (measured) => {
    let done = false;
    const ended = () => (done = true);
    measured.then(ended, ended);
    const bytes = new Uint8Array(1 << 18);
    while (!done) {
      await Promise.all(Array.from({ length: 32 }, () => crypto.subtle.digest('SHA-256', bytes)));
      await globalThis.gc({ type: 'major', execution: 'async', flavor: 'last-resort' });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return measured;
  },
  firefox: (measured) => measured,
};

/**
 * Runs scripts, one page after another in one profile. The server must pass requests for paths that begin with /plain/ to
 * handle().
 */
export function plainBrowser(name = 'chromium') {
  const profile = mkdtempSync(join(tmpdir(), 'inkling-plain-'));
  /** By the path's end: what is answered to a page that posts something. */
  let posts;
  let script;
  return {
    handle(request, response) {
      if (request.url === '/plain/page.html') {
        response.writeHead(200, { 'content-type': 'text/html' });
        return response.end('<!doctype html><title>plain</title><link rel="icon" href="data:,"><script type="module" src="script.js"></script>');
      }
      if (request.url === '/plain/script.js') {
        response.writeHead(200, { 'content-type': 'text/javascript' });
        return response.end(script);
      }
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', async () => {
        try {
          const answer = await posts[request.url.slice('/plain/'.length)](Buffer.concat(chunks).toString());
          response.end(JSON.stringify(answer ?? null));
        } catch (error) {
          posts.failed(error);
        }
      });
    },
    /**
     * What `use(parameter, memory)` returns in a page of that origin, and by how much a page's process grew over an empty
     * page's. memory() measures the page's process: its private bytes (see memoryAtRest()) and, in Chromium,
     * how many of them are `live` (see liveMemory()).
     */
    async run(origin, use, parameter = null) {
      script = `const post = async (path, body) => (await fetch('/plain/' + path, { method: 'POST', body })).json();
        await post('ready');
        const memory = () => (${STIRRED[name]})(post('memory'));
        const outcome = await (${use})(${JSON.stringify(parameter)}, memory).catch((error) => ({ error: String(error) }));
        await post('done', JSON.stringify(outcome));`;
      const browser = spawn(...STARTERS[name](profile, `${origin}/plain/page.html`), { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
      const ended = new Promise((resolve) => browser.once('exit', resolve));
      const pages = () => processesUnder(browser.pid).filter(({ isPage }) => isPage);
      const before = new Map();
      /** Since the page came to rest, in one of the fields. */
      const growth = (process, field) => process[field] - (before.get(process.pid)?.[field] ?? 0);
      let peak = 0;
      let watch;
      try {
        const outcome = await new Promise((resolve, reject) => {
          browser.once('exit', () => reject(new Error('the browser has ended')));
          posts = {
            async ready() {
              await delay(500); // the page comes to rest
              for (const process of pages()) before.set(process.pid, process);
              watch = setInterval(() => (peak = Math.max(peak, ...pages().map((process) => growth(process, 'bytes')))), 100);
            },
            async memory() {
              // The page's own is the process that has had the work.
              const [{ pid }] = pages().sort((a, b) => growth(b, 'ticks') - growth(a, 'ticks'));
              const bytes = await memoryAtRest(() => pages().find((process) => process.pid === pid).bytes);
              return { bytes, ...(name === 'chromium' && { live: await liveMemory(browser, pid) }) };
            },
            done: (text) => resolve(JSON.parse(text)),
            failed: reject,
          };
        });
        return { outcome, peak };
      } finally {
        clearInterval(watch);
        browser.kill();
        await ended;
      }
    },
    close: () => removeFolder(profile),
  };
}

/** The least, once it has not become less for four seconds: garbage and what was compiled go when they go. */
async function memoryAtRest(measure) {
  let least = measure();
  for (let waited = 0; waited < 20; waited++) {
    await delay(200);
    const now = measure();
    if (now < least * 0.999) waited = 0;
    least = Math.min(least, now);
  }
  return least;
}
