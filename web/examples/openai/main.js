// Code written for `new OpenAI()`: only the client is another one.
import { loadModel } from './inkling/index.js'; // with a bundler: 'inkling-wasm'
import { APIError, createOpenAI } from './inkling/adapters/openai.js'; // 'inkling-wasm/openai'

const at = (id) => document.getElementById(id);
let stream;

at('status').textContent = 'Loading …';
const client = createOpenAI({
  'smollm2-135m': await loadModel('/model.gguf', { contextLength: 2048 }),
});
at('status').textContent = (await client.models.list()).data.map(({ id }) => id).join(', ');

at('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  at('answer').textContent = '';
  try {
    stream = await client.chat.completions.create({
      model: 'smollm2-135m',
      messages: [{ role: 'user', content: at('question').value }],
      temperature: 0.3,
      max_tokens: 200,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const {
      choices: [choice],
      usage,
    } of stream) {
      at('answer').append(choice?.delta.content ?? '');
      if (usage)
        at('status').textContent = `${usage.prompt_tokens} + ${usage.completion_tokens} tokens`;
    }
  } catch (error) {
    at('status').textContent =
      error instanceof APIError ? `${error.code}: ${error.message}` : String(error);
  }
});
at('stop').addEventListener('click', () => stream?.controller.abort());
