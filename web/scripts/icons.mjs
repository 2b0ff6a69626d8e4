// Draws the demo app's bitmap icons from its icon.svg, in Chromium. Run it by hand when the drawing
// changes.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openBrowser } from '../test/lib/browser.mjs';

const PUBLIC = fileURLToPath(new URL('../demo/public/', import.meta.url));
// Launchers cut maskable icons to their own shape, and promise the inner four fifths alone.
const ICONS = [
  { file: 'icon-192.png', size: 192, share: 0.72, background: '#fbfaf7' },
  { file: 'icon-512.png', size: 512, share: 0.72, background: '#fbfaf7' },
  { file: 'icon-maskable-512.png', size: 512, share: 0.56, background: '#fbfaf7' },
];

const drawing = `data:image/svg+xml;base64,${readFileSync(`${PUBLIC}icon.svg`).toString('base64')}`;
const browser = await openBrowser();
const page = await browser.context.newPage();
for (const { file, size, share, background } of ICONS) {
  await page.setViewportSize({ width: size, height: size });
  const side = Math.round(size * share);
  await page.setContent(
    `<body style="margin:0;height:100vh;display:grid;place-items:center;background:${background}">` +
      `<img src="${drawing}" width="${side}" height="${side}">`,
  );
  writeFileSync(PUBLIC + file, await page.screenshot());
}
await browser.close();
