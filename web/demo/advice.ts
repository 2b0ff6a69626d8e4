/** What an error means to a visitor, and what they can do about it. */
import { InklingError } from 'inkling-wasm';
import type { Words } from './words/index.js';

export interface ErrorAdvice {
  title: string;
  advice: string;
  /** The code and the engine's own words. */
  detail: string;
}

export function adviceFor(error: unknown, words: Words): ErrorAdvice {
  if (!(error instanceof InklingError))
    return { title: words.wrong[0], advice: words.wrong[1], detail: String(error) };
  const [title, advice] =
    error.httpStatus === 404 ? words.notThere : (words.errors[error.code] ?? words.wrong);
  return { title, advice, detail: `${error.code}: ${error.message}` };
}
