/* UNROLLED stands before loops over arrays of vectors, which are registers only when no index is
 * left. */
#ifndef INK_KERNELS_UNROLLED_H
#define INK_KERNELS_UNROLLED_H

#if defined(VECTORS_ARE_ARRAYS)
#define UNROLLED
#elif defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif

#endif
