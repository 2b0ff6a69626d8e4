// What README.md promises is there: links, names, codes, and programs that compile.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as exports from 'inkling-wasm';

const WEB = fileURLToPath(new URL('..', import.meta.url));
const README = readFileSync(`${WEB}README.md`, 'utf8');
const PACKAGE = JSON.parse(readFileSync(`${WEB}package.json`, 'utf8'));

test('links lead somewhere', () => {
  const anchors = new Set(
    [...README.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
      title
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replace(/\s/g, '-'),
    ),
  );
  const links = [...README.matchAll(/\]\(([^)]+)\)/g)]
    .map(([, target]) => target)
    .filter((target) => !target.startsWith('https:'));
  assert.ok(links.length > 20);
  for (const link of links)
    assert.ok(
      link.startsWith('#') ? anchors.has(link.slice(1)) : existsSync(join(WEB, link)),
      link,
    );
});

test('every export, error code and development dependency is described', () => {
  const adapters = Object.keys(PACKAGE.exports)
    .filter((path) => /^\.\/[\w-]+$/.test(path))
    .map((path) => `inkling-wasm${path.slice(1)}`);
  assert.equal(adapters.length, 3);
  const codes = readFileSync(`${WEB}../src/inkling.h`, 'utf8')
    .match(/^ {2}INK_ERR_\w+(?= = \d)/gm)
    .map((line) => line.trim());
  for (const name of [
    ...Object.keys(exports),
    ...adapters,
    ...codes,
    ...Object.keys(PACKAGE.devDependencies),
  ]) {
    assert.ok(README.includes(name), `README.md says nothing of ${name}`);
  }
  const rows = README.match(/^\| `INK_ERR_\w+` \| .{10,} \|$/gm);
  assert.equal(rows.length, codes.length);
});

test('its programs compile', () => {
  const folder = mkdtempSync(`${WEB}test/readme-`);
  try {
    // What its programs are about, and what they leave to the reader.
    const library = Object.keys(exports).map(
      (name) => `declare const ${name}: typeof import('inkling-wasm').${name};`,
    );
    writeFileSync(
      join(folder, 'globals.d.ts'),
      `/// <reference types="dom-chromium-ai" />
      ${library.join('\n')}
      declare const model: import('inkling-wasm').Model, messages: import('inkling-wasm').Message[];
      declare const output: HTMLElement, signal: AbortSignal, controller: AbortController;
      declare const url: string, source: File, tools: object[], text: string;
      declare function showProgress(...parameters: unknown[]): void;
      declare function suggestSmaller(reason: string): void;
      declare module 'node:url' { export function pathToFileURL(path: string): URL; }`,
    );
    const programs = [...README.matchAll(/^```ts\n([\s\S]+?)^```$/gm)].map(
      ([, program]) => program,
    );
    assert.ok(programs.length > 8);
    programs.forEach((program, i) =>
      writeFileSync(join(folder, `program-${i}.ts`), `${program}\nexport {};\n`),
    );
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: '../types/tsconfig.json',
        compilerOptions: { noUnusedLocals: false },
        include: ['.'],
      }),
    );
    const { status, stdout } = spawnSync(
      process.execPath,
      [`${WEB}node_modules/typescript/bin/tsc`, '-p', folder],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
