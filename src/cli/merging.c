#include "cli/merging.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "cli/files.h"
#include "model/adapter.h"
#include "model/binding.h"

bool merging_open(merging *m, const options *o, const char *model) {
  m->base = load_description(model);
  if (!m->base) return false;
  for (; m->n < o->n_adapters; m->n++) {
    m->scales[m->n] = o->adapters[m->n].scale;
    m->adapters[m->n] = load_adapter(ink_loader_model(m->base), o->adapters[m->n].path);
    if (!m->adapters[m->n]) return false;
  }
  return true;
}

static void free_terms(merging *m) {
  for (size_t i = 0; i < m->n_terms; i++) {
    free((void *)(uintptr_t)m->terms[i].left);
    free((void *)(uintptr_t)m->terms[i].right);
  }
  m->n_terms = 0;
}

void merging_close(merging *m) {
  free_terms(m);
  for (size_t i = 0; i < m->n; i++) ink_adapter_free(m->adapters[i]);
  ink_loader_free(m->base);
  *m = (merging){0};
}

/* 0: it is none that adapters change. */
static uint32_t number_of(const merging *m, ink_str name) {
  const ink_model *model = ink_loader_model(m->base);
  for (uint32_t number = 1; number < ink_matrix_numbers(model->hparams.n_layer); number++) {
    char text[64];
    if (!ink_weights_matrix(&model->weights, model->architecture, number, text)) continue;
    if (ink_str_is(name, text)) return number;
  }
  return 0;
}

bool merging_changes(const merging *m, ink_str name) {
  if (m->n == 0) return false; /* and no base perhaps */
  uint32_t number = number_of(m, name);
  for (size_t i = 0; i < m->n && number; i++) {
    if (m->adapters[i]->pairs[number].b.data) return true;
  }
  return false;
}

/* A tensor's rows, or, transposed, its columns, one after another, and behind them zeros up to n_floats;
 * NULL: there is no memory. */
static float *read_floats(const ink_tensor *tensor, bool transposed, size_t n_floats) {
  size_t n_rows = tensor->n_rows, n_cols = tensor->n_cols;
  float *out = calloc(n_floats, sizeof *out), *row = malloc(n_cols * sizeof *row);
  for (size_t r = 0; out && row && r < n_rows; r++) {
    ink_tensor_dequantize_row(tensor, (uint32_t)r, row);
    for (size_t c = 0; c < n_cols; c++) out[transposed ? c * n_rows + r : r * n_cols + c] = row[c];
  }
  if (row) {
    free(row);
    return out;
  }
  free(out);
  return NULL;
}

/* What tokens are looked up in is A B^T, where other matrices change by B A. */
static ink_low_rank read_term(const ink_adapter_pair *pair, bool is_lookup, float scale) {
  const ink_tensor *a = &pair->a, *b = &pair->b;
  size_t rank = b->n_cols;
  ink_low_rank term = {.rank = b->n_cols, .scale = scale * pair->scale};
  if (is_lookup) {
    term.left = read_floats(a, false, a->n_rows * rank);
    term.right = read_floats(b, true, b->n_rows * rank);
  } else {
    term.left = read_floats(b, false, b->n_rows * rank);
    term.right = read_floats(a, false, a->n_cols * rank);
  }
  return term;
}

ink_status merging_read(merging *m, ink_str name, ink_error *error) {
  uint32_t number = number_of(m, name);
  free_terms(m);
  for (size_t i = 0; i < m->n && number; i++) {
    const ink_adapter_pair *pair = &m->adapters[i]->pairs[number];
    if (!pair->b.data) continue;
    ink_low_rank *term = &m->terms[m->n_terms++];
    *term = read_term(pair, number == ink_matrix_number(INK_TOKEN_EMBD, 0), m->scales[i]);
    if (!term->left || !term->right) {
      return ink_fail(error, INK_ERR_OUT_OF_MEMORY, "not enough memory for an adapter's matrices");
    }
  }
  return INK_OK;
}
