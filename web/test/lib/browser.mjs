// Chromium and Firefox, each with a profile of its own, and Chromium kept off the network.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';
import { removeFolder } from './folders.mjs';

export const FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** options.args come on top of what every Chromium here has. */
export async function openBrowser({ args = [], ...options } = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'inkling-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROME ?? '/usr/bin/chromium',
    headless: true,
    args: [...FLAGS, ...args],
    ...options,
  });
  return {
    context,
    async close() {
      await context.close();
      await removeFolder(profile);
    },
  };
}

/** A new page; what it and its workers complain of lands in `complaints`. */
export async function openPage(context, url) {
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints };
}

/**
 * Waits until `holds(argument)` is true in a page of Playwright's; fails with what the page shows then. Looks by the clock:
 * frames, which Playwright would look at, may never come in a page that the browser takes for hidden.
 */
export async function waitFor(page, holds, argument, limitMs = 90_000) {
  const start = performance.now();
  try {
    await page.waitForFunction(holds, argument, { polling: 20, timeout: limitMs });
  } catch (error) {
    const seen = page.evaluate(() => `It is ${document.visibilityState} and says:\n${document.body.innerText}`);
    const shown = await Promise.race([seen.catch(String), setTimeout(5000, 'The page does not answer.')]);
    throw new Error(`${error.message}\n${Math.round(performance.now() - start)} ms for ${holds}\n${shown}`, { cause: error });
  }
}

// ---- Either browser ----

/**
 * By name: how to open it. It then has close() and visit(url), whose pages have evaluate(), complaints and close().
 * Chromium has its context besides, and its pages are Playwright's `own`.
 */
export const BROWSERS = { chromium: openChromium, firefox: openFirefox };

async function openChromium() {
  const { context, close } = await openBrowser();
  return {
    context,
    close,
    async visit(url) {
      const { page, complaints } = await openPage(context, url);
      return { own: page, complaints, evaluate: (code, argument) => page.evaluate(code, argument), close: () => page.close() };
    },
  };
}

/** By WebDriver BiDi, which is Firefox's own. */
async function openFirefox() {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    headless: true,
  });
  return {
    close: () => browser.close(),
    async visit(url) {
      const page = await browser.newPage();
      const complaints = [];
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('console', (message) => {
        if (['error', 'warn'].includes(message.type())) complaints.push(message.text());
      });
      await page.goto(url);
      return { complaints, evaluate: (code, argument) => page.evaluate(code, argument), close: () => page.close() };
    },
  };
}
