// Text in and out, in Node: tokens, pieces, chat templates and examples, as the command and the references have them.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { CHAT_TEMPLATES, InklingError, loadModel } from '../dist/index.js';
import { DATA, NATIVE, dataUrl, defaultModel } from './lib/files.mjs';

process.env.TZ = 'Asia/Seoul'; // far from UTC, so that the local time is told from it
const MULTILINGUAL = '안녕하세요, 세계! 🙂👩‍👩‍👧 naïve – 漢字 \n\ttabs';
const TEXT_MODELS = ['vocab/ggml-vocab-llama-spm.gguf', 'vocab/ggml-vocab-bert-bge.gguf', 'vocab/spm-unigram-en.gguf', 'tiny-q.gguf'];
const MESSAGES = [{ role: 'system', content: '짧게 답하세요.' }, { role: 'user', content: 'Hi 안녕 👩‍👩‍👧' }];
const TOOLS = [{
  type: 'function',
  function: { name: '날씨', description: 'The weather', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
}];
let tiny, smol, folder;

before(async () => {
  tiny = await loadModel(dataUrl('tiny-q.gguf'), { contextLength: 512 });
  smol = await loadModel(pathToFileURL(defaultModel()), { vocabularyOnly: true });
  folder = mkdtempSync(join(tmpdir(), 'inkling-text-'));
});
after(() => {
  tiny?.dispose();
  smol?.dispose();
  rmSync(folder, { recursive: true });
});

const isInkling = (code, message = /./) => (error) =>
  error instanceof InklingError && error.code === code && (message.test(error.message) || assert.match(error.message, message));
const command = (parameters, input) => execFileSync(NATIVE, parameters, { input, encoding: 'utf8' });
const lines = (path) => readFileSync(`${DATA}${path}`, 'utf8').split('\n').filter((line) => line && !line.startsWith('#'));

function templateByCommand(conversation, ...parameters) {
  return command(['template', ...parameters], JSON.stringify(conversation));
}

// ---- Tokens ----

test('tokens are the command’s, of every family', async (t) => {
  for (const name of TEXT_MODELS) {
    await t.test(name, async () => {
      const model = await loadModel(dataUrl(name), { vocabularyOnly: true });
      for (const text of ['Lily wanted to', MULTILINGUAL, '', '<s>[UNK]</s><|endoftext|>']) {
        const run = (...flags) => command(['tokenize', '-m', DATA + name, ...flags], text).trim();
        assert.equal((await model.tokenize(text)).join(' '), run());
        assert.equal((await model.tokenize(text, { special: true })).join(' '), run('--special'));
        const ids = (await model.tokenize(text)).join(' ');
        const back = command(['detokenize', '-m', DATA + name], ids);
        assert.equal(await model.detokenize(ids.split(' ').filter(Boolean).map(Number)), back);
      }
      model.dispose();
    });
  }
});

test('text survives the round trip', async () => {
  assert.equal(await tiny.detokenize(await tiny.tokenize(MULTILINGUAL)), MULTILINGUAL);
  assert.deepEqual(await tiny.tokenize(''), []);
  assert.equal(await tiny.detokenize([]), '');
});

test('special tokens and BOS only when asked for', async () => {
  const plain = await smol.tokenize('<|im_start|>');
  const special = await smol.tokenize('<|im_start|>', { special: true });
  assert.equal(special.length, 1);
  assert.ok(plain.length > 1);
  const bert = await loadModel(dataUrl('vocab/ggml-vocab-bert-bge.gguf'), { vocabularyOnly: true });
  const [bare, whole] = [await bert.tokenize('hello'), await bert.tokenize('hello', { addBos: true })];
  assert.deepEqual(whole, [101, ...bare, 102]);
  bert.dispose();
});

test('pieces are the command’s, and put together the text', async () => {
  const text = `<|im_start|>${MULTILINGUAL}`;
  const pieces = await smol.tokenPieces(await smol.tokenize(text, { special: true }));
  const expected = command(['tokenize', '-m', defaultModel(), '--special', '--pieces'], text).trimEnd().split('\n').map((line) => {
    const [id, piece] = line.split('\t');
    return { id: Number(id), text: JSON.parse(piece) };
  });
  assert.deepEqual(pieces.map(({ id, text }) => ({ id, text })), expected);
  assert.ok(pieces.some(({ text }) => text === '\uFFFD'), 'no character took more than one token: the test tests nothing');
  assert.equal(Buffer.concat(pieces.map(({ bytes }) => bytes)).toString(), text);
  assert.deepEqual(await smol.tokenPiece(expected[0].id), pieces[0]);
  assert.deepEqual(await smol.tokenPieces([]), []);
});

test('counts are those of the tokens', async () => {
  assert.equal(await smol.countTokens(MULTILINGUAL), (await smol.tokenize(MULTILINGUAL)).length);
  assert.equal(await smol.countTokens('<|im_start|>', { special: true, addBos: true }), 1);
  const prompt = await smol.applyChatTemplate(MESSAGES, { addGenerationPrompt: true, tokenize: true });
  assert.equal(await smol.countTokens(MESSAGES), prompt.length);
  assert.ok((await smol.countTokens(MESSAGES, { addGenerationPrompt: false })) < prompt.length);
  const { usage } = await tiny.chat(MESSAGES, { maxTokens: 1 }).result();
  assert.equal(usage.promptTokens, await tiny.countTokens(MESSAGES));
});

test('tokens that do not exist are refused', async () => {
  for (const token of [1e6, -1, 1.5, 2 ** 32 + 5, NaN, '5', undefined]) {
    for (const call of [tiny.detokenize([1, token]), tiny.tokenPieces([1, token]), tiny.tokenPiece(token)]) {
      await assert.rejects(call, isInkling('INK_ERR_INVALID_ARGUMENT'), String(token));
    }
  }
});

test('long texts and tokens from any iterable', async () => {
  const text = `${MULTILINGUAL} `.repeat(20_000);
  const tokens = await tiny.tokenize(text);
  assert.equal(await tiny.detokenize(new Set([40, 41, 42])), await tiny.detokenize((function* () { yield* [40, 41, 42]; })()));
  assert.equal(await tiny.detokenize(tokens), text);
});

// ---- The vocabulary alone ----

test('the memory in use grows with what is done', async () => {
  const model = await loadModel(dataUrl('stories260K.gguf'));
  assert.equal(await model.memoryUse(), model.info.memoryBytes);
  await model.tokenize('Once upon a time. '.repeat(100_000));
  assert.ok(await model.memoryUse() > model.info.memoryBytes);
  model.dispose();
});

test('the vocabulary alone is read, and no more', async () => {
  let loaded = 0;
  const model = await loadModel(pathToFileURL(defaultModel()), { vocabularyOnly: true, onProgress: (progress) => (loaded = progress.loaded) });
  assert.ok(loaded < statSync(defaultModel()).size / 10, `${loaded} bytes were read`);
  assert.ok(model.info.memoryBytes < 16e6, `${model.info.memoryBytes} bytes of memory`);
  assert.equal(model.info.vocabularySize, 49152);
  assert.equal(model.info.contextLength, 0);
  assert.equal(model.info.hasChatFormat, true);
  for (const call of [() => model.complete('x').result(), () => model.chat(MESSAGES).result(), () => model.score('some text')]) {
    await assert.rejects(call, isInkling('INK_ERR_WRONG_STATE', /vocabularyOnly/));
  }
  assert.deepEqual(await model.tokenize('Hello'), await smol.tokenize('Hello'));
  model.dispose();
});

// ---- Chat templates ----

test('prompts of real models’ templates are jinja2’s', async (t) => {
  const conversations = lines('golden/conversations.jsonl').map((line) => JSON.parse(line));
  const rows = lines('golden/templates.txt').slice(1).map((line) => line.split(' '));
  const sources = Object.fromEntries(readdirSync(`${DATA}templates`).map((file) => [file.replace('.jinja', ''), readFileSync(`${DATA}templates/${file}`, 'utf8')]));
  const ofToday = (name) => /strftime_now/.test(sources[name]); // the golden's day is another
  let n = 0;
  for (const [name, number, ...expected] of rows.filter(([name]) => !ofToday(name))) {
    if (!sources[name].includes('{')) continue; // no template: taken for a name
    const found = await smol.applyChatTemplate(conversations[number], { chatTemplate: sources[name] }).then(
      (text) => `${Buffer.byteLength(text)} ${hash(text)}`,
      (error) => (assert.equal(error.code, 'INK_ERR_TEMPLATE', error.message), 'error'),
    );
    if (found !== expected.join(' ')) await t.test(`${name} ${number}`, () => assert.equal(found, expected.join(' ')));
    n++;
  }
  assert.ok(n > 1000);
});

/** FNV-1a, folded: ink_hash() in C. */
function hash(text) {
  let value = 0xCBF29CE484222325n;
  for (const byte of Buffer.from(text)) value = BigInt.asUintN(64, (value ^ BigInt(byte)) * 0x100000001B3n);
  return (value ^ (value >> 32n)).toString(16).padStart(16, '0');
}

test('features of Jinja are jinja2’s', async (t) => {
  const [variables, ...cases] = lines('golden/jinja.jsonl').map((line) => JSON.parse(line));
  // JavaScript writes 100.0 as 100, and knows neither large whole numbers nor another day; messages there are always.
  const elsewhere = /floats|big|strftime_now|messages is defined/;
  for (const { template, text } of cases.filter(({ template }) => template.includes('{') && !elsewhere.test(template))) {
    const found = await smol.applyChatTemplate({ messages: [], ...variables }, { chatTemplate: template }).catch((error) => {
      assert.equal(error.code, 'INK_ERR_TEMPLATE', error.message);
      return null;
    });
    if (found !== text) await t.test(template, () => assert.equal(found, text));
  }
});

test('a model’s own template and the built-in ones give what the command gives', async (t) => {
  const conversation = { messages: MESSAGES, add_generation_prompt: true };
  assert.equal(await smol.applyChatTemplate(conversation), templateByCommand(conversation, '-m', defaultModel()));
  for (const name of CHAT_TEMPLATES) {
    await t.test(name, async () => {
      const expected = templateByCommand(conversation, '-m', defaultModel(), '--chat-template', name);
      assert.equal(await smol.applyChatTemplate(conversation, { chatTemplate: name }), expected);
      assert.equal(await smol.applyChatTemplate(MESSAGES, { chatTemplate: name, addGenerationPrompt: true }), expected);
    });
  }
});

test('tools, documents, dates and other variables reach the template', async () => {
  const path = `${DATA}templates/meta-llama-llama-3.2-11b-vision-instruct.jinja`; // with today's date
  const chatTemplate = readFileSync(path, 'utf8');
  assert.match(chatTemplate, /strftime_now/);
  const conversation = { messages: MESSAGES, tools: TOOLS, add_generation_prompt: true };
  const byCommand = () => templateByCommand(conversation, '-m', defaultModel(), '--template', path);
  const before = byCommand();
  const prompt = await smol.applyChatTemplate(MESSAGES, { tools: TOOLS, chatTemplate, addGenerationPrompt: true });
  assert.ok([before, byCommand()].includes(prompt), prompt); // midnight may have passed
  assert.match(prompt, /"name": "날씨"/);
  const all = { messages: [], documents: [{ title: '가' }], tools: TOOLS, extra: { a: [1, null] } };
  const source = '{{ documents[0].title }} {{ extra | tojson }} {{ tools | length }} {{ add_generation_prompt }}';
  assert.equal(await smol.applyChatTemplate(all, { chatTemplate: source }), '가 {"a": [1, null]} 1 False');
  assert.equal(await smol.applyChatTemplate(all, { chatTemplate: '{{ tools | tojson }}', tools: [{ b: 1 }] }), '[{"b": 1}]');
  const hour = Number(await smol.applyChatTemplate([], { chatTemplate: "{{ strftime_now('%H') }}" }));
  assert.notEqual(new Date().getHours(), new Date().getUTCHours());
  assert.ok([hour, (hour + 1) % 24].includes(new Date().getHours()), 'the time is not the clock’s on the wall');
});

test('tool calls and their answers', async () => {
  const name = 'qwen-qwen2.5-7b-instruct';
  const chatTemplate = readFileSync(`${DATA}templates/${name}.jinja`, 'utf8');
  const messages = [
    { role: 'user', content: '서울 날씨?' },
    { role: 'assistant', content: null, tool_calls: [{ id: 'a', type: 'function', function: { name: '날씨', arguments: { city: '서울' } } }] },
    { role: 'tool', tool_call_id: 'a', content: '{"temperature": 21}' },
  ];
  const expected = templateByCommand({ messages, tools: TOOLS, add_generation_prompt: true }, '-m', defaultModel(), '--template', `${DATA}templates/${name}.jinja`);
  assert.equal(await smol.applyChatTemplate(messages, { tools: TOOLS, chatTemplate, addGenerationPrompt: true }), expected);
  assert.match(expected, /<tool_response>/);
});

test('loadModel sets the template and tools for all conversations', async () => {
  const chatTemplate = '{{ tools | length }}{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}';
  const model = await loadModel(dataUrl('stories260K.gguf'), { contextLength: 128, chatTemplate, tools: TOOLS });
  assert.equal(model.info.hasChatFormat, true);
  assert.equal(await model.applyChatTemplate(MESSAGES.slice(1)), '1[user] Hi 안녕 👩‍👩‍👧');
  assert.equal(await model.applyChatTemplate(MESSAGES.slice(1), { tools: [] }), '0[user] Hi 안녕 👩‍👩‍👧');
  const options = { temperature: 0, maxTokens: 8 };
  const [chat, complete] = [await model.chat(MESSAGES, options).result(), await model.complete(await model.applyChatTemplate(MESSAGES), options).result()];
  assert.deepEqual(chat.tokens, complete.tokens);
  const zephyr = await model.chat(MESSAGES, { ...options, chatTemplate: 'zephyr' }).result();
  assert.equal(zephyr.usage.promptTokens, await model.countTokens(MESSAGES, { chatTemplate: 'zephyr' }));
  assert.notEqual(zephyr.usage.promptTokens, chat.usage.promptTokens);
  model.dispose();
});

test('templates and conversations that are wrong say so', async (t) => {
  const refused = [
    ['INK_ERR_INVALID_ARGUMENT', /one of chatml, llama3/, MESSAGES, { chatTemplate: 'chatlm' }],
    ['INK_ERR_INVALID_ARGUMENT', /chatTemplate/, MESSAGES, { chatTemplate: 7 }],
    ['INK_ERR_INVALID_ARGUMENT', /list of messages/, 'text', {}],
    ['INK_ERR_INVALID_ARGUMENT', /not JSON/, { messages: [], size: 10n }, {}],
    ['INK_ERR_TEMPLATE', /line 2: 역할이 user/, MESSAGES, { chatTemplate: "\n{{ raise_exception('역할이 ' ~ messages[1].role) }}" }],
    ['INK_ERR_TEMPLATE', /line 1/, MESSAGES, { chatTemplate: '{% for i in %}' }],
    ['INK_ERR_TEMPLATE', /./, MESSAGES, { chatTemplate: '{% for i in range(99999) %}{% for j in range(99999) %}{{ i * j }}{% endfor %}{% endfor %}' }],
  ];
  for (const [code, message, conversation, options] of refused) {
    await t.test(JSON.stringify(options), () => assert.rejects(smol.applyChatTemplate(conversation, options), isInkling(code, message)));
  }
  await assert.rejects(loadModel(dataUrl('tiny-q.gguf'), { chatTemplate: 'chatlm' }), isInkling('INK_ERR_INVALID_ARGUMENT'));
  const half = [{ role: 'user', content: 'cut 🙂'.slice(0, -1) }];
  assert.match(await smol.applyChatTemplate(half), /cut \uFFFD<\|im_end\|>/);
  assert.equal(await smol.countTokens('cut 🙂'.slice(0, -1)), await smol.countTokens('cut \uFFFD'));
});

// ---- Few-shot examples ----

const EXAMPLES = [{ role: 'user', content: '프랑스?' }, { role: 'assistant', content: '파리' }];
const EXAMPLE_LINES = `${JSON.stringify(EXAMPLES[0])}\n\n \t\r\n${JSON.stringify({ ...EXAMPLES[1], note: 'left out' })}\r\n`;

test('examples stand after the system message', async () => {
  const expected = await smol.applyChatTemplate([MESSAGES[0], ...EXAMPLES, MESSAGES[1]]);
  for (const examples of [EXAMPLES, EXAMPLE_LINES]) assert.equal(await smol.applyChatTemplate(MESSAGES, { examples }), expected);
  const seen = await smol.applyChatTemplate([], { examples: EXAMPLE_LINES, chatTemplate: '{{ messages | tojson }}' });
  assert.deepEqual(JSON.parse(seen), EXAMPLES);
  assert.equal(await smol.applyChatTemplate(MESSAGES, { examples: [] }), await smol.applyChatTemplate(MESSAGES));
  assert.equal(await smol.applyChatTemplate([], { examples: EXAMPLES }), await smol.applyChatTemplate(EXAMPLES));
});

test('examples do what the command’s do', async () => {
  const path = join(folder, 'examples.jsonl');
  writeFileSync(path, EXAMPLE_LINES);
  const flags = ['-m', `${DATA}tiny-q.gguf`, '--examples', path, '-p', '한국?', '-n', '8', '--temp', '0', '--json', '--kernels', 'scalar'];
  const options = { examples: EXAMPLE_LINES, temperature: 0, maxTokens: 8 };
  const found = [
    [JSON.parse(command(['chat', '-s', 'S', ...flags])), await tiny.chat([{ role: 'system', content: 'S' }, { role: 'user', content: '한국?' }], options).result()],
    [JSON.parse(command(flags)), await tiny.complete('한국?', options).result()],
  ];
  for (const [native, { tokens, usage }] of found) {
    assert.deepEqual({ tokens, prompt: usage.promptTokens }, { tokens: native.tokens, prompt: native.usage.prompt_tokens });
  }
});

test('bad examples name the line, with the command’s codes', async (t) => {
  const path = join(folder, 'bad.jsonl');
  const bad = ['{', '{"role":"user"}', '{"role":1,"content":"x"}', '[]', 'null', '{"role":"user","content":null}', '{} {}', '{"role":"user","content":"\\ud800"}'];
  for (const line of bad) {
    await t.test(line, () => {
      const examples = `{"role":"user","content":"x"}\n\n${line}\n`;
      writeFileSync(path, examples);
      const { stderr } = spawnSync(NATIVE, ['chat', '-m', `${DATA}tiny-q.gguf`, '--examples', path, '-p', 'x'], { encoding: 'utf8' });
      assert.match(stderr, /the examples, line 3: .*\(INK_ERR_INVALID_JSON\)/);
      for (const call of [() => tiny.chat(MESSAGES, { examples }), () => tiny.complete('x', { examples })]) {
        assert.throws(call, isInkling('INK_ERR_INVALID_JSON', /^the examples, line 3: /));
      }
    });
  }
  assert.throws(() => tiny.chat(MESSAGES, { examples: 5 }), isInkling('INK_ERR_INVALID_ARGUMENT'));
  assert.throws(() => tiny.chat(MESSAGES, { examples: [{ role: 'user', content: 5 }] }), isInkling('INK_ERR_INVALID_ARGUMENT'));
});
