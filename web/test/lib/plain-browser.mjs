// A browser that nobody instruments, for measuring: what drives a browser keeps copies of what its pages download
// (DevTools' protocol, and so Playwright, up to 10 MB of each answer; Firefox's WebDriver BiDi all of them, to its end).
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FLAGS } from './browser.mjs';
import { removeFolder } from './folders.mjs';
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

/** By name: starts it with a profile's folder and an address. */
const STARTERS = {
  chromium: (profile, url) => [process.env.CHROME ?? '/usr/bin/chromium', [...FLAGS, `--user-data-dir=${profile}`, url]],
  firefox: (profile, url) => {
    const lines = Object.entries(FIREFOX_PREFERENCES).map(([name, value]) => `user_pref("${name}", ${value});\n`);
    writeFileSync(join(profile, 'user.js'), lines.join(''));
    return [process.env.FIREFOX ?? '/usr/bin/firefox-esr', ['-headless', '-no-remote', '-profile', profile, url]];
  },
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
        const answer = await posts[request.url.slice('/plain/'.length)](Buffer.concat(chunks).toString());
        response.end(JSON.stringify(answer ?? null));
      });
    },
    /**
     * What `use(parameter, memory)` returns in a page of that origin, and by how much a page's process grew over an empty
     * page's. memory() measures the page's process: see memoryAtRest().
     */
    async run(origin, use, parameter = null) {
      script = `const post = async (path, body) => (await fetch('/plain/' + path, { method: 'POST', body })).json();
        await post('ready');
        const outcome = await (${use})(${JSON.stringify(parameter)}, () => post('memory')).catch((error) => ({ error: String(error) }));
        await post('done', JSON.stringify(outcome));`;
      const browser = spawn(...STARTERS[name](profile, `${origin}/plain/page.html`), { stdio: 'ignore' });
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
              return memoryAtRest(() => pages().find((process) => process.pid === pid).bytes);
            },
            done: (text) => resolve(JSON.parse(text)),
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

/** The least of some seconds, as garbage goes when it goes. */
async function memoryAtRest(measure) {
  let least = Infinity;
  for (let i = 0; i < 15; i++) {
    await delay(200);
    least = Math.min(least, measure());
  }
  return least;
}
