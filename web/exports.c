/* See exports.h, which says what each function does. */
#include "exports.h"

#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "base/sha256.h"

_Static_assert(INKJS_DEFAULT_CTX == INK_DEFAULT_CTX, "what JavaScript knows");
_Static_assert(INKJS_MAX_THREADS == INK_MAX_THREADS, "what JavaScript knows");

/* ---- Handles --------------------------------------------------------------------------------------- */

struct inkjs_model {
  ink_error error; /* first in both handles: inkjs_error_code() and _message() rely on it */
  ink_loader *loader; /* while it, or an adapter, is loading */
  ink_model *model;   /* once it is loaded */
  uint8_t *buffer;    /* the loader's, until the next commit */
  size_t buffer_size;
  ink_sha256 sha256; /* of what the host says */

  void *result; /* owned; what the last call of "text and tokens" gave */
  size_t result_length;
};

struct inkjs_session {
  ink_error error;
  ink_session *session;
  ink_kv_type kv_type;
  ink_generation generation;      /* as it is being put together; `stops` unused until begun */
  char *stops[INK_MAX_STOPS];     /* [generation.n_stops], owned */
  ink_step step;
  bool embeds; /* what was begun last is an embedding */
  ink_embedding embedding;
  ink_score score;
};

void *inkjs_allocate(size_t size) { return malloc(size ? size : 1); }
void inkjs_release(void *pointer) { free(pointer); }

static ink_status fail(ink_error *error, ink_status code, const char *message) {
  error->code = code;
  strncpy(error->message, message, sizeof error->message - 1);
  error->message[sizeof error->message - 1] = '\0';
  return code;
}

static ink_status fail_memory(ink_error *error) {
  return fail(error, INK_ERR_OUT_OF_MEMORY, "no memory is left for a request's text or tokens");
}

static char *copy_bytes(const char *bytes, size_t n) {
  char *copy = malloc(n + 1);
  if (!copy) return NULL;
  memcpy(copy, bytes, n);
  copy[n] = '\0';
  return copy;
}

inkjs_model *inkjs_model_create(void) { return calloc(1, sizeof(inkjs_model)); }

inkjs_session *inkjs_session_create(inkjs_model *model, uint32_t n_ctx, ink_kv_type kv_type,
                                    uint32_t n_threads, const inkjs_session *threads_of) {
  inkjs_session *session = calloc(1, sizeof *session);
  if (!session) {
    fail_memory(&model->error);
    return NULL;
  }
  ink_session_params params = {.n_ctx = n_ctx, .n_threads = n_threads, .kv_type = kv_type};
  if (threads_of) params.threads_of = threads_of->session;
  if (ink_session_create(&session->session, model->model, &params, &model->error) != INK_OK) {
    free(session);
    return NULL;
  }
  session->kv_type = kv_type;
  inkjs_generation_reset(session);
  return session;
}

ink_status inkjs_session_copy(inkjs_session *to, const inkjs_session *from) {
  return ink_session_copy(to->session, from->session, &to->error);
}

#if defined(__wasm_atomics__)

__attribute__((import_module("env"), import_name("inkjs_now"))) double inkjs_now(void);

static double now_ms(void *context) {
  (void)context;
  return inkjs_now();
}

ink_status inkjs_session_choose_threads(inkjs_session *session) {
  return ink_session_choose_threads(session->session, now_ms, NULL, &session->error);
}

#else

ink_status inkjs_session_choose_threads(inkjs_session *session) {
  (void)session; /* there is one */
  return INK_OK;
}

#endif

uint32_t inkjs_session_threads(const inkjs_session *session) {
  return ink_session_threads(session->session);
}

ink_kv_type inkjs_session_kv_type(const inkjs_session *session) { return session->kv_type; }

static void forget_stops(inkjs_session *session) {
  for (size_t i = 0; i < session->generation.n_stops; i++) free(session->stops[i]);
  session->generation.n_stops = 0;
}

void inkjs_session_destroy(inkjs_session *session) {
  if (!session) return;
  forget_stops(session);
  ink_session_free(session->session);
  free(session);
}

ink_status inkjs_error_code(const void *handle) { return ((const ink_error *)handle)->code; }
const char *inkjs_error_message(const void *handle) {
  return ((const ink_error *)handle)->message;
}

/* ---- Loading --------------------------------------------------------------------------------------- */

ink_status inkjs_load_begin(inkjs_model *model, const char *kernels, double size,
                            inkjs_load_extent extent) {
  ink_load_params params = {.kernels = kernels,
                            .vocabulary_only = extent == INKJS_LOAD_VOCABULARY,
                            .description_only = extent == INKJS_LOAD_DESCRIPTION};
  return ink_loader_begin(&model->loader, &params, (uint64_t)size, &model->error);
}

ink_status inkjs_load_buffer(inkjs_model *model) {
  return ink_loader_buffer(model->loader, &model->buffer, &model->buffer_size, &model->error);
}

uint8_t *inkjs_buffer(const inkjs_model *model) { return model->buffer; }
size_t inkjs_buffer_size(const inkjs_model *model) { return model->buffer_size; }

ink_status inkjs_load_commit(inkjs_model *model, size_t n) {
  return ink_loader_commit(model->loader, n, &model->error);
}

bool inkjs_load_is_complete(const inkjs_model *model) { return ink_loader_complete(model->loader); }

uint32_t inkjs_load_n_parts(const inkjs_model *model) { return ink_loader_n_parts(model->loader); }

bool inkjs_load_part_is_complete(const inkjs_model *model) {
  return ink_loader_part_complete(model->loader);
}

ink_status inkjs_load_next_part(inkjs_model *model, double size) {
  return ink_loader_next_part(model->loader, (uint64_t)size, &model->error);
}

ink_status inkjs_load_finish(inkjs_model *model) {
  ink_loader *loader = model->loader;
  model->loader = NULL; /* freed by the call, whatever it returns */
  return ink_loader_finish(loader, &model->model, &model->error);
}

ink_status inkjs_adapter_begin(inkjs_model *model, double size) {
  ink_load_params params = {.adapter_for = model->model};
  ink_loader_free(model->loader);
  return ink_loader_begin(&model->loader, &params, (uint64_t)size, &model->error);
}

ink_adapter *inkjs_adapter_finish(inkjs_model *model) {
  ink_loader *loader = model->loader;
  ink_adapter *adapter = NULL;
  model->loader = NULL; /* as above */
  if (loader) ink_loader_finish_adapter(loader, &adapter, &model->error);
  return adapter;
}

void inkjs_adapter_destroy(ink_adapter *adapter) { ink_adapter_free(adapter); }

double inkjs_adapter_info(const ink_adapter *adapter, inkjs_adapter_number field) {
  const ink_adapter_info *info = ink_adapter_get_info(adapter);
  switch (field) {
    case INKJS_ADAPTER_N_PARAMS: return (double)info->n_params;
    case INKJS_ADAPTER_BYTES: return (double)info->bytes;
    case INKJS_ADAPTER_N_MATRICES: return info->n_matrices;
    case INKJS_ADAPTER_RANK: return info->rank;
    case INKJS_ADAPTER_ALPHA: return (double)info->alpha;
  }
  return 0;
}

ink_status inkjs_session_set_adapters(inkjs_session *session, const ink_adapter *const *adapters,
                                      const float *scales, size_t n) {
  ink_adapter_use uses[INK_MAX_ADAPTERS]; /* of more, which the core refuses, the first ones */
  for (size_t i = 0; i < n && i < INK_MAX_ADAPTERS; i++) {
    uses[i] = (ink_adapter_use){adapters[i], scales[i]};
  }
  return ink_session_set_adapters(session->session, uses, n, &session->error);
}

void inkjs_sha256_begin(inkjs_model *model) { ink_sha256_begin(&model->sha256); }

void inkjs_sha256_update(inkjs_model *model, const uint8_t *bytes, size_t n) {
  ink_sha256_update(&model->sha256, bytes, n);
}

/* ---- What is known of the model -------------------------------------------------------------------- */

static const ink_model_info *info_of(const inkjs_model *model) {
  return model->model ? ink_model_get_info(model->model) : ink_loader_info(model->loader);
}

bool inkjs_has_info(const inkjs_model *model) { return info_of(model) != NULL; }

const char *inkjs_info_string(const inkjs_model *model, inkjs_string field) {
  const ink_model_info *info = info_of(model);
  switch (field) {
    case INKJS_STRING_ARCHITECTURE: return info->architecture;
    case INKJS_STRING_NAME: return info->name;
    case INKJS_STRING_TOKENIZER: return info->tokenizer;
    case INKJS_STRING_QUANTIZATION: return info->quantization;
    case INKJS_STRING_KERNELS: return info->kernels;
  }
  return "";
}

double inkjs_info_number(const inkjs_model *model, inkjs_number field) {
  const ink_model_info *info = info_of(model);
  switch (field) {
    case INKJS_NUMBER_N_PARAMS: return (double)info->n_params;
    case INKJS_NUMBER_WEIGHT_BYTES: return (double)info->weight_bytes;
    case INKJS_NUMBER_N_VOCAB: return info->n_vocab;
    case INKJS_NUMBER_N_CTX_TRAIN: return info->n_ctx_train;
    case INKJS_NUMBER_N_EMBD: return info->n_embd;
    case INKJS_NUMBER_N_LAYER: return info->n_layer;
    case INKJS_NUMBER_N_HEAD: return info->n_head;
    case INKJS_NUMBER_N_HEAD_KV: return info->n_head_kv;
    case INKJS_NUMBER_N_FF: return info->n_ff;
    case INKJS_NUMBER_ADD_BOS: return info->add_bos;
    case INKJS_NUMBER_HAS_CHAT_FORMAT: return info->has_chat_format;
    case INKJS_NUMBER_POOLING: return info->pooling;
  }
  return 0;
}

double inkjs_memory_needed(const inkjs_model *model, uint32_t n_ctx, ink_kv_type kv_type) {
  ink_session_params params = {.n_ctx = n_ctx, .kv_type = kv_type};
  return (double)ink_memory_needed(info_of(model), &params).total;
}

/* ---- Text and tokens ------------------------------------------------------------------------------- */

const void *inkjs_result(const inkjs_model *model) { return model->result; }
size_t inkjs_result_length(const inkjs_model *model) { return model->result_length; }

/* Room for a result of n elements in place of the last one. */
static ink_status make_room(inkjs_model *model, size_t n, size_t element_size) {
  free(model->result);
  model->result_length = 0;
  model->result = n <= SIZE_MAX / element_size ? inkjs_allocate(n * element_size) : NULL;
  return model->result ? INK_OK : fail_memory(&model->error);
}

ink_status inkjs_sha256_finish(inkjs_model *model) {
  enum { SIZE = 32 };
  ink_status status = make_room(model, SIZE, 1);
  if (status != INK_OK) return status;
  ink_sha256_finish(&model->sha256, model->result);
  model->result_length = SIZE;
  return INK_OK;
}

ink_status inkjs_tokenize(inkjs_model *model, const char *text, size_t len, uint32_t flags) {
  size_t needed = len + 3; /* enough for most models; the call says how many it takes in the others */
  ink_status status = INK_ERR_BUFFER_TOO_SMALL;
  while (status == INK_ERR_BUFFER_TOO_SMALL) {
    size_t capacity = needed;
    status = make_room(model, capacity, sizeof(ink_token));
    if (status != INK_OK) return status;
    status = ink_tokenize(model->model, text, len, flags, model->result, capacity, &needed,
                          &model->error);
  }
  if (status == INK_OK) model->result_length = needed;
  return status;
}

ink_status inkjs_detokenize(inkjs_model *model, const ink_token *tokens, size_t n) {
  size_t len = 0;
  ink_status status = ink_detokenize(model->model, tokens, n, NULL, 0, &len, &model->error);
  if (status != INK_OK && status != INK_ERR_BUFFER_TOO_SMALL) return status;
  status = make_room(model, len, 1);
  if (status != INK_OK) return status;
  return ink_detokenize(model->model, tokens, n, model->result, len, &model->result_length,
                        &model->error);
}

ink_status inkjs_token_pieces(inkjs_model *model, const ink_token *tokens, size_t n) {
  const char *piece;
  size_t len, total = 0;
  for (size_t i = 0; i < n; i++) {
    ink_status status = ink_token_piece(model->model, tokens[i], &piece, &len, &model->error);
    if (status != INK_OK) return status;
    total += sizeof(uint32_t) + len;
  }
  ink_status status = make_room(model, total, 1);
  if (status != INK_OK) return status;
  uint32_t *lengths = model->result;
  char *bytes = (char *)(lengths + n);
  for (size_t i = 0; i < n; i++) {
    status = ink_token_piece(model->model, tokens[i], &piece, &len, &model->error);
    if (status != INK_OK) return status;
    lengths[i] = (uint32_t)len;
    memcpy(bytes, piece, len);
    bytes += len;
  }
  model->result_length = total;
  return INK_OK;
}

ink_status inkjs_apply_chat_template(inkjs_model *model, const char *chat_template,
                                     size_t chat_template_len, const char *json, size_t json_len,
                                     double now) {
  const char *builtin = ink_builtin_chat_template(chat_template);
  ink_template_params params = {
      .chat_template = builtin ? builtin : chat_template,
      .chat_template_len = builtin ? strlen(builtin) : chat_template_len,
      .now = (int64_t)now,
  };
  size_t needed = 2 * json_len + 1024; /* most prompts fit; the call says what the others take */
  ink_status status = INK_ERR_BUFFER_TOO_SMALL;
  while (status == INK_ERR_BUFFER_TOO_SMALL) {
    size_t capacity = needed;
    status = make_room(model, capacity, 1);
    if (status != INK_OK) return status;
    status = ink_apply_chat_template(model->model, &params, json, json_len, model->result, capacity,
                                     &needed, &model->error);
  }
  if (status == INK_OK) model->result_length = needed;
  return status;
}

/* ---- Generating ------------------------------------------------------------------------------------ */

void inkjs_generation_reset(inkjs_session *session) {
  forget_stops(session);
  session->embeds = false;
  session->generation = (ink_generation){
      .sampling = ink_sampling_default(),
      .max_tokens = UINT64_MAX,
      .max_layers = 1, /* JavaScript looks at the clock, and at what else there is, after each */
  };
}

ink_status inkjs_generation_set(inkjs_session *session, inkjs_option option, double value) {
  ink_sampling *sampling = &session->generation.sampling;
  switch (option) {
    case INKJS_OPTION_TEMPERATURE: sampling->temperature = (float)value; return INK_OK;
    case INKJS_OPTION_TOP_P: sampling->top_p = (float)value; return INK_OK;
    case INKJS_OPTION_MIN_P: sampling->min_p = (float)value; return INK_OK;
    case INKJS_OPTION_REPEAT_PENALTY: sampling->repeat_penalty = (float)value; return INK_OK;
    case INKJS_OPTION_CONTEXT_SHIFT: session->generation.context_shift = value != 0; return INK_OK;
    case INKJS_OPTION_DRAFT:
      if (!(value >= (double)INK_DRAFT_OFF && value <= (double)INT32_MAX &&
            value == (double)(int32_t)value)) {
        return fail(&session->error, INK_ERR_INVALID_ARGUMENT, "draft must be a whole number");
      }
      session->generation.draft = (int32_t)value;
      return INK_OK;
    case INKJS_OPTION_TOP_K:
    case INKJS_OPTION_SEED:
    case INKJS_OPTION_MAX_TOKENS:
    case INKJS_OPTION_KEEP_TOKENS: break;
  }
  /* Whole numbers; negated so that a NaN fails too. */
  bool in_32_bits = option == INKJS_OPTION_TOP_K || option == INKJS_OPTION_KEEP_TOKENS;
  double limit = in_32_bits ? UINT32_MAX : 9007199254740991.0;
  if (!(value >= 0 && value <= limit && value == (double)(uint64_t)value)) {
    return fail(&session->error, INK_ERR_INVALID_ARGUMENT,
                "topK, seed, maxTokens and keepTokens must be whole numbers, 0 or more and exact in a "
                "double (topK and keepTokens: in 32 bits)");
  }
  switch (option) {
    case INKJS_OPTION_TOP_K: sampling->top_k = (uint32_t)value; break;
    case INKJS_OPTION_SEED: sampling->seed = (uint64_t)value; break;
    case INKJS_OPTION_KEEP_TOKENS: session->generation.n_keep = (uint32_t)value; break;
    default: session->generation.max_tokens = (uint64_t)value; break;
  }
  return INK_OK;
}

ink_status inkjs_generation_add_stop(inkjs_session *session, const char *stop) {
  size_t n = session->generation.n_stops;
  if (n == INK_MAX_STOPS) {
    return fail(&session->error, INK_ERR_INVALID_ARGUMENT, "there are at most 16 stop strings");
  }
  session->stops[n] = copy_bytes(stop, strlen(stop));
  if (!session->stops[n]) return fail_memory(&session->error);
  session->generation.n_stops = n + 1;
  return INK_OK;
}

ink_status inkjs_generation_begin(inkjs_session *session, const ink_token *prompt,
                                  size_t n_prompt) {
  session->generation.stops = (const char *const *)session->stops;
  return ink_generation_begin(session->session, &session->generation, prompt, n_prompt,
                              &session->error);
}

ink_status inkjs_generation_step(inkjs_session *session, uint32_t max_prefill) {
  if (!session->embeds) {
    return ink_generation_step(session->session, max_prefill, &session->step, &session->error);
  }
  ink_embedding *embedding = &session->embedding;
  ink_status status =
      ink_embed_step(session->session, max_prefill, 1, embedding, &session->error);
  session->step.kind = embedding->values ? INK_STEP_DONE : INK_STEP_PREFILL;
  session->step.prompt_done = embedding->n_done;
  session->step.text_len = 0;
  return status;
}

int32_t inkjs_step_number(const inkjs_session *session, inkjs_step_field field) {
  const ink_step *step = &session->step;
  switch (field) {
    case INKJS_STEP_FIELD_KIND: return (int32_t)step->kind;
    case INKJS_STEP_FIELD_FINISH: return (int32_t)step->finish;
    case INKJS_STEP_FIELD_TOKEN: return step->token;
    case INKJS_STEP_FIELD_TEXT_LEN: return (int32_t)step->text_len;
    case INKJS_STEP_FIELD_PROMPT_DONE: return (int32_t)step->prompt_done;
    case INKJS_STEP_FIELD_PROMPT_TOTAL: return (int32_t)step->prompt_total;
    case INKJS_STEP_FIELD_N_GENERATED: return (int32_t)step->n_generated;
    case INKJS_STEP_FIELD_N_DRAFTED: return (int32_t)step->n_drafted;
    case INKJS_STEP_FIELD_N_ACCEPTED: return (int32_t)step->n_accepted;
  }
  return 0;
}

const char *inkjs_step_text(const inkjs_session *session) { return session->step.text; }

size_t inkjs_session_length(const inkjs_session *session) {
  return ink_session_length(session->session);
}

/* ---- Embeddings ------------------------------------------------------------------------------------ */

ink_status inkjs_embed_begin(inkjs_session *session, const ink_token *tokens, size_t n,
                             ink_pooling pooling, bool normalize) {
  session->embeds = true;
  return ink_embed_begin(session->session, tokens, n, pooling, normalize, &session->error);
}

const float *inkjs_embedding(const inkjs_session *session) { return session->embedding.values; }

/* ---- Scoring --------------------------------------------------------------------------------------- */

size_t inkjs_session_capacity(const inkjs_session *session) {
  return ink_session_capacity(session->session);
}

ink_status inkjs_score_begin(inkjs_session *session, const ink_token *tokens, size_t n) {
  return ink_score_begin(session->session, tokens, n, &session->error);
}

ink_status inkjs_score_step(inkjs_session *session, uint32_t max_tokens) {
  return ink_score_step(session->session, max_tokens, &session->score, &session->error);
}

size_t inkjs_score_done(const inkjs_session *session) { return session->score.n_done; }
double inkjs_score_nll(const inkjs_session *session) { return session->score.nll; }
