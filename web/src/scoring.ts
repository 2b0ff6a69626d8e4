/** Runs the scoring of a text in steps short enough to be stopped between them. */
import { INK_TOKENIZE_BOS } from './constants.js';
import type { Engine } from './engine.js';
import { InklingError } from './errors.js';
import type { Pace } from './pace.js';
import { MAIN_SESSION } from './protocol.js';
import type { Score } from './types.js';

/**
 * Non-overlapping windows of `windowLength` text tokens (0: as many as fit, at most 512), each after BOS if the model
 * asks for one. Rejects with an InklingError, or with the signal's reason, and leaves the engine ready for the next.
 */
export async function score(engine: Engine, text: string, windowLength: number, pace: Pace, signal: AbortSignal): Promise<Score> {
  const room = engine.capacity(MAIN_SESSION);
  const tokens = engine.tokenize(text, 0);
  const bos = engine.tokenize('', INK_TOKENIZE_BOS);
  const length = windowLength || Math.min(room - bos.length, 512);
  if (length > room - bos.length) {
    throw new InklingError('INK_ERR_CONTEXT_FULL', `A window of ${length} tokens does not fit a context with room for ${room - bos.length}.`);
  }
  let scored = 0;
  let nll = 0;
  for (let first = 0; first < tokens.length; first += length) {
    const window = Int32Array.from([...bos, ...tokens.subarray(first, first + length)]);
    if (window.length < 2) continue; // a lone last token, and nothing to predict it from
    nll += await scoreWindow(engine, window, pace, signal);
    scored += window.length - 1;
  }
  if (scored === 0) throw new InklingError('INK_ERR_INVALID_ARGUMENT', 'The text is too short to be scored.');
  return { tokens: tokens.length, scored, nll: nll / scored, perplexity: Math.exp(nll / scored) };
}

async function scoreWindow(engine: Engine, window: Int32Array, pace: Pace, signal: AbortSignal): Promise<number> {
  engine.beginScore(MAIN_SESSION, window);
  let before = 0;
  for (;;) {
    const asked = pace.batchSize();
    const started = performance.now();
    const { done, nll } = engine.scoreStep(MAIN_SESSION, asked);
    // The last step of a window may be shorter, and tells little of the speed.
    if (done === before + asked) pace.record(asked, performance.now() - started);
    await pace.pause(signal);
    if (done === window.length) return nll;
    before = done;
  }
}
