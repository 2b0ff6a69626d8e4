/* A session: the context of one conversation and all memory to go on with it. */
#ifndef INK_ENGINE_SESSION_H
#define INK_ENGINE_SESSION_H

#include "base/pool.h"
#include "engine/kv_cache.h"
#include "engine/lookup.h"
#include "engine/rope.h"
#include "engine/sampler.h"
#include "model/adapter.h"
#include "text/stream.h"

#define INK_BATCH 128u      /* tokens that go through the layers together */
#define INK_LOGIT_BATCH 8u  /* tokens whose logits are computed together */

/* Where a batch's intermediate results go; B is INK_BATCH, all f32. */
typedef struct ink_scratch {
  float *x;        /* [B][n_embd] the residual stream */
  float *normed;   /* [B][n_embd] */
  float *q;        /* [B][n_head * n_embd_head]; attention's sums afterwards */
  float *k;        /* [B][n_head_kv * n_embd_head] */
  float *v;        /* [B][n_head_kv * n_embd_head] */
  float *attended; /* [B][n_head * n_embd_head] */
  float *projected; /* [B][n_embd] what is added to x */
  float *gate;     /* [B][widest feed-forward network] */
  float *up;       /* [B][widest feed-forward network] */
  float *expert_weights; /* [B][expert_stride] of each expert for each token; 0: it is not used */
  float *expert_choice;  /* [n_expert] */
  float *expert_in;      /* [B][n_embd] the tokens that use one expert */
  float *expert_out;     /* [B][n_embd] */
  uint32_t expert_stride; /* n_expert rounded up to 4 */
  float *logits;   /* [INK_LOGIT_BATCH][n_vocab rounded up to 4] */
  float *tile_keys;   /* [threads][INK_KV_TILE][n_embd_head] */
  float *tile_values; /* likewise */
  float *queries;     /* [n_head_kv][B][n_head / n_head_kv][n_embd_head], or as many integers */
  ink_attention_state *attention; /* [n_head_kv][B][n_head / n_head_kv] */
  ink_q8_part *activations; /* [B][ink_q8_stride(blocks of the widest input)] */
  ink_unpacked_part *panel; /* [threads][panel_parts] */
  float *embedding; /* [n_embd] of a text */
  float *adapted;  /* [threads][2][INK_MAX_RANK] see adapters.c */
  uint32_t panel_parts;     /* ink_scratch_parts(blocks of the widest input) */
} ink_scratch;

typedef enum ink_generation_state {
  INK_GENERATION_NONE,
  INK_GENERATION_PREFILL,
  INK_GENERATION_DECODE,
  INK_GENERATION_SHIFT, /* making room for `pending` */
  INK_GENERATION_DONE,
} ink_generation_state;

typedef struct ink_generation_run {
  ink_generation_state state;
  ink_generation params; /* its stop strings are in `stream` */
  ink_token *prompt;     /* [n_ctx] */
  size_t n_prompt;
  uint32_t n_keep;       /* tokens that stay when the context is shifted */
  ink_token pending;     /* generated, not yet evaluated; -1: none */
  size_t n_generated;
  size_t n_drafted;
  size_t n_accepted;     /* of these, tokens that were generated indeed */
  char stop_bytes[INK_MAX_STOPS * INK_MAX_STOP_BYTES];
  ink_text_stream stream;
} ink_generation_run;

/* Keys on their way towards the beginning; see context_shift.h. */
typedef struct ink_context_shift {
  bool under_way;
  uint32_t keep;      /* tokens that stay where they are */
  uint32_t dropped;   /* tokens after these that go */
  size_t ring_first;  /* of the cache when it is done */
  uint32_t next_head; /* layer * n_head_kv + head */
} ink_context_shift;

/* Drafts: tokens[n_tokens ..) that are evaluated though the context does not hold them yet. As long as
 * logits are those of the context's last token, or until tokens are evaluated or dropped. */
typedef struct ink_ahead {
  uint32_t n;
  uint32_t row; /* of the batch they were evaluated in: the context's last token */
} ink_ahead;

/* A batch on its way through the layers: tokens[first .. first + n), which begin with the first one that
 * is not cached. */
typedef struct ink_pass {
  bool under_way;
  uint32_t first, n;
  uint32_t n_drafts;   /* the last of the n, which stand behind the context */
  uint32_t next_layer;
} ink_pass;

/* Scoring a text: its tokens are session->tokens. */
typedef struct ink_score_run {
  bool under_way;
  double nll;
} ink_score_run;

/* The embedding of a text, likewise; what is pooled so far is in scratch.embedding. */
typedef struct ink_embed_run {
  bool under_way;
  ink_pooling pooling;
  bool normalize;
} ink_embed_run;

struct ink_session {
  const ink_model *model;
  uint8_t *memory; /* the one block that everything below is in */
  uint64_t memory_size;
  uint32_t n_ctx;
  ink_pool *pool;
  bool shares_pool;  /* it is another session's */
  ink_token *tokens; /* [n_ctx] those that the context holds */
  size_t n_tokens;
  size_t n_cached;   /* of them, those whose keys and values the cache has; the rest are evaluated
                        before anything is added */
  size_t n_exact;    /* of the cached ones, those that are as if nothing had ever been dropped before
                        them (see context_shift.h): another prompt may begin with these */
  const float *logits; /* [n_vocab] of the last token, in scratch.logits; NULL: there are none */
  ink_ahead ahead;
  ink_pass pass;
  ink_adapter_use adapters[INK_MAX_ADAPTERS]; /* [n_adapters], those that do something */
  size_t n_adapters;
  ink_rope rope;
  ink_kv_cache kv;
  ink_scratch scratch;
  ink_sampler sampler;
  ink_lookup lookup;
  ink_generation_run run;
  ink_score_run score;
  ink_embed_run embed;
  ink_context_shift shift;
};

/* INK_ERR_INVALID_ARGUMENT when one of n tokens is none of the model's. */
ink_status ink_session_check_tokens(const ink_session *session, const ink_token *tokens, size_t n,
                                    ink_error *error);

/* Makes a text the context, of which nothing is evaluated yet. INK_ERR_CONTEXT_FULL when it does not fit,
 * and as ink_session_check_tokens(). */
ink_status ink_session_set_text(ink_session *session, const ink_token *tokens, size_t n,
                                ink_error *error);

/* Evaluates the next n <= INK_BATCH tokens that are not yet cached; without logits. With max_layers > 0
 * through that many layers at most, of the batch under way if there is one. True: it is through all. */
bool ink_session_eval_batch(ink_session *session, uint32_t n, uint32_t max_layers);

/* The context, which has room, has one token more; it is not evaluated. */
void ink_session_append(ink_session *session, ink_token token);

/* The same with tokens[n_tokens] of a context that is cached, and n_drafts < INK_BATCH tokens that stand
 * behind it there and fit too: ink_session_catch_up() will evaluate them all in one batch. */
void ink_session_append_drafted(ink_session *session, uint32_t n_drafts);

/* If `token` is the next draft, the context has it and its logits now, else nothing has changed. */
bool ink_session_take_ahead(ink_session *session, ink_token token);

/* Evaluates tokens that are not yet cached, at most `max` (0: all), and when none is left the last
 * one's logits. Then it returns true. With max_layers > 0 it takes one batch, new or under way, through
 * that many layers at most. */
bool ink_session_catch_up(ink_session *session, size_t max, uint32_t max_layers);

#endif
