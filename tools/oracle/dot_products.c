/* The engine's products of a matrix of any block type with token vectors, for dot_error.py.
 *
 *   cc -O2 -Isrc tools/oracle/dot_products.c build/native/libinkling.a -lm -lpthread -o dot_products
 *   dot_products [KERNELS] < INPUT > OUTPUT
 *
 * INPUT: type, n_rows (a multiple of 4), n_columns, n_tokens as u32; the rows' blocks; the tokens
 * as f32 [n_tokens][n_columns]. OUTPUT: f32 [n_tokens][n_rows]. */
#include <stdio.h>
#include <stdlib.h>

#include "kernels/kernels.h"

static void *take(size_t n_bytes) {
  void *bytes = aligned_alloc(64, (n_bytes + 64) / 64 * 64);
  if (!bytes || fread(bytes, 1, n_bytes, stdin) != n_bytes) exit(1);
  return bytes;
}

static void *room(size_t n_bytes) { return aligned_alloc(64, (n_bytes + 64) / 64 * 64); }

int main(int argc, char **argv) {
  uint32_t header[4];
  if (fread(header, sizeof *header, 4, stdin) != 4) return 1;
  ink_type type = (ink_type)header[0];
  uint32_t n_rows = header[1], n_cols = header[2], n_tokens = header[3];
  const ink_type_traits *traits = ink_type_get_traits(type);
  if (!traits || n_rows % INK_PANEL_ROWS || n_cols % traits->block_columns) return 1;
  ink_tensor weights = {{"w", 1}, type, n_rows, n_cols,
                        take((size_t)ink_tensor_bytes(type, n_rows, n_cols))};
  float *x = take((size_t)n_tokens * n_cols * sizeof *x);
  if (ink_panel_repack(&weights, room((size_t)ink_panel_bytes(type, n_cols)), NULL) != INK_OK) {
    return 1;
  }
  const ink_kernels *kernels = ink_kernels_select(argc > 1 ? argv[1] : "auto");
  if (!kernels) return 1;
  uint32_t n_parts = n_cols / INK_BLOCK;
  bool fine = traits->fine_activations;
  size_t stride = ink_q8_stride(n_parts, fine);
  ink_q8_part *activations = room((size_t)n_tokens * stride * sizeof *activations);
  kernels->quantize(x, n_tokens, n_cols, fine, activations);
  ink_matmul job = {.weights = &weights,
                    .end_row = n_rows,
                    .n_tokens = n_tokens,
                    .x = activations,
                    .fine = fine,
                    .x_f32 = x,
                    .y = room((size_t)n_tokens * n_rows * sizeof(float)),
                    .y_stride = n_rows,
                    .scratch = room(ink_scratch_parts(n_parts, fine) * sizeof(ink_unpacked_part))};
  kernels->matmul(&job);
  fwrite(job.y, sizeof *job.y, (size_t)n_tokens * n_rows, stdout);
  return 0;
}
