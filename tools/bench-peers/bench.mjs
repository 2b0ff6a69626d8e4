// Inkling and its peers on the same files in one run, in turns, each by its own clock. Prefill: from the prompt's
// tokens to the first new one, without tokenising. Decode: from the first new token to the last, greedy, after a prompt
// that the context still holds. report.mjs shows the results.
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { ENGINES } from './engines.mjs';
import { runMain, summary, wholeNumber } from './measure.mjs';
import { MODELS, modelOf } from './models.mjs';
import { openHost } from './page_engines.mjs';
import { openPrompts } from './prompts.mjs';
import { printResults } from './report.mjs';
import { twoThreadsToOne } from './two_threads.mjs';

const TESTS = 'prefill-128,prefill-512,decode-64@0,decode-64@1024,start';
const names = (list) => list.map(({ name }) => name).join(', ');
const USAGE = `usage: tools/bench [--models LIST] [--engines LIST] [--tests LIST] [--reps N] [--quick] [--json FILE]
       tools/bench kernels ...       kernels against the machine's peaks; see tools/bench kernels --help
       tools/bench tokenizer ...     tokenizers; see tools/bench tokenizer --help
       tools/bench report FILE ...   a table, a picture or the README's table from a JSON file; see --help

Measures Inkling and its peers on the same model files, in turns: tokens per second, as medians with the least and the
most, ratios to llama.cpp, and how each starts: time to the first token, load time, memory, bytes to download.
  --models LIST    of ${Object.keys(MODELS).join(', ')},
                   or GGUF files; default: all that are named here
  --engines LIST   of ${names(ENGINES)};
                   default: all that are there
  --tests LIST     of prefill-N, decode-N@DEPTH and start;
                   default: ${TESTS}
  --reps N         repetitions (5)
  --limit SECONDS  an engine that has taken so long for a test repeats it no more (60)
  --quick          once, with small tests: whether all works, not how fast it is
  --json FILE      writes all measurements`;

const QUICK_TESTS = 'prefill-16,decode-4@0,decode-4@32,start';
const START_PROMPT = 128;

function options() {
  const { values } = parseArgs({
    options: {
      models: { type: 'string' },
      engines: { type: 'string' },
      tests: { type: 'string' },
      reps: { type: 'string' },
      limit: { type: 'string', default: '60' },
      quick: { type: 'boolean' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  values.reps ??= values.quick ? '1' : '5';
  const list = (text) => text.split(',').filter(Boolean);
  return {
    ...values,
    models: values.models ? list(values.models) : Object.keys(MODELS),
    engines: values.engines ? list(values.engines).map(engineOf) : ENGINES,
    tests: list(values.tests ?? (values.quick ? QUICK_TESTS : TESTS)).map(testOf),
    reps: wholeNumber(values, 'reps', 1, 100),
    limit: wholeNumber(values, 'limit', 0, 86400),
  };
}

function engineOf(name) {
  const engine = ENGINES.find((known) => known.name === name);
  if (!engine) throw new TypeError(`there is no engine ${name}; engines: ${names(ENGINES)}`);
  return engine;
}

/** { name, prompt, run(engine, prompt) }: `prompt` tokens are read, for prefill others each time. */
function testOf(name) {
  if (name === 'start') return { name };
  const [, kind, tokens, depth] = /^(prefill|decode)-(\d{1,4})(?:@(\d{1,4}))?$/.exec(name) ?? [];
  if (!kind || (kind === 'decode') !== (depth !== undefined)) {
    throw new TypeError(`${name} is no test; tests: prefill-N, decode-N@DEPTH, start`);
  }
  const n = Number(tokens);
  return kind === 'prefill'
    ? { name, prompt: n, fresh: true, run: (engine, prompt) => engine.prefill(prompt) }
    : { name, prompt: Number(depth), run: (engine, prompt) => engine.decode(n, prompt) };
}

const say = (text) => console.error(`bench: ${text}`);

/** One model's measurements; an engine that fails is named in `skipped` and left out from then on. */
class Comparison {
  #opened = new Map();
  #hosts = [];
  #variant = 0;
  results = {};
  skipped = {};

  constructor(model, settings) {
    Object.assign(this, { model, settings });
  }

  async measure() {
    const prompts = await openPrompts(this.model.path);
    try {
      for (const test of this.settings.tests.filter(({ name }) => name === 'start')) await this.#starts(test, prompts);
      await this.#openAll();
      for (const test of this.settings.tests.filter(({ run }) => run)) await this.#compare(test, prompts);
    } finally {
      for (const { engine } of this.#opened.values()) await engine.close();
      for (const host of this.#hosts) await host.close();
      await prompts.close();
    }
  }

  #giveUp(entry, error) {
    const why = error.message.split('\n')[0];
    say(`${this.model.name}: without ${entry.name}: ${why}`);
    this.skipped[entry.name] ??= why;
    this.#opened.delete(entry.name);
  }

  get #entries() {
    return this.settings.engines.filter(({ name }) => !this.skipped[name]);
  }

  async #starts({ name }, prompts) {
    const prompt = await prompts.prompt(this.settings.quick ? 16 : START_PROMPT, 0);
    const rows = {};
    say(`${this.model.name}: ${name}`);
    for (let rep = 0; rep < Math.min(this.settings.reps, 3); rep++) {
      for (const entry of this.#entries) {
        try {
          const row = await entry.start(this.model, prompt);
          (rows[entry.name] ??= []).push(row);
        } catch (error) {
          this.#giveUp(entry, error);
        }
      }
    }
    this.results[name] = rows;
  }

  async #openAll() {
    const hosts = {};
    for (const entry of this.#entries) {
      try {
        let host;
        if (entry.inPage) host = hosts[entry.isolated] ??= await this.#openHost(entry.isolated);
        const engine = await entry.open(this.model, host);
        this.#opened.set(entry.name, { entry, engine });
      } catch (error) {
        this.#giveUp(entry, error);
      }
    }
  }

  async #openHost(isolated) {
    const host = await openHost([this.model], isolated);
    this.#hosts.push(host);
    this.chromium = host.version;
    return host;
  }

  /** In turns; the first round, of a small part, warms up. */
  async #compare(test, prompts) {
    const { reps, limit, quick } = this.settings;
    const spent = {};
    const rows = {};
    say(`${this.model.name}: ${test.name}`);
    for (let rep = quick ? 0 : -1; rep < reps; rep++) {
      if (rep < 0 && !test.fresh) continue; // decoding has been warmed up by its own prompt
      const prompt = await prompts.prompt(rep < 0 ? 16 : test.prompt, test.fresh ? ++this.#variant : 0);
      for (const { entry, engine } of [...this.#opened.values()]) {
        if (spent[entry.name] > limit * 1000) continue;
        const start = performance.now();
        try {
          const row = await test.run(engine, prompt);
          if (rep >= 0) (rows[entry.name] ??= []).push(row);
        } catch (error) {
          this.#giveUp(entry, error);
        }
        spent[entry.name] = (spent[entry.name] ?? 0) + performance.now() - start;
      }
    }
    this.results[test.name] = Object.fromEntries(
      Object.entries(rows).map(([name, list]) => [
        name,
        { ...summary(list.map(({ rate }) => rate)), reps: list.length, tokens: list[0].tokens },
      ]),
    );
  }

  about() {
    return Object.fromEntries([...this.#opened].map(([name, { engine }]) => [name, engine.about]));
  }
}

async function main() {
  const { help, json, models, ...settings } = options();
  if (help) return console.log(USAGE);
  const skipped = {};
  for (const { name, missing } of settings.engines) {
    const why = missing();
    if (why) say(`without ${name}: ${(skipped[name] = why)}`);
  }
  settings.engines = settings.engines.filter(({ name }) => !skipped[name]);
  const report = {
    date: new Date().toISOString(),
    machine: { cpu: cpus()[0].model, cores: cpus().length, load: [loadavg()[0]], twoThreads: [] },
    settings: { reps: settings.reps, quick: Boolean(settings.quick), tests: settings.tests.map(({ name }) => name) },
    engines: Object.fromEntries(settings.engines.map(({ name, label }) => [name, { label }])),
    models: [],
    skipped,
  };
  for (const model of models.map(modelOf)) {
    report.machine.twoThreads.push(await twoThreadsToOne());
    const comparison = new Comparison(model, settings);
    await comparison.measure();
    const { name, title, bytes } = model;
    for (const [engine, about] of Object.entries(comparison.about())) report.engines[engine].about ??= about;
    report.machine.chromium ??= comparison.chromium;
    report.models.push({ name, title, bytes, results: comparison.results, skipped: comparison.skipped });
    if (json) writeFileSync(json, `${JSON.stringify(report, null, 1)}\n`); // after each model: a run takes long
  }
  report.machine.load.push(loadavg()[0]);
  if (json) writeFileSync(json, `${JSON.stringify(report, null, 1)}\n`);
  printResults(report);
}

runMain(main, USAGE);
