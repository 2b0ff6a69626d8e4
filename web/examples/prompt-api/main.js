// The browser's own model where it has one, else one of ours: the code below the first lines is the
// same.
// With a bundler: 'inkling-wasm/prompt-api'
import { createLanguageModel } from './inkling/adapters/prompt-api.js';

const own = new URLSearchParams(location.search).has('own'); // ?own: not the browser's
const LanguageModel =
  (!own && globalThis.LanguageModel) ||
  createLanguageModel({ source: '/model.gguf', contextLength: 2048 });

const at = (id) => document.getElementById(id);
let answering = new AbortController();

at('status').textContent = await LanguageModel.availability();
const session = await LanguageModel.create({
  initialPrompts: [{ role: 'system', content: 'You answer briefly.' }],
  samplingMode: 'predictable',
  monitor(monitor) {
    monitor.addEventListener(
      'downloadprogress',
      ({ loaded }) => (at('status').textContent = `${Math.floor(100 * loaded)} %`),
    );
  },
});
showUsage();

at('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  answering = new AbortController();
  at('answer').textContent = '';
  try {
    for await (const piece of session.promptStreaming(at('question').value, {
      signal: answering.signal,
    }))
      at('answer').append(piece);
    showUsage();
  } catch (error) {
    at('status').textContent = `${error.name}: ${error.message}`;
  }
});
at('stop').addEventListener('click', () => answering.abort());

function showUsage() {
  at('status').textContent = `${session.contextUsage} of ${session.contextWindow} tokens`;
}
