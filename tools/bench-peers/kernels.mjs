// Kernels against the machine: bench_kernels, built natively and for WASI, on every host, in turns.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openBrowser, openPage } from '../../web/test/lib/browser.mjs';
import { startServer } from '../../web/test/lib/server.mjs';
import { runCommand, serve, startNode } from './child.mjs';
import { ROOT, runMain, shown, summary, wholeNumber } from './measure.mjs';
import { runProgram } from './wasi_program.js';

const HOSTS = ['native', 'wasmtime', 'node', 'chromium'];
const TYPES = 'Q4_0,Q4_1,Q5_0,Q8_0,Q4_K,Q5_K,Q6_K,F16';
const USAGE = `usage: tools/bench kernels [--hosts LIST] [--types LIST] [--reps N] [--megabytes N] [--json FILE]

Measures each table of kernels on each type of weights: prefill in GMAC/s (10^9 multiplications a second; 64 tokens,
weights in the cache), decode in GB/s (10^9 bytes of weights a second; one token, weights in memory), and their shares
of what one thread of the machine can do: the multiplications of the table's own instruction from registers alone, and
reading memory, four places in turns. Medians of --reps (3), in turns, with the least and the most.
  --hosts LIST    of ${HOSTS.join(', ')}; default: all
  --types LIST    block types, or all; default: ${TYPES}
  --megabytes N   of weights for decode (128)
  --json FILE     writes all measurements`;

// Two modules, since a host without relaxed SIMD refuses one that uses it.
const PRESETS = { native: 'native', simd128: 'wasi', relaxed: 'wasi-relaxed' };
const LEVELS = ['simd128', 'relaxed'];

function options() {
  const { values } = parseArgs({
    options: {
      hosts: { type: 'string', default: HOSTS.join() },
      types: { type: 'string', default: TYPES },
      reps: { type: 'string', default: '3' },
      megabytes: { type: 'string', default: '128' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const hosts = values.hosts.split(',');
  const wrong = hosts.find((host) => !HOSTS.includes(host));
  if (wrong !== undefined) throw new TypeError(`there is no host ${wrong}; hosts: ${HOSTS.join(', ')}`);
  return {
    ...values,
    hosts,
    types: values.types === 'all' ? [] : values.types.split(','),
    reps: wholeNumber(values, 'reps', 1, 100),
    megabytes: wholeNumber(values, 'megabytes', 1, 1024),
  };
}

/** The path of the program, built if it is not up to date. */
function build(preset) {
  const options = { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] };
  execFileSync('cmake', ['--preset', preset], options);
  execFileSync('cmake', ['--build', '--preset', preset, '--target', 'bench_kernels'], options);
  return `${ROOT}build/${preset}/bench_kernels${preset === 'native' ? '' : '.wasm'}`;
}

// ---- Hosts: each gives run(args), what the program wrote, and close() ----

function commandHost(command) {
  return { run: async (args) => (await runCommand([...command, ...args].map(String))).stdout, close() {} };
}

function nodeHost(file) {
  const child = startNode('kernels.mjs');
  return { run: (args) => child.ask('run', file, args), close: child.close };
}

async function chromiumHost(file) {
  const host = fileURLToPath(new URL('wasi_program.js', import.meta.url));
  const server = await startServer({ '/program.wasm': file, '/wasi_program.js': host });
  const browser = await openBrowser();
  const { page } = await openPage(browser.context, `${server.url}/blank`);
  return {
    run: (args) =>
      page.evaluate(async (args) => {
        const { runProgram } = await import('/wasi_program.js');
        return runProgram(await WebAssembly.compileStreaming(fetch('/program.wasm')), args);
      }, args),
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

async function openHost(name, level) {
  const file = build(PRESETS[level]);
  if (name === 'native') return commandHost([file]);
  if (name === 'wasmtime') return commandHost(['wasmtime', 'run', '-C', 'cache=y', file]);
  return name === 'node' ? nodeHost(file) : chromiumHost(file);
}

// ---- Measuring ----

const levelsOf = (host) => (host === 'native' ? ['native'] : LEVELS);
/** The module with relaxed SIMD has the table of the other, too, which is measured once. */
const isWanted = (level, { kernels, peak }) => level !== 'relaxed' || (kernels ?? peak) !== 'wasm_simd128';

async function main() {
  const { help, json, hosts, types, reps, megabytes } = options();
  if (help) return console.log(USAGE);
  const opened = [];
  const lines = []; // of all, each with its host and level
  try {
    for (const host of hosts) {
      for (const level of levelsOf(host)) opened.push({ host, level, program: await openHost(host, level) });
    }
    for (let rep = 0; rep < reps; rep++) {
      for (const entry of opened.filter(({ failed }) => !failed)) {
        const { host, level, program } = entry;
        console.error(`bench: ${host}, ${level}: ${rep + 1} of ${reps}`);
        try {
          const text = await program.run([megabytes, ...types].map(String));
          for (const line of text.trim().split('\n').map((line) => JSON.parse(line))) {
            if (isWanted(level, line)) lines.push({ host, level, ...line });
          }
        } catch (error) {
          entry.failed = true;
          console.error(`bench: without ${level} on ${host}: ${error.message.split('\n')[0]}`);
        }
      }
    }
  } finally {
    for (const { program } of opened) await program.close();
  }
  const results = tablesOf(lines);
  const machine = { cpu: cpus()[0].model, cores: cpus().length, load: loadavg()[0] };
  const report = { date: new Date().toISOString(), machine, reps, megabytes, results };
  if (json) writeFileSync(json, `${JSON.stringify(report, null, 1)}\n`);
  print(machine, results);
}

/** [{ host, kernels, readPeak, multiplyPeak, types: { NAME: { gmacs, gbs } } }], every figure a summary. */
function tablesOf(lines) {
  const over = (list, field) => summary(list.map((line) => line[field]));
  const measured = lines.filter(({ kernels }) => kernels);
  const tables = new Set(measured.map(({ host, level, kernels }) => `${host} ${level} ${kernels}`));
  return [...tables].map((table) => {
    const [host, level, kernels] = table.split(' ');
    const here = lines.filter((line) => line.host === host && line.level === level);
    const own = here.filter((line) => line.kernels === kernels);
    const multiply = here.filter(({ peak }) => peak === kernels);
    const types = [...new Set(own.map(({ type }) => type))].map((type) => {
      const of = own.filter((line) => line.type === type);
      return [type, { gmacs: over(of, 'gmacs'), gbs: over(of, 'gbs') }];
    });
    return {
      host,
      kernels,
      readPeak: over(here.filter(({ peak }) => peak === 'read'), 'gbs'),
      multiplyPeak: multiply.length ? over(multiply, 'gmacs') : undefined,
      types: Object.fromEntries(types),
    };
  });
}

function print({ cpu, cores, load }, results) {
  const share = (value, peak) => (peak ? `${((value.median / peak.median) * 100).toFixed(0)} %` : '');
  const widths = [8, 26, 9, 26, 9];
  const line = (...cells) => console.log(`  ${cells.map((cell, i) => cell.padEnd(widths[i])).join('')}`.trimEnd());
  console.log(`${cpu}, ${cores} cores, load ${load.toFixed(1)}; one thread`);
  for (const { host, kernels, readPeak, multiplyPeak, types } of results) {
    const multiplies = multiplyPeak ? `${multiplyPeak.median.toFixed(0)} GMAC/s, ` : '';
    console.log(`\n${kernels} on ${host}; peaks: ${multiplies}${readPeak.median.toFixed(1)} GB/s`);
    line('', 'prefill, GMAC/s', 'of peak', 'decode, GB/s', 'of peak');
    for (const [type, { gmacs, gbs }] of Object.entries(types)) {
      line(type, shown(gmacs), share(gmacs, multiplyPeak), shown(gbs), share(gbs, readPeak));
    }
  }
}

if (process.send) {
  serve({ run: async (file, args) => runProgram(await WebAssembly.compile(readFileSync(file)), args) });
} else {
  runMain(main, USAGE);
}
