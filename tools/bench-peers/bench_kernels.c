/* How fast each table of kernels but `scalar` multiplies weights of each type: with many tokens, as
 * in prefill, by weights that fit a cache; with one token, as in decode, by more than caches hold.
 *
 *   bench_kernels MEGABYTES [TYPE...]
 *
 * MEGABYTES of weights for decode; all types if none is given. Prints a JSON object a line: first
 * the machine's peaks, then {"kernels", "type", "gmacs", "gbs"}: 10^9 multiplications a second in
 * prefill and 10^9 bytes of weights a second in decode. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inkling.h"
#include "kernels/kernels.h"
#include "machine_peaks.h"

#define N_COLS 1536u /* a multiple of every block's columns */
#define PREFILL_ROWS 576u
#define PREFILL_TOKENS 64u
#define N_PARTS (N_COLS / INK_BLOCK)
#define WARM_UP_SECONDS 0.15 /* browsers compile in two steps, the better one while this runs */
#define MEASURE_SECONDS 0.1

/* All that a product needs; `weights` are allocated for the most rows. */
typedef struct product {
  ink_tensor weights;
  float *x;          /* [PREFILL_TOKENS][N_COLS] */
  float *y;          /* [PREFILL_TOKENS][n_rows] */
  ink_q8_part *parts;
  ink_unpacked_part *unpacked;
} product;

static void *allocate(size_t bytes) {
  void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (memory) return memory;
  fprintf(stderr, "bench_kernels: no memory for %zu bytes\n", bytes);
  exit(1);
}

static uint32_t next_random(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

/* Bytes from 0x22 to 0x41 are finite numbers of ordinary size in every type, scales included. */
static void make_weights(ink_type type, size_t bytes, product *p) {
  uint32_t row_bytes = (uint32_t)ink_tensor_bytes(type, INK_PANEL_ROWS, N_COLS) / INK_PANEL_ROWS;
  uint32_t rows = (uint32_t)(bytes / row_bytes) / INK_GROUP_ROWS * INK_GROUP_ROWS;
  if (rows < PREFILL_ROWS) rows = PREFILL_ROWS;
  uint64_t size = ink_tensor_bytes(type, rows, N_COLS);
  uint8_t *data = allocate((size_t)size);
  uint32_t state = type + 1;
  for (uint64_t i = 0; i < size; i++) data[i] = (uint8_t)(0x22 + next_random(&state) % 32);
  p->weights = (ink_tensor){{"weights", 7}, type, rows, N_COLS, data};
  uint8_t *scratch = allocate((size_t)ink_panel_bytes(type, N_COLS) + 1);
  ink_error error;
  if (ink_panel_repack(&p->weights, scratch, &error) != INK_OK) {
    fprintf(stderr, "bench_kernels: %s\n", error.message);
    exit(1);
  }
  free(scratch);
  p->y = allocate(sizeof *p->y * PREFILL_TOKENS * rows);
}

/* Seconds for one product of `rows` rows with `n_tokens` tokens. */
static double time_product(const ink_kernels *kernels, product *p, uint32_t rows,
                           uint32_t n_tokens) {
  bool fine = ink_type_get_traits(p->weights.type)->fine_activations;
  kernels->quantize(p->x, n_tokens, N_COLS, fine, p->parts);
  ink_matmul job = {.weights = &p->weights, .end_row = rows, .n_tokens = n_tokens, .x = p->parts,
                    .fine = fine, .x_f32 = p->x, .y = p->y, .y_stride = rows, .scratch = p->unpacked};
  double start = seconds_now();
  while (seconds_now() - start < WARM_UP_SECONDS) kernels->matmul(&job);
  uint32_t n = 0;
  start = seconds_now();
  do {
    kernels->matmul(&job);
    n++;
  } while (seconds_now() - start < MEASURE_SECONDS);
  return (seconds_now() - start) / n;
}

static bool is_wanted(const char *name, int n, char **names) {
  for (int i = 0; i < n; i++) {
    if (strcmp(names[i], name) == 0) return true;
  }
  return n == 0;
}

static void measure_type(ink_type type, size_t bytes, product *p) {
  make_weights(type, bytes, p);
  uint32_t rows = p->weights.n_rows;
  double weight_bytes = (double)ink_tensor_bytes(type, rows, N_COLS);
  const char *name;
  for (size_t i = 1; (name = ink_kernels_name(i)) != NULL; i++) { /* 0 is scalar: not about speed */
    const ink_kernels *kernels = ink_kernels_select(name);
    double prefill = time_product(kernels, p, PREFILL_ROWS, PREFILL_TOKENS);
    double decode = time_product(kernels, p, rows, 1);
    printf("{\"kernels\":\"%s\",\"type\":\"%s\",\"gmacs\":%.2f,\"gbs\":%.2f}\n", name,
           ink_type_name(type), (double)PREFILL_ROWS * N_COLS * PREFILL_TOKENS / prefill * 1e-9,
           weight_bytes / decode * 1e-9);
    fflush(stdout);
  }
  free(p->weights.data);
  free(p->y);
}

static void measure_peaks(size_t bytes) {
  uint8_t *data = allocate(bytes);
  memset(data, 1, bytes);
  printf("{\"peak\":\"read\",\"gbs\":%.2f}\n", peak_read_rate(data, bytes) * 1e-9);
  free(data);
  const char *name;
  for (size_t i = 1; (name = ink_kernels_name(i)) != NULL; i++) {
    double rate = peak_multiply_rate(name);
    if (rate > 0.0) printf("{\"peak\":\"%s\",\"gmacs\":%.2f}\n", name, rate * 1e-9);
  }
}

int main(int argc, char **argv) {
  unsigned long megabytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
  if (megabytes < 1 || megabytes > 1024) {
    fprintf(stderr, "usage: bench_kernels MEGABYTES [TYPE...]\n");
    return 2;
  }
  size_t bytes = (size_t)megabytes << 20;
  measure_peaks(bytes);
  size_t n_parts = (size_t)PREFILL_TOKENS * ink_q8_stride(N_PARTS, true); /* at the most */
  product p = {.x = allocate(sizeof(float) * PREFILL_TOKENS * N_COLS),
               .parts = allocate(sizeof(ink_q8_part) * n_parts),
               .unpacked = allocate(sizeof(ink_unpacked_part) * ink_scratch_parts(N_PARTS, true))};
  uint32_t state = 1;
  for (uint32_t i = 0; i < PREFILL_TOKENS * N_COLS; i++) {
    p.x[i] = (float)next_random(&state) * 0x1p-24f - 0.5f;
  }
  for (uint32_t type = 0; type < INK_TYPE_END; type++) {
    const ink_type_traits *traits = ink_type_get_traits(type);
    if (traits && is_wanted(traits->name, argc - 2, argv + 2)) measure_type(type, bytes, &p);
  }
  free(p.x);
  free(p.parts);
  free(p.unpacked);
  return 0;
}
