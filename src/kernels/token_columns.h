/* A token's columns where products take them as whole vectors: spread out once for all rows, so that
 * a product's operand is a load without an index, which engines fold into the address. */
#ifndef INK_KERNELS_TOKEN_COLUMNS_H
#define INK_KERNELS_TOKEN_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

typedef struct token_columns {
  columns16 x[8];
} token_columns;

static inline void token_columns_store(token_columns *out, const int8_t *q) {
  columns_load(q, out->x);
  columns_load(q + 16, out->x + 4);
}
static inline columns16 token_column(const token_columns *columns, size_t g) {
  return columns->x[g];
}

#endif
