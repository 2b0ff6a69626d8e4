// The adapters in browsers, on a page as strict as page.test.mjs has it: what differs from Node.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import { BROWSERS } from './lib/browser.mjs';
import { DATA } from './lib/files.mjs';
import { startServer } from './lib/server.mjs';

const LIMIT = { timeout: 60_000 };
const folder = mkdtempSync(join(tmpdir(), 'inkling-adapters-'));
const browsers = {};
let server;

before(async () => {
  await build({
    stdin: {
      contents: "export { generateText, streamText } from 'ai';",
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    format: 'esm',
    outfile: join(folder, 'ai.js'),
    minify: true,
    target: 'es2022',
    platform: 'browser',
    logLevel: 'warning',
  });
  server = await startServer({
    '/stories.gguf': `${DATA}stories260K.gguf`,
    '/ai.js': join(folder, 'ai.js'),
  });
  for (const [name, open] of Object.entries(BROWSERS)) browsers[name] = await open();
});
after(async () => {
  for (const browser of Object.values(browsers)) await browser.close();
  await server?.close();
  rmSync(folder, { recursive: true });
});

/** Runs `program` on an empty page of the server's, in each browser, and checks what it returns. */
function testInPages(name, program, check) {
  for (const browser of Object.keys(BROWSERS)) {
    test(`${browser}: ${name}`, LIMIT, async () => {
      const page = await browsers[browser].visit(`${server.url}/blank`);
      try {
        check(await page.evaluate(program));
        // Zod, which the AI SDK brings, tries whether the page allows eval, and Firefox tells of it.
        const ours = page.complaints.filter((text) => !/blocked a JavaScript eval/.test(text));
        assert.deepEqual(ours, []);
      } finally {
        await page.close();
      }
    });
  }
}

testInPages(
  'LanguageModel: events, exceptions and streams are the platform’s own',
  async () => {
    const { createLanguageModel } = await import('/package/adapters/prompt-api.js');
    const LanguageModel = createLanguageModel({
      source: '/stories.gguf',
      chatTemplate: 'chatml',
      contextLength: 128,
    });
    const progress = [];
    const availability = [await LanguageModel.availability()];
    const session = await LanguageModel.create({
      samplingMode: 'most-predictable',
      monitor: (monitor) =>
        monitor.addEventListener('downloadprogress', (event) =>
          progress.push([event instanceof ProgressEvent, event.loaded, event.total]),
        ),
    });
    availability.push(await LanguageModel.availability());
    const whole = await session.prompt('Hi');
    const other = await LanguageModel.create({ samplingMode: 'most-predictable' });
    const pieces = [];
    for await (const piece of other.promptStreaming('Hi')) pieces.push(piece);
    const failure = await session.prompt('word '.repeat(200)).catch((error) => error);
    const controller = new AbortController();
    const stopping = other.prompt('Hi', { signal: controller.signal }).catch((error) => error);
    controller.abort();
    const stopped = await stopping;
    session.destroy();
    const destroyed = await session.prompt('Hi').catch((error) => error);
    LanguageModel.dispose();
    availability.push(await LanguageModel.availability());
    const uncached = createLanguageModel({ source: '/stories.gguf', cache: false });
    availability.push(await uncached.availability());
    return {
      progress,
      availability,
      whole,
      pieces,
      quota: [
        failure instanceof DOMException,
        failure.name,
        failure.quota,
        failure.requested > 128,
      ],
      names: [stopped.name, destroyed.name],
    };
  },
  (found) => {
    assert.deepEqual(found.availability, [
      'downloadable',
      'available',
      'available',
      'downloadable',
    ]);
    const loaded = found.progress.map(
      ([isProgressEvent, loaded, total]) => (assert.ok(isProgressEvent && total === 1), loaded),
    );
    assert.deepEqual([loaded[0], loaded.at(-1)], [0, 1]);
    assert.equal(found.pieces.join(''), found.whole);
    assert.ok(found.pieces.length > 4);
    assert.deepEqual(found.quota, [true, 'QuotaExceededError', 128, true]);
    assert.deepEqual(found.names, ['AbortError', 'AbortError']);
  },
);

testInPages(
  'OpenAI: answers stream, errors are of one class everywhere',
  async () => {
    const { InklingError, loadModel } = await import('/package/index.js');
    const { BadRequestError, createOpenAI } = await import('/package/adapters/openai.js');
    const model = await loadModel('/stories.gguf', { chatTemplate: 'chatml' });
    const client = createOpenAI(model);
    const params = {
      model: 'x',
      messages: [{ role: 'user', content: 'Hi' }],
      temperature: 0,
      max_tokens: 20,
    };
    const pieces = [];
    for await (const {
      choices: [choice],
    } of await client.chat.completions.create({ ...params, stream: true }))
      pieces.push(choice.delta.content ?? '');
    const {
      choices: [{ message }],
    } = await client.chat.completions.create(params);
    const error = await client.chat.completions
      .create({ ...params, temperature: -1 })
      .catch((thrown) => thrown);
    model.dispose();
    return {
      pieces,
      whole: message.content,
      isBad: error instanceof BadRequestError,
      isOurs: error.cause instanceof InklingError,
    };
  },
  (found) => {
    assert.equal(found.pieces.join(''), found.whole);
    assert.deepEqual([found.isBad, found.isOurs], [true, true]);
  },
);

testInPages(
  'AI SDK: the real one, bundled for the page',
  async () => {
    const { loadModel } = await import('/package/index.js');
    const { createInkling } = await import('/package/adapters/ai-sdk.js');
    const { generateText, streamText } = await import('/ai.js');
    const model = await loadModel('/stories.gguf', { chatTemplate: 'chatml' });
    const settings = {
      model: createInkling(model)(),
      prompt: 'Hi',
      temperature: 0,
      maxOutputTokens: 20,
    };
    const { text } = await generateText(settings);
    const pieces = [];
    for await (const piece of streamText(settings).textStream) pieces.push(piece);
    const controller = new AbortController();
    let events = 0;
    const { textStream } = streamText({
      ...settings,
      maxOutputTokens: 400,
      abortSignal: controller.signal,
      onAbort: () => events++,
    });
    for await (const piece of textStream) if (piece) controller.abort();
    model.dispose();
    return { text, pieces, events };
  },
  (found) => {
    assert.equal(found.pieces.join(''), found.text);
    assert.ok(found.pieces.length > 4);
    assert.equal(found.events, 1);
  },
);
