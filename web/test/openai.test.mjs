// The OpenAI-shaped client in Node, with the tiny model; its errors beside those of the real
// `openai` package.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { InklingError, loadModel } from 'inkling-wasm';
import {
  APIError,
  APIUserAbortError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  createOpenAI,
} from 'inkling-wasm/openai';
import OpenAI from 'openai';
import { dataUrl } from './lib/files.mjs';

const messages = [{ role: 'user', content: 'Once upon a time' }];
const greedy = { model: 'any', temperature: 0 };
/** More tokens than come before an abort does. */
const LONG = 4096;
let model, client;

before(async () => {
  model = await loadModel(dataUrl('stories260K.gguf'), {
    chatTemplate: 'chatml',
    contextLength: LONG,
  });
  client = createOpenAI(model);
});
after(() => model?.dispose());

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const isBadRequest = (param, code) => (error) => {
  assert.ok(error instanceof BadRequestError && error instanceof APIError, String(error));
  assert.deepEqual(
    [error.status, error.param, error.code, error.type],
    [400, param, code, 'invalid_request_error'],
  );
  assert.equal(error.message, `400 ${error.error.message}`);
  return true;
};

// ---- Chat ----

test('a chat completion is what chat() gives', async () => {
  const expected = await model.chat(messages, { temperature: 0, maxTokens: 12 }).result();
  const { id, created, choices, usage, ...rest } = await client.chat.completions.create({
    ...greedy,
    messages,
    max_completion_tokens: 12,
  });
  assert.match(id, /^chatcmpl-\w+$/);
  assert.ok(Math.abs(created - Date.now() / 1000) < 5);
  assert.deepEqual(rest, { model: 'any', object: 'chat.completion' });
  const message = { role: 'assistant', content: expected.text, refusal: null };
  assert.deepEqual(choices, [{ index: 0, message, logprobs: null, finish_reason: 'length' }]);
  const { promptTokens, completionTokens } = expected.usage;
  const {
    prompt_tokens_details: { cached_tokens: cached },
    ...counts
  } = usage;
  assert.deepEqual(counts, {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  });
  assert.ok(
    cached > 0 && cached <= promptTokens,
    'the prompt of the call before is not read again',
  );
});

test('a stream has the role, the pieces, why it ended and, if asked for, the usage', async () => {
  const params = { ...greedy, messages, max_tokens: 8 };
  const whole = await client.chat.completions.create(params);
  const plain = await collect(await client.chat.completions.create({ ...params, stream: true }));
  assert.deepEqual(plain[0].choices[0].delta, { role: 'assistant', content: '', refusal: null });
  assert.equal(
    plain.map(({ choices: [{ delta }] }) => delta.content ?? '').join(''),
    whole.choices[0].message.content,
  );
  assert.deepEqual(
    plain.map(({ choices: [{ finish_reason: reason }] }) => reason),
    [...plain.slice(1).map(() => null), 'length'],
  );
  assert.ok(
    plain.every(
      (chunk) =>
        chunk.object === 'chat.completion.chunk' && chunk.id === plain[0].id && !('usage' in chunk),
    ),
  );
  assert.ok(plain.length > 4, 'it streams');

  const counted = await collect(
    await client.chat.completions.create({
      ...params,
      stream: true,
      stream_options: { include_usage: true },
    }),
  );
  assert.ok(
    counted.slice(0, -1).every(({ usage, choices }) => usage === null && choices.length === 1),
  );
  const last = counted.at(-1);
  assert.deepEqual([last.choices, last.usage.completion_tokens], [[], 8]);
});

test('stop, seed and the extra options work', async () => {
  const text = async (params) =>
    (await client.chat.completions.create({ model: 'x', messages, max_tokens: 30, ...params }))
      .choices[0];
  const whole = await text({ temperature: 0 });
  const stop = whole.message.content.slice(9, 13);
  const stopped = await text({ temperature: 0, stop: [stop] });
  assert.equal(stopped.finish_reason, 'stop');
  assert.equal(
    stopped.message.content,
    whole.message.content.slice(0, whole.message.content.indexOf(stop)),
  );
  assert.equal(
    (await text({ seed: 5, temperature: 1.2 })).message.content,
    (await text({ seed: 5, temperature: 1.2 })).message.content,
  );
  assert.notEqual(
    (await text({ seed: 5, temperature: 1.2 })).message.content,
    (await text({ seed: 6, temperature: 1.2 })).message.content,
  );
  assert.equal(
    (await text({ seed: 5, temperature: 1.2, top_k: 1 })).message.content,
    whole.message.content,
  );
  assert.equal(
    (await text({ seed: 5, temperature: 1.2, min_p: 1 })).message.content,
    whole.message.content,
  );
  assert.notEqual(
    (await text({ temperature: 0, repeat_penalty: 2 })).message.content,
    whole.message.content,
  );
  assert.deepEqual(
    await text({
      temperature: 0,
      top_p: null,
      seed: null,
      stop: null,
      n: 1,
      logit_bias: {},
      frequency_penalty: 0,
    }),
    whole,
  );
});

test('tools, roles and parts reach the chat template as it takes them', async () => {
  // A template that shows what it is given is the whole prompt.
  const chatTemplate = '{{ messages | tojson }}{% if tools %}{{ tools | tojson }}{% endif %}';
  const shown = await loadModel(dataUrl('stories260K.gguf'), { chatTemplate });
  const tool = { type: 'function', function: { name: 'add', parameters: { type: 'object' } } };
  const call = { id: 'c1', type: 'function', function: { name: 'add', arguments: '{"a": 1}' } };
  const conversation = [
    {
      role: 'developer',
      content: [
        { type: 'text', text: 'Be' },
        { type: 'text', text: 'brief.' },
      ],
    },
    { role: 'user', content: 'Add.' },
    { role: 'assistant', content: null, tool_calls: [call] },
    { role: 'tool', tool_call_id: 'c1', content: '2' },
  ];
  const given = [
    { role: 'system', content: 'Be\nbrief.' },
    conversation[1],
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ ...call, function: { name: 'add', arguments: { a: 1 } } }],
    },
    conversation[3],
  ];
  const counted = async (params) =>
    (
      await createOpenAI(shown).chat.completions.create({
        ...greedy,
        max_tokens: 1,
        messages: conversation,
        ...params,
      })
    ).usage.prompt_tokens;
  assert.equal(
    await counted({ tools: [tool] }),
    await shown.countTokens({ messages: given, tools: [tool] }),
  );
  assert.equal(
    await counted({ tools: [tool], tool_choice: 'none' }),
    await shown.countTokens(given),
  );
  assert.equal(await counted({ tools: [] }), await shown.countTokens(given));
  shown.dispose();
});

test('what the engine cannot do is refused', async (t) => {
  const refused = {
    n: 2,
    logprobs: true,
    logit_bias: { 5: 1 },
    frequency_penalty: 1,
    presence_penalty: -1,
    modalities: ['text', 'audio'],
    response_format: { type: 'json_object' },
    functions: [{ name: 'f' }],
    web_search_options: {},
  };
  for (const [name, value] of Object.entries(refused)) {
    await t.test(name, () =>
      assert.rejects(
        client.chat.completions.create({ ...greedy, messages, [name]: value }),
        isBadRequest(name, 'unsupported_parameter'),
      ),
    );
  }
  const image = [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:' } }] }];
  await assert.rejects(
    client.chat.completions.create({ ...greedy, messages: image }),
    isBadRequest('messages[0].content[0]', 'unsupported_value'),
  );
  const choice = { ...greedy, messages, tools: [], tool_choice: 'required' };
  await assert.rejects(
    client.chat.completions.create(choice),
    isBadRequest('tool_choice', 'unsupported_value'),
  );
  await assert.rejects(
    client.chat.completions.create(greedy),
    isBadRequest('messages', 'invalid_value'),
  );
});

// ---- Errors ----

test('failures look as those of the openai package do', async () => {
  const plain = await loadModel(dataUrl('stories260K.gguf'), { contextLength: 64 });
  const failing = createOpenAI(plain);
  const long = { model: 'x', prompt: 'word '.repeat(100) };
  const isTooLong = isBadRequest(null, 'context_length_exceeded');
  await assert.rejects(failing.completions.create(long), isTooLong);
  // By create(), as from a server.
  await assert.rejects(failing.completions.create({ ...long, stream: true }), isTooLong);
  await assert.rejects(
    failing.chat.completions.create({ model: 'x', messages }),
    isBadRequest(null, 'INK_ERR_UNSUPPORTED_CHAT_FORMAT'),
  );
  await assert.rejects(
    failing.chat.completions.create({ model: 'x', messages: [] }),
    isBadRequest(null, 'INK_ERR_INVALID_ARGUMENT'),
  );
  await assert.rejects(
    failing.completions.create({ model: 'x', prompt: 'a', temperature: -1 }),
    (error) => {
      assert.ok(error.cause instanceof InklingError);
      // The same fields, with the same values, as when a server answers so.
      const theirs = OpenAI.APIError.generate(
        400,
        { error: error.error },
        undefined,
        new Headers(),
      );
      for (const name of ['status', 'message', 'error', 'code', 'param', 'type'])
        assert.deepEqual(error[name], theirs[name], name);
      return true;
    },
  );
  plain.dispose();
  await assert.rejects(
    failing.completions.create({ model: 'x', prompt: 'a' }),
    isBadRequest(null, 'INK_ERR_WRONG_STATE'),
  );
});

test('a failure of the engine is a 500, in a stream too', async () => {
  const broken = await loadModel(dataUrl('stories260K.gguf'));
  const stream = await createOpenAI({ broken }).completions.create({
    model: 'broken',
    prompt: 'a',
    max_tokens: 400,
    stream: true,
  });
  const isGone = (error) => error instanceof APIError && error.code === 'INK_ERR_WRONG_STATE';
  await assert.rejects(async () => {
    for await (const _ of stream) broken.dispose();
  }, isGone);

  const { instantiate } = WebAssembly; // a module that traps stands in for a bug in the engine
  WebAssembly.instantiate = async (...args) => {
    const { exports } = await instantiate(...args);
    const inkjs_generation_step = () => {
      throw new WebAssembly.RuntimeError('unreachable');
    };
    return { exports: { ...exports, inkjs_generation_step } };
  };
  const crashing = await loadModel(dataUrl('stories260K.gguf')).finally(
    () => (WebAssembly.instantiate = instantiate),
  );
  await assert.rejects(
    createOpenAI(crashing).completions.create({ model: 'x', prompt: 'a' }),
    (error) =>
      error instanceof InternalServerError &&
      error.status === 500 &&
      error.type === 'server_error' &&
      error.code === 'INK_ERR_CRASHED',
  );
});

test('a signal stops a completion as it does there', async () => {
  const params = { model: 'x', messages, temperature: 0 };
  await assert.rejects(
    client.chat.completions.create(params, { signal: AbortSignal.abort() }),
    (error) =>
      error instanceof APIUserAbortError &&
      error.message === new OpenAI.APIUserAbortError().message &&
      error.status === undefined,
  );
  await assert.rejects(
    client.chat.completions.create(params, { signal: AbortSignal.timeout(30) }),
    APIUserAbortError,
  );

  // A stream that is aborted just ends.
  for (const stop of ['signal', 'controller', 'break']) {
    const controller = new AbortController();
    const stream = await client.chat.completions.create(
      { ...params, stream: true },
      { signal: controller.signal },
    );
    let chunks = 0;
    for await (const _ of stream) {
      if (++chunks < 4) continue;
      if (stop === 'signal') controller.abort();
      else if (stop === 'controller') stream.controller.abort();
      else break;
    }
    assert.equal(chunks, 4, stop);
    assert.ok(stream.controller.signal.aborted || stop === 'signal', stop);
    await assert.rejects(collect(stream), /consumed/);
  }
  const { choices } = await client.chat.completions.create({ ...params, max_tokens: 1 });
  assert.equal(choices.length, 1);
});

// ---- Completions, embeddings, models ----

test('a completion goes on from each prompt', async () => {
  const prompts = ['Once upon a time', 'Lily wanted to'];
  const expected = [];
  for (const prompt of prompts)
    expected.push((await model.complete(prompt, { temperature: 0, maxTokens: 16 }).result()).text);
  const { object, choices, usage } = await client.completions.create({
    ...greedy,
    prompt: prompts,
  });
  assert.equal(object, 'text_completion');
  assert.deepEqual(
    choices,
    expected.map((text, index) => ({ index, text, logprobs: null, finish_reason: 'length' })),
  );
  assert.equal(usage.completion_tokens, 32);

  const echoed = await client.completions.create({
    ...greedy,
    prompt: prompts[0],
    echo: true,
    max_tokens: 16,
  });
  assert.equal(echoed.choices[0].text, prompts[0] + expected[0]);

  const params = {
    ...greedy,
    prompt: prompts,
    echo: true,
    stream: true,
    stream_options: { include_usage: true },
  };
  const chunks = await collect(await client.completions.create(params));
  for (const [index, text] of expected.entries()) {
    const own = chunks.flatMap(({ choices }) => choices.filter((choice) => choice.index === index));
    assert.equal(own.map((choice) => choice.text).join(''), prompts[index] + text);
    assert.equal(own.at(-1).finish_reason, 'length');
  }
  assert.equal(chunks.at(-1).usage.completion_tokens, 32);
  await assert.rejects(
    client.completions.create({ ...greedy, prompt: [[1, 2]] }),
    isBadRequest('prompt', 'invalid_value'),
  );
  for (const [name, value] of Object.entries({ logprobs: 0, best_of: 3, suffix: 'end' })) {
    await assert.rejects(
      client.completions.create({ ...greedy, prompt: 'a', [name]: value }),
      isBadRequest(name, 'unsupported_parameter'),
    );
  }
});

test('a stream can be sent on as lines of JSON', async () => {
  const stream = await client.completions.create({
    ...greedy,
    prompt: 'Once',
    max_tokens: 3,
    stream: true,
  });
  const lines = (await new Response(stream.toReadableStream()).text()).trim().split('\n');
  assert.ok(lines.length >= 3);
  assert.equal(JSON.parse(lines.at(-1)).choices[0].finish_reason, 'length');
});

test('embeddings are what embed() gives, in each form', async () => {
  const embedder = await loadModel(dataUrl('embeddings/qwen3-last.gguf'));
  const { embeddings } = createOpenAI(embedder);
  const texts = ['a small model', 'the weights'];
  const expected = await embedder.embed(texts);
  const [first, second] = expected.embeddings.map((values) => Array.from(values));
  const prompt = expected.usage.promptTokens;
  assert.deepEqual(await embeddings.create({ model: 'x', input: texts }), {
    object: 'list',
    data: [
      { object: 'embedding', index: 0, embedding: first },
      { object: 'embedding', index: 1, embedding: second },
    ],
    model: 'x',
    usage: { prompt_tokens: prompt, total_tokens: prompt },
  });
  const vectorsOf = async (params) =>
    (await embeddings.create({ model: 'x', ...params })).data.map(({ embedding }) => embedding);
  const tokens = await embedder.tokenize(texts[0], { special: true, addBos: true });
  for (const input of [texts[0], [texts[0]], tokens, [tokens]])
    assert.deepEqual(await vectorsOf({ input }), [first]);
  // The real client asks for this form by itself, and reads it so.
  const [packed] = await vectorsOf({ input: texts[0], encoding_format: 'base64' });
  const bytes = new Uint8Array(Buffer.from(packed, 'base64'));
  assert.deepEqual(Array.from(new Float32Array(bytes.buffer)), first);
  const [short] = await vectorsOf({ input: texts[0], dimensions: 8 });
  const length = Math.hypot(...first.slice(0, 8));
  assert.equal(short.length, 8);
  for (const [i, value] of short.entries()) assert.ok(Math.abs(value - first[i] / length) < 1e-6);
  assert.deepEqual(await vectorsOf({ input: texts[0], dimensions: 32 }), [first]);

  for (const [params, param] of [
    [{ input: '' }, 'input'],
    [{ input: [] }, 'input'],
    [{ input: ['a', 3] }, 'input'],
    [{ input: ['a', ''] }, 'input'],
    [{ input: { a: 1 } }, 'input'],
    [{ input: 'a', dimensions: 33 }, 'dimensions'],
    [{ input: 'a', dimensions: 0 }, 'dimensions'],
    [{ input: 'a', encoding_format: 'hex' }, 'encoding_format'],
  ])
    await assert.rejects(vectorsOf(params), isBadRequest(param, 'invalid_value'));
  await assert.rejects(
    vectorsOf({ input: 'the '.repeat(600) }),
    isBadRequest(null, 'context_length_exceeded'),
  );
  await assert.rejects(
    embeddings.create({ model: 'x', input: 'a' }, { signal: AbortSignal.abort() }),
    APIUserAbortError,
  );
  embedder.dispose();
});

test('embeddings of a model that was not made for them take a pooling', async () => {
  const params = { model: 'x', input: 'a' };
  await assert.rejects(
    client.embeddings.create(params),
    isBadRequest(null, 'embeddings_not_supported'),
  );
  const { data } = await client.embeddings.create({ ...params, pooling: 'mean' });
  const { embeddings } = await model.embed('a', { pooling: 'mean' });
  assert.deepEqual(data[0].embedding, Array.from(embeddings[0]));
});

test('models are listed, and found by their names', async () => {
  const several = createOpenAI({ stories: model });
  const page = await several.models.list();
  assert.deepEqual(
    page.data.map(({ id, object, owned_by: owner }) => [id, object, owner]),
    [['stories', 'model', 'inkling']],
  );
  const ids = [];
  for await (const { id } of several.models.list()) ids.push(id);
  assert.deepEqual(ids, ['stories']);
  assert.equal((await several.models.retrieve('stories')).id, 'stories');
  for (const asked of [
    several.models.retrieve('toString'),
    several.completions.create({ model: 'toString', prompt: 'a' }),
    several.embeddings.create({ model: 'gpt', input: '' }),
  ]) {
    await assert.rejects(
      asked,
      (error) =>
        error instanceof NotFoundError && error.status === 404 && error.code === 'model_not_found',
    );
  }
  const [{ id }] = (await client.models.list()).data;
  assert.equal(id, model.info.name || 'inkling');
  assert.equal(
    (await client.completions.create({ model: 'gpt-4o', prompt: 'a', max_tokens: 1 })).model,
    'gpt-4o',
  );
});
