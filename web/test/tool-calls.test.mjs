// Calls of tools: found in an answer however it is cut into pieces, and given to a caller of the
// OpenAI shape and of the AI SDK as they expect them, from a model that was shown how to call.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { generateText, streamText } from 'ai';
import { build } from 'esbuild';
import { loadModel } from 'inkling-wasm';
import { createInkling } from 'inkling-wasm/ai-sdk';
import { createOpenAI } from 'inkling-wasm/openai';
import { z } from 'zod';
import { defaultModel } from './lib/files.mjs';

const call = (city, key = 'arguments') => `{"name": "get_weather", "${key}": {"city": "${city}"}}`;
const marked = (city) => `<tool_call>\n${call(city)}\n</tool_call>`;
const named = (city) => ({ call: { name: 'get_weather', input: `{"city":"${city}"}` } });

// ---- The reader ----

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL('../src/adapters/tool-calls.ts', import.meta.url))],
  bundle: true,
  format: 'esm',
  write: false,
});
const script = `data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`;
const { ToolCallReader } = await import(script);

/** Texts that follow each other as one. */
function read(pieces, names) {
  const reader = new ToolCallReader(names);
  const joined = [];
  for (const part of [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()]) {
    const last = joined.at(-1);
    if ('text' in part && last && 'text' in last) last.text += part.text;
    else joined.push({ ...part });
  }
  return joined;
}

const broken = '<tool_call>{"name": "get_weather", </tool_call>';
const answers = {
  'a call': [marked('Rome'), [named('Rome')]],
  'after a text': [`One moment. ${marked('서울')}`, [{ text: 'One moment.' }, named('서울')]],
  'two, and space around them': [
    `\n${marked('Rome')}\n${marked('Oslo')}\n\n`,
    [named('Rome'), named('Oslo')],
  ],
  'with a text between': [
    `${marked('Rome')} and ${marked('Oslo')}.`,
    [named('Rome'), { text: ' and' }, named('Oslo'), { text: '.' }],
  ],
  'a list in the marks': [
    `<tool_call>[${call('Rome')}, ${call('Oslo')}]</tool_call>`,
    [named('Rome'), named('Oslo')],
  ],
  'no end of it': [marked('Rome').slice(0, -12), [named('Rome')]],
  'an object alone': [` ${call('Rome', 'parameters')}\n`, [named('Rome')]],
  'a list alone': [`[${call('Rome')}, ${call('Oslo')}]`, [named('Rome'), named('Oslo')]],
  'without arguments': [
    '{"name": "get_weather"}',
    [{ call: { name: 'get_weather', input: '{}' } }],
  ],
};
const texts = {
  'plain': 'Rome is warm. \n\n It rains in Oslo. ',
  'much like a mark': 'a < b, <tool>, <tool_cal and <<tool_calls>',
  'what is no JSON between the marks': `Look: ${broken}`,
  'cut off': '<tool_call>{"name": "get_weat',
  'JSON that is an answer': '{"name": "Rome", "arguments": {"city": "Rome"}}',
  'JSON that is no object': '[1, null, "get_weather"]',
  'space': ' \n',
  'nothing': '',
};
const cuts = (text) => [[text], [...text], ...Array.from(text, (_, i) => [text.slice(0, i), text.slice(i)])];

for (const [what, [answer, parts]] of Object.entries(answers)) {
  test(`calls are found: ${what}`, () => {
    for (const pieces of cuts(answer))
      assert.deepEqual(read(pieces, ['get_weather']), parts, JSON.stringify(pieces));
    assert.deepEqual(read([answer], []), [{ text: answer }], 'no tools were given');
  });
}
for (const [what, text] of Object.entries(texts)) {
  test(`text stays what it is: ${what}`, () => {
    for (const pieces of cuts(text))
      assert.deepEqual(read(pieces, ['get_weather']), text ? [{ text }] : [], JSON.stringify(pieces));
  });
}

test('text comes as soon as it is known to be text', () => {
  const reader = new ToolCallReader(['get_weather']);
  assert.deepEqual(reader.push('One moment'), [{ text: 'One moment' }]);
  assert.deepEqual(reader.push('. <tool'), [{ text: '.' }]);
  assert.deepEqual(reader.push('box> is a tag'), [{ text: ' <toolbox> is a tag' }]);
});

// ---- A model ----

const examples = ['Rome', 'Berlin', 'Madrid'].flatMap((city) => [
  { role: 'user', content: `What is the weather in ${city}?` },
  { role: 'assistant', content: marked(city) },
]);
const question = { role: 'user', content: 'What is the weather in Paris?' };
const messages = [...examples, question];
const parameters = { type: 'object', properties: { city: { type: 'string' } } };
const tools = [{ type: 'function', function: { name: 'get_weather', parameters } }];
const greedy = { model: 'any', temperature: 0, max_tokens: 60 };
const expected = { name: 'get_weather', arguments: '{"city":"Paris"}' };
let model;

before(async () => {
  model = await loadModel(pathToFileURL(defaultModel()), { contextLength: 512 });
});
after(() => model?.dispose());

test('OpenAI: a call is one of tool_calls', async () => {
  const client = createOpenAI(model);
  const { choices } = await client.chat.completions.create({ ...greedy, messages, tools });
  const [{ message, finish_reason: finish }] = choices;
  assert.equal(finish, 'tool_calls');
  assert.equal(message.content, null);
  const [{ id, ...rest }, ...others] = message.tool_calls;
  assert.deepEqual([rest, others], [{ type: 'function', function: expected }, []]);
  assert.match(id, /^call-\w+$/);

  const plain = await client.chat.completions.create({ ...greedy, messages });
  assert.deepEqual(
    [plain.choices[0].message.content, plain.choices[0].finish_reason],
    [marked('Paris'), 'stop'],
    'without tools it is text',
  );
});

test('OpenAI: a stream has it as a delta', async () => {
  const stream = await createOpenAI(model).chat.completions.create({
    ...greedy, messages, tools, stream: true,
  });
  const deltas = [];
  let finish;
  for await (const { choices } of stream) {
    const [{ delta, finish_reason: reason }] = choices;
    deltas.push(delta);
    finish = reason;
  }
  const [head, { tool_calls: calls }, last, ...others] = deltas;
  assert.deepEqual([head.role, head.content, last, others], ['assistant', '', {}, []]);
  assert.deepEqual(
    calls.map(({ index, type, function: called }) => [index, type, called]),
    [[0, 'function', expected]],
  );
  assert.equal(finish, 'tool_calls');
});

test('AI SDK: the tool is run', async () => {
  const asked = [];
  const settings = {
    model: createInkling(model)(),
    messages,
    temperature: 0,
    maxOutputTokens: 60,
    tools: {
      get_weather: {
        inputSchema: z.object({ city: z.string() }),
        execute: async ({ city }) => asked.push(city) && 'sunny',
      },
    },
  };
  const whole = await generateText(settings);
  assert.deepEqual(
    [whole.text, whole.finishReason, whole.warnings],
    ['', 'tool-calls', []],
  );
  assert.deepEqual(whole.toolResults.map(({ output }) => output), ['sunny']);
  const streamed = streamText(settings);
  const types = [];
  for await (const { type } of streamed.fullStream) types.push(type);
  for (const type of ['tool-input-start', 'tool-call', 'tool-result']) assert.ok(types.includes(type), type);
  assert.ok(!types.includes('text-start'));
  assert.equal(await streamed.finishReason, 'tool-calls');
  assert.deepEqual(asked, ['Paris', 'Paris']);
});
