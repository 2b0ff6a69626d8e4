// Which module is loaded: the choice among levels, and the test that a host must pass before relaxed SIMD is used.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { openBrowser, openPage } from './lib/browser.mjs';
import { startServer } from './lib/server.mjs';

/** A source file and what it imports, as one script. */
async function bundle(name) {
  const entry = fileURLToPath(new URL(`../src/${name}`, import.meta.url));
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: 'esm', target: 'es2022', write: false, logLevel: 'warning' });
  return outputFiles[0].text;
}

const asUrl = (script) => `data:text/javascript,${encodeURIComponent(script)}`;

let relaxed, dotProduct, chooseLevel;
before(async () => {
  relaxed = await bundle('relaxed.ts');
  dotProduct = await bundle('dot-product.ts');
  // A data: URL is no base for the modules' addresses, which are not needed here.
  const script = (await bundle('level.ts')).replaceAll('import.meta.url', '"file:///package/"');
  ({ chooseLevel } = await import(asUrl(script)));
});

const level = (name, works, pays) => ({ name, works: () => works, ...(pays !== undefined && { pays: () => pays }) });

test('the fastest level that works is chosen, or the one that is asked for', () => {
  const levels = [level('new', false), level('relaxed', true), level('simd128', true)];
  for (const kernels of ['', 'auto']) assert.deepEqual(chooseLevel(kernels, levels), { level: levels[1], kernels: '', spare: undefined });
  assert.deepEqual(chooseLevel('simd128', levels), { level: levels[2], kernels: '', spare: undefined });
  assert.deepEqual(chooseLevel('scalar', levels), { level: levels[1], kernels: 'scalar', spare: undefined });
});

test('a level that does not pay is loaded only if it is asked for', () => {
  const [slow, fast] = [false, true].map((pays) => [level('dot', true, pays), level('relaxed', true)]);
  assert.equal(chooseLevel('auto', slow).level, slow[1]);
  assert.equal(chooseLevel('dot', slow).level, slow[0]);
  assert.equal(chooseLevel('auto', fast).level, fast[0]);
  const unsupported = { ...level('dot', false), pays: () => assert.fail('tried where it does not work') };
  assert.equal(chooseLevel('auto', [unsupported, level('relaxed', true)]).level.name, 'relaxed');
});

test('levels that need the same stand in for each other, unless one is asked for', () => {
  const works = () => true;
  const levels = [{ name: 'dot', works, pays: works }, { name: 'relaxed', works }, level('simd128', true)];
  assert.equal(chooseLevel('auto', levels).spare, levels[1]);
  assert.equal(chooseLevel('auto', [{ ...levels[0], pays: () => false }, levels[1]]).spare.name, 'dot');
  assert.equal(chooseLevel('dot', levels).spare, undefined);
  assert.equal(chooseLevel('auto', [levels[2]]).spare, undefined);
});

test('a level that does not work is not loaded', () => {
  const levels = [level('relaxed', false), level('simd128', true)];
  assert.equal(chooseLevel('auto', levels).level, levels[1]);
  assert.throws(() => chooseLevel('relaxed', levels), { code: 'INK_ERR_UNSUPPORTED_HOST', message: /relaxed/ });
  assert.throws(() => chooseLevel('auto', [level('simd128', false)]), { code: 'INK_ERR_UNSUPPORTED_HOST', message: /no WebAssembly SIMD/ });
});

test('this Node has the level simd128', () => assert.equal(chooseLevel('simd128').level.name, 'simd128'));

/** What another Node, started with a flag, says. */
function relaxedInNode(...flags) {
  const script = `const { relaxedWorks } = await import(${JSON.stringify(asUrl(relaxed))}); console.log(relaxedWorks());`;
  return execFileSync(process.execPath, [...flags, '--input-type=module', '-e', script], { encoding: 'utf8' }).trim();
}

test('relaxed SIMD that computes wrong is found out', { skip: !process.version.startsWith('v20.') && 'it was mended after Node.js 20' }, () => {
  const flag = '--experimental-wasm-relaxed-simd';
  assert.equal(relaxedInNode(), 'false');
  assert.equal(relaxedInNode(flag, '--liftoff', '--no-wasm-tier-up'), 'false');
  assert.equal(relaxedInNode(flag, '--no-liftoff'), 'true');
});

/** Whether the processor has the dot product in one instruction; undefined where that is not known. */
function hasDotProduct() {
  try {
    const [, flags] = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'));
    return process.arch === 'x64' ? flags.includes(' avx_vnni') : flags.includes(' asimddp');
  } catch {
    return undefined;
  }
}

test('relaxed SIMD works in Chromium, and its dot product is tried', async (t) => {
  const server = await startServer({});
  const browser = await openBrowser();
  after(() => Promise.all([browser.close(), server.close()]));
  for (const [file, body] of [['relaxed', relaxed], ['dot-product', dotProduct]]) {
    await browser.context.route(`**/${file}.js`, (route) => route.fulfill({ contentType: 'text/javascript', body }));
  }
  const { page } = await openPage(browser.context, `${server.url}/blank`);
  assert.equal(await page.evaluate(async () => (await import('/relaxed.js')).relaxedWorks()), true);
  const paid = await page.evaluate(async () => {
    const { dotProductPays } = await import('/dot-product.js');
    return Array.from({ length: 9 }, dotProductPays).filter(Boolean).length;
  });
  t.diagnostic(`the dot product pays in ${paid} of 9 tries`);
  // On a busy machine a try can go wrong, which costs speed and nothing else.
  if (hasDotProduct() !== undefined) assert.equal(paid > 4, hasDotProduct());
});
