// What the engines are asked: prompts of so many tokens, cut from a text by the model's own tokenizer.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { ROOT, requirePackage } from './measure.mjs';

const TEXT = `${ROOT}tests/data/wikitext2-valid-4x512.txt`;

/**
 * prompt(n, variant): { text, ids, tokens: n }, BOS included in n. Those of different variants differ from their first
 * words on, so that no engine can keep anything of one for the next; n = 0 stands for the shortest that there is.
 */
export async function openPrompts(path) {
  requirePackage();
  const { loadModel } = await import(`${ROOT}web/dist/index.js`);
  const model = await loadModel(pathToFileURL(path), { vocabularyOnly: true });
  const tokens = await model.tokenize(readFileSync(TEXT, 'utf8'));
  const bos = model.info.addsBos ? 1 : 0;
  return {
    async prompt(n, variant) {
      const first = (variant * 7) % 500;
      const ids = tokens.slice(first, first + Math.max(n - bos, 1));
      return { text: await model.detokenize(ids), ids, tokens: n };
    },
    close: () => model.dispose(),
  };
}

/**
 * The two tests of an engine that only generates: generate({ text, ids, tokens }) gives { read, made, prefillMs,
 * decodeMs }, where prefill ends and decoding begins with the first of the `made` tokens.
 */
export function testsByGenerating(generate) {
  return {
    async prefill({ text, ids }) {
      const { read, prefillMs } = await generate({ text, ids, tokens: 1 });
      return { rate: (read / prefillMs) * 1000, tokens: read };
    },
    async decode(tokens, { text, ids }) {
      const { made, decodeMs } = await generate({ text, ids, tokens: tokens + 1 });
      if (made < 2) throw new Error('it ended at once, so that there is nothing to measure');
      return { rate: ((made - 1) / decodeMs) * 1000, tokens: made - 1 };
    },
  };
}
