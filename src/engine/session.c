#include "engine/session.h"

#include <string.h>

#include "engine/forward.h"

static uint64_t max3(uint64_t a, uint64_t b, uint64_t c) {
  uint64_t ab = a > b ? a : b;
  return ab > c ? ab : c;
}

static uint32_t effective_ctx(const ink_model_info *info, uint32_t n_ctx) {
  if (n_ctx) return n_ctx;
  return info->n_ctx_train < INK_DEFAULT_CTX ? info->n_ctx_train : INK_DEFAULT_CTX;
}

static void carve_scratch(ink_scratch *s, const ink_hparams *h, uint32_t n_threads,
                          ink_arena *arena) {
  uint64_t n_q = (uint64_t)h->n_head * h->n_embd_head;
  uint64_t n_kv = (uint64_t)h->n_head_kv * h->n_embd_head;
  uint64_t n_ff = max3(h->n_expert ? 0 : h->n_ff, h->n_ff_expert, h->n_ff_shared);
  uint64_t widest = max3(h->n_embd, n_q, n_ff);
  uint32_t blocks = (uint32_t)(widest / INK_BLOCK);
  uint64_t padded_vocab = ((uint64_t)h->n_vocab + 3) / 4 * 4;
  s->x = ink_carve(arena, INK_BATCH * (uint64_t)h->n_embd, sizeof(float));
  s->normed = ink_carve(arena, INK_BATCH * (uint64_t)h->n_embd, sizeof(float));
  s->q = ink_carve(arena, INK_BATCH * n_q, sizeof(float));
  s->k = ink_carve(arena, INK_BATCH * n_kv, sizeof(float));
  s->v = ink_carve(arena, INK_BATCH * n_kv, sizeof(float));
  s->attended = ink_carve(arena, INK_BATCH * n_q, sizeof(float));
  s->projected = ink_carve(arena, INK_BATCH * (uint64_t)h->n_embd, sizeof(float));
  s->gate = ink_carve(arena, INK_BATCH * n_ff, sizeof(float));
  s->up = ink_carve(arena, INK_BATCH * n_ff, sizeof(float));
  uint64_t expert_batch = h->n_expert ? INK_BATCH * (uint64_t)h->n_embd : 0;
  s->expert_stride = (h->n_expert + 3) / 4 * 4;
  s->expert_weights = ink_carve(arena, INK_BATCH * (uint64_t)s->expert_stride, sizeof(float));
  s->expert_choice = ink_carve(arena, h->n_expert, sizeof(float));
  s->expert_in = ink_carve(arena, expert_batch, sizeof(float));
  s->expert_out = ink_carve(arena, expert_batch, sizeof(float));
  s->logits = ink_carve(arena, INK_LOGIT_BATCH * padded_vocab, sizeof(float));
  uint64_t tile = INK_KV_TILE * (uint64_t)h->n_embd_head;
  s->tile_keys = ink_carve(arena, n_threads * tile, sizeof(float));
  s->tile_values = ink_carve(arena, n_threads * tile, sizeof(float));
  s->queries = ink_carve(arena, INK_BATCH * n_q, sizeof(float));
  s->attention = ink_carve(arena, INK_BATCH * (uint64_t)h->n_head, sizeof *s->attention);
  uint64_t n_activations = INK_BATCH * (uint64_t)ink_q8_stride(blocks, h->fine_activations);
  s->activations = ink_carve(arena, n_activations, sizeof *s->activations);
  s->panel_parts = ink_scratch_parts(blocks, h->fine_activations);
  s->panel = ink_carve(arena, n_threads * (uint64_t)s->panel_parts, sizeof *s->panel);
  s->embedding = ink_carve(arena, h->n_embd, sizeof(float));
  s->adapted = ink_carve(arena, n_threads * 2 * (uint64_t)INK_MAX_RANK, sizeof(float));
}

/* What a session's memory depends on, beside the model. */
typedef struct session_size {
  ink_kv_type kv_type;
  uint32_t kv_run; /* changes the layout, not the size */
  uint32_t n_ctx;
  uint32_t n_threads;
  bool shares_threads;
  uint32_t longest_token; /* bytes */
} session_size;

static ink_status get_size(session_size *size, const ink_model_info *info,
                           const ink_session_params *params, ink_error *error) {
  ink_session_params defaults = {0};
  if (!params) params = &defaults;
  uint32_t n_threads = ink_pool_threads(params->n_threads ? params->n_threads : 1);
  if (params->threads_of) n_threads = ink_pool_size(params->threads_of->pool);
  *size = (session_size){.kv_type = params->kv_type,
                         .kv_run = 1,
                         .n_ctx = effective_ctx(info, params->n_ctx),
                         .n_threads = n_threads,
                         .shares_threads = params->threads_of != NULL,
                         .longest_token = info->longest_token};
  return ink_kv_resolve_type(&size->kv_type, error);
}

static void carve_kv(ink_kv_cache *kv, const ink_hparams *h, const session_size *size,
                     ink_arena *arena) {
  ink_kv_carve(kv, h, size->kv_type, size->kv_run, size->n_ctx, INK_BATCH, arena);
}

static void carve_session(ink_session *session, const ink_hparams *h, const session_size *size,
                          ink_arena *arena) {
  carve_kv(&session->kv, h, size, arena);
  carve_scratch(&session->scratch, h, size->n_threads, arena);
  session->tokens = ink_carve(arena, size->n_ctx, sizeof *session->tokens);
  ink_rope_carve(&session->rope, h, INK_BATCH, arena);
  session->sampler.candidates =
      ink_carve(arena, h->n_vocab, sizeof *session->sampler.candidates);
  ink_lookup_carve(&session->lookup, size->n_ctx, arena);
  session->run.prompt = ink_carve(arena, size->n_ctx, sizeof *session->run.prompt);
  session->run.stream.capacity = ink_text_stream_capacity(size->longest_token);
  session->run.stream.held = ink_carve(arena, session->run.stream.capacity, 1);
}

ink_memory ink_memory_needed(const ink_model_info *info, const ink_session_params *params) {
  ink_memory memory = {.weights = info->weight_bytes, .vocabulary = info->vocabulary_bytes};
  session_size size;
  if (info->hparams && get_size(&size, info, params, NULL) == INK_OK) {
    ink_session measured;
    ink_arena arena = {NULL, 0};
    carve_kv(&measured.kv, info->hparams, &size, &arena);
    memory.kv_cache = arena.used;
    arena.used = 0;
    carve_session(&measured, info->hparams, &size, &arena);
    memory.scratch = arena.used - memory.kv_cache + ink_align_up(sizeof measured);
    if (!size.shares_threads) memory.scratch += ink_align_up(ink_pool_bytes(size.n_threads));
  }
  memory.total = memory.weights + memory.vocabulary + memory.kv_cache + memory.scratch;
  return memory;
}

ink_status ink_session_create(ink_session **out, const ink_model *model,
                              const ink_session_params *params, ink_error *error) {
  *out = NULL;
  if (!model->architecture) {
    return ink_fail(error, INK_ERR_WRONG_STATE,
                    "the model was loaded with vocabulary_only: it can't compute");
  }
  session_size size;
  INK_TRY(get_size(&size, &model->info, params, error));
  uint32_t n_ctx = size.n_ctx;
  if (n_ctx > 1u << 24) {
    return ink_fail(error, INK_ERR_INVALID_ARGUMENT, "a context of %u tokens is too long",
                    (unsigned)n_ctx);
  }
  if (model->hparams.learned_positions && n_ctx > model->hparams.n_ctx_train) {
    return ink_fail(error, INK_ERR_INVALID_ARGUMENT,
                    "the model has learned %u positions; a context of %u tokens is too long",
                    (unsigned)model->hparams.n_ctx_train, (unsigned)n_ctx);
  }
  ink_session *session;
  INK_TRY(ink_allocate(&model->allocator, sizeof *session, "a session", &session, error));
  *session = (ink_session){.model = model, .n_ctx = n_ctx, .shares_pool = size.shares_threads};
  ink_status status = INK_OK;
  if (size.shares_threads) session->pool = params->threads_of->pool;
  else status = ink_pool_create(&session->pool, &model->allocator, size.n_threads, error);
  ink_arena arena = {NULL, 0};
  size.kv_run = model->kernels->kv_run;
  if (status == INK_OK) {
    carve_session(session, &model->hparams, &size, &arena);
    session->memory_size = arena.used;
    status = ink_allocate(&model->allocator, arena.used, "the context and its KV cache",
                          &session->memory, error);
  }
  if (status != INK_OK) {
    ink_session_free(session);
    return status;
  }
  arena = (ink_arena){session->memory, 0};
  carve_session(session, &model->hparams, &size, &arena);
  ink_rope_init(&session->rope, &model->hparams, &model->weights, n_ctx);
  *out = session;
  return INK_OK;
}

void ink_session_free(ink_session *session) {
  if (!session) return;
  const ink_allocator *allocator = &session->model->allocator;
  if (!session->shares_pool) ink_pool_free(session->pool);
  ink_release(allocator, session->memory, (size_t)session->memory_size);
  ink_release(allocator, session, sizeof *session);
}

ink_status ink_session_check_tokens(const ink_session *session, const ink_token *tokens, size_t n,
                                    ink_error *error) {
  for (size_t i = 0; i < n; i++) {
    if (tokens[i] >= 0 && (uint32_t)tokens[i] < session->model->hparams.n_vocab) continue;
    return ink_fail(error, INK_ERR_INVALID_ARGUMENT, "there is no token %d; the last is %u",
                    (int)tokens[i], (unsigned)session->model->hparams.n_vocab - 1);
  }
  return INK_OK;
}

/* Of n tokens that the context holds and n_drafts behind them. */
static void begin_pass(ink_session *session, uint32_t n, uint32_t n_drafts) {
  uint32_t first = (uint32_t)session->n_cached;
  session->pass = (ink_pass){true, first, n + n_drafts, n_drafts, 0};
  session->ahead.n = 0;
  ink_forward_embed(session, first, n + n_drafts);
  /* From now on, not when it is through: it may be given up, and rings have lost what it displaced. */
  ink_kv_advance(&session->kv, first + n + n_drafts);
}

/* Through at most max_layers (0: all). True: it is through all. */
static bool continue_pass(ink_session *session, uint32_t max_layers) {
  ink_pass *pass = &session->pass;
  uint32_t end = session->model->hparams.n_layer;
  bool completes = max_layers == 0 || max_layers >= end - pass->next_layer;
  if (!completes) end = pass->next_layer + max_layers;
  while (pass->next_layer < end) {
    ink_forward_layer(session, pass->next_layer++, pass->first, pass->n);
  }
  if (!completes) return false;
  pass->under_way = false;
  uint32_t n = pass->n - pass->n_drafts;
  if (session->n_exact == session->n_cached) session->n_exact += n;
  session->n_cached += n;
  return true;
}

bool ink_session_eval_batch(ink_session *session, uint32_t n, uint32_t max_layers) {
  if (!session->pass.under_way) begin_pass(session, n, 0);
  return continue_pass(session, max_layers);
}

/* The logits of the context's last token, one of those in `ahead`. Those of several rows are computed
 * together, when the first of them is reached. */
static void show_logits(ink_session *session) {
  const ink_ahead *ahead = &session->ahead;
  uint32_t n_left = ahead->n + 1, at = ahead->row % INK_LOGIT_BATCH;
  if (at == 0) {
    uint32_t n = n_left < INK_LOGIT_BATCH ? n_left : INK_LOGIT_BATCH;
    ink_forward_logits(session, ahead->row, n);
  }
  size_t stride = ((size_t)session->model->hparams.n_vocab + 3) / 4 * 4;
  session->logits = session->scratch.logits + at * stride;
}

/* Those of the context's last token, which the last pass has evaluated. */
static void show_logits_of_pass(ink_session *session) {
  const ink_pass *pass = &session->pass;
  if (pass->n_drafts) {
    session->ahead = (ink_ahead){pass->n_drafts, 0};
    show_logits(session);
  } else {
    ink_forward_logits(session, pass->n - 1, 1);
    session->logits = session->scratch.logits;
  }
}

bool ink_session_take_ahead(ink_session *session, ink_token token) {
  if (session->ahead.n == 0 || session->tokens[session->n_tokens] != token) return false;
  session->ahead.n--;
  session->ahead.row++;
  if (session->n_exact == session->n_cached) session->n_exact++;
  session->n_cached++;
  session->n_tokens++;
  show_logits(session);
  return true;
}

bool ink_session_catch_up(ink_session *session, size_t max, uint32_t max_layers) {
  size_t left = session->n_tokens - session->n_cached;
  if (left == 0) return true;
  if (max && left > max) left = max;
  while (left > 0) {
    uint32_t n = left < INK_BATCH ? (uint32_t)left : INK_BATCH;
    if (!ink_session_eval_batch(session, n, max_layers)) return false;
    left = max_layers ? 0 : left - n;
  }
  if (session->n_cached < session->n_tokens) return false;
  show_logits_of_pass(session);
  return true;
}

/* The session is used for something else than what was being done with it in bounded pieces. */
static void give_up_pieces(ink_session *session) {
  session->score.under_way = false;
  session->embed.under_way = false;
  session->shift.under_way = false;
  session->pass.under_way = false;
  session->ahead.n = 0;
}

ink_status ink_session_set_text(ink_session *session, const ink_token *tokens, size_t n,
                                ink_error *error) {
  session->run.state = INK_GENERATION_NONE;
  INK_TRY(ink_session_check_tokens(session, tokens, n, error));
  if (n > session->n_ctx) {
    return ink_fail(error, INK_ERR_CONTEXT_FULL,
                    "the text's %llu tokens do not fit a context of %u; shorten it or make the context "
                    "longer",
                    (unsigned long long)n, (unsigned)session->n_ctx);
  }
  ink_session_truncate(session, 0);
  memcpy(session->tokens, tokens, n * sizeof *tokens);
  session->n_tokens = n;
  return INK_OK;
}

void ink_session_append(ink_session *session, ink_token token) {
  give_up_pieces(session);
  session->tokens[session->n_tokens++] = token;
}

void ink_session_append_drafted(ink_session *session, uint32_t n_drafts) {
  session->n_tokens++;
  begin_pass(session, 1, n_drafts);
}

ink_status ink_session_copy(ink_session *to, const ink_session *from, ink_error *error) {
  if (to->model != from->model || to->n_ctx != from->n_ctx || to->kv.type != from->kv.type) {
    return ink_fail(error, INK_ERR_INVALID_ARGUMENT,
                    "a session's context fits only one of the same model, n_ctx and kv_type");
  }
  if (to == from) return INK_OK;
  give_up_pieces(to);
  to->run.state = INK_GENERATION_NONE;
  memcpy(to->adapters, from->adapters, sizeof to->adapters);
  to->n_adapters = from->n_adapters;
  memcpy(to->tokens, from->tokens, from->n_tokens * sizeof *to->tokens);
  to->n_tokens = from->n_tokens;
  to->n_cached = from->n_cached;
  to->n_exact = from->n_exact;
  ink_kv_copy(&to->kv, &from->kv, to->model->hparams.n_layer, from->n_cached);
  to->logits = NULL;
  if (from->logits) {
    memcpy(to->scratch.logits, from->logits, to->model->hparams.n_vocab * sizeof *from->logits);
    to->logits = to->scratch.logits;
  }
  return INK_OK;
}

ink_status ink_session_set_adapters(ink_session *session, const ink_adapter_use *uses, size_t n,
                                    ink_error *error) {
  ink_adapter_use list[INK_MAX_ADAPTERS];
  size_t n_list = 0;
  for (size_t i = 0; i < n; i++) {
    if (n > INK_MAX_ADAPTERS || uses[i].adapter->model != session->model ||
        !(uses[i].scale - uses[i].scale == 0.0f)) {
      return ink_fail(error, INK_ERR_INVALID_ARGUMENT,
                      "adapter %llu of %llu: there are at most %u, of the session's model, with a "
                      "finite scale each",
                      (unsigned long long)i + 1, (unsigned long long)n, INK_MAX_ADAPTERS);
    }
    if (uses[i].scale != 0.0f) list[n_list++] = uses[i];
  }
  bool same = n_list == session->n_adapters;
  for (size_t i = 0; same && i < n_list; i++) {
    same = list[i].adapter == session->adapters[i].adapter &&
           list[i].scale == session->adapters[i].scale;
  }
  if (same) return INK_OK;
  for (size_t i = 0; i < n_list; i++) session->adapters[i] = list[i];
  session->n_adapters = n_list;
  give_up_pieces(session);
  session->run.state = INK_GENERATION_NONE;
  session->logits = NULL;
  session->n_cached = ink_kv_truncate(&session->kv, 0);
  session->n_exact = session->n_cached;
  return INK_OK;
}

ink_status ink_session_eval(ink_session *session, const ink_token *tokens, size_t n,
                            ink_error *error) {
  INK_TRY(ink_session_check_tokens(session, tokens, n, error));
  if (n > session->n_ctx - session->n_tokens) {
    return ink_fail(error, INK_ERR_CONTEXT_FULL,
                    "%llu more tokens do not fit a context of %u that holds %llu; make it longer "
                    "or the text shorter",
                    (unsigned long long)n, (unsigned)session->n_ctx,
                    (unsigned long long)session->n_tokens);
  }
  if (n == 0) return INK_OK;
  give_up_pieces(session);
  memcpy(session->tokens + session->n_tokens, tokens, n * sizeof *tokens);
  session->n_tokens += n;
  ink_session_catch_up(session, 0, 0);
  return INK_OK;
}

const float *ink_session_logits(const ink_session *session) {
  return session->logits;
}

size_t ink_session_length(const ink_session *session) { return session->n_tokens; }

size_t ink_session_capacity(const ink_session *session) { return session->n_ctx; }

void ink_session_truncate(ink_session *session, size_t n) {
  give_up_pieces(session);
  if (n >= session->n_tokens) return;
  session->n_tokens = n;
  session->logits = NULL;
  if (n < session->n_cached) session->n_cached = ink_kv_truncate(&session->kv, n);
  if (session->n_cached < session->n_exact) session->n_exact = session->n_cached;
}
