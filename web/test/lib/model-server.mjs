// A real HTTP server of models with everything that goes wrong on the way: connections that break, servers that die and
// come back, that know no ranges, no versions, or have another file meanwhile.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

const PIECE = 1 << 16;

/**
 * files: buffers by path. The answer's fields may be changed at any time:
 * - ranges, etags, dates, gzip: what the server knows; exposes: what it lets pages of other origins see;
 * - breakAt: offsets in the file, each where a connection is cut once it was sent so far;
 * - silent: instead of being cut it says nothing more; at 0: not even that there is an answer;
 * - downMs: for how long nobody listens after that; 0: merely the connection is lost;
 * - bytesPerSecond: as slow as that;
 * - failures: statuses to answer with first, one request each; 0: none, the connection is closed.
 * fallback: handles requests for other paths.
 */
export async function startModelServer(files, fallback = (request, response) => response.writeHead(404).end()) {
  const server = {
    files, ranges: true, etags: true, dates: true, gzip: false, exposes: undefined,
    breakAt: [], silent: false, downMs: 0, bytesPerSecond: Infinity, failures: [],
    /** { method, path, range, ifRange, status } of each request for a model. */
    requests: [],
    /** Of models' files. */
    bytesSent: 0,
  };
  const http = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
    if (path in server.files) void answer(request, response, path).catch(() => {});
    else fallback(request, response);
  });

  async function answer(request, response, path) {
    let content = server.files[path];
    const { method, headers: { range, 'if-range': ifRange, origin } } = request;
    const entry = { method, path, range, ifRange, status: server.failures.shift() ?? 200 };
    server.requests.push(entry);
    const headers = { 'content-type': 'application/octet-stream', 'cache-control': 'no-store' };
    if (origin && server.exposes !== undefined) {
      headers['access-control-allow-origin'] = '*';
      headers['access-control-expose-headers'] = server.exposes;
    }
    if (entry.status === 0) return void request.socket.destroy();
    if (entry.status !== 200) return response.writeHead(entry.status, { ...headers, 'retry-after': '0' }).end();
    const etag = `"${createHash('sha1').update(content).digest('hex')}"`;
    const date = new Date(Date.UTC(2026, 0, 1 + (content.length % 300))).toUTCString();
    if (server.etags) headers.etag = etag;
    if (server.dates) headers['last-modified'] = date;
    if (server.gzip) {
      content = gzipSync(content, { level: 1 });
      headers['content-encoding'] = 'gzip';
    }
    let from = 0;
    let to = content.length;
    const asked = server.ranges && /^bytes=(\d+)-(\d*)$/.exec(range ?? '');
    if (asked && (!ifRange || ifRange === etag || ifRange === date)) {
      from = Number(asked[1]);
      to = asked[2] ? Math.min(Number(asked[2]) + 1, content.length) : content.length;
      if (from >= content.length) return response.writeHead((entry.status = 416), headers).end();
      headers['content-range'] = `bytes ${from}-${to - 1}/${content.length}`;
      entry.status = 206;
    }
    if (server.silent && server.breakAt.includes(0)) return void (server.breakAt = []);
    response.writeHead(entry.status, { ...headers, 'content-length': to - from });
    if (method === 'HEAD') return response.end();
    for (let at = from; at < to; ) {
      const cut = server.breakAt.filter((offset) => offset > at && offset <= to).sort((a, b) => a - b)[0];
      const end = Math.min(at + PIECE, to, cut ?? Infinity);
      response.write(content.subarray(at, end));
      while (response.writableNeedDrain && !response.destroyed) await delay(1);
      if (response.destroyed) return;
      server.bytesSent += end - at;
      at = end;
      if (at === cut) {
        server.breakAt = server.breakAt.filter((offset) => offset !== cut);
        if (server.silent) return;
        await delay(20); // so that the bytes leave
        return kill();
      }
      if (server.bytesPerSecond < Infinity) await delay(((1000 * PIECE) / server.bytesPerSecond));
    }
    response.end();
  }

  /** All connections break; the server is back after downMs. */
  async function kill() {
    http.closeAllConnections();
    if (!server.downMs) return;
    http.close();
    await delay(server.downMs);
    await listen(http, server.port);
  }

  await listen(http, 0);
  server.port = http.address().port;
  server.url = `http://127.0.0.1:${server.port}`;
  server.kill = kill;
  server.close = () => new Promise((resolve) => (http.closeAllConnections(), http.close(resolve)));
  return server;
}

const listen = (http, port) => new Promise((resolve) => http.listen(port, '127.0.0.1', resolve));

/** n offsets within a file, in random order from a seed, so that a failure can be repeated. */
export function randomOffsets(n, size, seed) {
  let state = seed;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  return Array.from({ length: n }, () => 1 + Math.floor(random() * (size - 2)));
}

export const sha256Of = (buffer) => createHash('sha256').update(new Uint8Array(buffer)).digest('hex');
