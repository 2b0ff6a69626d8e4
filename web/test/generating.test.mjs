// A loaded model in Node: sampling, aborts, order, and what happens when it breaks.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { InklingError, loadModel } from '../dist/index.js';
import { DATA, NATIVE, dataUrl, defaultModel, runNatively } from './lib/files.mjs';

const PROMPT = 'Once upon a time';
let stories, smol;

before(async () => {
  stories = await loadModel(dataUrl('stories260K.gguf'));
  smol = await loadModel(pathToFileURL(defaultModel()), { contextLength: 512 });
});
after(() => [stories, smol].forEach((model) => model?.dispose()));

const isInkling = (code) => (error) => error instanceof InklingError && error.code === code;

async function collect(run) {
  const pieces = [];
  for await (const piece of run) pieces.push(piece);
  return pieces;
}

// ---- Generating ----

test('the greedy continuation is the golden one', async () => {
  const golden = readFileSync(`${DATA}golden/stories260K-greedy.txt`, 'utf8').split('\n').filter((line) => line && !line.startsWith('#'));
  const expected = golden.slice(3).map((line) => Number(line.split(' ')[0]));
  const { tokens } = await stories.complete('Lily wanted to', { temperature: 0, maxTokens: expected.length }).result();
  assert.deepEqual(tokens, expected);
});

test('greedy tokens are those of the native command', async () => {
  const prompt = 'The three primary colours are';
  const native = runNatively(defaultModel(), prompt, '-n', '24', '--kernels', 'scalar');
  const { text, tokens } = await smol.complete(prompt, { temperature: 0, maxTokens: 24 }).result();
  assert.deepEqual({ text, tokens }, { text: native.text, tokens: native.tokens });
});

test('a result says what happened', async () => {
  const run = stories.complete(PROMPT, { temperature: 0, maxTokens: 20 });
  const pieces = await collect(run);
  const result = await run.result();
  assert.equal(pieces.join(''), result.text);
  assert.equal(result.tokens.length, 20);
  assert.equal(result.finishReason, 'length');
  assert.equal(result.usage.completionTokens, 20);
  assert.equal(result.usage.promptTokens, (await stories.tokenize(PROMPT)).length + 1);
  assert.ok(result.timings.prefillMs > 0 && result.timings.decodeMs > 0);
});

test('a seed decides the text', async () => {
  const sample = async (options) => (await stories.complete(PROMPT, { maxTokens: 40, temperature: 1, ...options }).result()).text;
  assert.equal(await sample({ seed: 7 }), await sample({ seed: 7 }));
  assert.notEqual(await sample({ seed: 7 }), await sample({ seed: 8 }));
  assert.notEqual(await sample({}), await sample({}));
});

test('each sampling option does something', async () => {
  const base = { temperature: 1.5, topK: 0, topP: 1, minP: 0, seed: 3, maxTokens: 40 };
  const sample = async (options) => (await stories.complete(PROMPT, { ...base, ...options }).result()).text;
  const greedy = await sample({ temperature: 0 });
  assert.notEqual(await sample({}), greedy);
  // Each of these leaves only the likeliest token.
  for (const option of [{ topK: 1 }, { topP: 0 }, { minP: 1 }]) assert.equal(await sample(option), greedy, JSON.stringify(option));
  assert.notEqual(await sample({ temperature: 0, repeatPenalty: 1.5 }), greedy);
});

test('a stop string ends the text before itself', async () => {
  const { text, finishReason } = await stories.complete(PROMPT, { temperature: 0, maxTokens: 60, stop: ['never', ' girl'] }).result();
  assert.equal(text, ', there was a little');
  assert.equal(finishReason, 'stop');
});

test('a full context ends the text', async () => {
  const model = await loadModel(dataUrl('stories260K.gguf'), { contextLength: 24 });
  const { finishReason, usage } = await model.complete(PROMPT, { temperature: 0 }).result();
  assert.equal(finishReason, 'context');
  assert.ok(usage.promptTokens + usage.completionTokens >= 24);
  await assert.rejects(model.complete('word '.repeat(50)).result(), isInkling('INK_ERR_CONTEXT_FULL'));
  model.dispose();
});

test('with contextShift a text outgrows the context', async () => {
  const model = await loadModel(dataUrl('stories260K.gguf'), { contextLength: 64 });
  const options = { temperature: 0, maxTokens: 200, contextShift: true, keepTokens: 6 };
  const { text, tokens, finishReason, usage } = await model.complete(PROMPT, options).result();
  assert.equal(tokens.length, 200);
  assert.equal(finishReason, 'length');
  assert.equal(usage.completionTokens, 200);
  const command = ['-m', `${DATA}stories260K.gguf`, '-p', PROMPT, '-n', '200', '--temp', '0', '-c', '64', '--context-shift', '--keep', '6'];
  assert.equal(text, execFileSync(NATIVE, [...command, '--kernels', 'scalar'], { encoding: 'utf8' }));
  const long = await model.complete('word '.repeat(200), { ...options, maxTokens: 3 }).result();
  assert.ok(long.usage.promptTokens < 64 && long.tokens.length === 3);
  for (const wrong of [{ contextShift: 1 }, { keepTokens: -1 }, { keepTokens: 2 ** 32 }]) {
    await assert.rejects(async () => model.complete(PROMPT, wrong).result(), isInkling('INK_ERR_INVALID_ARGUMENT'), JSON.stringify(wrong));
  }
  model.dispose();
});

test('drafts change nothing but the time', async () => {
  const options = { temperature: 0.5, seed: 3, repeatPenalty: 0.5, maxTokens: 80 };
  const expected = await stories.complete(PROMPT, { ...options, draft: 0 }).result();
  assert.equal(expected.usage.draftedTokens, 0);
  for (const draft of [undefined, 'auto', 3, 100]) {
    const { text, tokens, usage } = await stories.complete(PROMPT, { ...options, draft }).result();
    assert.deepEqual({ text, tokens }, { text: expected.text, tokens: expected.tokens });
    assert.ok(usage.acceptedTokens <= usage.draftedTokens);
    if (draft === 100) assert.ok(usage.acceptedTokens > 0, JSON.stringify(usage));
  }
  for (const draft of [-1, 1.5, NaN, 'some', null]) {
    await assert.rejects(async () => stories.complete(PROMPT, { draft }).result(), isInkling('INK_ERR_INVALID_ARGUMENT'), String(draft));
  }
});

test('the KV cache can be of several types', async () => {
  const memory = {};
  const texts = [];
  for (const kvCache of ['f32', 'f16', 'bf16', 'q8_0', 'default']) {
    const model = await loadModel(dataUrl('stories260K.gguf'), { contextLength: 30000, kvCache });
    memory[kvCache] = model.info.memoryBytes;
    texts.push((await model.complete(PROMPT, { temperature: 0, maxTokens: 8 }).result()).text);
    model.dispose();
  }
  assert.ok(memory.f32 > memory.f16 && memory.f16 === memory.bf16 && memory.bf16 > memory.q8_0 && memory.default === memory.q8_0, JSON.stringify(memory));
  assert.equal(new Set(texts).size, 1, texts.join('|')); // so short a text is sure enough
  await assert.rejects(loadModel(dataUrl('stories260K.gguf'), { kvCache: 'q4_0' }), isInkling('INK_ERR_INVALID_ARGUMENT'));
});

test('a character that the end cuts off is left out', async () => {
  // The answer's first token is the first of several that make up an emoji.
  const prompt = 'Emoji: 🙂 🎉 🚀 🙂 🎉 🚀 🙂 🎉 🚀 🙂 🎉';
  const whole = await smol.complete(prompt, { temperature: 0, maxTokens: 39 }).result();
  let cut = 0;
  for (let maxTokens = 1; maxTokens <= 8; maxTokens++) {
    const { text, tokens, finishReason } = await smol.complete(prompt, { temperature: 0, maxTokens }).result();
    assert.equal(finishReason, 'length');
    assert.ok(whole.text.startsWith(text) && !text.includes('\uFFFD'), text);
    if ((await smol.detokenize(tokens)).endsWith('\uFFFD')) cut++;
  }
  assert.ok(cut > 1, 'no answer was cut inside a character: the test tests nothing');
});

test('pieces are whole characters', async () => {
  // Emoji are several tokens each, so that a token often ends inside one.
  const prompt = 'Emoji: 🙂 🎉 🚀 🙂 🎉 🚀 🙂 🎉 🚀 🙂 🎉';
  const run = smol.complete(prompt, { temperature: 0, maxTokens: 39 });
  const pieces = await collect(run);
  const { text, tokens } = await run.result();
  assert.match(text, /🚀🎉🚀/u);
  assert.ok(pieces.length < tokens.length, 'no character took more than one token: the test tests nothing');
  for (const piece of pieces) assert.doesNotMatch(piece, /\uFFFD|[\uD800-\uDFFF]/u);
});

test('a conversation is formatted, ended, and not read twice', async () => {
  const messages = [{ role: 'user', content: 'Say hello.' }];
  const first = await smol.chat(messages, { temperature: 0, maxTokens: 60 }).result();
  assert.equal(first.finishReason, 'end');
  assert.doesNotMatch(first.text, /<\|im_/);
  messages.push({ role: 'assistant', content: first.text }, { role: 'user', content: '고마워요! 🙂' });
  const second = await smol.chat(messages, { temperature: 0, maxTokens: 5 }).result();
  assert.ok(second.usage.cachedPromptTokens >= first.usage.promptTokens, JSON.stringify(second.usage));
});

test('a model without a chat format says so', () =>
  assert.rejects(stories.chat([{ role: 'user', content: 'Hi' }]).result(), isInkling('INK_ERR_UNSUPPORTED_CHAT_FORMAT')));

test('bad arguments are refused', async (t) => {
  const refused = [
    { temperature: -1 }, { temperature: NaN }, { temperature: '0' }, { topK: 1.5 }, { topK: -1 }, { topP: 2 }, { minP: -0.1 },
    { seed: 2 ** 53 }, { seed: -1 }, { maxTokens: -1 }, { maxTokens: Infinity }, { stop: '' }, { stop: 'x'.repeat(257) },
    { stop: Array(17).fill('x') }, { repeatPenalty: 0 },
  ];
  for (const options of refused) {
    await t.test(JSON.stringify(options), () =>
      assert.rejects(async () => stories.complete(PROMPT, { maxTokens: 2, ...options }).result(), isInkling('INK_ERR_INVALID_ARGUMENT')));
  }
  for (const messages of [[], [{ role: 3, content: '' }], [{ role: 'user', content: 3 }], [null], 'hello', { tools: [] }, { messages: [] }]) {
    await t.test(JSON.stringify(messages), () => assert.throws(() => smol.chat(messages), isInkling('INK_ERR_INVALID_ARGUMENT')));
  }
  await t.test('the model still works', async () => assert.equal((await stories.complete(PROMPT, { maxTokens: 2 }).result()).tokens.length, 2));
});

test('scores are those of the command', async () => {
  const path = `${DATA}README.md`;
  const text = readFileSync(path, 'utf8');
  const command = ['score', '-m', defaultModel(), '-f', path, '--ctx', '64', '--json'];
  const native = JSON.parse(execFileSync(NATIVE, command, { encoding: 'utf8' }));
  const score = await smol.score(text, { windowLength: 64 });
  assert.equal(score.tokens, native.tokens);
  assert.ok(Math.abs(score.perplexity / native.ppl - 1) < 1e-3, `${score.perplexity}, not ${native.ppl}`);
  await assert.rejects(smol.score('word '.repeat(2000), { windowLength: 1000 }), isInkling('INK_ERR_CONTEXT_FULL'));
  await assert.rejects(smol.score(''), isInkling('INK_ERR_INVALID_ARGUMENT'));
});

// ---- Aborts and order ----

test('a run can be stopped while it reads and while it writes', async (t) => {
  const long = 'The quick brown fox jumps over the lazy dog. '.repeat(40);
  for (const [name, prompt, ms] of [['reading', long, 100], ['writing', PROMPT, 400]]) {
    await t.test(name, async () => {
      const controller = new AbortController();
      const run = smol.complete(prompt, { signal: controller.signal });
      setTimeout(() => controller.abort(), ms);
      await assert.rejects(run.result(), { name: 'AbortError' });
      await assert.rejects(collect(run), { name: 'AbortError' });
      // The engine is quiet: what comes next does not wait for a long text to end.
      assert.equal((await smol.complete('1, 2, 3,', { temperature: 0, maxTokens: 3 }).result()).text, ' 4,');
    });
  }
});

test('scoring can be stopped, and leaves nothing behind', async () => {
  const text = 'The quick brown fox jumps over the lazy dog. '.repeat(100);
  const expected = await stories.score('Once upon a time, there was a little girl named Lily.');
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('enough')), 100);
  await assert.rejects(smol.score(text, { signal: controller.signal }), /enough/);
  await assert.rejects(smol.score(text, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  assert.equal((await smol.complete('1, 2, 3,', { temperature: 0, maxTokens: 3 }).result()).text, ' 4,');
  assert.deepEqual(await stories.score('Once upon a time, there was a little girl named Lily.'), expected);
});

test('leaving the loop stops the run', async () => {
  const run = stories.complete(PROMPT);
  for await (const piece of run) if (piece) break;
  await assert.rejects(run.result(), { name: 'AbortError' });
});

test('an abort reaches a run that waits, and only that', async () => {
  const controller = new AbortController();
  const first = stories.complete(PROMPT, { temperature: 0, maxTokens: 30 });
  const second = stories.complete(PROMPT, { signal: controller.signal });
  const third = stories.complete(PROMPT, { temperature: 0, maxTokens: 30 });
  controller.abort();
  await assert.rejects(second.result(), { name: 'AbortError' });
  assert.equal((await first.result()).text, (await third.result()).text);
  await assert.rejects(stories.complete(PROMPT, { signal: AbortSignal.abort() }).result(), { name: 'AbortError' });
});

test('requests are answered in order', async () => {
  const order = [];
  const note = (name) => () => order.push(name);
  await Promise.all([
    stories.complete(PROMPT, { maxTokens: 30 }).result().then(note('complete')),
    stories.tokenize(PROMPT).then(note('tokenize')),
    stories.complete(PROMPT, { maxTokens: 1 }).result().then(note('short')),
  ]);
  assert.deepEqual(order, ['complete', 'tokenize', 'short']);
});

test('pieces can be read late, and twice', async () => {
  const run = stories.complete(PROMPT, { temperature: 0, maxTokens: 10 });
  const { text } = await run.result();
  assert.equal((await collect(run)).join(''), text);
  assert.equal((await collect(run)).join(''), text);
});

// ---- The end ----

test('dispose() ends everything', async () => {
  const model = await loadModel(dataUrl('stories260K.gguf'));
  const run = model.complete(PROMPT);
  model.dispose();
  model.dispose();
  await assert.rejects(run.result(), isInkling('INK_ERR_WRONG_STATE'));
  await assert.rejects(model.tokenize(PROMPT), isInkling('INK_ERR_WRONG_STATE'));
});

test('a trap rejects all requests, now and later', async () => {
  // A module whose third step traps stands in for a bug in the engine.
  const { instantiate } = WebAssembly;
  let steps = 0;
  WebAssembly.instantiate = async (...parameters) => {
    const { exports } = await instantiate(...parameters);
    const inkjs_generation_step = (...step) => {
      if (++steps > 3) throw new WebAssembly.RuntimeError('unreachable');
      return exports.inkjs_generation_step(...step);
    };
    return { exports: { ...exports, inkjs_generation_step } };
  };
  const model = await loadModel(dataUrl('stories260K.gguf')).finally(() => (WebAssembly.instantiate = instantiate));
  const runs = [model.complete(PROMPT), model.complete(PROMPT)];
  for (const run of runs) await assert.rejects(run.result(), isInkling('INK_ERR_CRASHED'));
  await assert.rejects(model.tokenize(PROMPT), isInkling('INK_ERR_CRASHED'));
});
