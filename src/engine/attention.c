#include "engine/attention.h"

#include <math.h>

#include "base/half.h"

/* The first element of a layer's and head's part of the cache. */
static size_t kv_base(const ink_session *session, uint32_t layer, uint32_t head) {
  const ink_hparams *h = &session->model->hparams;
  return ((size_t)layer * h->n_head_kv + head) * session->kv.n_positions * h->n_embd_head;
}

static void store_key_value(ink_session *session, uint32_t layer, uint32_t head, uint32_t position,
                            const float *key, const float *value) {
  uint32_t width = session->model->hparams.n_embd_head;
  size_t base = kv_base(session, layer, head);
  uint16_t *keys = session->kv.keys + base + (size_t)(position & ~3u) * width + (position & 3u);
  uint16_t *values = session->kv.values + base + (size_t)position * width;
  for (uint32_t c = 0; c < width; c++) {
    keys[4 * c] = ink_f16_of_f32(key[c]);
    values[c] = ink_f16_of_f32(value[c]);
  }
}

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
      store_key_value(session, layer, head, first + t, k + head * width, v + head * width);
    }
  }
}

typedef struct attention_job {
  ink_session *session;
  uint32_t layer, first, n;
} attention_job;

/* Tiles begin at multiples of INK_KV_TILE whatever the batch, so that sums have one order. */
static void attend_tile(const attention_job *job, uint32_t head_kv, uint32_t tile_start,
                        float *tile_keys, float *tile_values) {
  ink_session *session = job->session;
  uint32_t first = job->first, n = job->n;
  const ink_hparams *h = &session->model->hparams;
  const ink_kernels *kernels = session->model->kernels;
  ink_scratch *s = &session->scratch;
  uint32_t width = h->n_embd_head, group = h->n_head / h->n_head_kv;
  size_t at = kv_base(session, job->layer, head_kv) + (size_t)tile_start * width;
  uint32_t seen = first + n - tile_start; /* by the batch's last token */
  if (seen > INK_KV_TILE) seen = INK_KV_TILE;
  kernels->floats_of_halves(tile_keys, session->kv.keys + at, (seen + 15) / 16 * 16 * width);
  kernels->floats_of_halves(tile_values, session->kv.values + at, seen * width);
  ink_kv_tile tile = {tile_keys, tile_values, 0, width};
  for (uint32_t t = 0; t < n; t++) {
    uint32_t position = first + t;
    if (position < tile_start) continue;
    tile.n = position - tile_start < INK_KV_TILE ? position - tile_start + 1 : INK_KV_TILE;
    for (uint32_t i = 0; i < group; i++) {
      size_t head = (size_t)t * h->n_head + head_kv * group + i;
      kernels->attend(&tile, s->q + head * width, &s->attention[head], s->attended + head * width);
    }
  }
}

/* A part is a key-value head. */
static void attend_part(void *context, uint32_t part, uint32_t n_parts, uint32_t thread) {
  (void)n_parts;
  const attention_job *job = context;
  const ink_hparams *h = &job->session->model->hparams;
  const ink_scratch *s = &job->session->scratch;
  size_t tile = (size_t)INK_KV_TILE * h->n_embd_head * thread;
  for (uint32_t start = 0; start < job->first + job->n; start += INK_KV_TILE) {
    attend_tile(job, part, start, s->tile_keys + tile, s->tile_values + tile);
  }
}

void ink_attention_attend(ink_session *session, uint32_t layer, uint32_t first, uint32_t n) {
  const ink_hparams *h = &session->model->hparams;
  ink_scratch *s = &session->scratch;
  uint32_t width = h->n_embd_head;
  size_t n_heads = (size_t)n * h->n_head;
  for (size_t i = 0; i < n_heads; i++) s->attention[i] = (ink_attention_state){-INFINITY, 0.0f};
  for (size_t i = 0; i < n_heads * width; i++) s->attended[i] = 0.0f;
  attention_job job = {session, layer, first, n};
  ink_pool_run(session->pool, h->n_head_kv, attend_part, &job);
  for (size_t i = 0; i < n_heads; i++) {
    session->model->kernels->scale(s->attended + i * width, 1.0f / s->attention[i].sum, width);
  }
}
