// The Prompt API's LanguageModel in Node, with the tiny model.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { InklingError, loadModel } from 'inkling-wasm';
import { createLanguageModel } from 'inkling-wasm/prompt-api';
import { DATA, dataUrl, defaultModel, readData } from './lib/files.mjs';

const system = { role: 'system', content: 'Be kind.' };
const source = { source: dataUrl('stories260K.gguf'), chatTemplate: 'chatml' };
/** Short and the same each time. */
const CONTEXT = 96;
let model, LanguageModel;

before(async () => {
  model = await loadModel(source.source, { chatTemplate: 'chatml', contextLength: CONTEXT });
  LanguageModel = createLanguageModel({ model });
});
after(() => model?.dispose());

const greedy = { samplingMode: 'most-predictable' };
const create = (options) => LanguageModel.create({ ...greedy, ...options });
const named = (name) => (error) => {
  assert.ok(error instanceof DOMException, String(error));
  assert.equal(error.name, name);
  return true;
};

async function collect(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return pieces;
}

// ---- Sessions ----

test('a session remembers what was said', async () => {
  const session = await create({ initialPrompts: [system] });
  assert.ok(session instanceof LanguageModel && session instanceof EventTarget);
  assert.equal(
    session.contextUsage,
    await model.countTokens([system], { addGenerationPrompt: false }),
  );
  const first = await session.prompt('Hi');
  assert.equal(
    first,
    (await model.chat([system, { role: 'user', content: 'Hi' }], { temperature: 0 }).result()).text,
  );
  session.destroy();
});

test('each prompt is answered with all before it', async () => {
  const smol = await loadModel(pathToFileURL(defaultModel()), { contextLength: 512 });
  const session = await createLanguageModel({ model: smol }).create(greedy);
  const messages = [];
  for (const content of ['Say hello.', 'Say it again.']) {
    messages.push({ role: 'user', content });
    const { text, finishReason } = await smol.chat(messages, { temperature: 0 }).result();
    assert.equal(finishReason, 'end');
    messages.push({ role: 'assistant', content: text });
    assert.equal(await session.prompt(content), text);
    assert.equal(
      session.contextUsage,
      await smol.countTokens(messages, { addGenerationPrompt: false }),
    );
  }
  smol.dispose();
});

test('usage is measured before and counted after', async () => {
  const session = await create();
  assert.deepEqual([session.contextUsage, session.inputUsage], [0, 0]);
  assert.deepEqual([session.contextWindow, session.inputQuota], [CONTEXT, CONTEXT]);
  const measured = await session.measureContextUsage('Hello');
  assert.ok(measured > 1 && measured === (await session.measureInputUsage('Hello')));
  await session.append('Hello');
  assert.equal(session.contextUsage, measured);
  await session.append([]);
  assert.equal(session.contextUsage, measured);
  const answer = [
    {
      role: 'assistant',
      content: [
        { type: 'text', value: 'Oh ' },
        { type: 'text', value: 'hi' },
      ],
    },
  ];
  const more = await session.measureContextUsage(answer);
  await session.append(answer);
  assert.equal(session.contextUsage, measured + more);
});

test('templates that want the sides in turns get them so', async () => {
  const chatTemplate =
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}" +
    "{{ raise_exception('Take turns!') }}{% endif %}{{ m.content }} {% endfor %}";
  const strict = createLanguageModel({ ...source, chatTemplate });
  const session = await strict.create({
    ...greedy,
    initialPrompts: [
      { role: 'user', content: 'One' },
      { role: 'user', content: 'two' },
    ],
  });
  await session.append('three');
  await session.append([
    { role: 'user', content: 'four' },
    { role: 'assistant', content: 'Five' },
    { role: 'assistant', content: 'six' },
  ]);
  const counted = await loadModel(source.source, { vocabularyOnly: true });
  assert.equal(
    session.contextUsage,
    await counted.countTokens('One\ntwo\nthree\nfour Five\nsix ', { addBos: true }),
  );
  await assert.rejects(
    strict.create({ initialPrompts: [{ role: 'assistant', content: 'Me first' }] }),
    named('NotSupportedError'),
  );
  counted.dispose();
  strict.dispose();
});

test('an answer streams', async () => {
  const whole = await (await create()).prompt('Hi');
  const pieces = await collect((await create()).promptStreaming('Hi'));
  assert.equal(pieces.join(''), whole);
  assert.ok(pieces.length > 4);
});

test('an answer can be given its beginning', async () => {
  const prompt = [
    { role: 'user', content: 'A story' },
    { role: 'assistant', content: 'Once upon a', prefix: true },
  ];
  const text = await (await create()).prompt(prompt);
  const before = await model.applyChatTemplate([{ role: 'user', content: 'A story' }], {
    addGenerationPrompt: true,
  });
  assert.equal(
    text,
    (await model.complete(`${before}Once upon a`, { temperature: 0 }).result()).text,
  );
});

test('a clone goes its own way', async () => {
  const session = await create({ initialPrompts: [system, { role: 'user', content: 'Hi' }] });
  const clone = await session.clone();
  assert.ok(clone instanceof LanguageModel);
  assert.equal(clone.contextUsage, session.contextUsage);
  assert.equal(clone.samplingMode, 'most-predictable');
  await clone.append('More');
  assert.ok(clone.contextUsage > session.contextUsage);
  session.destroy();
  assert.ok((await clone.prompt('And?')).length > 0);
  await assert.rejects(session.clone(), named('AbortError'));
  await assert.rejects(clone.clone({ signal: AbortSignal.abort() }), named('AbortError'));
});

test('what is asked at once is answered in order', async () => {
  const [together, apart] = [await create(), await create()];
  const texts = await Promise.all([
    together.append('One'),
    together.prompt('Two'),
    together.prompt('Three'),
  ]);
  await apart.append('One');
  assert.deepEqual(texts, [undefined, await apart.prompt('Two'), await apart.prompt('Three')]);
});

test('sampling follows the options', async () => {
  assert.deepEqual(await LanguageModel.params(), {
    defaultTopK: 40,
    maxTopK: 128,
    defaultTemperature: 0.8,
    maxTemperature: 2,
  });
  const attributes = async (options) => {
    const { samplingMode, topK, temperature } = await LanguageModel.create(options);
    return [samplingMode, topK, temperature];
  };
  assert.deepEqual(await attributes(), ['balanced', 40, 0.8]);
  assert.deepEqual(await attributes({ topK: 3.7, temperature: 0.1 }), [null, 3, 0.1]);
  assert.deepEqual(await attributes({ topK: Infinity, temperature: Infinity }), [null, 128, 2]);
  const text = (options) => LanguageModel.create(options).then((session) => session.prompt('Hi'));
  assert.equal(await text({ topK: 1, temperature: 1.5 }), await text(greedy));
  assert.equal(await text({ temperature: 0 }), await text(greedy));
  assert.notEqual(
    await text({ samplingMode: 'most-creative' }),
    await text({ samplingMode: 'most-creative' }),
  );
  await assert.rejects(LanguageModel.create({ topK: 0 }), RangeError);
  await assert.rejects(LanguageModel.create({ temperature: -1 }), RangeError);
  await assert.rejects(LanguageModel.create({ samplingMode: 'wild' }), TypeError);
  await assert.rejects(LanguageModel.create({ samplingMode: 'balanced', topK: 3 }), TypeError);
});

// ---- Overflow ----

test('a full context forgets the oldest, but never the initial prompts', async () => {
  // A template that adds little, so that many turns fit.
  const LanguageModel = createLanguageModel({
    ...source,
    chatTemplate: '{% for m in messages %}{{ m.content }} {% endfor %}',
    contextLength: CONTEXT,
  });
  const session = await LanguageModel.create({ initialPrompts: [system] });
  const events = [];
  session.addEventListener('contextoverflow', () => events.push('listener'));
  session.oncontextoverflow = (event) => events.push(event.type);
  session.onquotaoverflow = (event) => events.push(event.type);
  for (let turn = 0; events.length === 0; turn++) {
    assert.ok(turn < 20, 'it never overflows');
    assert.ok(session.contextUsage <= CONTEXT);
    await session.append(`number ${turn} of many`);
  }
  assert.deepEqual(events.sort(), ['contextoverflow', 'listener', 'quotaoverflow']);
  const usage = session.contextUsage;
  assert.ok(
    usage <= CONTEXT && usage > 0.7 * CONTEXT,
    `${usage}: no more is forgotten than has to be`,
  );

  await assert.rejects(session.append('word '.repeat(200)), (error) => {
    named('QuotaExceededError')(error);
    assert.ok(error.requested > CONTEXT && error.quota === CONTEXT);
    return true;
  });
  assert.equal(session.contextUsage, usage, 'nothing is forgotten for what never fits');
  assert.equal(events.length, 3);
  await assert.rejects(session.prompt('word '.repeat(200)), named('QuotaExceededError'));
  await assert.rejects(
    LanguageModel.create({ initialPrompts: [{ role: 'system', content: 'word '.repeat(200) }] }),
    named('QuotaExceededError'),
  );
  await session.prompt('Still there?');
  session.oncontextoverflow = null;
  assert.equal(session.oncontextoverflow, null);
  LanguageModel.dispose();
});

// ---- Stopping ----

test('a signal stops one prompt, and leaves no trace of it', async () => {
  const roomy = await loadModel(source.source, { chatTemplate: 'chatml', contextLength: 4096 });
  const create = () =>
    createLanguageModel({ model: roomy }).create({ ...greedy, initialPrompts: [system] });
  const session = await create();
  const usage = session.contextUsage;
  const reason = new Error('enough');
  const controller = new AbortController();
  const running = session.prompt('Hi', { signal: controller.signal });
  const queued = session.prompt('Ho', { signal: controller.signal });
  const later = session.append('Hey');
  controller.abort(reason);
  await assert.rejects(running, reason);
  await assert.rejects(queued, reason);
  await later;
  const other = await create();
  await other.append('Hey');
  assert.equal(session.contextUsage, other.contextUsage);
  await assert.rejects(session.prompt('Hi', { signal: AbortSignal.abort() }), named('AbortError'));
  await assert.rejects(session.append('Hi', { signal: AbortSignal.abort() }), named('AbortError'));
  await assert.rejects(
    session.measureContextUsage('Hi', { signal: AbortSignal.abort() }),
    named('AbortError'),
  );

  const midway = new AbortController();
  const stream = session.promptStreaming('And then?', { signal: midway.signal });
  const before = session.contextUsage;
  await assert.rejects(async () => {
    for await (const piece of stream) if (piece) midway.abort(reason);
  }, reason);
  assert.equal(session.contextUsage, before);
  assert.ok(before > usage);

  for await (const piece of session.promptStreaming('Go on')) if (piece) break; // cancels
  const added = await session.measureContextUsage('x');
  await session.append('x');
  assert.equal(session.contextUsage, before + added);
  roomy.dispose();
});

test('destroy() rejects what is under way and what comes later', async () => {
  const session = await create();
  const running = session.prompt('Hi');
  const stream = session.promptStreaming('Ho');
  assert.equal(session.destroy(), undefined);
  await assert.rejects(running, named('AbortError'));
  await assert.rejects(collect(stream), named('AbortError'));
  for (const call of ['prompt', 'append', 'measureContextUsage'])
    await assert.rejects(session[call]('Hi'), named('AbortError'));
  await assert.rejects(collect(session.promptStreaming('Hi')), named('AbortError'));

  const controller = new AbortController();
  const other = await create({ signal: controller.signal });
  const reason = new Error('page closed');
  const prompt = other.prompt('Hi');
  controller.abort(reason);
  await assert.rejects(prompt, reason);
  await assert.rejects(other.prompt('Hi'), reason);
});

// ---- What is refused ----

test('mistakes are told apart as the specification has it', async (t) => {
  const session = await create();
  const image = [{ type: 'image', value: new Uint8Array() }];
  const cases = [
    ['a system message later', TypeError, [{ role: 'user', content: '' }, system]],
    ['an unknown role', TypeError, [{ role: 'tool', content: '' }]],
    ['no content', TypeError, [{ role: 'user' }]],
    ['text that is none', TypeError, [{ role: 'user', content: [{ type: 'text', value: 3 }] }]],
    ['an unknown type', TypeError, [{ role: 'user', content: [{ type: 'smell', value: '' }] }]],
    ['an image', named('NotSupportedError'), [{ role: 'user', content: image }]],
    ["the user's prefix", named('SyntaxError'), [{ role: 'user', content: '', prefix: true }]],
    [
      'a prefix not at the end',
      named('SyntaxError'),
      [
        { role: 'assistant', content: '', prefix: true },
        { role: 'user', content: '' },
      ],
    ],
  ];
  for (const [name, expected, input] of cases) {
    await t.test(name, async () => {
      for (const call of ['prompt', 'append', 'measureContextUsage'])
        await assert.rejects(session[call](input), expected, call);
      await assert.rejects(collect(session.promptStreaming(input)), expected);
    });
  }
  await assert.rejects(
    session.prompt('Hi', { responseConstraint: {} }),
    named('NotSupportedError'),
  );
  await assert.rejects(session.prompt('Hi', { omitResponseConstraintInput: true }), TypeError);
  assert.equal(session.contextUsage, 0);
  assert.ok((await session.measureContextUsage({})) > 0, 'what is no list is a string');
  await session.append([system]);
  await assert.rejects(session.append([system]), TypeError);
  assert.throws(() => new LanguageModel(), TypeError);
});

test('sessions that cannot be had are unavailable', async () => {
  const tools = [{ name: 'f', description: '', inputSchema: {}, execute: async () => '' }];
  for (const options of [
    { tools },
    { expectedInputs: [{ type: 'image' }] },
    { expectedOutputs: [{ type: 'audio' }] },
  ]) {
    assert.equal(await LanguageModel.availability(options), 'unavailable');
    await assert.rejects(LanguageModel.create(options), named('NotSupportedError'));
  }
  const fine = {
    expectedInputs: [{ type: 'text', languages: ['en', 'ko'] }],
    expectedOutputs: [{ type: 'text' }],
    tools: [],
  };
  assert.equal(await LanguageModel.availability(fine), 'available');
  const wrong = { expectedInputs: [{ type: 'text', languages: ['not a language'] }] };
  await assert.rejects(LanguageModel.availability(wrong), RangeError);
  await assert.rejects(LanguageModel.create(wrong), RangeError);
  await assert.rejects(
    LanguageModel.availability({ expectedInputs: [{ type: 'smell' }] }),
    TypeError,
  );
  const plain = createLanguageModel({ source: readData('stories260K.gguf') });
  await assert.rejects(plain.create(), named('NotSupportedError'));
  plain.dispose();
});

// ---- Loading ----

test('the model is loaded once, when it is needed, with progress', async () => {
  const own = createLanguageModel(source);
  assert.equal(await own.availability(), 'downloadable');
  const events = [[], []];
  const monitor = (list) => (m) => {
    m.addEventListener('downloadprogress', (event) => list.push(event));
  };
  const creating = events.map((list) => own.create({ ...greedy, monitor: monitor(list) }));
  await delay();
  assert.equal(await own.availability(), 'downloading');
  const [a, b] = await Promise.all(creating);
  assert.equal(await own.availability(), 'available');
  for (const list of events) {
    const loaded = list.map((event) => event.loaded);
    assert.deepEqual([loaded[0], loaded.at(-1)], [0, 1]);
    assert.deepEqual(
      loaded,
      [...loaded].sort((x, y) => x - y),
    );
    assert.ok(
      list.every(
        ({ type, total, lengthComputable }) =>
          type === 'downloadprogress' && total === 1 && lengthComputable,
      ),
    );
  }
  assert.ok(events[0].length > 2, 'there is more than a beginning and an end');
  assert.equal(await a.prompt('Hi'), await b.prompt('Hi'));

  const later = [];
  await own.create({ monitor: (m) => (m.ondownloadprogress = ({ loaded }) => later.push(loaded)) });
  assert.deepEqual(later, [0, 1]);
  own.dispose();
  await assert.rejects(a.prompt('Hi'), named('InvalidStateError'));
  assert.equal(await own.availability(), 'downloadable');
  assert.equal(
    await (await own.create(greedy)).prompt('Hi'),
    await (await own.create(greedy)).prompt('Hi'),
  );
  own.dispose();
});

test('a load that fails or is given up can be tried again', async () => {
  const reason = new Error('never mind');
  await assert.rejects(
    LanguageModel.create({
      monitor: () => {
        throw reason;
      },
    }),
    reason,
  );
  await assert.rejects(LanguageModel.create({ signal: AbortSignal.abort(reason) }), reason);

  const own = createLanguageModel(source);
  const controllers = [new AbortController(), new AbortController()];
  const creating = controllers.map(({ signal }) => own.create({ signal }));
  controllers[0].abort(reason);
  await assert.rejects(creating[0], reason);
  const survivor = await creating[1]; // whom the other's end does not concern
  survivor.destroy();
  own.dispose();

  const given = own.create({ signal: AbortSignal.timeout(0) });
  await assert.rejects(given, named('TimeoutError'));
  const session = await own.create(greedy);
  assert.ok((await session.prompt('Hi')).length > 0);
  own.dispose();

  const hasCause = (name, code) => (error) =>
    named(name)(error) && error.cause instanceof InklingError && error.cause.code === code;
  await assert.rejects(
    createLanguageModel({ source: `${dataUrl('none.gguf')}` }).create(),
    hasCause('NetworkError', 'INK_ERR_IO'),
  );
  const broken = createLanguageModel({
    source: new URL(`file://${DATA}hostile/truncated-data.gguf`),
  });
  await assert.rejects(broken.create(), hasCause('NetworkError', 'INK_ERR_TRUNCATED'));
  await assert.rejects(
    createLanguageModel({ source: new TextEncoder().encode('no model').buffer }).create(),
    hasCause('OperationError', 'INK_ERR_NOT_GGUF'),
  );
});
