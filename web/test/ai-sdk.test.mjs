// The provider under the real AI SDK, in the two releases of it that take such a provider.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as ai7 from 'ai';
import * as ai6 from 'ai-6';
import { InklingError, loadModel } from 'inkling-wasm';
import { createInkling } from 'inkling-wasm/ai-sdk';
import { z } from 'zod';
import { dataUrl } from './lib/files.mjs';

const prompt = 'Once upon a time';
const messages = [{ role: 'user', content: prompt }];
/** More tokens than come before an abort does. */
const LONG = 4096;
let model, inkling;

before(async () => {
  model = await loadModel(dataUrl('stories260K.gguf'), {
    chatTemplate: 'chatml',
    contextLength: LONG,
  });
  inkling = createInkling(model);
});
after(() => model?.dispose());

const isInkling = (code) => (error) => error instanceof InklingError && error.code === code;

/** Collects what the SDK would otherwise print. */
async function withWarnings(use) {
  const warnings = [];
  globalThis.AI_SDK_LOG_WARNINGS = (logged) => warnings.push(...(logged.warnings ?? logged));
  try {
    return { result: await use(), warnings };
  } finally {
    delete globalThis.AI_SDK_LOG_WARNINGS;
  }
}

for (const [name, { generateText, streamText, embed, embedMany, cosineSimilarity }] of Object.entries({
  'AI SDK 7': ai7,
  'AI SDK 6': ai6,
})) {
  test(`${name}: generateText gives what chat() gives`, async () => {
    const settings = { temperature: 0.9, seed: 11, topK: 20, topP: 0.9 };
    const expected = await model.chat(messages, { ...settings, maxTokens: 20 }).result();
    const { result, warnings } = await withWarnings(() =>
      generateText({ model: inkling(), prompt, ...settings, maxOutputTokens: 20 }),
    );
    assert.equal(result.text, expected.text);
    assert.equal(result.finishReason, 'length');
    assert.equal(result.usage.inputTokens, expected.usage.promptTokens);
    assert.equal(result.usage.outputTokens, 20);
    assert.equal(result.usage.totalTokens, expected.usage.promptTokens + 20);
    assert.ok(result.usage.inputTokenDetails.cacheReadTokens > 0);
    assert.deepEqual(warnings, []);
    const stopped = await generateText({
      model: inkling(),
      prompt,
      ...settings,
      stopSequences: [expected.text.slice(6, 10)],
      maxOutputTokens: 20,
    });
    assert.equal(stopped.finishReason, 'stop');
    assert.equal(
      stopped.text,
      expected.text.slice(0, expected.text.indexOf(expected.text.slice(6, 10))),
    );
  });

  test(`${name}: streamText streams`, async () => {
    const { text: expected } = await model
      .chat(messages, { temperature: 0, maxTokens: 12 })
      .result();
    const { textStream, finishReason, usage, fullStream } = streamText({
      model: inkling(),
      messages,
      temperature: 0,
      maxOutputTokens: 12,
    });
    const pieces = [];
    for await (const piece of textStream) pieces.push(piece);
    assert.equal(pieces.join(''), expected);
    assert.ok(pieces.length > 4, 'it streams');
    assert.equal(await finishReason, 'length');
    assert.equal((await usage).outputTokens, 12);
    assert.ok(fullStream);
  });

  test(`${name}: an abort stops the engine`, async () => {
    const controller = new AbortController();
    const aborted = [];
    const { textStream } = streamText({
      model: inkling(),
      prompt,
      abortSignal: controller.signal,
      onAbort: (event) => aborted.push(event),
    });
    let pieces = 0;
    for await (const _ of textStream) if (++pieces === 3) controller.abort();
    assert.ok(pieces < 10, `${pieces} pieces came after the abort`);
    assert.equal(aborted.length, 1);
    await assert.rejects(
      generateText({ model: inkling(), prompt, abortSignal: AbortSignal.timeout(30) }),
      { name: /AbortError|TimeoutError/ },
    );
    // Were the engine still busy with either, this would wait for a whole context of tokens.
    const started = performance.now();
    await generateText({ model: inkling(), prompt, maxOutputTokens: 1 });
    assert.ok(performance.now() - started < 1000);
  });

  test(`${name}: failures are InklingErrors`, async () => {
    const small = await loadModel(dataUrl('stories260K.gguf'), {
      chatTemplate: 'chatml',
      contextLength: 64,
    });
    const long = { model: createInkling(small)(), prompt: 'word '.repeat(100) };
    await assert.rejects(generateText(long), isInkling('INK_ERR_CONTEXT_FULL'));
    const errors = [];
    await streamText({ ...long, onError: ({ error }) => errors.push(error) }).consumeStream();
    assert.ok(isInkling('INK_ERR_CONTEXT_FULL')(errors[0]), String(errors));
    const stream = streamText({
      model: createInkling(small)(),
      prompt,
      onError: ({ error }) => errors.push(error),
    });
    for await (const piece of stream.textStream) if (piece) small.dispose();
    assert.ok(isInkling('INK_ERR_WRONG_STATE')(errors[1]), String(errors));
    const image = [
      { role: 'user', content: [{ type: 'image', image: new Uint8Array([137, 80, 78, 71]) }] },
    ];
    await assert.rejects(
      generateText({ model: inkling(), messages: image }),
      isInkling('INK_ERR_INVALID_ARGUMENT'),
    );
    await assert.rejects(
      embed({ model: inkling.embeddingModel(), value: 'a' }),
      isInkling('INK_ERR_UNSUPPORTED_EMBEDDINGS'),
    );
    const several = createInkling({ model });
    assert.throws(() => several.embeddingModel('e'), isInkling('INK_ERR_INVALID_ARGUMENT'));
    assert.throws(() => several.imageModel('e'), isInkling('INK_ERR_INVALID_ARGUMENT'));
  });

  test(`${name}: embed() and embedMany()`, async () => {
    const embedder = await loadModel(dataUrl('embeddings/qwen3-last.gguf'));
    const provider = createInkling(embedder);
    const values = ['a small model of each kind', 'a small model', 'which experts are chosen'];
    const expected = await embedder.embed(values);
    const lists = expected.embeddings.map((vector) => Array.from(vector));
    const many = await embedMany({ model: provider.embeddingModel(), values });
    assert.deepEqual(many.embeddings, lists);
    assert.equal(many.usage.tokens, expected.usage.promptTokens);
    const one = await embed({ model: provider.embeddingModel('any'), value: values[1] });
    assert.deepEqual(one.embedding, lists[1]);
    assert.ok(Math.abs(cosineSimilarity(one.embedding, lists[1]) - 1) < 1e-6);
    const dot = lists[0].reduce((sum, value, i) => sum + value * lists[1][i], 0);
    assert.ok(Math.abs(cosineSimilarity(lists[0], lists[1]) - dot) < 1e-6);

    const asked = (options) =>
      embed({
        model: provider.embeddingModel(),
        value: values[0],
        providerOptions: { inkling: options },
      });
    assert.equal((await asked({ dimensions: 8 })).embedding.length, 8);
    const mean = await embedder.embed(values[0], { pooling: 'mean' });
    assert.deepEqual((await asked({ pooling: 'mean' })).embedding, Array.from(mean.embeddings[0]));
    for (const wrong of [{ dimensions: 33 }, { pooling: 'cls' }])
      await assert.rejects(asked(wrong), isInkling('INK_ERR_INVALID_ARGUMENT'));
    await assert.rejects(
      embedMany({
        model: provider.embeddingModel(),
        values: Array(5000).fill(values[0]),
        abortSignal: AbortSignal.timeout(20),
      }),
      { name: /AbortError|TimeoutError/ },
    );
    embedder.dispose();
  });

  test(`${name}: what the engine cannot do is warned of`, async () => {
    const tools = { add: { description: 'Adds.', inputSchema: z.object({ a: z.number() }) } };
    const settings = {
      model: inkling(),
      prompt,
      tools,
      frequencyPenalty: 1,
      presencePenalty: 1,
      maxOutputTokens: 2,
    };
    const { result, warnings } = await withWarnings(() => generateText(settings));
    assert.deepEqual(
      warnings.map(({ type, feature }) => [type, feature]),
      ['presencePenalty', 'frequencyPenalty'].map((feature) => ['unsupported', feature]),
    );
    assert.equal(result.warnings.length, 2);
    const required = {
      model: inkling(),
      prompt,
      tools,
      toolChoice: 'required',
      maxOutputTokens: 2,
    };
    await withWarnings(() =>
      assert.rejects(generateText(required), { name: 'AI_ToolChoiceViolationError' }),
    );
  });
}

test('conversations with tools reach the chat template as it takes them', async () => {
  const shown = await loadModel(dataUrl('stories260K.gguf'), {
    chatTemplate: '{{ messages | tojson }}{% if tools %}{{ tools | tojson }}{% endif %}',
  });
  const conversation = [
    { role: 'system', content: 'Be brief.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Add ' },
        { type: 'text', text: 'it.' },
      ],
    },
    {
      role: 'assistant',
      content: [
        { type: 'reasoning', text: 'hm' },
        { type: 'text', text: 'Yes.' },
        { type: 'tool-call', toolCallId: 'c1', toolName: 'add', input: { a: 1 } },
      ],
    },
    {
      role: 'tool',
      content: [
        {
          type: 'tool-result',
          toolCallId: 'c1',
          toolName: 'add',
          output: { type: 'json', value: { sum: 2 } },
        },
      ],
    },
  ];
  const given = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Add it.' },
    {
      role: 'assistant',
      content: 'Yes.',
      reasoning_content: 'hm',
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'add', arguments: { a: 1 } } }],
    },
    { role: 'tool', tool_call_id: 'c1', name: 'add', content: '{"sum":2}' },
  ];
  const parameters = { type: 'object' };
  const tools = [{ type: 'function', name: 'add', description: 'Adds.', inputSchema: parameters }];
  const toolsGiven = [
    { type: 'function', function: { name: 'add', description: 'Adds.', parameters } },
  ];
  const counted = async (options) =>
    (
      await createInkling(shown)().doGenerate({
        prompt: conversation,
        maxOutputTokens: 1,
        ...options,
      })
    ).usage.inputTokens.total;
  assert.equal(
    await counted({ tools }),
    await shown.countTokens({ messages: given, tools: toolsGiven }),
  );
  assert.equal(
    await counted({ tools, toolChoice: { type: 'none' } }),
    await shown.countTokens(given),
  );
  shown.dispose();
});

test('an aborted stream ends with the reason', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const { stream } = await inkling().doStream({
    prompt: [{ role: 'user', content: [{ type: 'text', text: prompt }] }],
    abortSignal: controller.signal,
  });
  const parts = [];
  await assert.rejects(async () => {
    for await (const part of stream) {
      parts.push(part.type);
      if (parts.length === 6) controller.abort(reason);
    }
  }, reason);
  assert.deepEqual(parts.slice(0, 4), [
    'stream-start',
    'response-metadata',
    'text-start',
    'text-delta',
  ]);
});

test("the engine's own options are passed on, and mistakes in them refused", async () => {
  const settings = {
    model: inkling(),
    prompt,
    temperature: 1.5,
    seed: 3,
    topK: 0,
    topP: 1,
    maxOutputTokens: 20,
  };
  const greedy = await ai7.generateText({ ...settings, temperature: 0 });
  const { text } = await ai7.generateText({
    ...settings,
    providerOptions: { inkling: { minP: 1 } },
  });
  assert.equal(text, greedy.text);
  await assert.rejects(
    ai7.generateText({ ...settings, providerOptions: { inkling: { min_p: 1 } } }),
    isInkling('INK_ERR_INVALID_ARGUMENT'),
  );
});

test('models are found by their names, in a registry too', async () => {
  const several = createInkling({ stories: model });
  const registry = ai7.createProviderRegistry({ inkling: several });
  const { text } = await ai7.generateText({
    model: registry.languageModel('inkling:stories'),
    prompt,
    maxOutputTokens: 3,
    temperature: 0,
  });
  assert.equal(
    text,
    (
      await ai7.generateText({
        model: several('stories'),
        prompt,
        maxOutputTokens: 3,
        temperature: 0,
      })
    ).text,
  );
  assert.equal(several().modelId, 'stories');
  assert.throws(() => several('other'), isInkling('INK_ERR_INVALID_ARGUMENT'));
  assert.throws(() => several.imageModel('picture'), isInkling('INK_ERR_INVALID_ARGUMENT'));
});
