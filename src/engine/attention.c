#include "engine/attention.h"

#include <math.h>

void ink_attention_store(ink_session *session, uint32_t layer, uint32_t first, uint32_t n) {
  const ink_hparams *h = &session->model->hparams;
  ink_scratch *s = &session->scratch;
  uint32_t width = h->n_embd_head;
  for (uint32_t t = 0; t < n; t++) {
    float *q = s->q + (size_t)t * h->n_head * width;
    session->model->kernels->scale(q, h->attn_scale, h->n_head * width);
    const float *k = s->k + (size_t)t * h->n_head_kv * width;
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

/* Tiles begin at multiples of INK_KV_TILE whatever the batch, so that sums have one order. */
static void attend_tile(const attention_job *job, uint32_t head_kv, uint32_t tile_start,
                        ink_kv_scratch scratch) {
  ink_session *session = job->session;
  uint32_t first = job->first, n = job->n;
  const ink_hparams *h = &session->model->hparams;
  const ink_kernels *kernels = session->model->kernels;
  ink_scratch *s = &session->scratch;
  uint32_t width = h->n_embd_head, group = h->n_head / h->n_head_kv;
  uint32_t seen = first + n - tile_start; /* by the batch's last token */
  if (seen > INK_KV_TILE) seen = INK_KV_TILE;
  ink_kv_tile tile =
      ink_kv_load(&session->kv, kernels, job->layer, head_kv, tile_start, seen, scratch);
  tile.softcap = h->attn_softcap;
  for (uint32_t t = 0; t < n; t++) {
    uint32_t position = first + t, start = window_start(job, position);
    if (position < tile_start || start >= tile_start + INK_KV_TILE) continue;
    tile.first = start > tile_start ? start - tile_start : 0;
    tile.n = position - tile_start < INK_KV_TILE ? position - tile_start + 1 : INK_KV_TILE;
    size_t head = (size_t)t * h->n_head + head_kv * group;
    kernels->attend(&tile, s->q + head * width, group, &s->attention[head],
                    s->attended + head * width);
  }
}

/* A part is a key-value head. */
static void attend_part(void *context, uint32_t part, uint32_t n_parts, uint32_t thread) {
  (void)n_parts;
  const attention_job *job = context;
  const ink_hparams *h = &job->session->model->hparams;
  const ink_scratch *s = &job->session->scratch;
  size_t tile = (size_t)INK_KV_TILE * h->n_embd_head * thread;
  uint32_t start = window_start(job, job->first) / INK_KV_TILE * INK_KV_TILE;
  for (; start < job->first + job->n; start += INK_KV_TILE) {
    attend_tile(job, part, start, (ink_kv_scratch){s->tile_keys + tile, s->tile_values + tile});
  }
}

void ink_attention_attend(ink_session *session, uint32_t layer, uint32_t first, uint32_t n) {
  const ink_hparams *h = &session->model->hparams;
  ink_scratch *s = &session->scratch;
  uint32_t width = h->n_embd_head;
  size_t n_heads = (size_t)n * h->n_head;
  for (size_t i = 0; i < n_heads; i++) s->attention[i] = (ink_attention_state){-INFINITY, 0.0f};
  for (size_t i = 0; i < n_heads * width; i++) s->attended[i] = 0.0f;
  uint32_t window = ink_layer_is_sliding(h, layer) ? h->n_swa : UINT32_MAX;
  attention_job job = {session, layer, first, n, window};
  ink_pool_run(session->pool, h->n_head_kv, attend_part, &job);
  for (size_t i = 0; i < n_heads; i++) {
    session->model->kernels->scale(s->attended + i * width, 1.0f / s->attention[i].sum, width);
  }
}
