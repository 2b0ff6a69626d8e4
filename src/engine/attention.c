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
    session->model->kernels->quantize_query(q, width, levels, state);
  } else {
    memcpy(s->queries + index * width, q, width * sizeof *q);
  }
}

void ink_attention_store(ink_session *session, uint32_t layer, uint32_t first, uint32_t n,
                         uint32_t t) {
  const ink_hparams *h = &session->model->hparams;
  ink_scratch *s = &session->scratch;
  uint32_t width = h->n_embd_head;
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

typedef struct attention_job {
  ink_session *session;
  uint32_t layer, first, n;
  uint32_t window; /* positions that a token sees, its own included */
  uint32_t begin, end; /* the tokens of a part */
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

/* The first position of the first tile that a part's tokens see. */
static uint32_t first_tile(const attention_job *job) {
  return window_start(job, job->first + job->begin) / INK_KV_TILE * INK_KV_TILE;
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
  if (next < job->first + job->end) {
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
  uint32_t seen = job->first + job->end - tile_start; /* by the part's last token */
  if (seen > INK_KV_TILE) seen = INK_KV_TILE;
  ink_kv_tile tile =
      ink_kv_load(&session->kv, kernels, job->layer, head_kv, tile_start, seen, scratch);
  announce_next(job, head_kv, tile_start, &tile);
  tile.softcap = h->attn_softcap * INK_SCORE_UNIT;
  for (uint32_t t = job->begin, end; t < job->end; t = end) { /* who see the same go together */
    tile_view view = view_of(job, t, tile_start);
    for (end = t + 1; end < job->end; end++) {
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

/* Tokens of a part, at least: each part loads what its tokens see. */
#define PART_TOKENS 16u
_Static_assert(4096u * (INK_BATCH / PART_TOKENS + 1) <= INK_MAX_PARTS,
               "there are at most 4096 key-value heads (hparams.c), each in so many parts");

/* A part is some of the tokens, and a key-value head. */
static void attend_part(void *context, uint32_t part, uint32_t n_parts, uint32_t thread) {
  attention_job job = *(const attention_job *)context;
  const ink_hparams *h = &job.session->model->hparams;
  const ink_scratch *s = &job.session->scratch;
  uint32_t width = h->n_embd_head, group = h->n_head / h->n_head_kv;
  uint32_t n_cuts = n_parts / h->n_head_kv, cut = part % n_cuts, head_kv = part / n_cuts;
  job.begin = ink_pool_share(job.n, cut, n_cuts);
  job.end = ink_pool_share(job.n, cut + 1, n_cuts);
  size_t tile = (size_t)INK_KV_TILE * width * thread;
  size_t first = query_index(h, head_kv * group, job.begin, job.n);
  uint32_t n_queries = (job.end - job.begin) * group;
  float *sums = s->q + first * width;
  for (size_t i = 0; i < (size_t)n_queries * width; i++) sums[i] = 0.0f;
  for (uint32_t start = first_tile(&job); start < job.first + job.end; start += INK_KV_TILE) {
    attend_tile(&job, head_kv, start, (ink_kv_scratch){s->tile_keys + tile, s->tile_values + tile});
  }
  for (uint32_t i = 0; i < n_queries; i++, sums += width) {
    uint32_t head = head_kv * group + i % group, t = job.begin + i / group;
    float *out = s->attended + ((size_t)t * h->n_head + head) * width;
    memcpy(out, sums, width * sizeof *out);
    job.session->model->kernels->scale(out, 1.0f / s->attention[first + i].sum, width);
  }
}

void ink_attention_attend(ink_session *session, uint32_t layer, uint32_t first, uint32_t n) {
  const ink_hparams *h = &session->model->hparams;
  uint32_t window = ink_layer_is_sliding(h, layer) ? h->n_swa : UINT32_MAX;
  attention_job job = {session, layer, first, n, window, 0, n};
  uint32_t n_cuts = ink_pool_parts(session->pool, n / PART_TOKENS + 1);
  ink_pool_run(session->pool, h->n_head_kv * n_cuts, attend_part, &job);
}
