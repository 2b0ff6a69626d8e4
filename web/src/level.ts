/** The engine's modules: one for each level of SIMD instructions, alone and with threads. */
import { dotProductPays } from './dot-product.js';
import { InklingError } from './errors.js';
import { relaxedWorks } from './relaxed.js';

export interface Level {
  /** As in {@link LoadOptions.kernels}. */
  readonly name: string;
  /** This host has the level's instructions, and computes them right. */
  readonly works: () => boolean;
  /** It is faster here than those after it, as a short try shows; without: it always is. */
  readonly pays?: () => boolean;
  readonly single: URL;
  readonly threads: URL;
}

/** A function that runs one SIMD instruction: (func (result v128) i32.const 0 i8x16.splat i8x16.popcnt). */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/** Fastest first; the last is what every host must have. The URLs are written out for bundlers to find. */
export const LEVELS: readonly Level[] = [
  {
    name: 'relaxed-dot',
    works: relaxedWorks,
    pays: dotProductPays,
    single: new URL('./inkling-relaxed-dot.wasm', import.meta.url),
    threads: new URL('./inkling-relaxed-dot-threads.wasm', import.meta.url),
  },
  {
    name: 'relaxed',
    works: relaxedWorks,
    single: new URL('./inkling-relaxed.wasm', import.meta.url),
    threads: new URL('./inkling-relaxed-threads.wasm', import.meta.url),
  },
  {
    name: 'simd128',
    works: () => WebAssembly.validate(SIMD_PROBE),
    single: new URL('./inkling.wasm', import.meta.url),
    threads: new URL('./inkling-threads.wasm', import.meta.url),
  },
];

export interface ChosenLevel {
  readonly level: Level;
  /** The name of the kernels to ask of it; '': its fastest. */
  readonly kernels: string;
  /** For when the level's module can't be had: the choice may be another one each time that it is measured, and what a
   *  page that is offline has kept may be the other's. */
  readonly spare: Level | undefined;
}

/** The level to load. `kernels` is 'auto', '' (the same), a level's name, or kernels that every level has. Throws
 *  INK_ERR_UNSUPPORTED_HOST. */
export function chooseLevel(kernels: string, levels = LEVELS): ChosenLevel {
  const asked = levels.find(({ name }) => name === kernels);
  const works = (level: Level) => typeof WebAssembly === 'object' && level.works();
  const level = asked ? works(asked) && asked : levels.find((one) => works(one) && (one.pays?.() ?? true));
  if (level) {
    const spare = asked ? undefined : levels.find((one) => one !== level && one.works === level.works);
    return { level, kernels: asked || kernels === 'auto' ? '' : kernels, spare };
  }
  throw new InklingError(
    'INK_ERR_UNSUPPORTED_HOST',
    asked && asked !== levels.at(-1)
      ? `This browser does not have what the kernels '${kernels}' need; leave them out for the fastest that it can run.`
      : 'This browser has no WebAssembly SIMD, which the engine needs. Chrome and Edge have it from version 91, ' +
        'Firefox from 89, Safari from 16.4.',
  );
}
