/* Loading: binds the file's tensors to the architecture's, gives each its place, and repacks it as
 * soon as it has arrived. */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "format/stream.h"
#include "model/model.h"
#include "text/chat.h"

struct ink_loader {
  ink_gguf_stream stream;
  ink_model *model;
  ink_tensor **bound; /* [n_tensors of the file] which of the model's each one is */
  size_t n_bound;
  uint8_t *scratch;   /* one panel of the widest tensor */
  uint64_t scratch_size;
};

/* ---- Binding tensors ---- */

static ink_status check_tensor(const ink_hparams *h, const ink_tensor_spec *spec,
                               const ink_gguf_tensor *tensor, ink_error *error) {
  uint32_t rows = ink_architecture_dimension(h, spec->rows);
  uint32_t columns = ink_architecture_dimension(h, spec->columns);
  if (tensor->dims[0] != columns || tensor->dims[1] != rows || tensor->dims[2] != 1 ||
      tensor->dims[3] != 1) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "tensor '%.*s' is %llu x %llu, but the model's description makes it %u x %u "
                    "(columns x rows)",
                    INK_STR_ARGS(tensor->name), (unsigned long long)tensor->dims[0],
                    (unsigned long long)tensor->dims[1], (unsigned)columns, (unsigned)rows);
  }
  if (spec->rows == INK_DIM_ONE && ink_type_get_traits(tensor->type)->block_columns > 1) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_TYPE,
                    "tensor '%.*s' is a vector of type %s; only F32, F16 and BF16 are supported "
                    "there",
                    INK_STR_ARGS(tensor->name), ink_type_name(tensor->type));
  }
  return INK_OK;
}

static ink_status bind(ink_loader *loader, const ink_gguf *gguf, const ink_tensor_spec *spec,
                       uint32_t layer, ink_error *error) {
  ink_model *model = loader->model;
  char name[64];
  if (spec->in_layer) {
    snprintf(name, sizeof name, spec->name, (unsigned)layer);
  } else {
    snprintf(name, sizeof name, "%s", spec->name);
  }
  uint32_t i = ink_index_find(&gguf->tensor_index, (ink_str){name, strlen(name)});
  if (i == INK_INDEX_NONE) {
    if (spec->optional) return INK_OK;
    return ink_fail(error, INK_ERR_BAD_MODEL, "the file has no tensor '%s'", name);
  }
  const ink_gguf_tensor *source = &gguf->tensors[i];
  INK_TRY(check_tensor(&model->hparams, spec, source, error));
  uint8_t *owner = spec->in_layer ? (uint8_t *)&model->weights.layers[layer]
                                  : (uint8_t *)&model->weights;
  ink_tensor *tensor = (ink_tensor *)(void *)(owner + spec->field);
  *tensor = (ink_tensor){source->name, (ink_type)source->type, (uint32_t)source->dims[1],
                         (uint32_t)source->dims[0], NULL};
  loader->bound[i] = tensor;
  return INK_OK;
}

static ink_status bind_all(ink_loader *loader, const ink_gguf *gguf, ink_error *error) {
  ink_model *model = loader->model;
  const ink_architecture *architecture = model->architecture;
  INK_TRY(ink_allocate(&model->allocator, (uint64_t)gguf->n_tensors * sizeof *loader->bound,
                       "tensor places", &loader->bound, error));
  loader->n_bound = gguf->n_tensors;
  for (size_t i = 0; i < gguf->n_tensors; i++) loader->bound[i] = NULL;
  for (size_t s = 0; s < architecture->n_tensors; s++) {
    const ink_tensor_spec *spec = &architecture->tensors[s];
    uint32_t n = spec->in_layer ? model->hparams.n_layer : 1;
    for (uint32_t layer = 0; layer < n; layer++) INK_TRY(bind(loader, gguf, spec, layer, error));
  }
  for (size_t i = 0; i < gguf->n_tensors; i++) {
    if (loader->bound[i]) continue;
    return ink_fail(error, INK_ERR_UNSUPPORTED_ARCHITECTURE,
                    "tensor '%.*s' has no place in a '%s' model as this engine computes it",
                    INK_STR_ARGS(gguf->tensors[i].name), architecture->name);
  }
  return INK_OK;
}

static void carve_tensors(const ink_loader *loader, ink_arena *arena) {
  for (size_t i = 0; i < loader->n_bound; i++) {
    ink_tensor *t = loader->bound[i];
    t->data = ink_carve(arena, ink_tensor_bytes(t->type, t->n_rows, t->n_cols), 1);
  }
}

static ink_status place_tensors(ink_loader *loader, uint8_t **destinations, ink_error *error) {
  ink_model *model = loader->model;
  ink_arena arena = {NULL, 0};
  carve_tensors(loader, &arena);
  INK_TRY(ink_allocate(&model->allocator, arena.used, "the model's weights", &model->arena, error));
  model->arena_size = arena.used;
  arena = (ink_arena){model->arena, 0};
  carve_tensors(loader, &arena);
  for (size_t i = 0; i < loader->n_bound; i++) {
    const ink_tensor *t = loader->bound[i];
    destinations[i] = t->data;
    uint64_t panel = ink_panel_bytes(t->type, t->n_cols);
    if (panel > loader->scratch_size) loader->scratch_size = panel;
  }
  return ink_allocate(&model->allocator, loader->scratch_size, "repacking", &loader->scratch,
                      error);
}

/* ---- Describing the model ---- */

static const char *main_type(const ink_gguf *gguf) {
  uint64_t bytes[64] = {0};
  uint32_t best = 0;
  for (size_t i = 0; i < gguf->n_tensors; i++) {
    uint32_t type = gguf->tensors[i].type;
    if (type < 64) bytes[type] += gguf->tensors[i].n_bytes;
  }
  for (uint32_t type = 1; type < 64; type++) {
    if (bytes[type] > bytes[best]) best = type;
  }
  return ink_type_name(best);
}

/* What is known without tensors: a vocabulary alone has no more. */
static ink_status describe_text(ink_model *model, const ink_gguf *gguf, ink_error *error) {
  ink_str name;
  INK_TRY(ink_gguf_get_str(gguf, "general.name", "", &name, error));
  if (name.len >= sizeof model->name) name.len = sizeof model->name - 1;
  name.len = ink_utf8_valid_prefix(name.data, name.len);
  memcpy(model->name, name.data, name.len);
  model->info = (ink_model_info){
      .architecture = "none",
      .name = model->name,
      .tokenizer = model->vocab.name,
      .quantization = "none",
      .kernels = model->kernels->name,
      .vocabulary_bytes = model->vocab.n_bytes,
      .n_vocab = model->vocab.n_tokens,
      .add_bos = model->vocab.add_bos,
  };
  return ink_chat_check(&model->allocator, model->vocab.chat_template,
                        &model->info.has_chat_format, error);
}

static void describe_tensors(ink_model *model, const ink_gguf *gguf) {
  const ink_hparams *h = &model->hparams;
  ink_model_info *info = &model->info;
  info->architecture = model->architecture->name;
  info->quantization = main_type(gguf);
  info->n_tensors = (uint32_t)gguf->n_tensors;
  info->n_ctx_train = h->n_ctx_train;
  info->n_embd = h->n_embd;
  info->n_layer = h->n_layer;
  info->n_head = h->n_head;
  info->n_head_kv = h->n_head_kv;
  info->n_embd_head = h->n_embd_head;
  info->n_ff = h->n_ff;
  for (size_t i = 0; i < gguf->n_tensors; i++) {
    const ink_gguf_tensor *tensor = &gguf->tensors[i];
    info->n_params += tensor->dims[0] * tensor->dims[1] * tensor->dims[2] * tensor->dims[3];
    info->weight_bytes += tensor->n_bytes;
  }
}

/* ---- The stream's two events ---- */

static ink_status on_header(void *context, const ink_gguf *gguf, uint8_t **destinations,
                            ink_error *error) {
  ink_loader *loader = context;
  ink_model *model = loader->model;
  if (loader->stream.values_only) {
    INK_TRY(ink_vocab_create(&model->vocab, &model->allocator, gguf, error));
    return describe_text(model, gguf, error);
  }
  INK_TRY(ink_architecture_read(gguf, &model->architecture, &model->hparams, error));
  INK_TRY(ink_vocab_create(&model->vocab, &model->allocator, gguf, error));
  model->hparams.n_vocab = model->vocab.n_tokens;
  uint64_t layers_size = (uint64_t)model->hparams.n_layer * sizeof *model->weights.layers;
  INK_TRY(ink_allocate(&model->allocator, layers_size, "layers", &model->weights.layers, error));
  memset(model->weights.layers, 0, (size_t)layers_size);
  INK_TRY(bind_all(loader, gguf, error));
  INK_TRY(describe_text(model, gguf, error));
  describe_tensors(model, gguf);
  return place_tensors(loader, destinations, error);
}

static ink_status on_tensor(void *context, size_t i, ink_error *error) {
  ink_loader *loader = context;
  return ink_panel_repack(loader->bound[i], loader->scratch, error);
}

/* ---- Public ---- */

ink_status ink_loader_begin(ink_loader **out, const ink_load_params *params, uint64_t size,
                            ink_error *error) {
  *out = NULL;
  ink_load_params defaults = {NULL, NULL, false};
  if (!params) params = &defaults;
  ink_allocator allocator = ink_allocator_or_default(params->allocator);
  const ink_kernels *kernels = ink_kernels_select(params->kernels);
  if (!kernels) {
    return ink_fail(error, INK_ERR_INVALID_ARGUMENT,
                    "there are no kernels named '%s' in this build, or this processor can't run "
                    "them",
                    params->kernels);
  }
  ink_loader *loader;
  ink_model *model;
  INK_TRY(ink_allocate(&allocator, sizeof *loader, "the loader", &loader, error));
  ink_status status = ink_allocate(&allocator, sizeof *model, "the model", &model, error);
  if (status != INK_OK) {
    ink_release(&allocator, loader, sizeof *loader);
    return status;
  }
  *model = (ink_model){.allocator = allocator, .kernels = kernels};
  *loader = (ink_loader){.model = model};
  ink_gguf_sink sink = {loader, on_header, on_tensor};
  status = ink_gguf_stream_begin(&loader->stream, &allocator, size, sink, error);
  if (status != INK_OK) {
    ink_loader_free(loader);
    return status;
  }
  loader->stream.values_only = params->vocabulary_only;
  *out = loader;
  return INK_OK;
}

ink_status ink_loader_buffer(ink_loader *loader, uint8_t **ptr, size_t *len, ink_error *error) {
  return ink_gguf_stream_buffer(&loader->stream, ptr, len, error);
}

ink_status ink_loader_commit(ink_loader *loader, size_t n, ink_error *error) {
  return ink_gguf_stream_commit(&loader->stream, n, error);
}

bool ink_loader_complete(const ink_loader *loader) {
  return ink_gguf_stream_complete(&loader->stream);
}

const ink_model_info *ink_loader_info(const ink_loader *loader) {
  return loader->stream.has_header ? &loader->model->info : NULL;
}

/* The loader without the model. */
static void free_loader(ink_loader *loader) {
  ink_allocator allocator = loader->stream.allocator;
  ink_gguf_stream_free(&loader->stream);
  ink_release(&allocator, loader->bound, loader->n_bound * sizeof *loader->bound);
  ink_release(&allocator, loader->scratch, (size_t)loader->scratch_size);
  ink_release(&allocator, loader, sizeof *loader);
}

ink_status ink_loader_finish(ink_loader *loader, ink_model **out, ink_error *error) {
  *out = NULL;
  if (!ink_loader_complete(loader)) {
    ink_loader_free(loader);
    return ink_fail(error, INK_ERR_WRONG_STATE, "the loader has not been given the whole file");
  }
  ink_model *model = loader->model;
  /* The header goes with the loader; what was needed of it the vocabulary has copied. */
  for (size_t i = 0; i < loader->n_bound; i++) loader->bound[i]->name = (ink_str){"", 0};
  free_loader(loader);
  *out = model;
  return INK_OK;
}

void ink_loader_free(ink_loader *loader) {
  if (!loader) return;
  ink_model *model = loader->model;
  free_loader(loader);
  ink_model_free(model);
}

ink_status ink_model_load(ink_model **out, const ink_load_params *params, uint64_t size,
                          ink_read_fn read, void *read_context, ink_error *error) {
  const size_t max_piece = (size_t)16 << 20;
  *out = NULL;
  ink_loader *loader;
  INK_TRY(ink_loader_begin(&loader, params, size, error));
  ink_status status = INK_OK;
  while (status == INK_OK && !ink_loader_complete(loader)) {
    uint8_t *ptr;
    size_t len;
    status = ink_loader_buffer(loader, &ptr, &len, error);
    if (status != INK_OK) break;
    int64_t n = read(read_context, ptr, len < max_piece ? len : max_piece);
    status = n < 0 ? ink_fail(error, INK_ERR_IO, "the model's file can't be read")
                   : ink_loader_commit(loader, (size_t)n, error);
  }
  if (status == INK_OK) return ink_loader_finish(loader, out, error);
  ink_loader_free(loader);
  return status;
}

void ink_model_free(ink_model *model) {
  if (!model) return;
  ink_allocator allocator = model->allocator;
  ink_vocab_free(&model->vocab);
  ink_release(&allocator, model->weights.layers,
              model->hparams.n_layer * sizeof *model->weights.layers);
  ink_release(&allocator, model->arena, (size_t)model->arena_size);
  ink_release(&allocator, model, sizeof *model);
}

const ink_model_info *ink_model_get_info(const ink_model *model) { return &model->info; }
