/// <reference lib="webworker" />
/**
 * The service worker: keeps the app on the device, so that it opens without a network, and isolates
 * the page, so that the engine has threads on hosts that can't set headers. Models are the
 * package's own business; they pass through.
 */
export {}; // a module of its own, for TypeScript

/** Put in by the build. */
declare const __VERSION__: string;
/** The app's files, but for the engine's modules. */
declare const __PRECACHE__: readonly string[];
/** Of these a browser uses one; it is kept when the page asks for it. */
declare const __MODULES__: readonly string[];

const worker = self as unknown as ServiceWorkerGlobalScope;
const scope = new URL(worker.registration.scope);
const PREFIX = `inkling ${scope.pathname} `;
const CACHE = PREFIX + __VERSION__;

const addressOf = (file: string) => new URL(file, scope).href;
const INDEX = addressOf('index.html');
const ours = new Set([...__PRECACHE__, ...__MODULES__].map(addressOf));

/** assets/inkling-relaxed-1a2b3c4d.wasm -> assets/inkling-relaxed */
const kindOf = (address: string) => address.replace(/-[\w-]{8}\.wasm$/, '');

async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  const needed = [...__PRECACHE__.map(addressOf), ...(await modulesInUse())];
  // Past the browser's own cache, which may hold files of an older version under the same names.
  await cache.addAll(needed.map((address) => new Request(address, { cache: 'no-cache' })));
}

/** This version's counterparts of the modules that an older version kept. */
async function modulesInUse(): Promise<string[]> {
  const kinds = new Set<string>();
  for (const name of await oldCaches()) {
    for (const { url } of await (await caches.open(name)).keys()) kinds.add(kindOf(url));
  }
  return __MODULES__.map(addressOf).filter((address) => kinds.has(kindOf(address)));
}

async function oldCaches(): Promise<string[]> {
  return (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
}

async function activate(): Promise<void> {
  await Promise.all((await oldCaches()).map((name) => caches.delete(name)));
  await worker.clients.claim();
}

async function answer(request: Request, address: string): Promise<Response> {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(address);
  if (kept) return isolating(kept);
  const response = await fetch(request);
  if (response.ok) await cache.put(address, response.clone());
  return isolating(response);
}

/** The response with the two headers that let a page share memory between threads. */
function isolating(response: Response): Response {
  if (response.status === 0) return response;
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  return new Response(response.body, {
    status: response.status,
    statusText: response.statusText,
    headers,
  });
}

worker.addEventListener('install', (event) => event.waitUntil(install()));
worker.addEventListener('activate', (event) => event.waitUntil(activate()));
worker.addEventListener('message', ({ data }) => {
  if (data === 'replace the old version') void worker.skipWaiting();
});
worker.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET') return;
  const url = new URL(request.url);
  const address = url.origin + url.pathname; // whatever ?model= says, it is the same page
  if (address === scope.href) event.respondWith(answer(request, INDEX));
  else if (ours.has(address)) event.respondWith(answer(request, address));
});
