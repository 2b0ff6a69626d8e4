/** Whether relaxed SIMD is to be had. Validating is not enough: Node.js 20 validates it behind a flag, and its
 *  baseline compiler then loses what a dot product accumulates from one turn of a loop to the next. */

/**
 * (func (export "f") (param i32) (result i32) (local v128 v128)
 *   loop
 *     local 1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(splat  3, splat 5, local 1)
 *     local 2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(splat -7, splat 2, local 2)
 *     param -= 1; br_if 0
 *   end
 *   lane 0 of local 1 + lane 3 of local 2)
 */
const MODULE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 59, 1, 57, 1, 2, 123, 3, 64,
  65, 3, 253, 15, 65, 5, 253, 15, 32, 1, 253, 147, 2, 33, 1, 65, 121, 253, 15, 65, 2, 253, 15, 32, 2, 253, 147, 2, 33, 2,
  32, 0, 65, 1, 107, 34, 0, 13, 0, 11, 32, 1, 253, 27, 0, 32, 2, 253, 27, 3, 106, 11,
]);
const TURNS = 10;
const SUM = TURNS * (4 * 3 * 5 - 4 * 7 * 2);

/** For a level of relaxed kernels: {@link Level.works}. */
export function relaxedWorks(): boolean {
  if (!WebAssembly.validate(MODULE)) return false;
  const { f } = new WebAssembly.Instance(new WebAssembly.Module(MODULE)).exports as { f: (turns: number) => number };
  return f(TURNS) === SUM;
}
