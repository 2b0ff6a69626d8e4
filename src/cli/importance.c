#include "cli/importance.h"

#include <stdlib.h>
#include <string.h>

#include "cli/files.h"

#define MAX_NAME 256u

bool importance_open(importance *im, const char *path) {
  *im = (importance){0};
  if (!gguf_file_open(&im->file, path)) return false;
  ink_error error;
  ink_str type;
  const ink_gguf *gguf = &im->file.parts[0].stream.gguf;
  ink_status status = ink_gguf_get_str(gguf, "general.type", "", &type, &error);
  if (status == INK_OK && !ink_str_is(type, "imatrix")) {
    status = ink_fail(&error, INK_ERR_BAD_MODEL,
                      "'%s' has no importance weights: its general.type is not 'imatrix'", path);
  }
  if (status == INK_OK) return true;
  report(&error);
  importance_close(im);
  return false;
}

void importance_close(importance *im) { gguf_file_close(&im->file); }

/* The F32 tensor NAME.ENDING of `n` scalars in the file's only part; *values is NULL when there is
 * none. */
static ink_status read_values(importance *im, ink_str name, const char *ending, uint64_t n,
                              float **values, ink_error *error) {
  gguf_part *part = &im->file.parts[0];
  char full[MAX_NAME];
  *values = NULL;
  if (name.len > MAX_NAME - 16) return INK_OK;
  snprintf(full, sizeof full, "%.*s%s", (int)name.len, name.data, ending);
  uint32_t i = ink_index_find(&part->stream.gguf.tensor_index, (ink_str){full, strlen(full)});
  if (i == INK_INDEX_NONE) return INK_OK;
  const ink_gguf_tensor *tensor = &part->stream.gguf.tensors[i];
  if (tensor->type != INK_TYPE_F32 || tensor->n_bytes != n * sizeof **values) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "the importance weights '%s' are not %llu F32 values: they are of another "
                    "model",
                    full, (unsigned long long)n);
  }
  *values = malloc((size_t)tensor->n_bytes);
  if (!*values) return ink_fail_memory(error, tensor->n_bytes, "importance weights");
  return gguf_part_read(part, tensor->offset, *values, (size_t)tensor->n_bytes, error);
}

/* Sums to means. A matrix that saw no input, as an expert may, counts all columns the same. */
static ink_status average(float *sums, const float *counts, uint64_t n_cols, uint64_t n_matrices,
                          ink_str name, ink_error *error) {
  for (uint64_t m = 0; m < n_matrices; m++) {
    float *row = sums + m * n_cols;
    for (uint64_t c = 0; c < n_cols; c++) {
      row[c] = counts[m] > 0.0f ? row[c] / counts[m] : 1.0f;
      if (row[c] >= 0.0f && row[c] < 1e18f) continue;
      return ink_fail(error, INK_ERR_BAD_MODEL,
                      "the importance weights of '%.*s' are not finite or negative in column %llu",
                      INK_STR_ARGS(name), (unsigned long long)c);
    }
  }
  return INK_OK;
}

ink_status importance_read(importance *im, const ink_gguf_tensor *tensor, float **weights,
                           ink_error *error) {
  uint64_t n_cols = tensor->dims[0], n_matrices = tensor->dims[2] * tensor->dims[3];
  float *counts = NULL;
  ink_status status =
      read_values(im, tensor->name, ".in_sum2", n_cols * n_matrices, weights, error);
  if (status == INK_OK && *weights) {
    status = read_values(im, tensor->name, ".counts", n_matrices, &counts, error);
    if (status == INK_OK && !counts) {
      status = ink_fail(error, INK_ERR_BAD_MODEL, "the importance weights of '%.*s' have no counts",
                        INK_STR_ARGS(tensor->name));
    }
    if (status == INK_OK) {
      status = average(*weights, counts, n_cols, n_matrices, tensor->name, error);
    }
    im->n_used += status == INK_OK;
  }
  free(counts);
  if (status == INK_OK) return INK_OK;
  free(*weights);
  *weights = NULL;
  return status;
}
