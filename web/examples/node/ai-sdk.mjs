// Vercel's AI SDK with a model in this process:  node examples/node/ai-sdk.mjs MODEL.gguf "Why is
// the sky blue?"
import { pathToFileURL } from 'node:url';
import { streamText } from 'ai';
import { loadModel } from 'inkling-wasm';
import { createInkling } from 'inkling-wasm/ai-sdk';

const [path, prompt = 'Say hello.'] = process.argv.slice(2);
const inkling = createInkling(await loadModel(pathToFileURL(path), { contextLength: 2048 }));
const { textStream, usage } = streamText({
  model: inkling(),
  prompt,
  temperature: 0,
  maxOutputTokens: 200,
});
for await (const piece of textStream) process.stdout.write(piece);
const { inputTokens, outputTokens } = await usage;
console.log(`\n${inputTokens} + ${outputTokens} tokens`);
process.exit(); // threads would keep the process for the next question
