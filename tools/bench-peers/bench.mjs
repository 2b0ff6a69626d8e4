// Inkling and wllama (llama.cpp in WebAssembly) side by side: one Chromium, one page, the same file and the same
// prompts, the same number of threads, in turns. Greedy sampling. Each engine's own clock says how long it took: prefill
// from the prompt's tokens to the first new one, without tokenising; decode from the first new token to the last.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ROOT, defaultModel, runMain, shown, summary, wholeNumber, withPage } from './measure.mjs';

const USAGE = `usage: tools/bench [-m MODEL] [--pp N] [--tg N] [--reps N] [--kernels NAME] [--threads N] [--json FILE]
       tools/bench tokenizer ...     tokenizers; see tools/bench tokenizer --help

Measures Inkling against wllama in one Chromium: prefill of --pp tokens (128) and decode of --tg (64), --reps times (5)
each, in turns. Prints the medians in tokens per second, with the least and the most, and their ratio.
  -m, --model FILE   GGUF file; default: the default model, from tools/fetch
  --kernels NAME     Inkling's kernels; default: auto
  --threads N        of both; default: 1. More take a cross-origin isolated page, which is served then
  --json FILE        writes all measurements`;

const PEERS = fileURLToPath(new URL('.', import.meta.url));
const PEER = JSON.parse(readFileSync(`${PEERS}package.json`, 'utf8')).dependencies['@wllama/wllama'];

function options() {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', short: 'm' },
      pp: { type: 'string', default: '128' },
      tg: { type: 'string', default: '64' },
      reps: { type: 'string', default: '5' },
      kernels: { type: 'string', default: 'auto' },
      threads: { type: 'string', default: '1' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const [pp, tg, reps] = ['pp', 'tg', 'reps'].map((name) => wholeNumber(values, name, 2, 1024));
  return { ...values, pp, tg, reps, threads: wholeNumber(values, 'threads', 1, 64) };
}

/** Runs in the page. Gives, for each engine, a list of { prefill, decode } in tokens per second. */
async function measure({ pp, tg, reps, kernels, threads, text, peer }) {
  const { loadModel } = await import('/package/index.js');
  const { Wllama } = await import('/peer/index.js');
  const inkling = await loadModel('/model.gguf', { contextLength: 2048, kernels, threads });
  const wllama = new Wllama({ default: '/peer/wasm/wllama.wasm' }, { suppressNativeLog: true });
  const file = await (await fetch('/model.gguf')).blob();
  await wllama.loadModel([file], { n_ctx: 2048, n_threads: threads, n_gpu_layers: 0 });

  const tokens = await inkling.tokenize(text);
  const bos = inkling.info.addsBos ? 1 : 0;
  /** A prompt of pp tokens that begins unlike every other, so that nothing of it is kept from before. */
  function prompt(i) {
    return inkling.detokenize(tokens.slice(i * 7, i * 7 + pp - bos));
  }
  const engines = {
    async inkling(prompt) {
      const { usage, timings } = await inkling.complete(prompt, { temperature: 0, maxTokens: tg }).result();
      return { read: usage.promptTokens - usage.cachedPromptTokens, made: usage.completionTokens, ...timings };
    },
    async [peer](prompt) {
      const { timings } = await wllama.createCompletion({
        prompt, max_tokens: tg, temperature: 0, cache_prompt: false, stream: false,
      });
      return {
        read: timings.prompt_n, made: timings.predicted_n,
        prefillMs: timings.prompt_ms, decodeMs: timings.predicted_ms,
      };
    },
  };
  const rows = Object.fromEntries(Object.keys(engines).map((name) => [name, []]));
  for (let i = 0; i <= reps; i++) {
    const input = await prompt(i);
    for (const [name, run] of Object.entries(engines)) {
      const { read, made, prefillMs, decodeMs } = await run(input);
      const row = { read, made, prefill: (read / prefillMs) * 1000, decode: ((made - 1) / decodeMs) * 1000 };
      if (i > 0) rows[name].push(row); // the first one warms up
    }
  }
  return { rows, kernels: inkling.info.kernels, threads: { inkling: inkling.info.threads, [peer]: wllama.getNumThreads() } };
}

async function main() {
  const { model: given, help, json, ...parameters } = options();
  if (help) return console.log(USAGE);
  const model = given ?? defaultModel();
  const files = { '/model.gguf': model, '/peer/': `${PEERS}node_modules/@wllama/wllama/esm/` };
  // The peer makes its worker from a blob: URL and compiles text.
  const policy = "script-src 'self' 'unsafe-eval' blob:; worker-src 'self' blob:";
  await withPage(files, { policy, isolated: parameters.threads > 1 }, async (page, chromium) => {
    const text = readFileSync(`${ROOT}tests/data/wikitext2-valid-4x512.txt`, 'utf8').slice(0, 20000);
    const { rows, kernels, threads } = await page.evaluate(measure, { ...parameters, text, peer: 'wllama' });
    const results = ['prefill', 'decode'].map((test) => {
      const [ours, theirs] = [rows.inkling, rows.wllama].map((list) => summary(list.map((row) => row[test])));
      return { test, inkling: ours, wllama: theirs, ratio: ours.median / theirs.median };
    });
    report(results, { ...parameters, threads, kernels, chromium, model: basename(model) });
    if (json) writeFileSync(json, JSON.stringify({ model: basename(model), chromium, kernels, peer: `wllama ${PEER}`, threads, results, rows }, null, 1) + '\n');
  });
}

function report(results, { pp, tg, reps, kernels, threads, chromium, model }) {
  const counts = `threads ${threads.inkling} and ${threads.wllama}`;
  console.log(`${model}, Chromium ${chromium}, ${counts}, median of ${reps} in turns, tokens/s (least to most)\n`);
  const line = (...cells) => console.log(cells[0].padEnd(22) + cells[1].padEnd(28) + cells[2].padEnd(28) + cells[3]);
  line('', `Inkling, ${kernels}`, `wllama ${PEER}`, 'ratio');
  for (const { test, inkling, wllama, ratio } of results) {
    const what = test === 'prefill' ? `prefill ${pp} tokens` : `decode ${tg} tokens`;
    line(what, shown(inkling), shown(wllama), ratio.toFixed(2));
  }
}

runMain(main, USAGE);
