/** From the options of a run to what the engine takes. */
import { INK_DRAFT_AUTO, INK_DRAFT_OFF } from './constants.js';
import { invalidArgument } from './errors.js';
import type { Sampling } from './protocol.js';
import type { GenerateOptions } from './types.js';

type SamplingOptions = Omit<GenerateOptions, 'signal' | 'priority'>;

/** Types are checked here, ranges by the core. */
export function samplingOf(given: SamplingOptions): Sampling {
  const { stop = [], contextShift = false, draft = 'auto', ...options } = given;
  if (typeof contextShift !== 'boolean') throw invalidArgument('contextShift must be true or false.');
  return {
    seed: Math.floor(Math.random() * Number.MAX_SAFE_INTEGER),
    ...pickNumbers(options),
    contextShift,
    draft: draftNumber(draft),
    stop: typeof stop === 'string' ? [stop] : [...stop],
  };
}

/** The options that are given. */
function pickNumbers(options: Omit<SamplingOptions, 'stop' | 'contextShift' | 'draft'>): Partial<Sampling> {
  const { temperature, topK, topP, minP, repeatPenalty, seed, maxTokens, keepTokens } = options;
  const all = { temperature, topK, topP, minP, repeatPenalty, seed, maxTokens, keepTokens };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  const wrong = given.find(([, value]) => typeof value !== 'number');
  if (wrong) throw invalidArgument(`${wrong[0]} must be a number.`);
  return Object.fromEntries(given);
}

/** As the core has it. */
function draftNumber(draft: number | 'auto'): number {
  if (draft === 'auto') return INK_DRAFT_AUTO;
  if (!isWhole(draft)) throw invalidArgument("draft must be a whole number of tokens or 'auto'.");
  return draft === 0 ? INK_DRAFT_OFF : Math.min(draft, 2 ** 31 - 1);
}

export function isWhole(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
