/* Asking for memory before its turn comes. */
#ifndef INK_KERNELS_PREFETCH_H
#define INK_KERNELS_PREFETCH_H

#include <stddef.h>
#include <stdint.h>

/* So many bytes ahead, loops that read weights in order ask for them: two pages, for processors
 * foresee little beyond the page that is read. 0 where it was never timed, or is not to be had. */
#if defined(__x86_64__)
#define FETCH_AHEAD 8192u
#else
#define FETCH_AHEAD 0u
#endif

/* Asks the processor for what is needed soon, where compilers know how. Into the second cache: the
 * first one takes few requests at a time, and loads would wait for them. */
static inline void prefetch(const void *p, size_t n_bytes) {
  for (size_t at = 0; at < n_bytes; at += 64) __builtin_prefetch((const int8_t *)p + at, 0, 2);
}

#endif
