import { INK_KV_BF16, INK_KV_DEFAULT, INK_KV_F16, INK_KV_F32, INK_KV_Q8_0 } from './constants.js';
import { invalidArgument } from './errors.js';
import type { KvCacheType } from './types.js';

const KV_TYPES: ReadonlyMap<KvCacheType, number> = new Map([
  ['default', INK_KV_DEFAULT], ['f32', INK_KV_F32], ['f16', INK_KV_F16], ['bf16', INK_KV_BF16], ['q8_0', INK_KV_Q8_0],
]);

/** The core's number of that type. */
export function kvNumber(kvCache: KvCacheType): number {
  const number = KV_TYPES.get(kvCache);
  if (number === undefined) throw invalidArgument(`kvCache must be one of ${[...KV_TYPES.keys()].join(', ')}.`);
  return number;
}

/** 0: the default. */
export function checkContextLength(contextLength: number): void {
  if (Number.isInteger(contextLength) && contextLength >= 0 && contextLength < 2 ** 32) return;
  throw invalidArgument('contextLength must be a whole number of tokens.');
}
