// Sessions, the order of requests, and what is freed when, in Node.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { InklingError, loadModel } from '../dist/index.js';
import { dataUrl } from './lib/files.mjs';

const GREEDY = { temperature: 0, maxTokens: 12 };
const SYSTEM = { role: 'system', content: 'You count.' };
const ONE = { role: 'user', content: 'one, two, three' };
let tiny, stories;

before(async () => {
  tiny = await loadModel(dataUrl('tiny-q.gguf'), { contextLength: 512 });
  stories = await loadModel(dataUrl('stories260K.gguf'), { chatTemplate: 'chatml' });
});
after(() => [tiny, stories].forEach((model) => model?.dispose()));

const isInkling = (code) => (error) => error instanceof InklingError && error.code === code;
const isAbort = { name: 'AbortError' };
const answerOf = async (session, input, options) => (await session.chat(input, { ...GREEDY, ...options }).result()).text;

// ---- Conversations ----

test('a session remembers, and answers as the model does', async () => {
  const session = await tiny.createSession({ systemPrompt: SYSTEM.content });
  assert.deepEqual(session.messages, [SYSTEM]);
  assert.equal(session.contextLength, tiny.info.contextLength);
  const first = await session.chat(ONE.content, GREEDY).result();
  const expected = await tiny.chat([SYSTEM, ONE], GREEDY).result();
  assert.deepEqual(first.tokens, expected.tokens);
  assert.deepEqual(session.messages, [SYSTEM, ONE, { role: 'assistant', content: first.text }]);
  assert.equal(session.tokenCount, first.usage.promptTokens + 12);

  const messages = [...session.messages, { role: 'user', content: 'four' }];
  const wanted = await tiny.chat(messages, GREEDY).result();
  assert.equal(await session.countTokens('four'), wanted.usage.promptTokens);
  const run = session.chat([{ role: 'user', content: 'four' }], GREEDY);
  let streamed = '';
  for await (const piece of run) streamed += piece;
  const second = await run.result();
  assert.deepEqual(second.tokens, wanted.tokens);
  assert.equal(streamed, second.text);
  session.dispose();
});

test('what has been read is not read again, whatever other sessions do', async () => {
  const text = 'The quick brown fox jumps over the lazy dog. '.repeat(3);
  const session = await tiny.createSession({ messages: [{ role: 'user', content: text }] });
  const read = session.tokenCount;
  assert.ok(read > 50, String(read));
  await tiny.complete('Something else entirely', GREEDY).result();
  const other = await tiny.createSession({ messages: [{ role: 'user', content: 'Other' }] });
  await answerOf(other, 'words');
  await session.append({ role: 'assistant', content: 'Yes.' });
  const { usage } = await session.chat('And?', GREEDY).result();
  assert.ok(usage.cachedPromptTokens >= read, JSON.stringify(usage));
  other.dispose();
  session.dispose();
});

test('a clone goes its own way', async () => {
  const session = await tiny.createSession({ systemPrompt: SYSTEM.content });
  await answerOf(session, ONE.content);
  const clone = await session.clone();
  assert.deepEqual(clone.messages, session.messages);
  assert.equal(clone.tokenCount, session.tokenCount);
  const { usage, tokens } = await clone.chat('four', GREEDY).result();
  assert.ok(usage.cachedPromptTokens > 20, JSON.stringify(usage));
  assert.deepEqual((await session.chat('four', GREEDY).result()).tokens, tokens);
  await answerOf(clone, 'something else');
  assert.equal(session.messages.length + 2, clone.messages.length);
  session.dispose();
  assert.equal(typeof (await answerOf(clone, 'more')), 'string');
  clone.dispose();
});

test('clones are exact with every kind of KV cache and a sliding window', async () => {
  const cases = [['tiny-q.gguf', 'q8_0'], ['tiny-q.gguf', 'f32'], ['architectures/gemma3.gguf', 'f16'], ['architectures/gemma3.gguf', 'q8_0']];
  for (const [file, kvCache] of cases) {
    const model = await loadModel(dataUrl(file), { contextLength: 256, chatTemplate: 'gemma' });
    const session = await model.createSession({ kvCache, contextLength: 192 });
    assert.equal(session.contextLength, 192);
    await answerOf(session, 'word '.repeat(20));
    const clone = await session.clone();
    await answerOf(clone, 'x');
    const again = await session.clone();
    assert.equal(await answerOf(again, 'and so on'), await answerOf(session, 'and so on'), `${file} ${kvCache}`);
    model.dispose();
  }
});

test('a session has examples, tools, template and context of its own', async () => {
  const examples = [{ role: 'user', content: 'a' }, { role: 'assistant', content: 'b' }];
  const options = { systemPrompt: 'S', examples, messages: [ONE], chatTemplate: 'zephyr', contextLength: 128 };
  const session = await tiny.createSession(options);
  assert.deepEqual(session.messages, [{ role: 'system', content: 'S' }, ...examples, ONE]);
  const expected = await tiny.countTokens(session.messages, { chatTemplate: 'zephyr' });
  assert.equal(await session.countTokens(), expected);
  assert.equal((await session.chat([], GREEDY).result()).usage.promptTokens, expected);
  await assert.rejects(session.chat('word '.repeat(100), GREEDY).result(), isInkling('INK_ERR_CONTEXT_FULL'));
  session.dispose();
});

test('what goes wrong leaves a session as it was', async () => {
  const session = await tiny.createSession({ systemPrompt: SYSTEM.content });
  const { messages } = session;
  const controller = new AbortController();
  const run = session.chat(ONE.content, { signal: controller.signal });
  for await (const piece of run) if (piece.length >= 0) break;
  await assert.rejects(run.result(), isAbort);
  await assert.rejects(session.chat('x', { signal: AbortSignal.abort() }).result(), isAbort);
  await assert.rejects(session.append('word '.repeat(1000)), isInkling('INK_ERR_CONTEXT_FULL'));
  await assert.rejects(session.chat('x', { temperature: -1 }).result(), isInkling('INK_ERR_INVALID_ARGUMENT'));
  assert.throws(() => session.chat(5), isInkling('INK_ERR_INVALID_ARGUMENT'));
  assert.throws(() => session.chat('x', { priority: 'high' }), isInkling('INK_ERR_INVALID_ARGUMENT'));
  assert.deepEqual(session.messages, messages);
  const expected = await tiny.chat([SYSTEM, ONE], GREEDY).result();
  assert.equal(await answerOf(session, ONE.content), expected.text);
  session.dispose();
});

test('a template that refuses an incomplete conversation refuses no session', async () => {
  const chatTemplate = "{% if not messages[1:] %}{{ raise_exception('too few') }}{% endif %}{% for m in messages %}{{ m.content }}{% endfor %}";
  const session = await tiny.createSession({ systemPrompt: SYSTEM.content, chatTemplate });
  assert.equal(session.tokenCount, 0);
  assert.equal((await session.chat(ONE.content, GREEDY).result()).tokens.length, 12);
  session.dispose();
});

test('sessions that can’t be are refused', async () => {
  const refused = [
    [{ contextLength: -1 }, 'INK_ERR_INVALID_ARGUMENT'],
    [{ contextLength: 2 ** 31 }, 'INK_ERR_INVALID_ARGUMENT'],
    [{ contextLength: 2 ** 24, kvCache: 'f32' }, 'INK_ERR_OUT_OF_MEMORY'],
    [{ kvCache: 'f8' }, 'INK_ERR_INVALID_ARGUMENT'],
    [{ systemPrompt: 5 }, 'INK_ERR_INVALID_ARGUMENT'],
    [{ messages: 'hello' }, 'INK_ERR_INVALID_ARGUMENT'],
    [{ chatTemplate: 'chatlm' }, 'INK_ERR_INVALID_ARGUMENT'],
    [{ systemPrompt: 'word '.repeat(1000) }, 'INK_ERR_CONTEXT_FULL'],
  ];
  for (const [options, code] of refused) await assert.rejects(tiny.createSession(options), isInkling(code), JSON.stringify(options));
  await assert.rejects(tiny.createSession({ signal: AbortSignal.abort() }), isAbort);
  const vocabulary = await loadModel(dataUrl('tiny-q.gguf'), { vocabularyOnly: true });
  await assert.rejects(vocabulary.createSession(), isInkling('INK_ERR_WRONG_STATE'));
  vocabulary.dispose();
});

test('a session’s memory is used again', async () => {
  const model = await loadModel(dataUrl('tiny-q.gguf'), { contextLength: 512 });
  const sizes = [];
  for (let i = 0; i < 30; i++) {
    const session = await model.createSession({ contextLength: 4096 });
    const controller = new AbortController();
    const pending = [session.clone({ signal: controller.signal }), model.createSession({ contextLength: 4096, signal: controller.signal })];
    if (i % 2) await new Promise(setImmediate);
    controller.abort();
    for (const session of await Promise.allSettled(pending)) session.value?.dispose();
    session.dispose();
    await model.tokenize('x');
    sizes.push(process.memoryUsage().arrayBuffers);
  }
  assert.ok(sizes[29] <= sizes[2] * 1.05, sizes.map((size) => Math.round(size / 1e6)).join());
  model.dispose();
});

// ---- Order ----

test('the most urgent request comes first, and interrupts', async () => {
  const [session, other] = [await stories.createSession(), await stories.createSession()];
  const order = [];
  const note = (name, promise) => promise.then(() => order.push(name));
  const long = { temperature: 0, maxTokens: 60 };
  const background = session.chat('Once', { ...long, priority: 'background' });
  await Promise.all([
    note('background', background.result()),
    note('first', stories.complete('Once', long).result()),
    note('second', stories.complete('Twice', { ...long, maxTokens: 1 }).result()),
    note('count', stories.countTokens('Once', { priority: 'user-blocking' })),
    note('blocking', other.chat('Once', { ...long, maxTokens: 3, priority: 'user-blocking' }).result()),
    // The same context as the first: it waits for that.
    note('waiting', stories.complete('Once', { ...long, maxTokens: 3, priority: 'user-blocking' }).result()),
  ]);
  assert.deepEqual(order, ['count', 'blocking', 'first', 'waiting', 'second', 'background']);
  // What was interrupted is as if it had not been.
  const alone = await stories.createSession();
  assert.deepEqual((await alone.chat('Once', long).result()).tokens, (await background.result()).tokens);
  for (const one of [alone, other, session]) one.dispose();
});

test('calls of one session are answered in order, and an abort reaches one alone', async () => {
  const session = await tiny.createSession();
  const controller = new AbortController();
  const first = session.chat('one', GREEDY);
  const second = session.chat('two', { ...GREEDY, priority: 'user-blocking', signal: controller.signal });
  const third = session.chat('three', { ...GREEDY, priority: 'user-blocking' });
  controller.abort(new Error('enough'));
  await assert.rejects(second.result(), /enough/);
  await third.result();
  assert.deepEqual(session.messages.filter(({ role }) => role === 'user').map(({ content }) => content), ['one', 'three']);
  assert.equal(session.messages[1].content, (await first.result()).text);
  session.dispose();
});

test('every request takes a signal', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  const session = await tiny.createSession();
  const calls = [
    () => loadModel(dataUrl('tiny-q.gguf'), { signal }),
    () => tiny.complete('x', { signal }).result(),
    () => tiny.chat([ONE], { signal }).result(),
    () => tiny.tokenize('x', { signal }),
    () => tiny.countTokens('x', { signal }),
    () => tiny.detokenize([1], { signal }),
    () => tiny.tokenPieces([1], { signal }),
    () => tiny.tokenPiece(1, { signal }),
    () => tiny.applyChatTemplate([ONE], { signal }),
    () => tiny.applyChatTemplate([ONE], { signal, tokenize: true }),
    () => tiny.score('x y z', { signal }),
    () => tiny.createSession({ signal }),
    () => session.chat('x', { signal }).result(),
    () => session.append('x', { signal }),
    () => session.countTokens('x', { signal }),
    () => session.clone({ signal }),
  ];
  for (const call of calls) await assert.rejects(call, /enough/, String(call));
  session.dispose();
});

// ---- The end ----

test('dispose() ends a session, and the model all of them', async () => {
  const session = await tiny.createSession();
  const run = session.chat(ONE.content);
  const waiting = session.append('x');
  session.dispose();
  session.dispose();
  for (const promise of [run.result(), waiting, session.chat('x').result(), session.append('x'), session.clone(), session.countTokens()]) {
    await assert.rejects(promise, isInkling('INK_ERR_WRONG_STATE'));
  }
  const model = await loadModel(dataUrl('tiny-q.gguf'));
  const another = await model.createSession();
  const last = another.chat('x');
  model.dispose();
  another.dispose();
  await assert.rejects(last.result(), isInkling('INK_ERR_WRONG_STATE'));
  await assert.rejects(model.createSession(), isInkling('INK_ERR_WRONG_STATE'));
});

test('`using` finds what it looks for', async () => {
  const model = await loadModel(dataUrl('tiny-q.gguf'));
  const session = await model.createSession();
  session[Symbol.dispose]();
  await assert.rejects(session.append('x'), isInkling('INK_ERR_WRONG_STATE'));
  model[Symbol.dispose]();
  await assert.rejects(model.tokenize('x'), isInkling('INK_ERR_WRONG_STATE'));
});

test('several models with several sessions work side by side', async () => {
  const models = await Promise.all([1, 2, 3].map(() => loadModel(dataUrl('stories260K.gguf'), { chatTemplate: 'chatml', threads: 2 })));
  const sessions = (await Promise.all(models.flatMap((model) => [model.createSession(), model.createSession()])));
  const answers = await Promise.all(sessions.map((session) => answerOf(session, 'Once upon a time')));
  assert.equal(new Set(answers).size, 1);
  for (const model of models) model.dispose();
});
