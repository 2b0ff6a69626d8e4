/* Loading: gives each of the file's tensors its place, and repacks it as soon as it has arrived. */
#include <string.h>

#include "base/utf8.h"
#include "format/split.h"
#include "format/stream.h"
#include "model/adapter.h"
#include "model/binding.h"
#include "text/chat.h"

struct ink_loader {
  ink_gguf_stream stream; /* of the current part */
  ink_gguf_sink sink;
  ink_model *model;     /* NULL: it is an adapter that is loaded, */
  ink_adapter *adapter; /* else this is NULL */
  ink_split split;    /* of the first part; count is 0 until its header has been read */
  uint32_t part;      /* the current one, from 0 */
  uint64_t n_tensors; /* of the parts so far */
  uint64_t type_bytes[INK_TYPE_END]; /* of the parts so far, by block type */
  bool description_only;
  /* Of the current part: */
  ink_tensor **bound; /* [n_tensors of the file] which of the model's each one is, or NULL */
  size_t n_bound;
  uint8_t *scratch;   /* one panel of the widest tensor */
  uint64_t scratch_size;
};

/* ---- Places ---- */

/* Up to n_first bytes go to the first arena. */
static void carve_tensors(const ink_loader *loader, uint64_t n_first, ink_arena arenas[2]) {
  for (size_t i = 0; i < loader->n_bound; i++) {
    ink_tensor *t = loader->bound[i];
    if (!t) continue;
    uint64_t n_bytes = ink_tensor_bytes(t->type, t->n_rows, t->n_cols);
    bool fits = ink_align_up(n_bytes) <= n_first - arenas[0].used;
    t->data = ink_carve(&arenas[!fits], n_bytes, 1);
  }
}

static ink_status place_tensors(ink_loader *loader, size_t n_first, uint8_t **destinations,
                                ink_error *error) {
  ink_model *model = loader->model;
  ink_weights_part *part = &model->parts[loader->part];
  ink_arena arenas[2] = {{NULL, 0}, {NULL, 0}};
  carve_tensors(loader, n_first, arenas);
  for (size_t i = 0; i < 2; i++) {
    INK_TRY(ink_allocate(&model->allocator, arenas[i].used, "the model's weights", &part->arenas[i],
                         error));
    part->sizes[i] = arenas[i].used;
    arenas[i] = (ink_arena){part->arenas[i], 0};
  }
  carve_tensors(loader, n_first, arenas);
  for (size_t i = 0; i < loader->n_bound; i++) {
    const ink_tensor *t = loader->bound[i];
    if (!t) continue;
    destinations[i] = t->data;
    uint64_t panel = ink_panel_bytes(t->type, t->n_cols);
    if (panel > loader->scratch_size) loader->scratch_size = panel;
  }
  return ink_allocate(&model->allocator, loader->scratch_size, "repacking", &loader->scratch,
                      error);
}

/* ---- Describing the model ---- */

static const char *main_type(const ink_loader *loader) {
  uint32_t best = 0;
  for (uint32_t type = 1; type < INK_TYPE_END; type++) {
    if (loader->type_bytes[type] > loader->type_bytes[best]) best = type;
  }
  return ink_type_name(best);
}

static uint32_t longest_token(const ink_vocab *vocab) {
  size_t longest = 0;
  for (uint32_t i = 0; i < vocab->n_tokens; i++) {
    if (vocab->tokens[i].len > longest) longest = vocab->tokens[i].len;
  }
  return (uint32_t)longest;
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
      .longest_token = longest_token(&model->vocab),
      .add_bos = model->vocab.add_bos,
  };
  return ink_chat_check(&model->allocator, model->vocab.chat_template,
                        &model->info.has_chat_format, error);
}

static void describe_architecture(ink_model *model) {
  const ink_hparams *h = &model->hparams;
  ink_model_info *info = &model->info;
  info->architecture = model->architecture->name;
  info->hparams = h;
  info->n_ctx_train = h->n_ctx_train;
  info->n_embd = h->n_embd;
  info->n_layer = h->n_layer;
  info->n_head = h->n_head;
  info->n_head_kv = h->n_head_kv;
  info->n_embd_head = h->n_embd_head;
  info->n_ff = h->n_ff;
  info->pooling = (ink_pooling)h->pooling;
}

/* Adds what the current part has. */
static void describe_tensors(ink_loader *loader, const ink_gguf *gguf) {
  ink_model_info *info = &loader->model->info;
  for (size_t i = 0; i < gguf->n_tensors; i++) {
    const ink_gguf_tensor *tensor = &gguf->tensors[i];
    loader->type_bytes[tensor->type] += tensor->n_bytes;
    if (!loader->bound[i]) continue;
    loader->model->hparams.fine_activations |= ink_type_get_traits(tensor->type)->fine_activations;
    info->n_params += tensor->dims[0] * tensor->dims[1] * tensor->dims[2] * tensor->dims[3];
    info->weight_bytes += tensor->n_bytes;
  }
  loader->n_tensors += gguf->n_tensors;
  info->n_tensors = (uint32_t)loader->n_tensors;
  info->quantization = main_type(loader);
}

/* ---- The stream's events ---- */

static ink_status check_is_no_adapter(const ink_gguf *gguf, ink_error *error) {
  ink_str kind, architecture;
  INK_TRY(ink_gguf_get_str(gguf, "general.type", "model", &kind, error));
  if (!ink_str_is(kind, "adapter")) return INK_OK;
  INK_TRY(ink_gguf_get_str(gguf, "general.architecture", "", &architecture, error));
  return ink_fail(error, INK_ERR_BAD_MODEL,
                  "the file is an adapter for a '%.*s' model, not a model; load the model, and this "
                  "file as its adapter",
                  INK_STR_ARGS(architecture));
}

/* The first part's header, which is about the whole model. */
static ink_status begin_model(ink_loader *loader, const ink_gguf *gguf, ink_error *error) {
  ink_model *model = loader->model;
  INK_TRY(check_is_no_adapter(gguf, error));
  INK_TRY(ink_split_read(gguf, &loader->split, error));
  INK_TRY(ink_split_check(&loader->split, &loader->split, 0, error));
  if (loader->stream.values_only) {
    loader->split.count = 1;
    INK_TRY(ink_vocab_create(&model->vocab, &model->allocator, gguf, error));
    return describe_text(model, gguf, error);
  }
  INK_TRY(ink_architecture_find(gguf, &model->architecture, error));
  INK_TRY(ink_hparams_read(gguf, model->architecture, &model->hparams, error));
  INK_TRY(ink_vocab_create(&model->vocab, &model->allocator, gguf, error));
  model->hparams.n_vocab = model->vocab.n_tokens;
  uint64_t layers_size = (uint64_t)model->hparams.n_layer * sizeof *model->weights.layers;
  INK_TRY(ink_allocate(&model->allocator, layers_size, "layers", &model->weights.layers, error));
  memset(model->weights.layers, 0, (size_t)layers_size);
  uint64_t parts_size = loader->split.count * sizeof *model->parts;
  INK_TRY(ink_allocate(&model->allocator, parts_size, "parts", &model->parts, error));
  memset(model->parts, 0, (size_t)parts_size);
  model->n_parts = loader->split.count;
  INK_TRY(describe_text(model, gguf, error));
  describe_architecture(model);
  return INK_OK;
}

static ink_status check_part(const ink_loader *loader, const ink_gguf *gguf, ink_error *error) {
  ink_split split;
  INK_TRY(ink_split_read(gguf, &split, error));
  return ink_split_check(&loader->split, &split, loader->part, error);
}

static ink_status on_header(void *context, const ink_gguf *gguf, ink_error *error) {
  ink_loader *loader = context;
  ink_model *model = loader->model;
  INK_TRY(loader->part == 0 ? begin_model(loader, gguf, error) : check_part(loader, gguf, error));
  if (loader->stream.values_only) return INK_OK;
  INK_TRY(ink_allocate(&model->allocator, (uint64_t)gguf->n_tensors * sizeof *loader->bound,
                       "tensor places", &loader->bound, error));
  loader->n_bound = gguf->n_tensors;
  INK_TRY(ink_weights_bind(&model->weights, gguf, model->architecture, &model->hparams,
                           loader->bound, error));
  describe_tensors(loader, gguf);
  if (loader->part + 1 == loader->split.count) {
    INK_TRY(ink_split_check_tensors(&loader->split, loader->n_tensors, error));
    INK_TRY(ink_weights_check(&model->weights, model->architecture, &model->hparams, error));
  }
  return INK_OK;
}

/* Those that were in the header. */
static void renew_names(ink_loader *loader, const ink_gguf *gguf) {
  for (size_t i = 0; i < loader->n_bound; i++) {
    if (loader->bound[i]) loader->bound[i]->name = gguf->tensors[i].name;
  }
}

static ink_status on_places(void *context, const ink_gguf *gguf, size_t n_released,
                            uint8_t **destinations, ink_error *error) {
  ink_loader *loader = context;
  renew_names(loader, gguf);
  return place_tensors(loader, n_released, destinations, error);
}

static ink_status on_tensor(void *context, size_t i, ink_error *error) {
  ink_loader *loader = context;
  return ink_panel_repack(loader->bound[i], loader->scratch, error);
}

/* ---- The same of an adapter ---- */

static ink_status on_adapter_header(void *context, const ink_gguf *gguf, ink_error *error) {
  ink_loader *loader = context;
  const ink_allocator *allocator = &loader->stream.allocator;
  ink_tensor **bound;
  uint64_t size = (uint64_t)gguf->n_tensors * sizeof *bound;
  INK_TRY(ink_allocate(allocator, size, "tensor places", &bound, error));
  ink_status status = ink_adapter_bind(loader->adapter, gguf, bound, error);
  if (status != INK_OK) {
    ink_release(allocator, bound, (size_t)size);
    return status;
  }
  loader->bound = bound;
  loader->n_bound = gguf->n_tensors;
  for (size_t i = 0; i < gguf->n_tensors; i++) {
    uint64_t row = gguf->tensors[i].dims[0] * sizeof(float);
    if (row > loader->scratch_size) loader->scratch_size = row;
  }
  return ink_allocate(allocator, loader->scratch_size, "a row", &loader->scratch, error);
}

static ink_status on_adapter_places(void *context, const ink_gguf *gguf, size_t n_released,
                                    uint8_t **destinations, ink_error *error) {
  (void)n_released; /* it is small */
  ink_loader *loader = context;
  renew_names(loader, gguf);
  return ink_adapter_place(loader->adapter, gguf, loader->bound, destinations, error);
}

static ink_status on_adapter_tensor(void *context, size_t i, ink_error *error) {
  ink_loader *loader = context;
  float *row = (float *)(void *)loader->scratch;
  return ink_adapter_settle(loader->bound[i], &loader->stream.gguf.tensors[i], row, error);
}

static ink_status begin_adapter(ink_loader **out, const ink_model *model, uint64_t size,
                                ink_error *error) {
  const ink_allocator *allocator = &model->allocator;
  ink_loader *loader;
  INK_TRY(ink_allocate(allocator, sizeof *loader, "the loader", &loader, error));
  *loader = (ink_loader){.split = {.count = 1}, .stream = {.allocator = *allocator}};
  loader->sink = (ink_gguf_sink){loader, on_adapter_header, on_adapter_places, on_adapter_tensor};
  ink_status status = ink_adapter_create(&loader->adapter, model, error);
  if (status == INK_OK) {
    status = ink_gguf_stream_begin(&loader->stream, allocator, size, loader->sink, error);
  }
  if (status == INK_OK) *out = loader;
  else ink_loader_free(loader);
  return status;
}

/* ---- Public ---- */

ink_status ink_loader_begin(ink_loader **out, const ink_load_params *params, uint64_t size,
                            ink_error *error) {
  *out = NULL;
  ink_load_params defaults = {0};
  if (!params) params = &defaults;
  if (params->adapter_for) return begin_adapter(out, params->adapter_for, size, error);
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
  *loader = (ink_loader){.model = model, .description_only = params->description_only};
  loader->sink = (ink_gguf_sink){loader, on_header, on_places, on_tensor};
  status = ink_gguf_stream_begin(&loader->stream, &allocator, size, loader->sink, error);
  if (status != INK_OK) {
    ink_loader_free(loader);
    return status;
  }
  loader->stream.values_only = params->vocabulary_only;
  loader->stream.header_only = params->description_only;
  *out = loader;
  return INK_OK;
}

/* Before a failure the stream of a part that is no more may be there; it is complete. */
static ink_status check_open(const ink_loader *loader, ink_error *error) {
  if (!ink_loader_part_complete(loader) || ink_loader_complete(loader)) return INK_OK;
  return ink_fail(error, INK_ERR_WRONG_STATE,
                  "the file is part %u of %u of a model, and complete; the next one is to be given "
                  "(ink_loader_next_part())",
                  (unsigned)loader->part + 1, (unsigned)loader->split.count);
}

ink_status ink_loader_buffer(ink_loader *loader, uint8_t **ptr, size_t *len, ink_error *error) {
  INK_TRY(check_open(loader, error));
  return ink_gguf_stream_buffer(&loader->stream, ptr, len, error);
}

ink_status ink_loader_commit(ink_loader *loader, size_t n, ink_error *error) {
  INK_TRY(check_open(loader, error));
  return ink_gguf_stream_commit(&loader->stream, n, error);
}

bool ink_loader_part_complete(const ink_loader *loader) {
  return ink_gguf_stream_complete(&loader->stream);
}

uint32_t ink_loader_n_parts(const ink_loader *loader) { return loader->split.count; }

bool ink_loader_complete(const ink_loader *loader) {
  return ink_loader_part_complete(loader) && loader->part + 1 == loader->split.count;
}

const ink_model_info *ink_loader_info(const ink_loader *loader) {
  if (!loader->model) return NULL;
  return loader->part > 0 || loader->stream.has_header ? &loader->model->info : NULL;
}

/* The current part's header and what was needed to read the rest; the tensors stay. */
static void free_part(ink_loader *loader) {
  const ink_allocator *allocator = &loader->stream.allocator;
  /* Names are in the header; what was needed of it the vocabulary has copied. */
  for (size_t i = 0; i < loader->n_bound; i++) {
    if (loader->bound[i]) loader->bound[i]->name = (ink_str){"", 0};
  }
  ink_release(allocator, loader->bound, loader->n_bound * sizeof *loader->bound);
  ink_release(allocator, loader->scratch, (size_t)loader->scratch_size);
  ink_gguf_stream_free(&loader->stream);
  loader->bound = NULL;
  loader->n_bound = 0;
  loader->scratch = NULL;
  loader->scratch_size = 0;
}

ink_status ink_loader_next_part(ink_loader *loader, uint64_t size, ink_error *error) {
  if (!ink_loader_part_complete(loader) || ink_loader_complete(loader)) {
    return ink_fail(error, INK_ERR_WRONG_STATE, "the model has no further part, or not yet");
  }
  ink_allocator allocator = loader->stream.allocator;
  free_part(loader);
  INK_TRY(ink_gguf_stream_begin(&loader->stream, &allocator, size, loader->sink, error));
  loader->stream.header_only = loader->description_only;
  loader->part++;
  return INK_OK;
}

/* The loader without the model. */
static void free_loader(ink_loader *loader) {
  ink_allocator allocator = loader->stream.allocator;
  free_part(loader);
  ink_release(&allocator, loader, sizeof *loader);
}

/* Frees the loader where it is not. */
static ink_status check_is_whole(ink_loader *loader, bool of_adapter, ink_error *error) {
  const char *problem = NULL;
  if (!ink_loader_complete(loader)) problem = "the loader has not been given the whole model or adapter";
  if (loader->description_only) problem = "the loader was made with description_only: it has no weights";
  if (of_adapter != !loader->model) problem = "the loader was made for something else";
  if (!problem) return INK_OK;
  ink_loader_free(loader);
  return ink_fail(error, INK_ERR_WRONG_STATE, "%s", problem);
}

ink_status ink_loader_finish(ink_loader *loader, ink_model **out, ink_error *error) {
  *out = NULL;
  INK_TRY(check_is_whole(loader, false, error));
  ink_model *model = loader->model;
  free_loader(loader);
  ink_status status = ink_weights_finish(&model->weights, &model->hparams, error);
  if (status != INK_OK) {
    ink_model_free(model);
    return status;
  }
  *out = model;
  return INK_OK;
}

ink_status ink_loader_finish_adapter(ink_loader *loader, ink_adapter **out, ink_error *error) {
  *out = NULL;
  INK_TRY(check_is_whole(loader, true, error));
  ink_adapter *adapter = loader->adapter;
  free_loader(loader);
  ink_adapter_finish(adapter);
  *out = adapter;
  return INK_OK;
}

void ink_loader_free(ink_loader *loader) {
  if (!loader) return;
  ink_model *model = loader->model;
  ink_adapter *adapter = loader->adapter;
  free_loader(loader);
  ink_adapter_free(adapter);
  ink_model_free(model);
}

const ink_model *ink_loader_model(const ink_loader *loader) { return loader->model; }

/* A complete loader, or none. */
static ink_status load_all(ink_loader **out, const ink_load_params *params, uint64_t size,
                           ink_read_fn read, void *read_context, ink_error *error) {
  const size_t max_piece = (size_t)16 << 20;
  ink_loader *loader;
  INK_TRY(ink_loader_begin(&loader, params, size, error));
  ink_status status = INK_OK;
  while (status == INK_OK && !ink_loader_complete(loader)) {
    uint8_t *ptr;
    size_t len;
    status = ink_loader_buffer(loader, &ptr, &len, error);
    if (status != INK_OK) break;
    int64_t n = read(read_context, ptr, len < max_piece ? len : max_piece);
    status = n < 0 ? ink_fail(error, INK_ERR_IO, "the file can't be read")
                   : ink_loader_commit(loader, (size_t)n, error);
  }
  if (status == INK_OK) *out = loader;
  else ink_loader_free(loader);
  return status;
}

ink_status ink_model_load(ink_model **out, const ink_load_params *params, uint64_t size,
                          ink_read_fn read, void *read_context, ink_error *error) {
  ink_loader *loader;
  *out = NULL;
  INK_TRY(load_all(&loader, params, size, read, read_context, error));
  return ink_loader_finish(loader, out, error);
}

ink_status ink_adapter_load(ink_adapter **out, const ink_model *model, uint64_t size,
                            ink_read_fn read, void *read_context, ink_error *error) {
  ink_loader *loader;
  ink_load_params params = {.adapter_for = model};
  *out = NULL;
  INK_TRY(load_all(&loader, &params, size, read, read_context, error));
  return ink_loader_finish_adapter(loader, out, error);
}

void ink_model_free(ink_model *model) {
  if (!model) return;
  ink_allocator allocator = model->allocator;
  ink_vocab_free(&model->vocab);
  ink_release(&allocator, model->weights.layers,
              model->hparams.n_layer * sizeof *model->weights.layers);
  for (uint32_t i = 0; i < model->n_parts; i++) {
    const ink_weights_part *part = &model->parts[i];
    for (size_t j = 0; j < 2; j++) {
      ink_release(&allocator, part->arenas[j], (size_t)part->sizes[j]);
    }
  }
  ink_release(&allocator, model->parts, model->n_parts * sizeof *model->parts);
  ink_release(&allocator, model, sizeof *model);
}

const ink_model_info *ink_model_get_info(const ink_model *model) { return &model->info; }
