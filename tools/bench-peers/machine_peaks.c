#include "machine_peaks.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#elif defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define CHAINS 12 /* independent ones: more than an instruction's latency times its throughput */
#define TURNS 4000000u
#define ATTEMPTS 10 /* the best counts: it is a peak */

double seconds_now(void) {
  struct timespec t;
  timespec_get(&t, TIME_UTC);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Keeps the compiler from leaving out what made the value. */
static volatile uint32_t sink;

typedef uint32_t vector __attribute__((vector_size(16)));

double peak_read_rate(const void *data, size_t bytes) {
  double best = 0.0;
  for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
    vector sums[16] = {{0}};
    double start = seconds_now();
    const size_t quarter = bytes / sizeof(vector) / 4 / 4 * 4;
    for (const vector *at = data, *end = at + quarter; at < end; at += 4) {
      for (int i = 0; i < 16; i++) sums[i] += at[i / 4 * quarter + (size_t)i % 4];
    }
    double rate = (double)bytes / (seconds_now() - start);
    for (int i = 1; i < 16; i++) sums[0] += sums[i];
    sink = sums[0][0];
    if (rate > best) best = rate;
  }
  return best;
}

/* A function `name` that runs STEP TURNS times on each of CHAINS accumulators of type VECTOR. Each
 * is its own operand, so that no multiplication can be left out or moved out of the loop. */
#define MULTIPLY_LOOP(name, target, VECTOR, STEP)                                                  \
  target static void name(void) {                                                                  \
    VECTOR acc[CHAINS], b;                                                                         \
    memset(&b, (int)sink & 1, sizeof b);                                                           \
    for (int i = 0; i < CHAINS; i++) memset(&acc[i], (int)sink + i, sizeof acc[i]);                \
    for (uint32_t turn = 0; turn < TURNS; turn++) {                                                \
      for (int i = 0; i < CHAINS; i++) acc[i] = STEP(acc[i], b);                                   \
    }                                                                                              \
    uint32_t words[CHAINS];                                                                        \
    for (int i = 0; i < CHAINS; i++) memcpy(&words[i], &acc[i], sizeof words[i]);                  \
    for (int i = 0; i < CHAINS; i++) sink += words[i];                                             \
  }

#if defined(__wasm_simd128__)
MULTIPLY_LOOP(loop_simd128, , v128_t, wasm_i32x4_dot_i16x8)
#if defined(__wasm_relaxed_simd__)
#define STEP_DOT(acc, b) wasm_i32x4_relaxed_dot_i8x16_i7x16_add(b, b, acc)
MULTIPLY_LOOP(loop_relaxed, , v128_t, wasm_i16x8_relaxed_dot_i8x16_i7x16)
MULTIPLY_LOOP(loop_relaxed_dot, , v128_t, STEP_DOT)
#endif
#elif defined(__x86_64__)
#define STEP_AVXVNNI(acc, b) _mm256_dpbusd_avx_epi32(acc, b, b)
#define STEP_VNNI(acc, b) _mm512_dpbusd_epi32(acc, b, b)
MULTIPLY_LOOP(loop_avx2, __attribute__((target("avx2"))), __m256i, _mm256_maddubs_epi16)
MULTIPLY_LOOP(loop_avxvnni, __attribute__((target("avx2,avxvnni"))), __m256i, STEP_AVXVNNI)
MULTIPLY_LOOP(loop_vnni, __attribute__((target("avx512f,avx512vnni"))), __m512i, STEP_VNNI)
#elif defined(__aarch64__)
#define STEP_SDOT(acc, b) vdotq_s32(acc, vreinterpretq_s8_s32(b), vreinterpretq_s8_s32(b))
MULTIPLY_LOOP(loop_sdot, __attribute__((target("arch=armv8.2-a+dotprod"))), int32x4_t, STEP_SDOT)
#endif

static const struct {
  const char *kernels;
  void (*loop)(void);
  double products; /* of one instruction */
} instructions[] = {
#if defined(__wasm_simd128__)
    {"wasm_simd128", loop_simd128, 8.0},
#if defined(__wasm_relaxed_simd__)
    {"wasm_relaxed", loop_relaxed, 16.0},
    {"wasm_relaxed_dot", loop_relaxed_dot, 16.0},
#endif
#elif defined(__x86_64__)
    {"x86_avx2", loop_avx2, 32.0},
    {"x86_avxvnni", loop_avxvnni, 32.0},
    {"x86_avx512vnni", loop_vnni, 64.0},
#elif defined(__aarch64__)
    {"arm_neon", loop_sdot, 16.0},
#endif
    {"", NULL, 0.0},
};

double peak_multiply_rate(const char *kernels) {
  for (size_t i = 0; instructions[i].loop; i++) {
    if (strcmp(instructions[i].kernels, kernels) != 0) continue;
    double best = 0.0;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      double start = seconds_now();
      instructions[i].loop();
      double rate = instructions[i].products * CHAINS * TURNS / (seconds_now() - start);
      if (rate > best) best = rate;
    }
    return best;
  }
  return 0.0;
}
