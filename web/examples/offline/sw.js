// Answers for the page when the network does not, and adds the headers that isolate it. The model
// is not its business: loadModel() keeps that itself, in the origin's private file system. Workers
// have to get the headers too: inkling/ must lie in this script's scope, which is its folder.
const SHELL = 'shell-1'; // another number for another version of the page

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) if (name !== SHELL) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const isOurs = request.method === 'GET' && new URL(request.url).origin === location.origin;
  if (isOurs && !request.url.endsWith('.gguf')) event.respondWith(answer(request));
});

/** From the network, and from the cache where there is none. */
async function answer(request) {
  const cache = await caches.open(SHELL);
  try {
    const response = await fetch(request);
    if (!response.ok) return response;
    const isolated = isolate(response);
    await cache.put(request, isolated.clone());
    return isolated;
  } catch (error) {
    const kept = await cache.match(request);
    if (kept) return kept;
    throw error;
  }
}

function isolate(response) {
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}
