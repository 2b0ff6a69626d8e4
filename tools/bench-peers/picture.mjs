// A picture of the comparison: for each model a row of charts, one a test, with a bar for each engine. The SVG stands
// alone and follows the reader's light or dark setting.
const [CHART, BAR, GAP, MARGIN] = [250, 18, 6, 24];
const LETTER = 6.4; // about as wide, so that the longest label has room
const [TITLE, HEADING, AXIS] = [34, 26, 16];

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; } .small { fill: #59636e; font-size: 11px; }
  .page { fill: #ffffff; } .own { fill: #3b6fd4; } .peer { fill: #a8b1bd; }
  .line { stroke: #d1d9e0; } .spread { stroke: #1f2328; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; } .small { fill: #9198a1; } .page { fill: #0d1117; }
    .own { fill: #6a9cf5; } .peer { fill: #5b6571; } .line { stroke: #3d444d; } .spread { stroke: #f0f6fc; }
  }`;

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const text = (x, y, content, attributes = '') => `<text x="${x}" y="${y}" ${attributes}>${escape(content)}</text>`;

/** The least round number that is no smaller: 1, 2 or 5 times a power of ten. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((round) => round >= value);
}

function chart(x, y, test, results, shownEngines) {
  const most = roundUp(Math.max(...shownEngines.map(({ name }) => results[name]?.max ?? 0), 1));
  const width = (rate) => Math.round((rate / most) * (CHART - 60));
  const height = shownEngines.length * (BAR + GAP);
  const parts = [text(x, y - 8, test), `<path class="line" d="M${x} ${y}v${height}"/>`];
  shownEngines.forEach(({ name, own }, i) => {
    const result = results[name];
    const top = y + i * (BAR + GAP) + GAP / 2;
    if (!result) return;
    const { median, min, max } = result;
    const middle = top + BAR / 2;
    parts.push(
      `<rect class="${own ? 'own' : 'peer'}" x="${x}" y="${top}" width="${width(median) + 1}" height="${BAR}" rx="2"/>`,
      `<path class="spread" d="M${x + width(min)} ${middle}H${x + width(max)}"/>`,
      text(x + width(max) + 5, top + 13, median.toFixed(median < 100 ? 1 : 0)),
    );
  });
  return parts.join('\n');
}

export function drawPicture({ date, machine, settings, engines, models }) {
  const measured = models.map(({ title, results }) => {
    const tests = Object.keys(results).filter((test) => test !== 'start');
    const own = (label) => label.startsWith('Inkling');
    const present = Object.entries(engines)
      .filter(([name]) => tests.some((test) => results[test][name]))
      .map(([name, { label }]) => ({ name, label, own: own(label) }));
    return { title, results, tests, present, height: TITLE + HEADING + present.length * (BAR + GAP) + AXIS };
  });
  const letters = Math.max(...measured.flatMap(({ present }) => present.map(({ label }) => label.length)), 1);
  const labels = Math.ceil(letters * LETTER) + 12;
  const width = 2 * MARGIN + labels + CHART * Math.max(...measured.map(({ tests }) => tests.length), 1);
  const parts = [];
  let y = MARGIN;
  for (const { title, results, tests, present, height } of measured) {
    const top = y + TITLE + HEADING;
    parts.push(text(MARGIN, y + 15, title, 'class="title"'));
    present.forEach(({ label }, i) => {
      parts.push(text(MARGIN + labels - 12, top + i * (BAR + GAP) + 16, label, 'text-anchor="end"'));
    });
    tests.forEach((test, i) => {
      const [kind, n, depth] = test.split(/[-@]/);
      const heading = kind === 'prefill' ? `prefill, ${n} tokens` : `decode at depth ${depth}`;
      parts.push(chart(MARGIN + labels + i * CHART, top, heading, results[test], present));
    });
    y += height;
  }
  const how = `Tokens per second, median of ${settings.reps} in turns; lines from the least to the most.`;
  const note = `${how} ${machine.cpu}, ${date.slice(0, 10)}.`;
  parts.push(text(MARGIN, y + 12, note, 'class="small"'));
  const size = `width="${width}" height="${y + MARGIN}" viewBox="0 0 ${width} ${y + MARGIN}"`;
  const page = '<rect class="page" width="100%" height="100%"/>';
  const content = [`<style>${STYLE}\n</style>`, page, ...parts].join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>\n${content}\n</svg>\n`;
}
