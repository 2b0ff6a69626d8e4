// A Chromium that nobody instruments, for measuring: DevTools' protocol, and so Playwright, keeps copies of what a page
// downloads, up to 10 MB of each answer.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FLAGS } from './browser.mjs';
import { removeFolder } from './folders.mjs';

/** The renderer processes among the descendants of a process, with their private memory in bytes. */
function renderers(root) {
  const parents = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      parents.set(pid, /\nPPid:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
    } catch {
      // It has ended.
    }
  }
  const isOurs = (pid) => pid !== undefined && (pid === String(root) || isOurs(parents.get(pid)));
  return new Map([...parents.keys()].flatMap((pid) => {
    try {
      if (!isOurs(pid) || !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--type=renderer')) return [];
      return [[pid, Number(/RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024]];
    } catch {
      return [];
    }
  }));
}

/**
 * Runs scripts, one page after another in one profile. The server must pass requests for paths that begin with /plain/ to
 * handle().
 */
export function plainBrowser() {
  const profile = mkdtempSync(join(tmpdir(), 'inkling-plain-'));
  let script, onReady, onDone;
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
        const isReady = request.url === '/plain/ready';
        await (isReady ? onReady() : onDone(JSON.parse(Buffer.concat(chunks))));
        response.end();
      });
    },
    /** What the function returns in a page of that origin, and by how much a renderer's memory grew over an empty page's. */
    async run(origin, use, ...parameters) {
      script = `const post = (path, body) => fetch('/plain/' + path, { method: 'POST', body });
        await post('ready');
        const outcome = await (${use})(...${JSON.stringify(parameters)}).catch((error) => ({ error: String(error) }));
        await post('done', JSON.stringify(outcome));`;
      const browser = spawn(process.env.CHROME ?? '/usr/bin/chromium', [...FLAGS, `--user-data-dir=${profile}`, `${origin}/plain/page.html`], { stdio: 'ignore' });
      const ended = new Promise((resolve) => browser.once('exit', resolve));
      let peak = 0;
      let watch;
      try {
        const outcome = await new Promise((resolve, reject) => {
          browser.once('exit', () => reject(new Error('the browser has ended')));
          onReady = async () => {
            await new Promise((resolve) => setTimeout(resolve, 500)); // the page comes to rest
            const before = renderers(browser.pid);
            watch = setInterval(() => {
              for (const [pid, bytes] of renderers(browser.pid)) peak = Math.max(peak, bytes - (before.get(pid) ?? 0));
            }, 100);
          };
          onDone = resolve;
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
