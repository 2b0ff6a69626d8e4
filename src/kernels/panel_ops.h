/* Matrix kernels for quantised panels, written once over the primitives of a vec_*.h and a
 * products_*.h, which must be included before. Panels are unpacked once, WIDE_PANELS at a time, and
 * used for every tile of 4 tokens (tile_ops.h, or on WebAssembly tile_rotated.h); a single token has
 * kernels of its own (token_ops.h). */
#ifndef INK_KERNELS_PANEL_OPS_H
#define INK_KERNELS_PANEL_OPS_H

#if TILES_ARE_ROTATED
#include "kernels/tile_rotated.h"
#else
#include "kernels/tile_ops.h"
#endif
#include "kernels/shared_columns.h"
#if PANELS_SHARE_COLUMNS
#include "kernels/shared_planes.h"
#endif

_Static_assert(sizeof(token_columns) <= INK_TOKEN_COLUMNS_BYTES, "scratch has room for them");

/* ---- Unpacking panel `at` of those that are multiplied together ---- */

SPECIALIZED void unpack_panel(ink_type type, const uint8_t *panel, size_t step, uint32_t n_parts,
                                uint32_t at, ink_unpacked_part *out) {
  integer_class k = class_of(type);
  for (; n_parts > 0; n_parts -= parts_of(type), panel += step) {
    panel_header header;
    read_header(type, panel, &header);
    for (uint32_t b = 0; b < parts_of(type); b++, out++) {
      fetch_part_ahead(type, panel, step, b);
      u8x16 groups[GROUPS];
      unpack_groups(type, panel, b, zero_of(k), groups);
      part_scales w = scales_of_part(type, &header, b);
      size_t row = at * INK_PANEL_ROWS;
      f32x4_store(out->d + row, w.d);
      if (k.n_minima) f32x4_store(out->m + row, w.m);
      if (k.n_minima > 1) f32x4_store(out->m_low + row, w.m_low);
      i32x4 scales[2] = {i32x4_splat(1), i32x4_splat(1)};
      if (k.n_scales > 1) {
        scales[0] = scale_of_half(type, &header, b, 0);
        scales[1] = scale_of_half(type, &header, b, 1);
      }
      if (is_common(type)) {
        UNROLLED
        for (size_t g = 0; g < GROUPS; g++) {
          store_group(k, out, at, g, groups[g], scales[g / HALF_GROUPS]);
        }
      } else {
        for (size_t g = 0; g < GROUPS; g++) {
          store_group(k, out, at, g, groups[g], scales[g / HALF_GROUPS]);
        }
      }
      store_scales(k, out, at, scales);
    }
  }
}

/* ---- The functions of each type; `step` is a panel block's bytes ---- */

typedef struct panel_kernel {
  void (*unpack)(const uint8_t *panel, size_t step, uint32_t n_parts, uint32_t at,
                 ink_unpacked_part *out);
  void (*multiply_token)(const uint8_t *panel, size_t step, uint32_t n_parts,
                         token_product *product);
  void (*multiply_panels)(size_t step, uint32_t n_parts, token_products *products); /* or that */
  void (*multiply_tile)(const ink_unpacked_part *parts, const panel_job *job);
} panel_kernel;

/* Types of one class share this. */
#define TILE_KERNEL(NAME, TYPE)                                                                    \
  static void multiply_tile_##NAME(const ink_unpacked_part *parts, const panel_job *job) {         \
    multiply_tile(class_of(INK_TYPE_##TYPE), parts, job);                                          \
  }

TILE_KERNEL(nibbles, Q4_0)
TILE_KERNEL(nibbles_and_minimum, Q4_1)
TILE_KERNEL(5_bits, Q5_0)
TILE_KERNEL(5_bits_and_minimum, Q5_1)
TILE_KERNEL(bytes, Q8_0)
TILE_KERNEL(two_bits, Q2_K)
TILE_KERNEL(6_bits, Q6_K)

#define UNPACK_KERNEL(NAME)                                                                        \
  static void unpack_##NAME(const uint8_t *panel, size_t step, uint32_t n_parts, uint32_t at,      \
                            ink_unpacked_part *out) {                                              \
    unpack_panel(INK_TYPE_##NAME, panel, step, n_parts, at, out);                                  \
  }

#define PANEL_KERNEL(NAME)                                                                         \
  UNPACK_KERNEL(NAME)                                                                              \
  static void multiply_token_##NAME(const uint8_t *panel, size_t step, uint32_t n_parts,           \
                                    token_product *product) {                                      \
    multiply_token(INK_TYPE_##NAME, panel, step, n_parts, product);                                \
  }

#define SHARED_KERNEL(NAME)                                                                        \
  UNPACK_KERNEL(NAME)                                                                              \
  static void multiply_panels_##NAME(size_t step, uint32_t n_parts, token_products *products) {    \
    multiply_panels(INK_TYPE_##NAME, step, n_parts, products);                                     \
  }

#define PLANES_KERNEL(NAME)                                                                        \
  UNPACK_KERNEL(NAME)                                                                              \
  COMPACT static void multiply_panels_##NAME(size_t step, uint32_t n_parts,                        \
                                             token_products *products) {                           \
    multiply_planes(INK_TYPE_##NAME, step, n_parts, products);                                     \
  }

/* The most common types of 32 columns, and those in planes of which a sum has room for a part. */
#if PANELS_SHARE_COLUMNS
SHARED_KERNEL(Q4_0)
SHARED_KERNEL(Q4_1)
SHARED_KERNEL(Q5_0)
SHARED_KERNEL(Q8_0)
PLANES_KERNEL(Q2_K)
PLANES_KERNEL(Q3_K)
PLANES_KERNEL(Q4_K)
PLANES_KERNEL(Q6_K)
PLANES_KERNEL(TQ2_0)
#else
PANEL_KERNEL(Q4_0)
PANEL_KERNEL(Q4_1)
PANEL_KERNEL(Q5_0)
PANEL_KERNEL(Q8_0)
PANEL_KERNEL(Q2_K)
PANEL_KERNEL(Q3_K)
PANEL_KERNEL(Q4_K)
PANEL_KERNEL(Q6_K)
PANEL_KERNEL(TQ2_0)
#endif
PANEL_KERNEL(Q5_1)
PANEL_KERNEL(Q5_K)
PANEL_KERNEL(IQ4_NL)
PANEL_KERNEL(IQ4_XS)
PANEL_KERNEL(TQ1_0)
PANEL_KERNEL(MXFP4)

#define ENTRY(NAME, tile)                                                                          \
  [INK_TYPE_##NAME] = {.unpack = unpack_##NAME,                                                    \
                       .multiply_token = multiply_token_##NAME,                                    \
                       .multiply_tile = multiply_tile_##tile}
#if PANELS_SHARE_COLUMNS
#define SHARED_ENTRY(NAME, tile)                                                                   \
  [INK_TYPE_##NAME] = {.unpack = unpack_##NAME,                                                    \
                       .multiply_panels = multiply_panels_##NAME,                                  \
                       .multiply_tile = multiply_tile_##tile}
#else
#define SHARED_ENTRY ENTRY
#endif

static const panel_kernel panel_kernels[INK_TYPE_END] = {
    SHARED_ENTRY(Q4_0, nibbles),
    ENTRY(TQ1_0, nibbles),
    SHARED_ENTRY(TQ2_0, nibbles),
    SHARED_ENTRY(Q4_1, nibbles_and_minimum),
    SHARED_ENTRY(Q4_K, nibbles_and_minimum),
    SHARED_ENTRY(Q5_0, 5_bits),
    ENTRY(MXFP4, 5_bits),
    ENTRY(Q5_1, 5_bits_and_minimum),
    ENTRY(Q5_K, 5_bits_and_minimum),
    SHARED_ENTRY(Q8_0, bytes),
    ENTRY(IQ4_NL, bytes),
    ENTRY(IQ4_XS, bytes),
    SHARED_ENTRY(Q2_K, two_bits),
    SHARED_ENTRY(Q3_K, 6_bits),
    SHARED_ENTRY(Q6_K, 6_bits),
};

#undef ENTRY
#undef SHARED_ENTRY
#undef PANEL_KERNEL
#undef SHARED_KERNEL
#undef PLANES_KERNEL
#undef UNPACK_KERNEL
#undef TILE_KERNEL

static void spread_columns(ink_type type, const ink_q8_part *x, uint32_t n_parts,
                           token_columns *out) {
  for (; n_parts > 0; n_parts -= !x->has_residual, x++, out++) {
#if PRODUCTS_NIBBLES
    if (exceeds_products(class_of(type))) {
      signed_columns_store(out, x->q);
      continue;
    }
#endif
    token_columns_store(out, x->q);
  }
  (void)type;
}

/* What follows from a job. */
typedef struct matmul_layout {
  const panel_kernel *kernel;
  size_t step;        /* bytes of a panel block */
  size_t panel_bytes;
  size_t x_stride;    /* parts of a token */
  size_t turn_bytes;  /* of a panel that are read in a turn */
  uint32_t turn_parts;
  uint32_t n_parts;
  uint32_t tiled;     /* tokens in tiles; the others' columns are spread out: */
  token_columns *columns;
} matmul_layout;

/* One token reads each weight once: what counts is how fast memory gives them. A processor looks
 * ahead in each place that is read in order, but only so far, so several are read in turns. */
#define TURN_BLOCKS 4u /* of 32 columns; of 256, one */

static void multiply_in_turns(const matmul_layout *l, uint32_t n_panels, token_products *all) {
  token_product products[STREAMS];
  for (uint32_t i = 0; i < n_panels; i++) {
    products[i] = (token_product){all->sums[i], all->x, all->columns};
  }
  for (uint32_t left = l->n_parts, n; left > 0; left -= n) {
    n = left < l->turn_parts ? left : l->turn_parts;
    for (uint32_t i = 0; i < n_panels; i++) {
      l->kernel->multiply_token(all->panels[i], l->step, n, &products[i]);
      all->panels[i] += l->turn_bytes;
    }
  }
  for (uint32_t i = 0; i < n_panels; i++) all->sums[i] = products[i].sum;
}

/* Tokens that fill no tile times `n` panels `apart`, of which `first` is the first one. */
static void multiply_tokens(const ink_matmul *job, const matmul_layout *l, uint32_t first,
                            uint32_t apart, uint32_t n) {
  token_products y = {.columns = l->columns};
  for (uint32_t t = l->tiled; t < job->n_tokens; t++) {
    y.x = job->x + t * l->x_stride;
    y.columns = l->columns + (t - l->tiled) * l->x_stride;
    for (uint32_t i = 0; i < STREAMS; i++) {
      uint32_t panel = first + (i < n ? i : 0) * apart;
      y.panels[i] = job->weights->data + panel * l->panel_bytes;
      y.sums[i] = f32x4_splat(0.0f);
    }
    if (PANELS_SHARE_COLUMNS && l->kernel->multiply_panels) {
      l->kernel->multiply_panels(l->step, l->n_parts, &y);
    } else {
      multiply_in_turns(l, n, &y);
    }
    float *row = job->y + t * job->y_stride + first * INK_PANEL_ROWS;
    for (uint32_t i = 0; i < n; i++) f32x4_store(row + i * apart * INK_PANEL_ROWS, y.sums[i]);
  }
}

/* Tokens in tiles times the `n` panels from `first` on. */
static void multiply_tiles(const ink_matmul *job, const matmul_layout *l, uint32_t first,
                           uint32_t n) {
  _Alignas(16) int32_t halfway[INK_TILE_TOKENS * WIDE_ROWS];
  _Alignas(16) float sums[INK_TILE_TOKENS * WIDE_ROWS];
  const uint8_t *panel = job->weights->data + first * l->panel_bytes;
  for (uint32_t i = 0; i < n; i++, panel += l->panel_bytes) {
    l->kernel->unpack(panel, l->step, l->n_parts, i, job->scratch);
  }
  panel_job tile = {.y_stride = job->y_stride,
                    .n_parts = l->n_parts,
                    .n_panels = n,
                    .halfway = halfway,
                    .sums = sums};
  for (uint32_t t = 0; t < l->tiled; t += INK_TILE_TOKENS) {
    tile.x = job->x + t * l->x_stride;
    tile.y = job->y + t * job->y_stride + first * INK_PANEL_ROWS;
    l->kernel->multiply_tile(job->scratch, &tile);
  }
}

static void matmul(const ink_matmul *job) {
  if (matmul_floats(job)) return;
  ink_type type = job->weights->type;
  uint32_t n_parts = job->weights->n_cols / INK_BLOCK;
  const ink_type_traits *traits = ink_type_get_traits(type);
  uint32_t turn_blocks = traits->block_columns == INK_BLOCK ? TURN_BLOCKS : 1;
  size_t step = (size_t)traits->block_bytes * INK_PANEL_ROWS;
  matmul_layout l = {
      .kernel = &panel_kernels[type],
      .step = step,
      .turn_bytes = turn_blocks * step,
      .turn_parts = turn_blocks * (traits->block_columns / INK_BLOCK),
      .panel_bytes = (size_t)ink_panel_bytes(type, job->weights->n_cols),
      .x_stride = ink_q8_stride(n_parts, job->fine),
      .n_parts = n_parts,
      .tiled = job->n_tokens / INK_TILE_TOKENS * INK_TILE_TOKENS,
      .columns = (token_columns *)(void *)(job->scratch + n_parts),
  };
  for (uint32_t t = l.tiled; t < job->n_tokens; t++) {
    spread_columns(type, job->x + t * l.x_stride, n_parts, l.columns + (t - l.tiled) * l.x_stride);
  }
  uint32_t first = job->first_row / INK_PANEL_ROWS, end = job->end_row / INK_PANEL_ROWS;
  if (!l.tiled) {
    uint32_t run = (end - first) / STREAMS;
    for (uint32_t last = first + run; first < last; first++) {
      multiply_tokens(job, &l, first, run, STREAMS);
    }
    first += run * (STREAMS - 1);
    if (first < end) multiply_tokens(job, &l, first, 1, end - first);
    return;
  }
  for (uint32_t n; first < end; first += n) {
    n = end - first < STREAMS ? end - first : STREAMS;
    for (uint32_t i = 0; i < n; i += WIDE_PANELS) {
      multiply_tiles(job, &l, first + i, n - i < WIDE_PANELS ? n - i : WIDE_PANELS);
    }
    multiply_tokens(job, &l, first, 1, n);
  }
}

#undef GROUPS
#undef HALF_GROUPS

#endif
