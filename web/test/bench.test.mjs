// tools/bench, with a tiny model: that it works and what it writes, not how fast anything is.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DATA, ROOT } from './lib/files.mjs';

const BENCH = `${ROOT}tools/bench-peers/`;
const ENGINES = ['native', 'chromium', 'node'];
const folder = mkdtempSync(join(tmpdir(), 'inkling-bench-'));
after(() => rmSync(folder, { recursive: true }));

const run = (script, ...args) =>
  execFileSync(process.execPath, [BENCH + script, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

test('the benchmark measures every engine, and a report shows it', () => {
  const json = join(folder, 'bench.json');
  const model = ['--models', `${DATA}tiny-q.gguf`];
  const table = run('bench.mjs', '--quick', ...model, '--engines', ENGINES.join(), '--json', json);
  const { skipped, models, engines, machine } = JSON.parse(readFileSync(json, 'utf8'));
  assert.equal(models.length, 1);
  assert.deepEqual([skipped, models[0].skipped], [{}, {}]);
  const { start, ...speeds } = models[0].results;
  assert.deepEqual(Object.keys(speeds), ['prefill-16', 'decode-4@0', 'decode-4@32']);
  for (const name of ENGINES) {
    for (const of of Object.values(speeds)) {
      const { median, min, max, reps, tokens } = of[name];
      assert.ok(0 < min && min <= median && median <= max && tokens > 0);
      assert.equal(reps, 1);
    }
    assert.ok(start[name][0].firstTokenMs > 0);
    assert.ok(start[name][0].peakBytes === undefined || start[name][0].peakBytes > models[0].bytes);
    assert.ok(table.includes(engines[name].label));
  }
  assert.ok(start.chromium[0].download.gzipBytes < start.chromium[0].download.bytes);
  assert.match(machine.chromium, /^\d/);
  assert.equal(machine.twoThreads.length, 1);
  assert.ok(machine.twoThreads[0] > 0.2 && machine.twoThreads[0] < 4, `${machine.twoThreads}`);

  const svg = join(folder, 'bench.svg');
  run('report.mjs', json, '--svg', svg);
  const picture = readFileSync(svg, 'utf8');
  assert.equal(picture.match(/<rect class="own"/g).length, ENGINES.length * Object.keys(speeds).length);
  assert.ok(!/NaN|undefined/.test(picture));
});

test('what the benchmark does not know, it says', () => {
  const isRefused = ({ status, stderr }) => status === 2 && /^bench: there is no engine abacus; engines: native/.test(stderr);
  assert.throws(() => run('bench.mjs', '--engines', 'abacus'), isRefused);
});
