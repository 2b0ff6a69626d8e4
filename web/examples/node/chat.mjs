// A conversation in a terminal:  node examples/node/chat.mjs MODEL.gguf
// Ctrl-C stops an answer, and ends the program when there is none.
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { loadModel } from 'inkling-wasm';

const model = await loadModel(pathToFileURL(process.argv[2]), { contextLength: 2048 });
const messages = [];
let answering;

const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: '> ' });
terminal.on('SIGINT', () => (answering ? answering.abort() : terminal.close()));
let ended = false; // the last lines may still wait for their answers then
terminal.on('close', () => (ended = true));
terminal.prompt();
for await (const content of terminal) {
  answering = new AbortController();
  messages.push({ role: 'user', content });
  const run = model.chat(messages, { temperature: 0.3, maxTokens: 300, signal: answering.signal });
  try {
    for await (const piece of run) process.stdout.write(piece);
    messages.push({ role: 'assistant', content: (await run.result()).text });
  } catch (error) {
    if (!answering.signal.aborted) throw error;
    messages.pop();
  }
  answering = undefined;
  process.stdout.write('\n');
  if (!ended) terminal.prompt();
}
model.dispose();
