/* A single token times STREAMS panels that share each load of its columns, for types whose blocks
 * have 32 columns: where the number of instructions decides how fast that is, not memory. */
#ifndef INK_KERNELS_SHARED_COLUMNS_H
#define INK_KERNELS_SHARED_COLUMNS_H

#include "kernels/token_ops.h"

/* A token times STREAMS panels. */
typedef struct token_products {
  const uint8_t *panels[STREAMS]; /* where there are fewer, some are the same */
  f32x4 sums[STREAMS];
  const ink_q8_part *x;
  const token_columns *columns; /* of x, part by part */
} token_products;

/* The products of a part with each panel. So that no step needs more than its own registers,
 * columns are taken two groups at a time. */
SPECIALIZED void part_of_panels(ink_type type, const uint8_t *const panels[STREAMS],
                                const token_columns *columns, const ink_q8_part *x,
                                i32x4 rows[STREAMS]) {
  integer_class k = class_of(type);
  const size_t sum_steps = groups_per_sum(k.bits) / 2;
  products16 sums[STREAMS];
  i32x4 start = i32x4_splat(0);
  if (!PRODUCTS_SIGNED && k.zero) start = pair_products(i32x4_splat(pair_of(-k.zero)), x->sums);
  UNROLLED
  for (size_t step = 0; step < HALF_GROUPS; step++) {
    columns16 low = token_column(columns, step), high = token_column(columns, step + HALF_GROUPS);
    UNROLLED
    for (size_t i = 0; i < STREAMS; i++) {
      u8x16 groups[2];
      unpack_two_groups(type, panels[i], 0, step, zero_of(k), groups);
      weights16 w = weights_of_bytes(groups[0]);
      bool starts = step % sum_steps == 0, ends = (step + 1) % sum_steps == 0;
      sums[i] = starts ? products_of(w, low) : products_add(sums[i], w, low);
      sums[i] = products_add(sums[i], weights_of_bytes(groups[1]), high);
      if (ends) rows[i] = i32x4_sum(step < sum_steps ? start : rows[i], products_rows(sums[i]));
    }
    hold_order();
  }
}

#if PRODUCTS_NIBBLES
/* The same of bytes, which these sets' products do not take. */
SPECIALIZED void signed_part_of_panels(const uint8_t *const panels[STREAMS],
                                       const token_columns *columns, i32x4 rows[STREAMS]) {
  signed_sums sums[STREAMS] = {0};
  UNROLLED
  for (size_t g = 0; g < GROUPS; g++) {
    UNROLLED
    for (size_t i = 0; i < STREAMS; i++) {
      signed_sums_add_bytes(&sums[i], panels[i] + 8 + 16 * g, token_column(columns, g));
    }
    hold_order();
  }
  UNROLLED
  for (size_t i = 0; i < STREAMS; i++) rows[i] = signed_sums_rows(sums[i]);
}
#endif

SPECIALIZED void multiply_panels(ink_type type, size_t step, uint32_t n_parts,
                                 token_products *all) {
  integer_class k = class_of(type);
  const uint8_t *panels[STREAMS];
  f32x4 sums[STREAMS];
  UNROLLED
  for (size_t i = 0; i < STREAMS; i++) {
    panels[i] = all->panels[i];
    sums[i] = all->sums[i];
  }
  const ink_q8_part *x = all->x;
  const token_columns *columns = all->columns;
  for (; n_parts > 0; n_parts--) {
    do {
      i32x4 rows[STREAMS];
#if PRODUCTS_NIBBLES
      if (exceeds_products(k)) signed_part_of_panels(panels, columns++, rows);
#endif
      if (!exceeds_products(k)) part_of_panels(type, panels, columns++, x, rows);
      UNROLLED
      for (size_t i = 0; i < STREAMS; i++) {
        panel_header header;
        read_header(type, panels[i], &header);
        part_scales w = scales_of_part(type, &header, 0);
        sums[i] = add_token_term(k, sums[i], &w, x, rows[i]);
        hold_order();
      }
    } while (x++->has_residual);
    UNROLLED
    for (size_t i = 0; i < STREAMS; i++) panels[i] += step;
  }
  UNROLLED
  for (size_t i = 0; i < STREAMS; i++) all->sums[i] = sums[i];
}

#endif
