/* engine: what is stored in a KV cache comes back, to within what its type can hold. */
#include "base/half.h"
#include "check.h"
#include "engine/kv_cache.h"
#include "fixtures.h"
#include "tile_elements.h"

enum { LAYERS = 2, HEADS = 3, WIDTH = 44, POSITIONS = 150 };

static const ink_hparams shape = {.n_layer = LAYERS, .n_head_kv = HEADS, .n_embd_head = WIDTH};

/* A different vector for each place, with an outlier here and there. */
static void make_vector(uint32_t layer, uint32_t head, uint32_t position, uint32_t salt, float *x) {
  uint32_t seed = ((layer * 31 + head) * 1009 + position) * 7 + salt;
  for (uint32_t c = 0; c < WIDTH; c++) {
    x[c] = (float)((int)(next_random(&seed) % 2001) - 1000) / 100.0f;
    if (next_random(&seed) % 40 == 0) x[c] *= 9.0f;
  }
}

/* The largest error that rounding element c of x may make. */
static float tolerance(ink_kv_type type, const float *x, uint32_t c) {
  if (type == INK_KV_F32) return 0.0f;
  if (type == INK_KV_F16) return fabsf(x[c]) / 2048.0f;
  if (type == INK_KV_BF16) return fabsf(x[c]) / 256.0f;
  float largest = 0.0f;
  for (uint32_t i = 0; i < WIDTH; i++) largest = fmaxf(largest, fabsf(x[i]));
  return largest / 254.0f * 1.01f;
}

static void check_tile(const ink_kv_cache *kv, const ink_kernels *kernels, uint32_t layer,
                       uint32_t head, uint32_t start) {
  static float keys[INK_KV_TILE * WIDTH], values[INK_KV_TILE * WIDTH];
  uint32_t n = POSITIONS - start < INK_KV_TILE ? POSITIONS - start : INK_KV_TILE;
  ink_kv_tile tile =
      ink_kv_load(kv, kernels, layer, head, start, n, (ink_kv_scratch){keys, values});
  CHECK_EQ(tile.n, n);
  for (uint32_t p = 0; p < n; p++) {
    float key[WIDTH], value[WIDTH];
    make_vector(layer, head, start + p, 1, key);
    make_vector(layer, head, start + p, 2, value);
    for (uint32_t c = 0; c < WIDTH; c++) {
      float k = tile_key(&tile, kv->run, p, c), v = tile_value(&tile, kv->run, p, c);
      CHECK(fabsf(k - key[c]) <= tolerance(kv->type, key, c));
      CHECK(fabsf(v - value[c]) <= tolerance(kv->type, value, c));
    }
  }
}

static void what_is_stored_comes_back(void) {
  static const ink_kv_type types[] = {INK_KV_F32, INK_KV_F16, INK_KV_BF16, INK_KV_Q8_0,
                                      INK_KV_Q8_0};
  for (size_t t = 0; t < 5; t++) {
    ink_kv_cache kv;
    uint32_t run = t < 4 ? 4 : 2;
    ink_arena arena = {NULL, 0};
    ink_kv_carve(&kv, &shape, types[t], run, POSITIONS, INK_KV_TILE, &arena);
    uint8_t *memory = malloc((size_t)arena.used);
    memset(memory, 0xFF, (size_t)arena.used); /* NaN, whatever the type */
    arena = (ink_arena){memory, 0};
    ink_kv_carve(&kv, &shape, types[t], run, POSITIONS, INK_KV_TILE, &arena);
    for (uint32_t i = 0; i < LAYERS * HEADS * POSITIONS; i++) {
      float key[WIDTH], value[WIDTH];
      uint32_t position = i % POSITIONS, head = i / POSITIONS % HEADS, layer = i / POSITIONS / HEADS;
      make_vector(layer, head, position, 1, key);
      make_vector(layer, head, position, 2, value);
      ink_kv_store(&kv, layer, head, position, key, value);
    }
    for (uint32_t i = 0; i < LAYERS * HEADS; i++) {
      for (uint32_t start = 0; start < POSITIONS; start += INK_KV_TILE) {
        check_tile(&kv, ink_kernels_select(NULL), i / HEADS, i % HEADS, start);
      }
    }
    free(memory);
  }
}

/* Against the matrix: element [i][j] is 1 or -1, by the parity of the bits that i and j share. */
static void keys_of_8_bits_are_mixed(void) {
  static const uint32_t widths[] = {4, 8, 44, 64, 80, 96, 256}, sizes[] = {4, 8, 4, 64, 16, 32, 256};
  for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
    uint32_t n = 2 * widths[w], size = sizes[w], seed = 40;
    ink_kv_cache kv = {.type = INK_KV_Q8_0, .n_embd_head = widths[w]};
    float x[512], out[512];
    for (uint32_t i = 0; i < n; i++) {
      x[i] = out[i] = (float)((int)(next_random(&seed) % 2001) - 1000) / 1000.0f;
    }
    ink_kv_mix(&kv, &ink_kernels_scalar, out, 2);
    for (uint32_t i = 0; i < n; i++) {
      double sum = 0.0;
      for (uint32_t j = i / size * size; j < i / size * size + size; j++) {
        sum += __builtin_parity(i & j & (size - 1)) ? -(double)x[j] : (double)x[j];
      }
      CHECK(fabs((double)out[i] - sum / sqrt(size)) < 1e-6);
    }
    ink_kv_mix(&kv, &ink_kernels_scalar, out, 2);
    for (uint32_t i = 0; i < n; i++) CHECK(fabsf(out[i] - x[i]) < 1e-6f);
    kv.type = INK_KV_F16;
    memcpy(out, x, n * sizeof *x);
    ink_kv_mix(&kv, &ink_kernels_scalar, out, 2);
    CHECK(memcmp(out, x, n * sizeof *x) == 0);
  }
}

/* To nearest, ties to even; large values stay finite. */
static void bf16_rounds(void) {
  CHECK_EQ(ink_bf16_of_f32(1.0f), 0x3F80);
  CHECK_EQ(ink_bf16_of_f32(-1.00390625f), 0xBF80);         /* a tie, to even below */
  CHECK_EQ(ink_bf16_of_f32(1.01171875f), 0x3F82);          /* a tie, to even above */
  CHECK_EQ(ink_bf16_of_f32(1.00390626f + 1e-6f), 0x3F81);  /* just past one */
  CHECK_EQ(ink_bf16_of_f32(3.4e38f), 0x7F7F);
  CHECK_EQ(ink_bf16_of_f32(-INFINITY), 0xFF7F);
  CHECK(ink_f32_of_bf16(0x0001) > 0.0f);
}

int main(void) {
  RUN(what_is_stored_comes_back);
  RUN(keys_of_8_bits_are_mixed);
  RUN(bf16_rounds);
  return check_result();
}
