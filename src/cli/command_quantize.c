/* quantize and merge: a model's file in other types or with adapters added for good, tensor by tensor,
 * through a temporary file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/importance.h"
#include "cli/merging.h"
#include "format/encode.h"
#include "format/gguf_write.h"
#include "model/recipe.h"

/* Scalars that are converted at a time, if that is a row at least. */
#define CHUNK_SCALARS (4u << 20)

#define QUANTIZATION_VERSION 2u /* of the block types as they are, general.quantization_version */

typedef struct task {
  const options *options;
  ink_allocator allocator;
  const ink_recipe *recipe; /* NULL: each tensor keeps its type */
  ink_recipe_model model;
  gguf_file in;
  importance importance; /* when options->importance is given */
  merging merging;       /* of no adapters, when quantising */
  ink_gguf_tensor *out;  /* [n_tensors] as they will be in the file */
  size_t n_tensors;
  size_t embedding;      /* see untie() */
  ink_gguf_writer header;
  ink_pool *pool;
  char *temporary; /* where the output is written until it is whole */
  FILE *file;
  uint64_t bytes_done; /* of the input's tensors, for the progress shown */
  uint64_t bytes_total;
} task;

/* ---- What is to be written ---- */

static bool is_quantized(uint32_t type) { return ink_type_get_traits(type)->block_columns > 1; }

static ink_status describe_model(task *t, ink_error *error) {
  const ink_gguf *gguf = &t->in.parts[0].stream.gguf;
  ink_str architecture;
  char key[128];
  INK_TRY(ink_gguf_get_str(gguf, "general.architecture", "", &architecture, error));
  t->model.is_falcon = ink_str_is(architecture, "falcon");
  snprintf(key, sizeof key, "%.*s.block_count", INK_STR_ARGS(architecture));
  INK_TRY(ink_gguf_get_u32(gguf, key, 0, &t->model.n_layer, error));
  snprintf(key, sizeof key, "%.*s.expert_count", INK_STR_ARGS(architecture));
  INK_TRY(ink_gguf_get_u32(gguf, key, 0, &t->model.n_expert, error));
  t->model.has_importance = t->options->importance != NULL;
  t->model.pure = t->options->pure;
  for (size_t i = 0; i < t->in.names.n; i++) {
    ink_str output = {"output.weight", 13};
    const ink_index *names = &t->in.parts[i].stream.gguf.tensor_index;
    if (ink_index_find(names, output) != INK_INDEX_NONE) t->model.has_output = true;
  }
  return INK_OK;
}

static bool begins_with(ink_str key, const char *text) {
  size_t len = strlen(text);
  return key.len >= len && memcmp(key.data, text, len) == 0;
}

/* Keys that are no longer true, or are written anew. */
static bool is_replaced(const task *t, ink_str key) {
  if (begins_with(key, "split.")) return true;
  return t->recipe && (begins_with(key, "quantize.imatrix.") ||
                       ink_str_is(key, "general.file_type") ||
                       ink_str_is(key, "general.quantization_version"));
}

static ink_status put_values(task *t, ink_error *error) {
  const ink_gguf *gguf = &t->in.parts[0].stream.gguf;
  for (size_t i = 0; i < gguf->n_values; i++) {
    if (is_replaced(t, gguf->values[i].key)) continue;
    INK_TRY(ink_gguf_writer_copy(&t->header, &gguf->values[i], error));
  }
  if (!t->recipe) return INK_OK;
  INK_TRY(ink_gguf_writer_put_u32(&t->header, "general.quantization_version", QUANTIZATION_VERSION,
                                  error));
  INK_TRY(ink_gguf_writer_put_u32(&t->header, "general.file_type", t->recipe->file_type, error));
  if (!t->options->importance) return INK_OK;
  ink_str path = {t->options->importance, strlen(t->options->importance)};
  return ink_gguf_writer_put_string(&t->header, "quantize.imatrix.file", path, error);
}

/* An adapter of an embedding that serves as the output too changes what tokens are looked up in alone.
 * So the output becomes a tensor of its own, the last, of what the embedding was. */
static bool untie(task *t) {
  ink_str embedding = {"token_embd.weight", 17};
  if (t->model.has_output || !merging_changes(&t->merging, embedding)) return false;
  t->model.has_output = true;
  return true;
}

/* What tensor i of the output is made of. */
static const ink_gguf_tensor *source_of(const task *t, size_t i, gguf_part **part) {
  bool is_untied = i == gguf_file_n_tensors(&t->in);
  return gguf_file_tensor(&t->in, is_untied ? t->embedding : i, part);
}

static ink_status describe_tensor(task *t, size_t i, ink_error *error) {
  gguf_part *part;
  const ink_gguf_tensor *source = source_of(t, i, &part);
  ink_gguf_tensor *out = &t->out[i];
  *out = *source;
  if (ink_str_is(source->name, "token_embd.weight")) {
    if (i < gguf_file_n_tensors(&t->in)) t->embedding = i;
    else out->name = (ink_str){"output.weight", 13};
  }
  if (t->recipe) out->type = ink_recipe_choose(t->recipe, &t->model, out);
  t->bytes_total += source->n_bytes;
  if (merging_changes(&t->merging, out->name) && !ink_can_encode(out->type)) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_TYPE,
                    "tensor '%.*s' changes, and is of type %s, which can be read but not written; "
                    "give a TYPE",
                    INK_STR_ARGS(out->name), ink_type_name(out->type));
  }
  return ink_gguf_writer_put_tensor(&t->header, out, error);
}

static ink_status describe_tensors(task *t, ink_error *error) {
  t->n_tensors = gguf_file_n_tensors(&t->in) + (untie(t) ? 1 : 0);
  t->out = malloc((t->n_tensors + 1) * sizeof *t->out);
  if (!t->out) return ink_fail_memory(error, t->n_tensors * sizeof *t->out, "tensor descriptions");
  for (size_t i = 0; i < t->n_tensors; i++) INK_TRY(describe_tensor(t, i, error));
  return INK_OK;
}

static ink_status describe(task *t, ink_error *error) {
  uint32_t alignment;
  INK_TRY(describe_model(t, error));
  const ink_gguf *gguf = &t->in.parts[0].stream.gguf;
  INK_TRY(ink_gguf_get_u32(gguf, "general.alignment", 32, &alignment, error));
  INK_TRY(ink_gguf_writer_begin(&t->header, &t->allocator, alignment, error));
  INK_TRY(put_values(t, error));
  INK_TRY(describe_tensors(t, error));
  return ink_gguf_writer_end(&t->header, error);
}

/* ---- Writing it ---- */

static ink_status write_bytes(task *t, const void *bytes, size_t len, ink_error *error) {
  errno = 0;
  if (fwrite(bytes, 1, len, t->file) == len) return INK_OK;
  return ink_fail(error, INK_ERR_IO, "can't write to '%s': %s", t->options->operands[1],
                  strerror(errno));
}

static ink_status write_padding(task *t, uint64_t size, ink_error *error) {
  static const uint8_t zeros[4096];
  uint64_t padding = -size & (t->header.alignment - 1);
  while (padding > 0) {
    size_t n = padding < sizeof zeros ? (size_t)padding : sizeof zeros;
    INK_TRY(write_bytes(t, zeros, n, error));
    padding -= n;
  }
  return INK_OK;
}

static void show_progress(task *t, const ink_gguf_tensor *tensor, uint64_t bytes) {
  t->bytes_done += bytes;
  if (!isatty(STDERR_FILENO)) return;
  int percent = (int)(100.0 * (double)t->bytes_done / (double)t->bytes_total);
  fprintf(stderr, "\r%3d %%  %-40.*s", percent,
          (int)(tensor->name.len < 40 ? tensor->name.len : 40), tensor->name.data);
  if (t->bytes_done == t->bytes_total) fprintf(stderr, "\r%50s\r", "");
}

/* Memory for a piece of a tensor: n_rows rows as they are and as they are to be. */
typedef struct piece {
  uint64_t n_rows;
  uint8_t *in, *out;
  float *scratch;
} piece;

static void free_piece(piece *p) {
  free(p->in);
  free(p->out);
  free(p->scratch);
}

static ink_status allocate_piece(piece *p, const ink_gguf_tensor *from, ink_type to,
                                 uint32_t n_threads, ink_error *error) {
  uint64_t rows = from->dims[1] * from->dims[2] * from->dims[3];
  p->n_rows = CHUNK_SCALARS / from->dims[0];
  if (p->n_rows == 0) p->n_rows = 1;
  if (p->n_rows > rows) p->n_rows = rows;
  uint64_t in_size = p->n_rows * ink_row_bytes(from->type, from->dims[0]);
  uint64_t out_size = p->n_rows * ink_row_bytes(to, from->dims[0]);
  uint64_t scratch_size = n_threads * 2 * from->dims[0] * sizeof(float);
  if (in_size <= SIZE_MAX && out_size <= SIZE_MAX && scratch_size <= SIZE_MAX) {
    p->in = malloc((size_t)in_size);
    p->out = malloc((size_t)out_size);
    p->scratch = malloc((size_t)scratch_size);
  }
  if (p->in && p->out && p->scratch) return INK_OK;
  return ink_fail_memory(error, in_size + out_size + scratch_size, "a piece of a tensor");
}

/* Rows that stay as they are are copied. */
static ink_status write_rows(task *t, gguf_part *part, const ink_requantize *job, piece *p,
                             ink_error *error) {
  const ink_gguf_tensor *tensor = job->tensor;
  uint64_t rows = tensor->dims[1] * tensor->dims[2] * tensor->dims[3];
  uint64_t in_row = ink_row_bytes(tensor->type, tensor->dims[0]);
  uint64_t out_row = ink_row_bytes(job->type, tensor->dims[0]);
  bool changes = job->type != tensor->type || job->n_added > 0;
  for (uint64_t row = 0; row < rows; row += p->n_rows) {
    uint64_t n = rows - row < p->n_rows ? rows - row : p->n_rows;
    uint64_t offset = tensor->offset + row * in_row;
    INK_TRY(gguf_part_read(part, offset, p->in, (size_t)(n * in_row), error));
    if (changes) {
      INK_TRY(ink_requantize_rows(job, t->pool, row, n, p->in, p->out, error));
    }
    const uint8_t *bytes = changes ? p->out : p->in;
    INK_TRY(write_bytes(t, bytes, (size_t)(n * out_row), error));
    show_progress(t, tensor, n * in_row);
  }
  return INK_OK;
}

static ink_status write_tensor(task *t, size_t i, ink_error *error) {
  gguf_part *part;
  ink_requantize job = {.tensor = source_of(t, i, &part), .type = (ink_type)t->out[i].type};
  float *weights = NULL;
  if (merging_changes(&t->merging, t->out[i].name)) {
    INK_TRY(merging_read(&t->merging, t->out[i].name, error));
    job.added = t->merging.terms;
    job.n_added = t->merging.n_terms;
  }
  if (t->options->importance && is_quantized(job.type) && job.type != job.tensor->type) {
    INK_TRY(importance_read(&t->importance, job.tensor, &weights, error));
  }
  piece p = {0};
  ink_status status = allocate_piece(&p, job.tensor, job.type, ink_pool_size(t->pool), error);
  job.importance = weights;
  job.scratch = p.scratch;
  if (status == INK_OK) status = write_rows(t, part, &job, &p, error);
  if (status == INK_OK) status = write_padding(t, t->out[i].n_bytes, error);
  free_piece(&p);
  free(weights);
  return status;
}

static ink_status write_all(task *t, ink_error *error) {
  INK_TRY(write_bytes(t, t->header.bytes.data, t->header.bytes.len, error));
  for (size_t i = 0; i < t->n_tensors; i++) INK_TRY(write_tensor(t, i, error));
  if (t->options->importance && t->importance.n_used == 0) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "'%s' has importance weights for none of the model's tensors",
                    t->options->importance);
  }
  return INK_OK;
}

/* The output appears under its name when it is whole. */
static ink_status write_file(task *t, ink_error *error) {
  const char *path = t->options->operands[1];
  t->file = fopen(t->temporary, "wb");
  if (!t->file) {
    return ink_fail(error, INK_ERR_IO, "can't create '%s': %s", t->temporary, strerror(errno));
  }
  ink_status status = write_all(t, error);
  errno = 0;
  if (fclose(t->file) != 0 && status == INK_OK) {
    status = ink_fail(error, INK_ERR_IO, "can't write to '%s': %s", t->temporary, strerror(errno));
  }
  if (status == INK_OK && rename(t->temporary, path) != 0) {
    status = ink_fail(error, INK_ERR_IO, "can't rename '%s' to '%s': %s", t->temporary, path,
                      strerror(errno));
  }
  if (status != INK_OK) remove(t->temporary);
  return status;
}

static ink_status name_temporary(task *t, ink_error *error) {
  size_t size = strlen(t->options->operands[1]) + sizeof ".tmp";
  t->temporary = malloc(size);
  if (!t->temporary) return ink_fail_memory(error, size, "a file's name");
  snprintf(t->temporary, size, "%s.tmp", t->options->operands[1]);
  return INK_OK;
}

/* ---- The command ---- */

static bool same_file(const char *a, const char *b) {
  struct stat x, y;
  return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static bool is_read(const task *t, const char *path) {
  for (size_t i = 0; i < t->in.names.n; i++) {
    if (same_file(t->in.parts[i].path, path)) return true;
  }
  for (size_t i = 0; i < t->options->n_adapters; i++) {
    if (same_file(t->options->adapters[i].path, path)) return true;
  }
  return t->options->importance && same_file(t->options->importance, path);
}

static ink_status check_output(const task *t, ink_error *error) {
  const char *paths[] = {t->options->operands[1], t->temporary};
  for (size_t i = 0; i < 2; i++) {
    if (!is_read(t, paths[i])) continue;
    return ink_fail(error, INK_ERR_INVALID_ARGUMENT,
                    "'%s' is a file that is read; give the output another name", paths[i]);
  }
  return INK_OK;
}

static void note_requantizing(const task *t) {
  for (size_t i = 0; i < t->n_tensors; i++) {
    gguf_part *part;
    uint32_t from = source_of(t, i, &part)->type;
    if (!is_quantized(from) || t->out[i].type == from || !is_quantized(t->out[i].type)) continue;
    fprintf(stderr,
            "inkling: note: '%s' is quantised already (%s); quantising the original in F32, F16 or "
            "BF16 loses less\n",
            t->options->operands[0], ink_type_name(from));
    return;
  }
}

static void print_summary(const task *t) {
  uint64_t bytes = t->header.bytes.len + t->header.data_size;
  printf("%s: %s, %zu tensors, %.1f MB (from %.1f MB)", t->options->operands[1],
         t->recipe ? t->recipe->name : "merged", t->n_tensors, (double)bytes / 1e6,
         (double)t->in.names.size / 1e6);
  const char *separator = ":";
  for (uint32_t type = 0; type < INK_TYPE_END; type++) {
    size_t n = 0;
    for (size_t i = 0; i < t->n_tensors; i++) n += t->out[i].type == type;
    if (n > 0) printf("%s %zu %s", separator, n, ink_type_name(type));
    if (n > 0) separator = ",";
  }
  putchar('\n');
}

static ink_status quantize(task *t, ink_error *error) {
  INK_TRY(name_temporary(t, error));
  INK_TRY(check_output(t, error));
  INK_TRY(describe(t, error));
  uint32_t n_threads = t->options->n_threads;
  if (n_threads == 0) { /* rows are independent, and there are many: no need to try */
    n_threads = ink_processor_count();
    if (n_threads > INK_MAX_THREADS) n_threads = INK_MAX_THREADS;
  }
  INK_TRY(ink_pool_create(&t->pool, &t->allocator, n_threads, error));
  return write_file(t, error);
}

static const ink_recipe *find_recipe(const char *name) {
  const ink_recipe *recipe = ink_recipe_find(name);
  if (recipe) return recipe;
  fprintf(stderr, "inkling: there is no type '%s'; there are", name);
  for (size_t i = 0; ink_recipe_name(i); i++) fprintf(stderr, " %s", ink_recipe_name(i));
  fputc('\n', stderr);
  return NULL;
}

int command_quantize(const options *o) {
  bool merges = o->command == COMMAND_MERGE;
  task t = {.options = o, .allocator = ink_allocator_or_default(NULL)};
  if (o->operands[2] && !(t.recipe = find_recipe(o->operands[2]))) return EXIT_USAGE;
  ink_error error;
  int exit_status = EXIT_FAILED;
  bool opened = (!merges || merging_open(&t.merging, o, o->operands[0])) &&
                gguf_file_open(&t.in, o->operands[0]);
  if (opened && (!o->importance || importance_open(&t.importance, o->importance))) {
    exit_status = quantize(&t, &error) == INK_OK ? EXIT_DONE : report(&error);
    if (exit_status == EXIT_DONE) note_requantizing(&t);
    if (exit_status == EXIT_DONE) print_summary(&t);
  }
  ink_pool_free(t.pool);
  if (t.header.bytes.allocator) ink_gguf_writer_free(&t.header);
  free(t.out);
  free(t.temporary);
  importance_close(&t.importance);
  merging_close(&t.merging);
  gguf_file_close(&t.in);
  return exit_status;
}
