// Tokenizers side by side in one run, in turns: Inkling natively, Inkling in Chromium, and Hugging Face's
// tokenizers natively; one thread each. In the page the time is what a page waits for: the strings' way to the
// worker, and the tokens' way back. Natively it is the tokenizer's alone. Each engine's tokens are compared.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ROOT, defaultModel, runMain, shown, summary, wholeNumber, withPage } from './measure.mjs';

const USAGE = `usage: tools/bench tokenizer [-m MODEL]... [--corpus FILE]... [--megabytes N] [--piece BYTES] [--reps N] [--json FILE]

Measures Inkling's tokenizer, natively and in Chromium, against Hugging Face's tokenizers, natively: --megabytes (10) of
each corpus, --reps times (5), in turns. Prints the medians in MB/s, with the least and the most, and their ratios to
tokenizers. Then hostile texts in Chromium: time for 1 MB, and whether it grows with the length alone.
  -m, --model FILE   GGUF files; default: the default model's byte-level BPE, and the other families of tests/data/vocab
  --corpus FILE      UTF-8 texts, also .xz; default: made English and Korean, words of two vocabularies by Zipf's law
  --piece BYTES      tokenized at a time, cut at ends of lines; default: 65536
  --json FILE        writes all measurements`;

const VOCABULARIES = ['ggml-vocab-llama-spm', 'spm-unigram-en', 'ggml-vocab-bert-bge'].map((name) => `${ROOT}tests/data/vocab/${name}.gguf`);
const ENGINES = ['inkling', 'chromium', 'tokenizers'];
const HOSTILE = { 'one letter': 'a', spaces: ' ', 'combining marks': '\u0301', 'one syllable': '가' };
const HOSTILE_BYTES = [2 ** 18, 2 ** 19, 2 ** 20];

function options() {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', short: 'm', multiple: true },
      corpus: { type: 'string', multiple: true, default: [] },
      megabytes: { type: 'string', default: '10' },
      piece: { type: 'string', default: '65536' },
      reps: { type: 'string', default: '5' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  return {
    ...values,
    megabytes: wholeNumber(values, 'megabytes', 1, 100),
    piece: wholeNumber(values, 'piece', 0, 1e8),
    reps: wholeNumber(values, 'reps', 1, 100),
  };
}

/** Python, which answers requests one after another. */
async function startPeer(setup) {
  const script = fileURLToPath(new URL('tokenizer_peer.py', import.meta.url));
  const peer = spawn(process.env.BENCH_PYTHON ?? 'python3', [script, JSON.stringify(setup)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error('the native half of the benchmark stopped; see above');
    return JSON.parse(value);
  };
  peer.stdin.on('error', () => {}); // next() says so
  return {
    about: await next(),
    ask(request) {
      peer.stdin.write(`${JSON.stringify(request)}\n`);
      return next();
    },
    close: () => peer.stdin.end(),
  };
}

// ---- In the page ----

async function loadInPage({ models, corpora }) {
  const { loadModel } = await import('/package/index.js');
  globalThis.corpora = await Promise.all(corpora.map(async (url) => (await fetch(url)).json()));
  globalThis.models = await Promise.all(models.map((url) => loadModel(url, { vocabularyOnly: true })));
}

async function tokenizeInPage({ model, corpus, check }) {
  const lists = [];
  const start = performance.now();
  for (const text of globalThis.corpora[corpus]) {
    const tokens = await globalThis.models[model].tokenize(text);
    if (check) lists.push(tokens);
  }
  const seconds = (performance.now() - start) / 1000;
  if (!check) return { seconds };
  let checksum = 0;
  for (const tokens of lists) for (const id of tokens) checksum = (Math.imul(checksum, 31) + id) >>> 0;
  return { seconds, tokens: lists.reduce((sum, { length }) => sum + length, 0), checksum };
}

/** Milliseconds of the fastest of `reps`, for each length; the lengths take turns. */
async function tokenizeHostileInPage({ model, letter, lengths, reps }) {
  const size = new TextEncoder().encode(letter).length;
  const best = lengths.map(() => Infinity);
  for (let rep = 0; rep < reps; rep++) {
    for (const [i, length] of lengths.entries()) {
      const text = letter.repeat(length / size);
      const start = performance.now();
      await globalThis.models[model].tokenize(text);
      best[i] = Math.min(best[i], performance.now() - start);
    }
  }
  return best;
}

// ---- Measuring ----

async function measurePair(run, { model, corpus, bytes, reps }) {
  const first = {};
  for (const engine of ENGINES) first[engine] = await run(engine, { model, corpus, check: true }); // warms up, too
  const rows = Object.fromEntries(ENGINES.map((engine) => [engine, []]));
  for (let rep = 0; rep < reps; rep++) {
    for (const engine of ENGINES) {
      const { seconds } = await run(engine, { model, corpus });
      rows[engine].push(bytes / 1e6 / seconds);
    }
  }
  const speeds = Object.fromEntries(ENGINES.map((engine) => [engine, summary(rows[engine])]));
  const same = ({ tokens, checksum }) => tokens === first.inkling.tokens && checksum === first.inkling.checksum;
  if (!same(first.chromium)) throw new Error('Inkling makes other tokens in Chromium than natively: a bug');
  const tokens = Object.fromEntries(ENGINES.map((engine) => [engine, first[engine].tokens]));
  return { speeds, tokens, identical: same(first.tokenizers), rows };
}

async function main() {
  const { help, json, model: given, corpus, megabytes, piece, reps } = options();
  if (help) return console.log(USAGE);
  const models = (given ?? [defaultModel(), ...VOCABULARIES]).map((path) => resolve(path));
  for (const path of [...models, ...corpus]) if (!existsSync(path)) throw new TypeError(`there is no file ${path}`);
  const folder = mkdtempSync(join(tmpdir(), 'inkling-bench-'));
  let peer;
  try {
    peer = await startPeer({ folder, models, corpora: corpus.map((path) => resolve(path)), bytes: megabytes * 1e6, piece });
    const files = { '/corpus/': `${folder}/`, ...Object.fromEntries(models.map((path, i) => [`/model/${i}`, path])) };
    const results = await withPage(files, undefined, (page, chromium) => measure(page, chromium, peer, models, reps));
    if (json) writeFileSync(json, `${JSON.stringify(results, null, 1)}\n`);
  } finally {
    peer?.close();
    rmSync(folder, { recursive: true });
  }
}

async function measure(page, chromium, peer, models, reps) {
  const { version, families, corpora } = peer.about;
  const names = models.map((path, i) => `${families[i]} (${basename(path, '.gguf')})`);
  await page.evaluate(loadInPage, { models: models.map((_, i) => `/model/${i}`), corpora: corpora.map((_, i) => `/corpus/${i}.json`) });
  const run = (engine, request) => (engine === 'chromium' ? page.evaluate(tokenizeInPage, request) : peer.ask({ do: engine, ...request }));

  console.log(`Tokenizing, one thread, MB/s, median of ${reps} in turns (least to most); ratios to tokenizers ${version}\n`);
  row('', 'Inkling, native', `Inkling, Chromium ${chromium.split('.')[0]}`, 'tokenizers, native', 'native', 'Chromium', 'tokens');
  const throughput = [];
  for (const [model, name] of names.entries()) {
    console.log(name);
    for (const [corpus, { name: text, bytes }] of corpora.entries()) {
      const result = await measurePair(run, { model, corpus, bytes, reps });
      throughput.push({ model: name, corpus: text, bytes, ...result });
      const { speeds, tokens, identical } = result;
      const ratios = ['inkling', 'chromium'].map((engine) => `${(speeds[engine].median / speeds.tokenizers.median).toFixed(1)} x`);
      const agreement = identical ? 'identical' : `${tokens.inkling}, tokenizers ${tokens.tokenizers}`;
      row(`  ${text}, ${(bytes / 1e6).toFixed(1)} MB`, ...ENGINES.map((engine) => shown(speeds[engine])), ...ratios, agreement);
    }
  }

  console.log(`\nHostile texts in Chromium: milliseconds, best of ${reps}; growth is time a byte at 1 MB over that at 1/4 MB\n`);
  row('', '1/4 MB', '1/2 MB', '1 MB', 'growth');
  const hostile = [];
  for (const [model, name] of names.entries()) {
    console.log(name);
    for (const [what, letter] of Object.entries(HOSTILE)) {
      const ms = await page.evaluate(tokenizeHostileInPage, { model, letter, lengths: HOSTILE_BYTES, reps });
      const growth = ms[2] / ms[0] / (HOSTILE_BYTES[2] / HOSTILE_BYTES[0]);
      hostile.push({ model: name, text: what, bytes: HOSTILE_BYTES, ms, growth });
      row(`  ${what}`, ...ms.map((value) => value.toFixed(1)), growth.toFixed(2));
    }
  }
  return { chromium, tokenizers: version, throughput, hostile };
}

function row(first, ...cells) {
  const widths = cells.length > 4 ? [22, 22, 22, 8, 10, 0] : [10, 10, 10, 0];
  console.log(first.padEnd(30) + cells.map((cell, i) => cell.padEnd(widths[i])).join(' '));
}

runMain(main, USAGE);
