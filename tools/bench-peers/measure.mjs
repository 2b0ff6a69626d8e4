// What the benchmarks share: medians with their spread, a default model, and a page to measure in.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openBrowser, openPage } from '../../web/test/lib/browser.mjs';
import { startServer } from '../../web/test/lib/server.mjs';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export function summary(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1) };
}

export const shown = ({ median, min, max }) => `${median.toFixed(1)} (${min.toFixed(1)} to ${max.toFixed(1)})`;

export function defaultModel() {
  return execFileSync(`${ROOT}tools/fetch`, { encoding: 'utf8' }).trim().split('\n').pop();
}

export function requirePackage() {
  if (existsSync(`${ROOT}web/dist/index.js`)) return;
  throw new Error('web/dist is missing; build it by npm run build in web/');
}

/** use(page, version): an empty page of a server with the package and `files`, in Chromium of that version.
 *  options: startServer()'s. */
export async function withPage(files, options, use) {
  requirePackage();
  const server = await startServer(files, options);
  const browser = await openBrowser();
  try {
    const { page } = await openPage(browser.context, `${server.url}/blank`);
    return await use(page, browser.context.browser().version());
  } finally {
    await browser.close();
    await server.close();
  }
}

/** Runs main() and reports what it throws: exit status 2 for a TypeError, which is bad usage. */
export function runMain(main, usage) {
  main().catch((error) => {
    console.error(`bench: ${error.message}${error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' ? `\n\n${usage}` : ''}`);
    process.exitCode = error instanceof TypeError ? 2 : 1;
  });
}

/** The whole number of an option, between least and most. */
export function wholeNumber(values, name, least, most) {
  const n = Number(values[name]);
  if (Number.isInteger(n) && n >= least && n <= most) return n;
  throw new TypeError(`--${name} must be a whole number from ${least} to ${most}`);
}
