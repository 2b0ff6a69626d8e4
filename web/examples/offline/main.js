// A page that works with the network off, and with threads on a host that lets nobody set headers;
// see sw.js.
import { loadModel } from './inkling/index.js'; // with a bundler: 'inkling-wasm'

const at = (id) => document.getElementById(id);

await navigator.serviceWorker.register('sw.js');
await navigator.serviceWorker.ready;
// The first visit came without the service worker's headers. Once more, and the page is isolated.
if (!crossOriginIsolated && !sessionStorage.getItem('reloaded')) {
  sessionStorage.setItem('reloaded', 'yes');
  location.reload();
  await new Promise(() => {}); // nothing more of this visit
}

const model = await loadModel('/model.gguf', { contextLength: 2048 }).catch((error) => {
  at('status').textContent = `${error.code}: ${error.message}`;
  throw error;
});
const { threads, whyOneThread } = model.info;
at('status').textContent = `Ready, ${threads} thread(s)${whyOneThread && `: ${whyOneThread}`}`;

let answering = new AbortController();
at('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  answering = new AbortController();
  at('answer').textContent = '';
  const run = model.chat([{ role: 'user', content: at('question').value }], {
    temperature: 0.3,
    maxTokens: 200,
    signal: answering.signal,
  });
  try {
    for await (const piece of run) at('answer').append(piece);
  } catch (error) {
    at('status').textContent = String(error);
  }
});
at('stop').addEventListener('click', () => answering.abort());
