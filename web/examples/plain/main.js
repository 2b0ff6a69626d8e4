// The package as it is: load a model, show how far that is, stream an answer, stop it.
import { InklingError, loadModel } from './inkling/index.js'; // with a bundler: 'inkling-wasm'

const at = (id) => document.getElementById(id);
const percent = ({ loaded, total }) =>
  total ? `${Math.floor((100 * loaded) / total)} %` : `${loaded} bytes`;

const messages = [{ role: 'system', content: 'You answer briefly.' }];
let answering = new AbortController();

try {
  const model = await loadModel('/model.gguf', {
    contextLength: 2048,
    onProgress: (progress) => (at('status').textContent = `Loading: ${percent(progress)}`),
  });
  at('status').textContent =
    `${model.info.name || model.info.architecture}, ${model.info.threads} thread(s)`;
  at('form').addEventListener('submit', (event) => {
    event.preventDefault();
    answering.abort(); // whoever asks again no longer wants the last answer
    void ask(model, at('question').value);
  });
  at('stop').addEventListener('click', () => answering.abort());
} catch (error) {
  explain(error);
}

async function ask(model, question) {
  answering = new AbortController();
  const { signal } = answering;
  const conversation = [...messages, { role: 'user', content: question }];
  at('answer').textContent = '';
  try {
    const run = model.chat(conversation, { temperature: 0.3, maxTokens: 200, signal });
    for await (const piece of run) at('answer').append(piece);
    const { text, usage, timings } = await run.result();
    messages.splice(0, messages.length, ...conversation, { role: 'assistant', content: text });
    at('status').textContent =
      `${((1000 * usage.completionTokens) / timings.decodeMs).toFixed(1)} tokens/s`;
  } catch (error) {
    if (signal.aborted) at('status').textContent = 'Stopped.';
    else explain(error);
  }
}

function explain(error) {
  at('status').textContent =
    error instanceof InklingError ? `${error.code}: ${error.message}` : String(error);
}
