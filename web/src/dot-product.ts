/** Whether relaxed SIMD's dot product of bytes is the fast way to multiply here. It is one instruction on processors with
 *  AVX-VNNI or Arm's dot product, if the browser knows of it, and about five elsewhere: that shows in nothing but time. */

/**
 * The inner loop of either kind of kernels, on 32 columns of 4 rows a turn. Both are in one function, so that the host
 * has optimised both or neither: with two, a busy machine was seen to compare one of each.
 *
 * (memory (export "m") 1)                              ;; activations from 0, weights from 1024
 * (func (export "f") (param turns i32) (param dots i32) (result i32)
 *   if dots: loop                                      ;; 16 bytes further each time, modulo 512
 *     total += dot_add(x7, w3, dot_add(x6, w2, dot_add(x5, w1, dot_add(x4, w0, 0))))
 *            + dot_add(x3, w3, dot_add(x2, w2, dot_add(x1, w1, dot_add(x0, w0, 0))))
 *                                                      ;; dot_add = i32x4.relaxed_dot_i8x16_i7x16_add_s
 *   else: loop
 *     total += i32x4.extadd_pairwise_i16x8_s(dot(x0, w0) + ... + dot(x7, w3))
 *                                                      ;; dot = i16x8.relaxed_dot_i8x16_i7x16_s
 *   lane 0 of total + lane 3 of total)
 */
const MODULE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1, 7, 9, 2, 1, 109, 2, 0, 1,
  102, 0, 0, 10, 200, 2, 1, 197, 2, 2, 1, 127, 6, 123, 32, 2, 253, 0, 4, 128, 8, 33, 3, 32, 2, 253, 0, 4, 144, 8, 33,
  4, 32, 2, 253, 0, 4, 160, 8, 33, 5, 32, 2, 253, 0, 4, 176, 8, 33, 6, 32, 1, 4, 64, 3, 64, 32, 2, 253, 0, 4, 112,
  32, 6, 32, 2, 253, 0, 4, 96, 32, 5, 32, 2, 253, 0, 4, 80, 32, 4, 32, 2, 253, 0, 4, 64, 32, 3, 32, 8, 253, 147, 2,
  253, 147, 2, 253, 147, 2, 253, 147, 2, 32, 2, 253, 0, 4, 48, 32, 6, 32, 2, 253, 0, 4, 32, 32, 5, 32, 2, 253, 0, 4,
  16, 32, 4, 32, 2, 253, 0, 4, 0, 32, 3, 32, 8, 253, 147, 2, 253, 147, 2, 253, 147, 2, 253, 147, 2, 253, 174, 1, 32,
  7, 253, 174, 1, 33, 7, 32, 2, 65, 16, 106, 65, 255, 3, 113, 33, 2, 32, 0, 65, 1, 107, 34, 0, 13, 0, 11, 5, 3, 64,
  32, 2, 253, 0, 4, 0, 32, 3, 253, 146, 2, 32, 2, 253, 0, 4, 16, 32, 4, 253, 146, 2, 253, 142, 1, 32, 2, 253, 0, 4,
  32, 32, 5, 253, 146, 2, 253, 142, 1, 32, 2, 253, 0, 4, 48, 32, 6, 253, 146, 2, 253, 142, 1, 32, 2, 253, 0, 4, 64,
  32, 3, 253, 146, 2, 253, 142, 1, 32, 2, 253, 0, 4, 80, 32, 4, 253, 146, 2, 253, 142, 1, 32, 2, 253, 0, 4, 96, 32,
  5, 253, 146, 2, 253, 142, 1, 32, 2, 253, 0, 4, 112, 32, 6, 253, 146, 2, 253, 142, 1, 253, 126, 32, 7, 253, 174, 1,
  33, 7, 32, 2, 65, 16, 106, 65, 255, 3, 113, 33, 2, 32, 0, 65, 1, 107, 34, 0, 13, 0, 11, 11, 32, 7, 253, 27, 0, 32,
  7, 253, 27, 3, 106, 11,
]);
type Loop = (turns: number, dots: 0 | 1) => number;
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
  const { m, f } = exports as { m: WebAssembly.Memory; f: Loop };
  new Uint8Array(m.buffer, 0, BYTES).set(Array.from({ length: BYTES }, (_, i) => (i * 37) & (i < 1024 ? 255 : LARGEST_WEIGHT)));
  if (f(TURNS, 1) !== f(TURNS, 0)) return false;
  let [dots, pairs] = [0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    dots = Math.max(dots, callsPerMs(f, 1));
    pairs = Math.max(pairs, callsPerMs(f, 0));
  }
  return dots > pairs;
}

/** Of loop(TURNS, dots), from one tick of the clock on, since ticks may be as long as the measurement; 0: it does not tick. */
function callsPerMs(loop: Loop, dots: 0 | 1): number {
  const before = performance.now();
  let start = before;
  for (let i = 0; i < MOST_READINGS && start === before; i++) start = performance.now();
  let now = start;
  let calls = 0;
  while (now - start < MEASURE_MS && calls < MOST_CALLS) {
    loop(TURNS, dots);
    calls++;
    now = performance.now();
  }
  return now > start ? calls / (now - start) : 0;
}
