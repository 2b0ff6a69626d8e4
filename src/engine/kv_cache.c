#include "engine/kv_cache.h"

#include "base/half.h"

static size_t element_bytes(ink_kv_type type) { return type == INK_KV_F32 ? 4 : 2; }

bool ink_kv_type_is_known(ink_kv_type type) {
  return type == INK_KV_DEFAULT || type == INK_KV_F32 || type == INK_KV_F16;
}

void ink_kv_carve(ink_kv_cache *kv, const ink_model_info *info, ink_kv_type type, uint32_t n_ctx,
                  ink_arena *arena) {
  kv->type = type == INK_KV_DEFAULT ? INK_KV_F16 : type;
  kv->n_head_kv = info->n_head_kv;
  kv->n_embd_head = info->n_embd_head;
  kv->n_positions = (n_ctx + INK_KV_TILE - 1) / INK_KV_TILE * INK_KV_TILE;
  uint64_t row = (uint64_t)info->n_layer * info->n_head_kv * info->n_embd_head;
  kv->keys = ink_carve(arena, row * kv->n_positions, element_bytes(kv->type));
  kv->values = ink_carve(arena, row * kv->n_positions, element_bytes(kv->type));
}

/* The first element of a layer's and head's part of the cache. */
static size_t head_base(const ink_kv_cache *kv, uint32_t layer, uint32_t head) {
  return ((size_t)layer * kv->n_head_kv + head) * kv->n_positions * kv->n_embd_head;
}

void ink_kv_store(ink_kv_cache *kv, uint32_t layer, uint32_t head, uint32_t position,
                  const float *key, const float *value) {
  uint32_t width = kv->n_embd_head;
  size_t base = head_base(kv, layer, head);
  size_t key_at = base + (size_t)(position & ~3u) * width + (position & 3u);
  size_t value_at = base + (size_t)position * width;
  if (kv->type == INK_KV_F32) {
    float *keys = (float *)(void *)kv->keys + key_at;
    float *values = (float *)(void *)kv->values + value_at;
    for (uint32_t c = 0; c < width; c++) {
      keys[4 * c] = key[c];
      values[c] = value[c];
    }
  } else {
    uint16_t *keys = (uint16_t *)(void *)kv->keys + key_at;
    uint16_t *values = (uint16_t *)(void *)kv->values + value_at;
    for (uint32_t c = 0; c < width; c++) {
      keys[4 * c] = ink_f16_of_f32(key[c]);
      values[c] = ink_f16_of_f32(value[c]);
    }
  }
}

ink_kv_tile ink_kv_load(const ink_kv_cache *kv, const ink_kernels *kernels, uint32_t layer,
                        uint32_t head, uint32_t start, uint32_t n, ink_kv_scratch scratch) {
  uint32_t width = kv->n_embd_head;
  size_t at = head_base(kv, layer, head) + (size_t)start * width;
  if (kv->type == INK_KV_F32) {
    const float *keys = (const float *)(const void *)kv->keys + at;
    const float *values = (const float *)(const void *)kv->values + at;
    return (ink_kv_tile){keys, values, n, width};
  }
  /* Kernels look at whole sixteens of keys. */
  uint32_t n_keys = (n + 15) / 16 * 16;
  kernels->floats_of_halves(scratch.keys, (const uint16_t *)(const void *)kv->keys + at,
                            n_keys * width);
  kernels->floats_of_halves(scratch.values, (const uint16_t *)(const void *)kv->values + at,
                            n * width);
  return (ink_kv_tile){scratch.keys, scratch.values, n, width};
}
