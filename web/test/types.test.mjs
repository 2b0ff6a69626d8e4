// That code written for the originals compiles with the adapters in their place; see types/.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const TSC = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));

for (const project of ['types', 'types-ai-6']) {
  test(`${project} compiles`, () => {
    const { status, stdout } = spawnSync(
      process.execPath,
      [TSC, '-p', fileURLToPath(new URL(project, import.meta.url))],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, stdout);
  });
}
