// Serves the examples, the package as it was built, and a model:
//   node examples/serve.mjs MODEL.gguf [--isolated] [--port 8080]
// --isolated sends the two headers that let pages use threads. Any static server would do; this one
// answers range requests, by which an interrupted download goes on where it stopped, and is as
// strict as a careful site.
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const WEB = fileURLToPath(new URL('..', import.meta.url));
const {
  positionals: [model],
  values: { isolated, port },
} = parseArgs({
  allowPositionals: true,
  options: {
    isolated: { type: 'boolean', default: false },
    port: { type: 'string', default: '8080' },
  },
});
if (!model || !existsSync(model)) {
  console.error('usage: node examples/serve.mjs MODEL.gguf [--isolated] [--port 8080]');
  process.exit(2);
}

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; " +
    "connect-src 'self'; style-src 'self'; img-src 'self'",
  ...(isolated && {
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
  }),
};
const EXAMPLES = readdirSync(join(WEB, 'examples')).filter((name) =>
  existsSync(join(WEB, 'examples', name, 'index.html')),
);
const LIST = [
  '<!doctype html><title>Examples</title><link rel="icon" href="/examples/icon.svg"><ul>',
  ...EXAMPLES.map((name) => `<li><a href="/examples/${name}/">${name}</a>`),
].join('');

/**
 * The file that a path stands for: the model, a file of an example, or of the package, which each
 * has as inkling/.
 */
function fileAt(path) {
  if (path === '/model.gguf') return model;
  if (!path.startsWith('/examples/')) return undefined;
  const [, packaged] = /^\/examples\/[^/]+\/inkling\/(.+)$/.exec(path) ?? [];
  const file = packaged
    ? join(WEB, 'dist', packaged)
    : join(WEB, path.endsWith('/') ? `${path}index.html` : path);
  return existsSync(file) && statSync(file).isFile() ? file : undefined;
}

const server = createServer((request, response) => {
  const path = normalize(decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
  if (path === '/')
    return response.writeHead(200, { ...HEADERS, 'content-type': TYPES['.html'] }).end(LIST);
  const file = fileAt(path);
  if (!file) return response.writeHead(404, HEADERS).end('not here');
  const { size, mtimeMs } = statSync(file);
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const start = Number(from ?? 0);
  const end = to ? Math.min(Number(to), size - 1) : size - 1;
  if (start >= size && size > 0)
    return response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
  response.writeHead(from === undefined ? 200 : 206, {
    ...HEADERS,
    'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
    'content-length': end - start + 1,
    'accept-ranges': 'bytes',
    etag: `"${size}-${mtimeMs}"`,
    ...(from !== undefined && { 'content-range': `bytes ${start}-${end}/${size}` }),
  });
  if (request.method === 'HEAD') response.end();
  else createReadStream(file, { start, end }).pipe(response);
});
server.listen(Number(port), '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${server.address().port}/`),
);
