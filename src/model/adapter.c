#include "model/adapter.h"

#include <string.h>

#include "format/decode.h"
#include "model/binding.h"

ink_status ink_adapter_create(ink_adapter **out, const ink_model *model, ink_error *error) {
  *out = NULL;
  if (!model->architecture) {
    return ink_fail(error, INK_ERR_WRONG_STATE,
                    "the model was loaded with vocabulary_only: it has nothing to adapt");
  }
  ink_adapter *adapter;
  INK_TRY(ink_allocate(&model->allocator, sizeof *adapter, "the adapter", &adapter, error));
  *adapter = (ink_adapter){.allocator = model->allocator, .model = model};
  size_t size = ink_matrix_numbers(model->hparams.n_layer) * sizeof *adapter->pairs;
  ink_status status =
      ink_allocate(&model->allocator, size, "the adapter", &adapter->pairs, error);
  if (status != INK_OK) {
    ink_adapter_free(adapter);
    return status;
  }
  memset(adapter->pairs, 0, size);
  *out = adapter;
  return INK_OK;
}

void ink_adapter_free(ink_adapter *adapter) {
  if (!adapter) return;
  ink_allocator allocator = adapter->allocator;
  size_t n = ink_matrix_numbers(adapter->model->hparams.n_layer);
  ink_release(&allocator, adapter->arena, (size_t)adapter->arena_size);
  ink_release(&allocator, adapter->pairs, n * sizeof *adapter->pairs);
  ink_release(&allocator, adapter, sizeof *adapter);
}

const ink_adapter_info *ink_adapter_get_info(const ink_adapter *adapter) { return &adapter->info; }

/* ---- The header ---- */

static ink_status check_values(ink_adapter *adapter, const ink_gguf *gguf, ink_error *error) {
  ink_str kind, type, architecture;
  const char *of_model = adapter->model->architecture->name;
  INK_TRY(ink_gguf_get_str(gguf, "general.type", "model", &kind, error));
  if (!ink_str_is(kind, "adapter")) {
    return ink_fail(error, INK_ERR_BAD_ADAPTER,
                    "the file is no adapter: its general.type is '%.*s'", INK_STR_ARGS(kind));
  }
  INK_TRY(ink_gguf_get_str(gguf, "adapter.type", "", &type, error));
  if (!ink_str_is(type, "lora") || ink_gguf_find(gguf, "adapter.alora.invocation_tokens")) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_ARCHITECTURE,
                    "the adapter's type is '%.*s', or it is an activated one; this engine runs plain "
                    "'lora'",
                    INK_STR_ARGS(type));
  }
  INK_TRY(ink_gguf_get_str(gguf, "general.architecture", "", &architecture, error));
  if (!ink_str_is(architecture, of_model)) {
    return ink_fail(error, INK_ERR_BAD_ADAPTER,
                    "the adapter is for a '%.*s' model, and this one is '%s'",
                    INK_STR_ARGS(architecture), of_model);
  }
  INK_TRY(ink_gguf_get_f32(gguf, "adapter.lora.alpha", 0.0f, &adapter->info.alpha, error));
  if (!(adapter->info.alpha - adapter->info.alpha == 0.0f)) {
    return ink_fail(error, INK_ERR_BAD_ADAPTER, "adapter.lora.alpha is not a finite number");
  }
  return INK_OK;
}

/* ---- Pairs ---- */

static ink_status check_shape(const ink_gguf_tensor *tensor, uint64_t columns, uint64_t rows,
                              ink_error *error) {
  if (tensor->dims[0] == columns && tensor->dims[1] == rows && tensor->dims[2] == 1 &&
      tensor->dims[3] == 1) {
    return INK_OK;
  }
  return ink_fail(error, INK_ERR_BAD_ADAPTER,
                  "tensor '%.*s' is %llu x %llu, but the model's matrix and the rank of its pair "
                  "make it %llu x %llu (columns x rows); it is for another model",
                  INK_STR_ARGS(tensor->name), (unsigned long long)tensor->dims[0],
                  (unsigned long long)tensor->dims[1], (unsigned long long)columns,
                  (unsigned long long)rows);
}

/* Blocks become floats: kernels for these take no activations as they are. */
static void describe_tensor(ink_tensor *tensor, const ink_gguf_tensor *source, bool by_rank) {
  uint32_t columns = (uint32_t)source->dims[0];
  bool is_plain = ink_type_get_traits(source->type)->block_columns == 1;
  *tensor = (ink_tensor){.name = source->name,
                         .type = is_plain ? (ink_type)source->type : INK_TYPE_F32,
                         .n_rows = (uint32_t)source->dims[1],
                         .n_cols = by_rank ? (columns + 3) / 4 * 4 : columns};
}

/* NAME.lora_a or NAME.lora_b. */
static uint32_t find_half(const ink_gguf *gguf, const char *name, char half) {
  char full[64 + sizeof ".lora_?"];
  size_t len = strlen(name);
  memcpy(full, name, len);
  memcpy(full + len, ".lora_?", sizeof ".lora_?");
  full[len + 6] = half;
  return ink_gguf_find_tensor(gguf, full);
}

/* The pair of the matrix, if the file has it. */
static ink_status bind_pair(ink_adapter *adapter, const ink_gguf *gguf, const ink_linear *matrix,
                            const char *name, uint32_t number, ink_tensor **bound,
                            ink_error *error) {
  uint32_t i = find_half(gguf, name, 'a'), j = find_half(gguf, name, 'b');
  if (i == INK_INDEX_NONE && j == INK_INDEX_NONE) return INK_OK;
  if (i == INK_INDEX_NONE || j == INK_INDEX_NONE) {
    const char *halves = i == INK_INDEX_NONE ? "ba" : "ab";
    return ink_fail(error, INK_ERR_BAD_ADAPTER,
                    "tensor '%s.lora_%c' is there without '%s.lora_%c', the other half of its pair",
                    name, halves[0], name, halves[1]);
  }
  const ink_gguf_tensor *a = &gguf->tensors[i], *b = &gguf->tensors[j];
  bool is_lookup = number == ink_matrix_number(INK_TOKEN_EMBD, 0);
  uint64_t rank = b->dims[0];
  if (rank > INK_MAX_RANK) {
    return ink_fail(error, INK_ERR_BAD_ADAPTER,
                    "tensor '%.*s' has a rank of %llu; at most %u is possible",
                    INK_STR_ARGS(b->name), (unsigned long long)rank, INK_MAX_RANK);
  }
  const ink_tensor *w = &matrix->weight;
  INK_TRY(check_shape(a, is_lookup ? rank : w->n_cols, is_lookup ? w->n_rows : rank, error));
  INK_TRY(check_shape(b, rank, is_lookup ? w->n_cols : w->n_rows, error));
  ink_adapter_pair *pair = &adapter->pairs[number];
  describe_tensor(&pair->a, a, is_lookup);
  describe_tensor(&pair->b, b, true);
  pair->scale = adapter->info.alpha == 0.0f ? 1.0f : adapter->info.alpha / (float)rank;
  bound[i] = &pair->a;
  bound[j] = &pair->b;
  adapter->info.n_matrices++;
  adapter->info.n_params += a->dims[0] * a->dims[1] + b->dims[0] * b->dims[1];
  if (rank > adapter->info.rank) adapter->info.rank = (uint32_t)rank;
  return INK_OK;
}

static ink_status check_all_have_a_place(const ink_adapter *adapter, const ink_gguf *gguf,
                                         ink_tensor *const *bound, ink_error *error) {
  static const char of_experts[] = "_exps.weight.lora_?";
  const size_t len = sizeof of_experts - 1;
  for (size_t i = 0; i < gguf->n_tensors; i++) {
    if (bound[i]) continue;
    ink_str name = gguf->tensors[i].name;
    if (name.len > len && memcmp(name.data + name.len - len, of_experts, len - 1) == 0) {
      return ink_fail(error, INK_ERR_UNSUPPORTED_ARCHITECTURE,
                      "tensor '%.*s' changes experts, which this engine does not support",
                      INK_STR_ARGS(name));
    }
    return ink_fail(error, INK_ERR_BAD_ADAPTER,
                    "tensor '%.*s' belongs to no matrix of this '%s' model; it is for another one",
                    INK_STR_ARGS(name), adapter->model->architecture->name);
  }
  if (gguf->n_tensors > 0) return INK_OK;
  return ink_fail(error, INK_ERR_BAD_ADAPTER, "the adapter has no tensors");
}

/* ---- Places ---- */

static size_t scalar_bytes(const ink_tensor *tensor) {
  return ink_type_get_traits(tensor->type)->block_bytes;
}

static void carve_tensors(ink_tensor **bound, size_t n, ink_arena *arena) {
  for (size_t i = 0; i < n; i++) {
    uint64_t n_scalars = (uint64_t)bound[i]->n_rows * bound[i]->n_cols;
    bound[i]->data = ink_carve(arena, n_scalars, scalar_bytes(bound[i]));
  }
}

ink_status ink_adapter_bind(ink_adapter *adapter, const ink_gguf *gguf, ink_tensor **bound,
                            ink_error *error) {
  const ink_model *model = adapter->model;
  INK_TRY(check_values(adapter, gguf, error));
  for (size_t i = 0; i < gguf->n_tensors; i++) bound[i] = NULL;
  for (uint32_t number = 1; number < ink_matrix_numbers(model->hparams.n_layer); number++) {
    char name[64];
    const ink_linear *matrix =
        ink_weights_matrix(&model->weights, model->architecture, number, name);
    if (matrix) INK_TRY(bind_pair(adapter, gguf, matrix, name, number, bound, error));
  }
  return check_all_have_a_place(adapter, gguf, bound, error);
}

ink_status ink_adapter_place(ink_adapter *adapter, const ink_gguf *gguf, ink_tensor **bound,
                             uint8_t **destinations, ink_error *error) {
  ink_arena arena = {NULL, 0};
  carve_tensors(bound, gguf->n_tensors, &arena);
  INK_TRY(ink_allocate(&adapter->allocator, arena.used, "the adapter", &adapter->arena, error));
  adapter->arena_size = arena.used;
  adapter->info.bytes = arena.used;
  arena = (ink_arena){adapter->arena, 0};
  carve_tensors(bound, gguf->n_tensors, &arena);
  for (size_t i = 0; i < gguf->n_tensors; i++) {
    /* At the end of its place, so that rows can grow from the first one on. */
    const ink_tensor *t = bound[i];
    size_t size = (size_t)t->n_rows * t->n_cols * scalar_bytes(t);
    destinations[i] = t->data + (size - (size_t)gguf->tensors[i].n_bytes);
  }
  return INK_OK;
}

ink_status ink_adapter_settle(ink_tensor *tensor, const ink_gguf_tensor *source, float *row,
                              ink_error *error) {
  size_t n = (size_t)source->dims[0], in_bytes = (size_t)(source->n_bytes / source->dims[1]);
  size_t size = scalar_bytes(tensor), out_bytes = tensor->n_cols * size;
  const uint8_t *in = tensor->data + (out_bytes - in_bytes) * tensor->n_rows;
  uint8_t *out = tensor->data;
  for (uint32_t r = 0; r < tensor->n_rows; r++, in += in_bytes, out += out_bytes) {
    if (!ink_decode_row((ink_type)source->type, in, (uint32_t)n, row)) {
      return ink_fail(error, INK_ERR_BAD_ADAPTER,
                      "tensor '%.*s' holds a value that is infinite or not a number in row %u; the "
                      "file is damaged",
                      INK_STR_ARGS(tensor->name), (unsigned)r);
    }
    const void *scalars = tensor->type == source->type ? (const void *)in : row;
    memmove(out, scalars, n * size);
    memset(out + n * size, 0, out_bytes - n * size);
  }
  return INK_OK;
}

/* ---- Fused tensors ---- */

static void slice_pair(ink_adapter *adapter, ink_role fused, ink_role role, uint32_t layer,
                       uint32_t first_row, uint32_t n_rows) {
  ink_adapter_pair *slice = &adapter->pairs[ink_matrix_number(role, layer)];
  *slice = adapter->pairs[ink_matrix_number(fused, layer)];
  if (!slice->b.data) return;
  slice->b.n_rows = n_rows;
  slice->b.data += (size_t)first_row * slice->b.n_cols * scalar_bytes(&slice->b);
}

void ink_adapter_finish(ink_adapter *adapter) {
  const ink_hparams *h = &adapter->model->hparams;
  uint32_t q = h->n_head * h->n_embd_head, kv = h->n_head_kv * h->n_embd_head;
  for (uint32_t i = 0; i < h->n_layer; i++) {
    const ink_layer *layer = &adapter->model->weights.layers[i];
    if (layer->attn_qkv.weight.n_cols) {
      slice_pair(adapter, INK_ATTN_QKV, INK_ATTN_Q, i, 0, q);
      slice_pair(adapter, INK_ATTN_QKV, INK_ATTN_K, i, q, kv);
      slice_pair(adapter, INK_ATTN_QKV, INK_ATTN_V, i, q + kv, kv);
    }
    if (layer->ffn_gate_up.weight.n_cols) {
      slice_pair(adapter, INK_FFN_GATE_UP, INK_FFN_GATE, i, 0, h->n_ff);
      slice_pair(adapter, INK_FFN_GATE_UP, INK_FFN_UP, i, h->n_ff, h->n_ff);
    }
  }
}
