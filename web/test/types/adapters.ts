/// <reference types="dom-chromium-ai" />
/** Programs written for the originals, with ours in their place. They are compiled, never run. */
import { type LanguageModel as AnyModel, createProviderRegistry, streamText } from 'ai';
import type { Model } from 'inkling-wasm';
import { createInkling } from 'inkling-wasm/ai-sdk';
import { type OpenAIClient, createOpenAI } from 'inkling-wasm/openai';
import { createLanguageModel } from 'inkling-wasm/prompt-api';
import type OpenAI from 'openai';

declare const model: Model;

// ---- OpenAI ----

/** What theirs and ours are called with alike. */
type Answer<F extends (...parameters: never[]) => PromiseLike<unknown>> = Awaited<ReturnType<F>>;

export async function openai(signal: AbortSignal): Promise<void> {
  const client: OpenAIClient = createOpenAI(model);
  const params: OpenAI.Chat.ChatCompletionCreateParamsNonStreaming = {
    model: 'x',
    messages: [{ role: 'user', content: 'Hi' }],
  };
  const whole: OpenAI.Chat.ChatCompletion = await client.chat.completions.create(params, {
    signal,
  });
  whole.choices[0]?.message.content?.trim();
  const stream = await client.chat.completions.create({
    ...params,
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const chunk of stream) {
    const theirs: OpenAI.Chat.ChatCompletionChunk = chunk;
    theirs.choices[0]?.delta.content?.trim();
  }
  stream.controller.abort();
  const either = await client.chat.completions.create({ ...params, stream: Math.random() > 0.5 });
  if (!('controller' in either)) either.usage?.total_tokens.toFixed();
  const completion: OpenAI.Completion = await client.completions.create({
    model: 'x',
    prompt: 'Hi',
    top_k: 3,
  });
  completion.choices[0]?.text.trim();
  for await (const part of await client.completions.create({
    model: 'x',
    prompt: 'Hi',
    stream: true,
  }))
    (part satisfies OpenAI.Completion).id.trim();
  const vectors: OpenAI.CreateEmbeddingResponse = await client.embeddings.create({
    model: 'x',
    input: ['a'],
  });
  vectors.data[0]?.embedding[0]?.toFixed();
  for await (const { id } of client.models.list()) id.trim();
  const listed: OpenAI.Models.Model[] = (await client.models.list()).data;
  const same: Answer<OpenAI['models']['retrieve']> = await client.models.retrieve(listed[0]!.id);
  same.created.toFixed();
  // @ts-expect-error messages are missing
  await client.chat.completions.create({ model: 'x' });
}

// ---- The Prompt API ----

export async function promptApi(): Promise<void> {
  const Native: typeof LanguageModel = createLanguageModel({
    source: '/model.gguf',
    contextLength: 2048,
  });
  const Given: typeof LanguageModel = createLanguageModel({ model });
  if (
    (await Given.availability({ expectedInputs: [{ type: 'text', languages: ['en'] }] })) ===
    'unavailable'
  )
    return;
  const session: LanguageModel = await Native.create({
    initialPrompts: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
    ],
    monitor: (monitor) =>
      monitor.addEventListener('downloadprogress', ({ loaded }) => loaded.toFixed()),
    samplingMode: 'balanced',
  });
  for await (const piece of session.promptStreaming([
    { role: 'user', content: [{ type: 'text', value: 'Hi' }] },
  ]))
    piece.trim();
  session.oncontextoverflow = () => {};
  const clone: LanguageModel = await session.clone();
  (await clone.prompt('Hi')).trim();
  clone.destroy();
  createLanguageModel({ model }).dispose();
  // @ts-expect-error a source or a model
  createLanguageModel({});
}

// ---- The AI SDK ----

export async function aiSdk(): Promise<void> {
  const inkling = createInkling({ small: model });
  const any: AnyModel = inkling('small');
  const registry = createProviderRegistry({ inkling });
  const { textStream } = streamText({
    model: registry.languageModel('inkling:small'),
    prompt: 'Hi',
    providerOptions: { inkling: { minP: 0.1 } },
  });
  for await (const piece of textStream) piece.trim();
  streamText({ model: any, prompt: 'Hi' });
}
