#include "format/requantize.h"

#include <math.h>

#include "format/decode.h"
#include "format/encode.h"

#define N_PARTS 64u

/* The largest finite binary16: more than that, no scale can be relied upon to hold. */
#define MAX_HALF 65504.0f

typedef enum row_state { ROW_GOOD, ROW_NOT_FINITE, ROW_TOO_LARGE } row_state;

typedef struct work {
  const ink_requantize *job;
  uint64_t first, n;
  const uint8_t *in;
  uint8_t *out;
  uint64_t bad_row[N_PARTS];  /* the first in that part of the rows, */
  row_state state[N_PARTS];   /* and what is wrong there */
} work;

uint64_t ink_row_bytes(uint32_t type, uint64_t n_cols) {
  const ink_type_traits *traits = ink_type_get_traits(type);
  return n_cols / traits->block_columns * traits->block_bytes;
}

static row_state check(const ink_requantize *job, const float *x, uint32_t n_cols) {
  if (job->type == INK_TYPE_F32 || job->type == INK_TYPE_BF16) return ROW_GOOD;
  float largest = 0.0f;
  for (uint32_t c = 0; c < n_cols; c++) largest = fabsf(x[c]) > largest ? fabsf(x[c]) : largest;
  return largest > MAX_HALF ? ROW_TOO_LARGE : ROW_GOOD;
}

/* Sums first, so that what is small beside x is not rounded away bit by bit. False when a value is no
 * longer finite. */
static bool add_low_rank(const ink_requantize *job, uint64_t row, float *x, float *sums,
                         uint32_t n_cols) {
  for (uint32_t c = 0; c < n_cols; c++) sums[c] = 0.0f;
  for (size_t k = 0; k < job->n_added; k++) {
    const ink_low_rank *term = &job->added[k];
    for (uint32_t i = 0; i < term->rank; i++) {
      const float *right = term->right + (size_t)i * n_cols;
      float factor = term->scale * term->left[row * term->rank + i];
      for (uint32_t c = 0; c < n_cols; c++) sums[c] += factor * right[c];
    }
  }
  bool finite = true;
  for (uint32_t c = 0; c < n_cols; c++) {
    x[c] += sums[c];
    finite &= isfinite(x[c]) != 0;
  }
  return finite;
}

static void convert_rows(void *context, uint32_t part, uint32_t n_parts, uint32_t thread) {
  work *w = context;
  const ink_requantize *job = w->job;
  uint32_t n_cols = (uint32_t)job->tensor->dims[0];
  uint64_t in_bytes = ink_row_bytes(job->tensor->type, n_cols);
  uint64_t out_bytes = ink_row_bytes(job->type, n_cols);
  float *x = job->scratch + (size_t)thread * 2 * n_cols;
  w->state[part] = ROW_GOOD;
  for (uint64_t row = w->n * part / n_parts; row < w->n * (part + 1) / n_parts; row++) {
    uint64_t matrix = (w->first + row) / job->tensor->dims[1];
    bool finite = ink_decode_row((ink_type)job->tensor->type, w->in + row * in_bytes, n_cols, x);
    if (job->n_added) finite &= add_low_rank(job, w->first + row, x, x + n_cols, n_cols);
    w->state[part] = finite ? check(job, x, n_cols) : ROW_NOT_FINITE;
    if (w->state[part] != ROW_GOOD) {
      w->bad_row[part] = w->first + row;
      return;
    }
    ink_encode_row(job->type, x, job->importance ? job->importance + matrix * n_cols : NULL, n_cols,
                   w->out + row * out_bytes);
  }
}

ink_status ink_requantize_rows(const ink_requantize *job, ink_pool *pool, uint64_t first, uint64_t n,
                               const uint8_t *in, uint8_t *out, ink_error *error) {
  work w = {.job = job, .first = first, .n = n, .in = in, .out = out};
  uint32_t n_parts = n < N_PARTS ? (uint32_t)n : N_PARTS;
  ink_pool_run(pool, n_parts, convert_rows, &w);
  for (uint32_t part = 0; part < n_parts; part++) {
    if (w.state[part] == ROW_GOOD) continue;
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    w.state[part] == ROW_NOT_FINITE
                        ? "tensor '%.*s' holds a value that is infinite or not a number in row %llu; "
                          "the file is damaged"
                        : "tensor '%.*s' holds a value above 65504 in row %llu, more than %s has room "
                          "for; BF16 and F32 have",
                    INK_STR_ARGS(job->tensor->name), (unsigned long long)w.bad_row[part],
                    ink_type_name(job->type));
  }
  return INK_OK;
}
