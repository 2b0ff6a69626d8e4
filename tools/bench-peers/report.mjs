// Shows what tools/bench measured: tables on the terminal, the README's table, a picture.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ROOT, runMain, shown, summary } from './measure.mjs';
import { drawPicture } from './picture.mjs';

const USAGE = `usage: tools/bench report FILE.json [--to NAME] [--svg FILE] [--readme]

Shows the measurements that tools/bench --json wrote.
  --to NAME    the engine that ratios are to (llama.cpp)
  --svg FILE   draws bars for each model and engine
  --readme     puts the table between the marks in README.md`;

const REFERENCE = 'llama.cpp';
const [MARK, END] = ['<!-- tools/bench report --readme: ', '<!-- end of the table -->'];

const megabytes = (bytes) => (bytes === undefined ? '' : `${(bytes / 1e6).toFixed(1)} MB`);
const ratio = (a, b) => (a && b ? `${(a / b).toFixed(2)} x` : '');
const speedTests = ({ results }) => Object.keys(results).filter((test) => test !== 'start');

const START_COLUMNS = [
  '', 'first token', 'load', 'fetching alone', 'peak memory', 'to the file', 'of it the engine', 'download', 'gzipped',
];

/** 'prefill-128' as a heading. */
export function testTitle(test) {
  const [kind, n, depth] = test.split(/[-@]/);
  return kind === 'prefill' ? `prefill ${n}` : `decode ${n} at depth ${depth}`;
}

function printTable(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  for (const row of rows) console.log(row.map((cell, i) => cell.padEnd(widths[i])).join('  ').trimEnd());
}

function speedRows(model, engines, reference, reps) {
  const tests = speedTests(model);
  const rows = [['', ...tests.flatMap((test) => [testTitle(test), `to ${reference}`])]];
  for (const [name, { label }] of Object.entries(engines)) {
    const of = (test, engine) => model.results[test][engine];
    if (!tests.some((test) => of(test, name))) continue;
    const cells = tests.flatMap((test) => {
      const [own, other] = [of(test, name), of(test, reference)];
      if (!own) return ['', ''];
      const fewer = own.reps < reps ? ` of ${own.reps}` : ''; // it took too long
      return [shown(own) + fewer, ratio(own.median, other?.median)];
    });
    rows.push([label, ...cells]);
  }
  return rows;
}

/** The shortest and the longest test of a kind, by prompt or depth; undefined where there is but one. */
function extremes(tests, kind) {
  const size = (test) => Number(test.split(/[-@]/).at(-1));
  const of = tests.filter((test) => test.startsWith(kind)).sort((a, b) => size(a) - size(b));
  return of.length > 1 ? [of[0], of.at(-1)] : undefined;
}

/** What is left of each engine's own speed as the context grows. */
function depthRows(model, engines) {
  const pairs = ['prefill', 'decode'].map((kind) => extremes(speedTests(model), kind)).filter(Boolean);
  const rows = [['', ...pairs.map(([short, long]) => `${testTitle(long)} to ${testTitle(short)}`)]];
  for (const [name, { label }] of Object.entries(engines)) {
    const median = (test) => model.results[test][name]?.median;
    const cells = pairs.map(([short, long]) => ratio(median(long), median(short)));
    if (cells.some(Boolean)) rows.push([label, ...cells]);
  }
  return rows;
}

function startRows(model, engines) {
  const rows = [START_COLUMNS];
  for (const [name, list] of Object.entries(model.results.start ?? {})) {
    const medianOf = (field) => summary(list.map((row) => row[field])).median;
    const median = (field) => (list[0][field] === undefined ? undefined : medianOf(field));
    const ms = (field) => (median(field) === undefined ? '' : `${median(field).toFixed(0)} ms`);
    const peak = median('peakBytes');
    const { download } = list[0];
    rows.push([
      engines[name].label, ms('firstTokenMs'), ms('loadMs'), ms('fetchMs'), megabytes(peak), ratio(peak, model.bytes),
      megabytes(median('engineBytes')), megabytes(download?.bytes), megabytes(download?.gzipBytes),
    ]);
  }
  return rows;
}

export function printResults({ machine, settings, engines, models, skipped }, reference = REFERENCE) {
  const { cpu, cores, load, twoThreads, chromium } = machine;
  const loads = load.map((value) => value.toFixed(1)).join(' to ');
  const scaling = twoThreads.map((value) => value.toFixed(2)).join(', ');
  console.log(`${cpu}, ${cores} cores, load ${loads}${chromium ? `; Chromium ${chromium}` : ''}`);
  console.log(`two threads to one, of work in registers alone: ${scaling} x (before each model)`);
  for (const [name, { about }] of Object.entries(engines)) {
    if (about) console.log(`${name}: ${Object.entries(about).map(([key, value]) => `${key} ${value}`).join(', ')}`);
  }
  for (const [name, why] of Object.entries(skipped)) console.log(`without ${name}: ${why}`);
  for (const model of models) {
    const what = `tokens/s, median of ${settings.reps} in turns (least to most)`;
    console.log(`\n${model.title}, ${megabytes(model.bytes)}: ${what}`);
    for (const [name, why] of Object.entries(model.skipped)) console.log(`without ${name}: ${why}`);
    if (speedTests(model).length) printTable(speedRows(model, engines, reference, settings.reps));
    const depths = depthRows(model, engines);
    if (depths.length > 1) {
      console.log('\nWhat is left at depth');
      printTable(depths);
    }
    if (model.results.start) {
      console.log('\nFrom a cold start, the model cached; the prompt as long as the first test\'s');
      printTable(startRows(model, engines));
    }
  }
}

/** A line for each model and test, a column for each engine, in Markdown. */
function readmeTable({ date, machine, engines, models }) {
  const isMeasured = (name) => models.some((model) => speedTests(model).some((test) => model.results[test][name]));
  const columns = Object.keys(engines).filter(isMeasured);
  const lines = [
    `| tokens/s, median | ${columns.map((name) => engines[name].label).join(' | ')} |`,
    `|---|${'---|'.repeat(columns.length)}`,
  ];
  for (const model of models) {
    for (const test of speedTests(model)) {
      const cells = columns.map((name) => model.results[test][name]?.median.toFixed(1) ?? '');
      lines.push(`| ${model.title}: ${testTitle(test)} | ${cells.join(' | ')} |`);
    }
  }
  const browser = machine.chromium ? `, Chromium ${machine.chromium.split('.')[0]}` : '';
  return [...lines, '', `${machine.cpu}, ${machine.cores} cores${browser}, ${date.slice(0, 10)}.`].join('\n');
}

function updateReadme(report) {
  const path = `${ROOT}README.md`;
  const text = readFileSync(path, 'utf8');
  const [start, end] = [text.indexOf(MARK), text.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`README.md has no marks for the table: ${MARK}... and ${END}`);
  const afterMark = text.indexOf('\n', start) + 1;
  writeFileSync(path, `${text.slice(0, afterMark)}${readmeTable(report)}\n${text.slice(end)}`);
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      to: { type: 'string', default: REFERENCE },
      svg: { type: 'string' },
      readme: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return console.log(USAGE);
  if (positionals.length !== 1) throw new TypeError('the JSON file that tools/bench --json wrote is missing');
  const report = JSON.parse(readFileSync(positionals[0], 'utf8'));
  if (values.svg) writeFileSync(values.svg, drawPicture(report));
  if (values.readme) updateReadme(report);
  if (!values.svg && !values.readme) printResults(report, values.to);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) runMain(main, USAGE);
