/** Whether relaxed SIMD's dot product of bytes is the fast way to multiply here. It is one instruction on processors with
 *  AVX-VNNI or Arm's dot product, if the browser knows of it, and about five elsewhere: that shows in nothing but time. */

/**
 * The inner loop of either kind of kernels, on 32 columns of 4 rows a turn.
 *
 * (memory (export "m") 1)                              ;; activations from 0, weights from 1024
 * (func (export "d") (param i32) (result i32)
 *   loop                                               ;; param turns; 16 bytes further each time, modulo 512
 *     total += dot_add(x3, w3, dot_add(x2, w2, dot_add(x1, w1, dot_add(x0, w0, 0))))
 *            + dot_add(x7, w3, dot_add(x6, w2, dot_add(x5, w1, dot_add(x4, w0, 0))))
 *   end                                                ;; dot_add = i32x4.relaxed_dot_i8x16_i7x16_add_s
 *   lane 0 of total + lane 3 of total)
 * (func (export "p") ...                               ;; the same, but for
 *     total += i32x4.extadd_pairwise_i16x8_s(dot(x0, w0) + ... + dot(x7, w3)))
 *                                                      ;; dot = i16x8.relaxed_dot_i8x16_i7x16_s
 */
const MODULE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 3, 2, 0, 0, 5, 3, 1, 0, 1, 7, 13, 3, 1, 109, 2, 0, 1,
  100, 0, 0, 1, 112, 0, 1, 10, 249, 2, 2, 178, 1, 2, 1, 127, 6, 123, 32, 1, 253, 0, 0, 128, 8, 33, 2, 32, 1, 253, 0, 0,
  144, 8, 33, 3, 32, 1, 253, 0, 0, 160, 8, 33, 4, 32, 1, 253, 0, 0, 176, 8, 33, 5, 3, 64, 32, 1, 253, 0, 0, 48, 32, 5,
  32, 1, 253, 0, 0, 32, 32, 4, 32, 1, 253, 0, 0, 16, 32, 3, 32, 1, 253, 0, 0, 0, 32, 2, 32, 7, 253, 147, 2, 253, 147,
  2, 253, 147, 2, 253, 147, 2, 32, 1, 253, 0, 0, 112, 32, 5, 32, 1, 253, 0, 0, 96, 32, 4, 32, 1, 253, 0, 0, 80, 32, 3,
  32, 1, 253, 0, 0, 64, 32, 2, 32, 7, 253, 147, 2, 253, 147, 2, 253, 147, 2, 253, 147, 2, 253, 174, 1, 32, 6, 253, 174,
  1, 33, 6, 32, 1, 65, 16, 106, 65, 255, 3, 113, 33, 1, 32, 0, 65, 1, 107, 34, 0, 13, 0, 11, 32, 6, 253, 27, 0, 32, 6,
  253, 27, 3, 106, 11, 194, 1, 2, 1, 127, 6, 123, 32, 1, 253, 0, 0, 128, 8, 33, 2, 32, 1, 253, 0, 0, 144, 8, 33, 3, 32,
  1, 253, 0, 0, 160, 8, 33, 4, 32, 1, 253, 0, 0, 176, 8, 33, 5, 3, 64, 32, 1, 253, 0, 0, 0, 32, 2, 253, 146, 2, 32, 1,
  253, 0, 0, 16, 32, 3, 253, 146, 2, 253, 142, 1, 32, 1, 253, 0, 0, 32, 32, 4, 253, 146, 2, 253, 142, 1, 32, 1, 253, 0,
  0, 48, 32, 5, 253, 146, 2, 253, 142, 1, 32, 1, 253, 0, 0, 64, 32, 2, 253, 146, 2, 253, 142, 1, 32, 1, 253, 0, 0, 80,
  32, 3, 253, 146, 2, 253, 142, 1, 32, 1, 253, 0, 0, 96, 32, 4, 253, 146, 2, 253, 142, 1, 32, 1, 253, 0, 0, 112, 32, 5,
  253, 146, 2, 253, 142, 1, 253, 126, 32, 6, 253, 174, 1, 33, 6, 32, 1, 65, 16, 106, 65, 255, 3, 113, 33, 1, 32, 0, 65,
  1, 107, 34, 0, 13, 0, 11, 32, 6, 253, 27, 0, 32, 6, 253, 27, 3, 106, 11,
]);
type Loop = (turns: number) => number;
const BYTES = 2048;
const LARGEST_WEIGHT = 15; // so that 8 products have room in 16 bits

/** Of one call: some microseconds. */
const TURNS = 256;
/** Of one measurement, if the clock can tell; the best of each loop's counts. */
const MEASURE_MS = 0.4;
const ROUNDS = 6;
/** Where a clock stands still for long, as some browsers' do. */
const MOST_READINGS = 20_000;
const MOST_CALLS = 2_000;

/** For a level of kernels on the dot product, where relaxed SIMD works. Takes 5 ms, or 20 with a clock of milliseconds. */
export function dotProductPays(): boolean {
  let exports;
  try {
    ({ exports } = new WebAssembly.Instance(new WebAssembly.Module(MODULE)));
  } catch (error) {
    if (error instanceof RangeError) return false; // no addresses for a memory: the engine's own will say so
    throw error;
  }
  const { m, d, p } = exports as { m: WebAssembly.Memory; d: Loop; p: Loop };
  new Uint8Array(m.buffer, 0, BYTES).set(Array.from({ length: BYTES }, (_, i) => (i * 37) & (i < 1024 ? 255 : LARGEST_WEIGHT)));
  if (d(TURNS) !== p(TURNS)) return false;
  let [dots, pairs] = [0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    dots = Math.max(dots, callsPerMs(d));
    pairs = Math.max(pairs, callsPerMs(p));
  }
  return dots > pairs;
}

/** Of loop(TURNS), from one tick of the clock on, since ticks may be as long as the measurement; 0: it does not tick. */
function callsPerMs(loop: Loop): number {
  const before = performance.now();
  let start = before;
  for (let i = 0; i < MOST_READINGS && start === before; i++) start = performance.now();
  let now = start;
  let calls = 0;
  while (now - start < MEASURE_MS && calls < MOST_CALLS) {
    loop(TURNS);
    calls++;
    now = performance.now();
  }
  return now > start ? calls / (now - start) : 0;
}
