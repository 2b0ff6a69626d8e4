#include "engine/kv_cache.h"

#include <math.h>
#include <string.h>

#include "base/half.h"

/* Of an element; 0: no such type. */
static size_t element_bytes(ink_kv_type type) {
  switch (type) {
  case INK_KV_F32: return 4;
  case INK_KV_F16:
  case INK_KV_BF16: return 2;
  case INK_KV_Q8_0: return 1;
  case INK_KV_DEFAULT: break;
  }
  return 0;
}

ink_status ink_kv_resolve_type(ink_kv_type *type, ink_error *error) {
  if (*type == INK_KV_DEFAULT) *type = INK_KV_Q8_0;
  if (element_bytes(*type)) return INK_OK;
  return ink_fail(error, INK_ERR_INVALID_ARGUMENT, "there is no KV cache type %d", (int)*type);
}

static void carve_plane(ink_kv_cache *kv, ink_kv_plane *plane, uint64_t n_vectors,
                        ink_arena *arena) {
  uint64_t n_elements = n_vectors * kv->n_embd_head;
  if (kv->type == INK_KV_Q8_0) n_elements += INK_KV_SLACK;
  plane->elements = ink_carve(arena, n_elements, element_bytes(kv->type));
  uint64_t n_scales = kv->type == INK_KV_Q8_0 ? n_vectors : 0;
  plane->scales = ink_carve(arena, n_scales, sizeof *plane->scales);
}

static uint64_t whole_tiles(uint64_t n_positions) {
  return (n_positions + INK_KV_TILE - 1) / INK_KV_TILE * INK_KV_TILE;
}

void ink_kv_carve(ink_kv_cache *kv, const ink_hparams *h, ink_kv_type type, uint32_t kv_run,
                  uint32_t n_ctx, uint32_t max_batch, ink_arena *arena) {
  /* While a batch is stored, its first token's window must not be lost. */
  uint64_t ring = h->n_swa ? whole_tiles((uint64_t)h->n_swa - 1 + max_batch) : 0;
  uint64_t n_positions = whole_tiles(n_ctx);
  *kv = (ink_kv_cache){.type = type,
                       .n_head_kv = h->n_head_kv,
                       .n_embd_head = h->n_embd_head,
                       .run = type == INK_KV_Q8_0 ? kv_run : 1,
                       .n_ring = ring < n_positions ? (uint32_t)ring : 0,
                       .n_window = h->n_swa};
  kv->layers = ink_carve(arena, h->n_layer, sizeof *kv->layers);
  uint64_t n_vectors = 0;
  for (uint32_t i = 0; i < h->n_layer; i++) {
    bool is_ring = kv->n_ring && ink_layer_is_sliding(h, i);
    uint64_t n_held = is_ring ? ring : n_positions;
    if (kv->layers) kv->layers[i] = (ink_kv_layer){(size_t)n_vectors, (uint32_t)n_held, is_ring};
    n_vectors += n_held * h->n_head_kv;
  }
  carve_plane(kv, &kv->keys, n_vectors, arena);
  carve_plane(kv, &kv->values, n_vectors, arena);
}

/* n vectors from `first` on, as they are. */
static void copy_vectors(const ink_kv_cache *kv, ink_kv_plane to, ink_kv_plane from, size_t first,
                         size_t n) {
  size_t bytes = kv->n_embd_head * element_bytes(kv->type);
  memcpy(to.elements + first * bytes, from.elements + first * bytes, n * bytes);
  if (kv->type != INK_KV_Q8_0) return;
  memcpy(to.scales + first, from.scales + first, n * sizeof *to.scales);
}

void ink_kv_copy(ink_kv_cache *to, const ink_kv_cache *from, uint32_t n_layer, size_t n) {
  size_t n_used = (n + INK_KEY_GROUP - 1) / INK_KEY_GROUP * INK_KEY_GROUP;
  for (uint32_t i = 0; i < n_layer; i++) {
    const ink_kv_layer *layer = &from->layers[i];
    size_t n_copied = layer->is_ring ? layer->n_positions : n_used;
    for (uint32_t head = 0; head < from->n_head_kv; head++) {
      size_t first = layer->first + (size_t)head * layer->n_positions;
      copy_vectors(from, to->keys, from->keys, first, n_copied);
      copy_vectors(from, to->values, from->values, first, n_copied);
    }
  }
  to->ring_offset = from->ring_offset;
  to->ring_first = from->ring_first;
}

/* ---- One vector ---- */

void ink_kv_mix(const ink_kv_cache *kv, const ink_kernels *kernels, float *heads, uint32_t n) {
  uint32_t width = kv->n_embd_head, size = width & (~width + 1);
  if (kv->type == INK_KV_Q8_0) kernels->hadamard(heads, n * width, size);
}

/* Where a position's key or value stands in a plane. */
typedef struct vector_place {
  size_t element, scale; /* the first's index, and that of its scale */
  uint32_t run;          /* so many elements stand side by side, a power of 2; */
  size_t step;           /* with this for each, the next run begins */
} vector_place;

static size_t element_at(vector_place at, uint32_t c) {
  uint32_t in_run = c & (at.run - 1);
  return at.element + (c - in_run) * at.step + in_run;
}

/* The number of vectors in a plane before that of a position. */
static size_t vector_index(const ink_kv_cache *kv, uint32_t layer, uint32_t head,
                           uint32_t position) {
  const ink_kv_layer *l = &kv->layers[layer];
  uint32_t slot = l->is_ring ? (position + kv->ring_offset) % l->n_positions : position;
  return l->first + (size_t)head * l->n_positions + slot;
}

static vector_place key_place(const ink_kv_cache *kv, uint32_t layer, uint32_t head,
                              uint32_t position) {
  size_t at = vector_index(kv, layer, head, position), lane = at % INK_KEY_GROUP;
  size_t group = (at - lane) * kv->n_embd_head;
  return (vector_place){group + lane * kv->run, at, kv->run, INK_KEY_GROUP};
}

static vector_place value_place(const ink_kv_cache *kv, uint32_t layer, uint32_t head,
                                uint32_t position) {
  size_t at = vector_index(kv, layer, head, position), lane = at % kv->run;
  return (vector_place){(at - lane) * kv->n_embd_head + lane, at, 1, kv->run};
}

/* The levels of x[0 .. n), from -127 to 127 times the scale, which is returned, go where the vector
 * stands. To the nearest, ties to even. */
static uint16_t quantize_vector(int8_t *q, vector_place at, const float *x, uint32_t n) {
  const float round_bias = 12582912.0f; /* 1.5 * 2^23: adding it leaves an integer below */
  float largest = 0.0f;
  for (uint32_t c = 0; c < n; c++) largest = fabsf(x[c]) > largest ? fabsf(x[c]) : largest;
  uint16_t d = ink_f16_of_f32(largest / 127.0f);
  float scale = ink_f32_of_f16(d);
  float inverse = scale > 0.0f ? 1.0f / scale : 0.0f;
  for (uint32_t c = 0; c < n; c++) {
    float level = x[c] * inverse;
    level = level > 127.0f ? 127.0f : level < -127.0f ? -127.0f : level;
    q[element_at(at, c)] = (int8_t)(uint8_t)ink_bits_of_f32(level + round_bias);
  }
  return d;
}

static void store_vector(const ink_kv_cache *kv, const ink_kv_plane *plane, vector_place at,
                         const float *x) {
  uint32_t width = kv->n_embd_head;
  float *floats = (float *)(void *)plane->elements;
  uint16_t *halves = (uint16_t *)(void *)plane->elements;
  switch (kv->type) {
  case INK_KV_F32:
    for (uint32_t c = 0; c < width; c++) floats[element_at(at, c)] = x[c];
    break;
  case INK_KV_BF16:
    for (uint32_t c = 0; c < width; c++) halves[element_at(at, c)] = ink_bf16_of_f32(x[c]);
    break;
  case INK_KV_Q8_0:
    plane->scales[at.scale] = quantize_vector((int8_t *)plane->elements, at, x, width);
    break;
  case INK_KV_F16:
  case INK_KV_DEFAULT:
    for (uint32_t c = 0; c < width; c++) halves[element_at(at, c)] = ink_f16_of_f32(x[c]);
    break;
  }
}

void ink_kv_store(ink_kv_cache *kv, uint32_t layer, uint32_t head, uint32_t position,
                  const float *key, const float *value) {
  store_vector(kv, &kv->keys, key_place(kv, layer, head, position), key);
  store_vector(kv, &kv->values, value_place(kv, layer, head, position), value);
}

static void load_vector(const ink_kv_cache *kv, const ink_kv_plane *plane, vector_place at,
                        float *x) {
  const float *floats = (const float *)(const void *)plane->elements;
  const uint16_t *halves = (const uint16_t *)(const void *)plane->elements;
  const int8_t *bytes = (const int8_t *)plane->elements;
  for (uint32_t c = 0; c < kv->n_embd_head; c++) {
    size_t from = element_at(at, c);
    switch (kv->type) {
    case INK_KV_F32: x[c] = floats[from]; break;
    case INK_KV_BF16: x[c] = ink_f32_of_bf16(halves[from]); break;
    case INK_KV_Q8_0: x[c] = (float)bytes[from] * ink_f32_of_f16(plane->scales[at.scale]); break;
    case INK_KV_F16:
    case INK_KV_DEFAULT: x[c] = ink_f32_of_f16(halves[from]); break;
    }
  }
}

/* ---- Moving ---- */

static void move_value(ink_kv_cache *kv, vector_place from, vector_place to) {
  size_t bytes = element_bytes(kv->type);
  uint8_t *elements = kv->values.elements;
  if (kv->type != INK_KV_Q8_0) {
    memcpy(elements + to.element * bytes, elements + from.element * bytes,
           kv->n_embd_head * bytes);
    return;
  }
  for (uint32_t c = 0; c < kv->n_embd_head; c++) {
    elements[element_at(to, c)] = elements[element_at(from, c)];
  }
  kv->values.scales[to.scale] = kv->values.scales[from.scale];
}

static void turn_key(const ink_kv_cache *kv, ink_kv_turn turn) {
  ink_kv_mix(kv, turn.kernels, turn.scratch, 1);
  ink_rope_turn(turn.rope, turn.angles, turn.scratch);
  ink_kv_mix(kv, turn.kernels, turn.scratch, 1);
}

void ink_kv_move(ink_kv_cache *kv, uint32_t layer, uint32_t head, uint32_t from, uint32_t to,
                 uint32_t n, ink_kv_turn turn) {
  for (uint32_t i = 0; i < n; i++) {
    load_vector(kv, &kv->keys, key_place(kv, layer, head, from + i), turn.scratch);
    if (turn.angles) turn_key(kv, turn);
    store_vector(kv, &kv->keys, key_place(kv, layer, head, to + i), turn.scratch);
  }
  for (uint32_t i = 0; i < n && from != to; i++) {
    move_value(kv, value_place(kv, layer, head, from + i), value_place(kv, layer, head, to + i));
  }
}

void ink_kv_shift_rings(ink_kv_cache *kv, uint32_t delta, size_t first) {
  kv->ring_offset = (kv->ring_offset + delta) % kv->n_ring;
  kv->ring_first = first;
}

/* ---- What rings hold ---- */

void ink_kv_advance(ink_kv_cache *kv, size_t n) {
  if (kv->n_ring && n > kv->ring_first + kv->n_ring) kv->ring_first = n - kv->n_ring;
}

size_t ink_kv_truncate(ink_kv_cache *kv, size_t n) {
  if (kv->ring_first == 0 || n + 1 >= kv->ring_first + kv->n_window) return n;
  kv->ring_first = 0;
  return 0;
}

/* ---- Tiles ---- */

void ink_kv_announce(const ink_kv_cache *kv, uint32_t layer, uint32_t head, uint32_t start,
                     ink_kv_tile *tile) {
  if (kv->type != INK_KV_Q8_0) return;
  vector_place at = value_place(kv, layer, head, start);
  tile->next_keys = (const int8_t *)kv->keys.elements + at.element;
  tile->next_values = (const int8_t *)kv->values.elements + at.element;
  for (uint32_t i = 0; i < INK_KV_TILE; i += 32) { /* a cache line of them */
    __builtin_prefetch(kv->keys.scales + at.scale + i, 0, 2);
    __builtin_prefetch(kv->values.scales + at.scale + i, 0, 2);
  }
}

ink_kv_tile ink_kv_load(const ink_kv_cache *kv, const ink_kernels *kernels, uint32_t layer,
                        uint32_t head, uint32_t start, uint32_t n, ink_kv_scratch scratch) {
  uint32_t width = kv->n_embd_head;
  uint32_t n_groups = (n + INK_KEY_GROUP - 1) / INK_KEY_GROUP; /* kernels look at whole groups */
  uint32_t n_keys = n_groups * INK_KEY_GROUP;
  vector_place at = value_place(kv, layer, head, start); /* a tile's keys begin there too */
  const float *float_keys = (const float *)(const void *)kv->keys.elements + at.element;
  const float *float_values = (const float *)(const void *)kv->values.elements + at.element;
  const uint16_t *half_keys = (const uint16_t *)(const void *)kv->keys.elements + at.element;
  const uint16_t *half_values = (const uint16_t *)(const void *)kv->values.elements + at.element;
  switch (kv->type) {
  case INK_KV_F32: return (ink_kv_tile){float_keys, float_values, .n = n, .head_dim = width};
  case INK_KV_BF16:
    kernels->floats_of_bf16(scratch.keys, half_keys, n_keys * width);
    kernels->floats_of_bf16(scratch.values, half_values, n * width);
    break;
  case INK_KV_Q8_0:
    kernels->floats_of_halves(scratch.keys, kv->keys.scales + at.scale, n_keys);
    kernels->floats_of_halves(scratch.values, kv->values.scales + at.scale, n_keys);
    return (ink_kv_tile){.n = n,
                         .head_dim = width,
                         .byte_keys = (const int8_t *)kv->keys.elements + at.element,
                         .byte_values = (const int8_t *)kv->values.elements + at.element,
                         .key_scales = scratch.keys,
                         .value_scales = scratch.values,
                         .wide_keys = (int16_t *)(void *)(scratch.keys + INK_KV_TILE),
                         .wide_values = (int16_t *)(void *)(scratch.values + INK_KV_TILE)};
  case INK_KV_F16:
  case INK_KV_DEFAULT:
    kernels->floats_of_halves(scratch.keys, half_keys, n_keys * width);
    kernels->floats_of_halves(scratch.values, half_values, n * width);
    break;
  }
  return (ink_kv_tile){scratch.keys, scratch.values, .n = n, .head_dim = width};
}
