// How much memory a page takes.
import { readFileSync } from 'node:fs';

/** The renderer processes' private memory in bytes, by process id: their heaps, without program code and files. */
function rendererMemory(pids) {
  return new Map(pids.flatMap((pid) => {
    try {
      const [, kilobytes] = /RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
      return [[pid, Number(kilobytes) * 1024]];
    } catch {
      return []; // a spare process, which has ended
    }
  }));
}

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
