/* Which tables this build has and this processor can run: the only place that asks. */
#include "kernels/kernels.h"

#include <string.h>

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

#if defined(__aarch64__)
/* An extension of ARMv8.2, which not every processor has. */
static bool has_dot_product(void) {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#elif defined(__APPLE__)
  int has = 0;
  size_t size = sizeof has;
  return sysctlbyname("hw.optional.arm.FEAT_DotProd", &has, &size, NULL, 0) == 0 && has;
#else
  return false; /* no way to ask is known */
#endif
}
#endif

/* Slowest first. Where a host chooses among modules, INKLING_ONE_TABLE is this one's only table,
 * and the others are not linked. */
static size_t list_tables(const ink_kernels *tables[4]) {
  size_t n = 0;
#if defined(INKLING_ONE_TABLE)
  tables[n++] = &INKLING_ONE_TABLE;
#else
  tables[n++] = &ink_kernels_scalar;
#if defined(__wasm_simd128__)
  tables[n++] = &ink_kernels_wasm_simd128;
#if defined(__wasm_relaxed_simd__)
  /* The faster one of these two where engine and processor make one instruction of its products,
   * which only a measurement tells. */
  tables[n++] = &ink_kernels_wasm_relaxed_dot;
  tables[n++] = &ink_kernels_wasm_relaxed;
#endif
#elif defined(__x86_64__)
  bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
  if (has_avx2) tables[n++] = &ink_kernels_x86_avx2;
  if (has_avx2 && __builtin_cpu_supports("avxvnni")) tables[n++] = &ink_kernels_x86_avxvnni;
  if (has_avx2 && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl")) {
    tables[n++] = &ink_kernels_x86_avx512vnni;
  }
#elif defined(__aarch64__)
  if (has_dot_product()) tables[n++] = &ink_kernels_arm_neon;
#endif
#endif
  return n;
}

const ink_kernels *ink_kernels_select(const char *name) {
  const ink_kernels *tables[4];
  size_t n = list_tables(tables);
  if (!name || strcmp(name, "auto") == 0) return tables[n - 1];
  if (strcmp(name, "simd") == 0) return n > 1 ? tables[n - 1] : NULL;
  for (size_t i = 0; i < n; i++) {
    if (strcmp(tables[i]->name, name) == 0) return tables[i];
  }
  return NULL;
}

const char *ink_kernels_name(size_t index) {
  const ink_kernels *tables[4];
  return index < list_tables(tables) ? tables[index]->name : NULL;
}
