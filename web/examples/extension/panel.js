/* global chrome */
// The package and a model lie in the extension's folder: nothing is fetched from anywhere, as the
// stores ask for.
import { loadModel } from './inkling/index.js'; // with a bundler: 'inkling-wasm'

const at = (id) => document.getElementById(id);
let answering = new AbortController();

at('status').textContent = 'Loading …';
const model = await loadModel(chrome.runtime.getURL('model.gguf'), { contextLength: 2048 });
at('status').textContent = `Ready: ${model.info.name || model.info.architecture}`;

at('form').addEventListener('submit', (event) => {
  event.preventDefault();
  void ask(at('question').value);
});
at('summarise').addEventListener('click', async () => {
  const [tab] = await chrome.tabs.query({ active: true, currentWindow: true });
  const [{ result }] = await chrome.scripting.executeScript({
    target: { tabId: tab.id },
    func: () => String(getSelection()),
  });
  if (result) void ask(`Summarise in one sentence:\n\n${result}`);
});

async function ask(content) {
  answering.abort();
  answering = new AbortController();
  const { signal } = answering;
  at('answer').textContent = '';
  try {
    for await (const piece of model.chat([{ role: 'user', content }], {
      temperature: 0.3,
      maxTokens: 200,
      signal,
    }))
      at('answer').append(piece);
  } catch (error) {
    if (!signal.aborted) at('status').textContent = `${error.code}: ${error.message}`;
  }
}
