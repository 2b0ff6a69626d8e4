// How much memory a page takes.
import { readFileSync, readdirSync } from 'node:fs';

/** A process's private memory in bytes: its heaps, without program code and files. Throws when it has ended. */
const memoryOf = (pid) => Number(/RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

/** What `look` says of each process id that has not ended meanwhile. */
function ofLiving(pids, look) {
  return pids.flatMap((pid) => {
    try {
      return [look(pid)];
    } catch {
      return [];
    }
  });
}

/** Of Chromium's processes for what has been loaded, that of its own windows is none of a page. */
const isPage = (command) => / tab *$/.test(command) || (/--type=renderer /.test(command) && !/--top-chrome-webui/.test(command));

/** The processes that a browser's first has started, directly or not. isPage: pages may live in it; ticks: CPU time so far. */
export function processesUnder(root) {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const parents = new Map(ofLiving(pids, (pid) => [pid, /\nPPid:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]]));
  const isOurs = (pid) => pid !== undefined && (pid === String(root) || isOurs(parents.get(pid)));
  return ofLiving([...parents.keys()].filter(isOurs), (pid) => {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ').slice(11);
    return { pid, bytes: memoryOf(pid), ticks: Number(user) + Number(system), isPage: isPage(command) };
  });
}

const rendererMemory = (pids) => new Map(ofLiving(pids, (pid) => [pid, memoryOf(pid)]));

async function rendererPids(context) {
  const session = await context.browser().newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
}

/** Watches the renderers of the context's pages; stop() says by how many bytes one has grown since, at most. */
export async function peakMemory(context) {
  const pids = await rendererPids(context);
  const before = rendererMemory(pids);
  let peak = 0;
  const look = () => {
    for (const [pid, bytes] of rendererMemory(pids)) peak = Math.max(peak, bytes - before.get(pid));
  };
  const watch = setInterval(look, 5);
  return {
    stop() {
      look();
      clearInterval(watch);
      return peak;
    },
  };
}
