// A static server as strict as a careful site's: a Content-Security-Policy, and COOP and COEP only if asked for.
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, normalize } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { DIST } from './files.mjs';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
  '.wasm': 'application/wasm',
};
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; " +
  "style-src 'self'; img-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'";

const ISOLATION = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

async function* pieces(path, limit, pauseMs) {
  let sent = 0;
  for await (const piece of createReadStream(path)) {
    yield piece;
    sent += piece.length;
    if (sent >= limit) throw new Error('as asked, the connection breaks here');
    if (pauseMs) await delay(pauseMs);
  }
}

function sendFile(response, path, headers, { limit = Infinity, pauseMs = 0 }) {
  const { size } = statSync(path);
  response.writeHead(200, {
    'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
    'content-length': size,
    ...headers,
  });
  pipeline(pieces(path, limit, pauseMs), response).catch(() => {}); // the page went away, or was meant to suffer
}

const sendBlankPage = (response, headers) => {
  response.writeHead(200, { 'content-type': TYPES['.html'], ...headers });
  response.end('<!doctype html><title>blank</title><link rel="icon" href="data:,">');
};

/** Handles requests for an empty page at /blank, and for the package at /package/; connect: where pages may. */
export function handlePackage({ connect }) {
  const headers = { 'content-security-policy': POLICY.replace("connect-src 'self'", `connect-src ${connect}`).replace("img-src 'self'", 'img-src data:') };
  return (request, response) => {
    const path = normalize(new URL(request.url, 'http://localhost').pathname);
    if (path === '/blank') return sendBlankPage(response, headers);
    try {
      if (!path.startsWith('/package/')) throw new Error('nothing else is here');
      sendFile(response, DIST + path.slice('/package/'.length), headers, {});
    } catch {
      response.writeHead(404).end();
    }
  };
}

/**
 * Serves the page at / and the package at /package/; `files` adds paths to files and folders outside (which end in
 * a slash). /slow/NAME trickles, and /breaking/NAME ends after a megabyte. onFile(path) hears which files are asked for;
 * isolated: pages get shared memory; more: headers to add; plain(): answers requests for paths that begin with /plain/.
 */
export async function startServer(files, { policy = POLICY, isolated = false, onFile = () => {}, more = {}, plain } = {}) {
  const headers = { 'content-security-policy': policy, ...(isolated ? ISOLATION : {}), ...more };
  const places = Object.entries({ '/package/': DIST, '/': `${DIST}demo/`, ...files }).sort(([a], [b]) => b.length - a.length);
  const fileAt = (path) => {
    const [prefix, place] = places.find(([prefix]) => path === prefix || (prefix.endsWith('/') && path.startsWith(prefix)));
    return place + path.slice(prefix.length) + (path.endsWith('/') ? 'index.html' : '');
  };
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
    if (plain && path.startsWith('/plain/')) {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      return plain(request, response);
    }
    if (path === '/blank') {
      response.writeHead(200, { 'content-type': TYPES['.html'], ...headers });
      return response.end('<!doctype html><title>blank</title><link rel="icon" href="icon.svg">');
    }
    const [, mode, rest] = /^\/(slow|breaking)(\/.*)$/.exec(path) ?? [];
    const manner = mode === 'slow' ? { pauseMs: 30 } : mode === 'breaking' ? { limit: 1 << 20 } : {};
    try {
      sendFile(response, fileAt(rest ?? path), headers, manner);
      onFile(fileAt(rest ?? path));
    } catch {
      response.writeHead(404, { 'content-type': TYPES['.html'] }).end('<!doctype html><p>Not here.');
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
  };
}
