/* UNROLLED stands before loops over arrays of vectors, which are registers only when no index is
 * left; A_PASS_AT_A_TIME before those of which clang would make long code by taking several passes
 * together; COMPACT before functions of which the same is true. */
#ifndef INK_KERNELS_UNROLLED_H
#define INK_KERNELS_UNROLLED_H

#if defined(VECTORS_ARE_ARRAYS)
#define UNROLLED
#elif defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif

#if defined(__clang__)
#define A_PASS_AT_A_TIME _Pragma("clang loop vectorize(disable)")
#define COMPACT __attribute__((minsize))
#else
#define A_PASS_AT_A_TIME
#define COMPACT
#endif

#endif
