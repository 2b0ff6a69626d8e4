#include "engine/attention.h"

#include <math.h>
#include <string.h>

/* Where head `head` of token t of n stands in what is ordered by key-value heads: all that may be
 * multiplied with the same keys is together. */
static size_t query_index(const ink_hparams *h, uint32_t head, uint32_t t, uint32_t n) {
  uint32_t group = h->n_head / h->n_head_kv;
  return ((size_t)(head / group) * n + t) * group + head % group;
}

static void store_query(ink_session *session, const float *q, size_t index) {
  ink_scratch *s = &session->scratch;
  uint32_t width = session->model->hparams.n_embd_head;
  ink_attention_state *state = &s->attention[index];
  *state = (ink_attention_state){.max = -INFINITY};
  if (session->kv.type == INK_KV_Q8_0) {
    int16_t *levels = (int16_t *)(void *)s->queries + index * width;
    state->query_scale = session->model->kernels->quantize_query(q, width, levels);
  } else {
    memcpy(s->queries + index * width, q, width * sizeof *q);
  }
}

void ink_attention_store(ink_session *session, uint32_t layer, uint32_t first, uint32_t n) {
  const ink_hparams *h = &session->model->hparams;
  ink_scratch *s = &session->scratch;
  uint32_t width = h->n_embd_head;
  for (uint32_t t = 0; t < n; t++) {
    float *q = s->q + (size_t)t * h->n_head * width;
    session->model->kernels->scale(q, h->attn_scale * INK_SCORE_UNIT, h->n_head * width);
    ink_kv_mix(&session->kv, session->model->kernels, q, h->n_head);
    for (uint32_t head = 0; head < h->n_head; head++) {
      store_query(session, q + head * width, query_index(h, head, t, n));
    }
    float *k = s->k + (size_t)t * h->n_head_kv * width;
    ink_kv_mix(&session->kv, session->model->kernels, k, h->n_head_kv);
    const float *v = s->v + (size_t)t * h->n_head_kv * width;
    for (uint32_t head = 0; head < h->n_head_kv; head++) {
      ink_kv_store(&session->kv, layer, head, first + t, k + head * width, v + head * width);
    }
  }
}

typedef struct attention_job {
  ink_session *session;
  uint32_t layer, first, n;
  uint32_t window; /* positions that a token sees, its own included */
} attention_job;

/* The first position that a token at `position` sees. */
static uint32_t window_start(const attention_job *job, uint32_t position) {
  return position >= job->window ? position - job->window + 1 : 0;
}

/* What a token sees of a tile: the positions first .. n - 1, none where n is 0. */
typedef struct tile_view {
  uint32_t first, n;
} tile_view;

static tile_view view_of(const attention_job *job, uint32_t t, uint32_t tile_start) {
  uint32_t position = job->first + t, start = window_start(job, position);
  if (position < tile_start || start >= tile_start + INK_KV_TILE) return (tile_view){0, 0};
  uint32_t n = position - tile_start + 1;
  return (tile_view){start > tile_start ? start - tile_start : 0,
                     n < INK_KV_TILE ? n : INK_KV_TILE};
}

/* The first position of the first tile that a batch sees. */
static uint32_t first_tile(const attention_job *job) {
  return window_start(job, job->first) / INK_KV_TILE * INK_KV_TILE;
}

/* WebAssembly has no instruction for it, and does without the code. */
#if defined(__wasm__)
#define CAN_FETCH_AHEAD false
#else
#define CAN_FETCH_AHEAD true
#endif

/* After a head's last tile comes the next head's first one. */
static void announce_next(const attention_job *job, uint32_t head_kv, uint32_t tile_start,
                          ink_kv_tile *tile) {
  if (!CAN_FETCH_AHEAD) return;
  const ink_kv_cache *kv = &job->session->kv;
  uint32_t next = tile_start + INK_KV_TILE;
  if (next < job->first + job->n) {
    ink_kv_announce(kv, job->layer, head_kv, next, tile);
  } else if (head_kv + 1 < kv->n_head_kv) {
    ink_kv_announce(kv, job->layer, head_kv + 1, first_tile(job), tile);
  }
}

/* Tiles begin at multiples of INK_KV_TILE whatever the batch, so that sums have one order. */
static void attend_tile(const attention_job *job, uint32_t head_kv, uint32_t tile_start,
                        ink_kv_scratch scratch) {
  ink_session *session = job->session;
  const ink_hparams *h = &session->model->hparams;
  const ink_kernels *kernels = session->model->kernels;
  ink_scratch *s = &session->scratch;
  uint32_t width = h->n_embd_head, group = h->n_head / h->n_head_kv;
  size_t query_bytes = width * (session->kv.type == INK_KV_Q8_0 ? sizeof(int16_t) : sizeof(float));
  uint32_t seen = job->first + job->n - tile_start; /* by the batch's last token */
  if (seen > INK_KV_TILE) seen = INK_KV_TILE;
  ink_kv_tile tile =
      ink_kv_load(&session->kv, kernels, job->layer, head_kv, tile_start, seen, scratch);
  announce_next(job, head_kv, tile_start, &tile);
  tile.softcap = h->attn_softcap * INK_SCORE_UNIT;
  for (uint32_t t = 0, end; t < job->n; t = end) { /* tokens that see the same go together */
    tile_view view = view_of(job, t, tile_start);
    for (end = t + 1; end < job->n; end++) {
      tile_view next = view_of(job, end, tile_start);
      if (next.first != view.first || next.n != view.n) break;
    }
    if (view.n == 0) continue;
    tile.first = view.first;
    tile.n = view.n;
    size_t index = query_index(h, head_kv * group, t, job->n);
    kernels->attend(&tile, (const uint8_t *)s->queries + index * query_bytes, (end - t) * group,
                    &s->attention[index], s->q + index * width);
    tile.next_keys = tile.next_values = NULL; /* under way */
  }
}

/* A part is a key-value head. */
static void attend_part(void *context, uint32_t part, uint32_t n_parts, uint32_t thread) {
  (void)n_parts;
  const attention_job *job = context;
  const ink_hparams *h = &job->session->model->hparams;
  const ink_scratch *s = &job->session->scratch;
  uint32_t width = h->n_embd_head, group = h->n_head / h->n_head_kv;
  size_t tile = (size_t)INK_KV_TILE * width * thread;
  float *sums = s->q + query_index(h, part * group, 0, job->n) * width;
  for (size_t i = 0; i < (size_t)job->n * group * width; i++) sums[i] = 0.0f;
  for (uint32_t start = first_tile(job); start < job->first + job->n; start += INK_KV_TILE) {
    attend_tile(job, part, start, (ink_kv_scratch){s->tile_keys + tile, s->tile_values + tile});
  }
  for (uint32_t i = 0; i < job->n * group; i++, sums += width) {
    uint32_t head = part * group + i % group, t = i / group;
    float *out = s->attended + ((size_t)t * h->n_head + head) * width;
    memcpy(out, sums, width * sizeof *out);
    float sum = s->attention[query_index(h, head, t, job->n)].sum;
    job->session->model->kernels->scale(out, 1.0f / sum, width);
  }
}

void ink_attention_attend(ink_session *session, uint32_t layer, uint32_t first, uint32_t n) {
  const ink_hparams *h = &session->model->hparams;
  uint32_t window = ink_layer_is_sliding(h, layer) ? h->n_swa : UINT32_MAX;
  attention_job job = {session, layer, first, n, window};
  ink_pool_run(session->pool, h->n_head_kv, attend_part, &job);
}
