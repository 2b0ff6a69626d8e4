/* From the bytes of a panel block to the integers and scales that products take, for each type, over
 * the primitives of a vec_*.h, which must be included before. `type` is constant wherever these are
 * called, so that each call is the code of one type. Offsets are those of format/panel.h: word w of
 * a field stands 16 * w bytes after its start. */
#ifndef INK_KERNELS_UNPACK_OPS_H
#define INK_KERNELS_UNPACK_OPS_H

#include "kernels/kernels.h"

#define GROUPS (INK_BLOCK / 4)

/* What the 32-column parts of a panel block share, read once for all of them. */
typedef struct panel_header {
  f32x4 d;
  f32x4 dmin;
  i32x4 scales[4]; /* byte i of word w: of part 4w + i, or of the 16 columns 4w + i */
  i32x4 minima[4]; /* likewise */
} panel_header;

/* w = d * q + m, and in the first 16 columns + m_low; see ink_unpacked_block. */
typedef struct part_scales {
  f32x4 d, m, m_low;
} part_scales;

static inline f32x4 load_halves(const uint8_t *p) {
  return f32x4_load_halves((const uint16_t *)(const void *)p);
}

/* 2^(e - 128) of 4 bytes e, in two steps because it may be subnormal. */
static inline f32x4 load_exponents(const uint8_t *p) {
  f32x4 quadruple = f32x4_of_bits(i32x4_up(i32x4_add(i32x4_load_u8(p), 1), 23));
  return f32x4_mul(quadruple, f32x4_splat(0.25f));
}

/* 8 scales and 8 minima of 6 bits in 3 words. */
static inline void read_k_scales(const uint8_t *words, panel_header *header) {
  i32x4 s0 = i32x4_load(words), s1 = i32x4_load(words + 16), s2 = i32x4_load(words + 32);
  const int low6 = 0x3F3F3F3F, low4 = 0x0F0F0F0F, high2 = 0x30303030;
  header->scales[0] = i32x4_bits(s0, 0, low6);
  header->minima[0] = i32x4_bits(s1, 0, low6);
  header->scales[1] = i32x4_or(i32x4_bits(s2, 0, low4), i32x4_bits(s0, 2, high2));
  header->minima[1] = i32x4_or(i32x4_bits(s2, 4, low4), i32x4_bits(s1, 2, high2));
}

/* 16 scales of 6 bits in 3 words. */
static inline void read_q3_scales(const uint8_t *words, panel_header *header) {
  i32x4 s0 = i32x4_load(words), s1 = i32x4_load(words + 16);
  i32x4 high = i32x4_load(words + 32);
  for (uint32_t w = 0; w < 4; w++) {
    i32x4 low = i32x4_bits(w % 2 ? s1 : s0, w / 2 * 4, 0x0F0F0F0F);
    i32x4 bits = i32x4_up(i32x4_bits(high, 2 * w, 0x03030303), 4);
    header->scales[w] = i32x4_or(low, bits);
  }
}

static inline void read_header(ink_type type, const uint8_t *block, panel_header *header) {
  switch (type) {
  case INK_TYPE_MXFP4: header->d = load_exponents(block); break;
  case INK_TYPE_Q2_K:
    header->d = load_halves(block + 320);
    header->dmin = load_halves(block + 328);
    for (uint32_t w = 0; w < 4; w++) {
      i32x4 both = i32x4_load(block + 16 * w);
      header->scales[w] = i32x4_bits(both, 0, 0x0F0F0F0F);
      header->minima[w] = i32x4_bits(both, 4, 0x0F0F0F0F);
    }
    break;
  case INK_TYPE_Q3_K:
    header->d = load_halves(block + 432);
    read_q3_scales(block + 384, header);
    break;
  case INK_TYPE_Q6_K:
    header->d = load_halves(block + 832);
    for (uint32_t w = 0; w < 4; w++) header->scales[w] = i32x4_load(block + 768 + 16 * w);
    break;
  case INK_TYPE_TQ1_0: header->d = load_halves(block + 208); break;
  case INK_TYPE_TQ2_0: header->d = load_halves(block + 256); break;
  case INK_TYPE_Q4_K:
  case INK_TYPE_Q5_K:
    header->d = load_halves(block);
    header->dmin = load_halves(block + 8);
    read_k_scales(block + 16, header);
    break;
  case INK_TYPE_IQ4_XS:
    header->d = load_halves(block);
    header->scales[0] = i32x4_load(block + 16);
    header->scales[1] = i32x4_load_u16(block + 8);
    break;
  case INK_TYPE_Q4_1:
  case INK_TYPE_Q5_1:
    header->d = load_halves(block);
    header->dmin = load_halves(block + 8);
    break;
  default: header->d = load_halves(block); break;
  }
}

static inline f32x4 byte_times(i32x4 bytes, uint32_t at, f32x4 factor) {
  return f32x4_mul(factor, f32x4_of_i32x4(i32x4_bits(bytes, 8 * at, 255)));
}

static inline part_scales scales_of_part(ink_type type, const panel_header *header, uint32_t b) {
  f32x4 zero = f32x4_splat(0.0f);
  part_scales out = {header->d, zero, zero};
  switch (type) {
  case INK_TYPE_Q4_1:
  case INK_TYPE_Q5_1: out.m = header->dmin; break;
  case INK_TYPE_Q2_K: {
    f32x4 minus = f32x4_sub(zero, header->dmin);
    f32x4 first = byte_times(header->minima[b / 2], b % 2 * 2, minus);
    out.m = byte_times(header->minima[b / 2], b % 2 * 2 + 1, minus);
    out.m_low = f32x4_sub(first, out.m);
    break;
  }
  case INK_TYPE_Q4_K:
  case INK_TYPE_Q5_K:
    out.d = byte_times(header->scales[b / 4], b % 4, header->d);
    out.m = f32x4_sub(zero, byte_times(header->minima[b / 4], b % 4, header->dmin));
    break;
  case INK_TYPE_IQ4_XS: {
    i32x4 high = i32x4_up(i32x4_bits(header->scales[1], 2 * b, 3), 4);
    i32x4 scale = i32x4_or(i32x4_bits(header->scales[0], 4 * b, 15), high);
    out.d = f32x4_mul(header->d, f32x4_of_i32x4(i32x4_add(scale, -32)));
    break;
  }
  default: break;
  }
  return out;
}

/* ---- Integers ---- */

/* 4 words of nibbles: groups 0 to 3 are the low ones. */
static inline void unpack_nibbles(const uint8_t *words, int offset, i16x16 groups[GROUPS]) {
  for (size_t g = 0; g < GROUPS / 2; g++) {
    i16x16_load_nibbles(words + 16 * g, offset, &groups[g], &groups[g + GROUPS / 2]);
  }
}

static inline void look_up_nibbles(const uint8_t *words, const int8_t *values,
                                   i16x16 groups[GROUPS]) {
  for (size_t g = 0; g < GROUPS / 2; g++) {
    u8x16 bytes = u8x16_load(words + 16 * g);
    u8x16 low = u8x16_look_up(values, u8x16_bits(bytes, 0, 15));
    u8x16 high = u8x16_look_up(values, u8x16_bits(bytes, 4, 15));
    groups[g] = i16x16_of_signed_bytes(low);
    groups[g + GROUPS / 2] = i16x16_of_signed_bytes(high);
  }
}

/* A word of high bits, then 4 words of nibbles. */
static inline void unpack_5_bits(const uint8_t *words, int offset, i16x16 groups[GROUPS]) {
  u8x16 bits = u8x16_load(words);
  for (uint32_t g = 0; g < GROUPS / 2; g++) {
    u8x16 bytes = u8x16_load(words + 16 + 16 * g);
    u8x16 low = u8x16_or(u8x16_bits(bytes, 0, 15), u8x16_up(u8x16_bits(bits, g, 1), 4));
    u8x16 high = u8x16_or(u8x16_bits(bytes, 4, 15), u8x16_bits(bits, g, 16));
    groups[g] = i16x16_of_signed_bytes(u8x16_minus(low, offset));
    groups[g + GROUPS / 2] = i16x16_of_signed_bytes(u8x16_minus(high, offset));
  }
}

/* The bits of a part in a plane of 8 words, and if `high_mask` is not 0 those of a second plane above
 * them. */
typedef struct bit_planes {
  const uint8_t *low, *high;
  uint32_t low_shift, high_shift;
  int low_mask, high_mask;
  uint32_t up; /* place of the high bits */
  int offset;
} bit_planes;

static inline void unpack_planes(bit_planes p, i16x16 groups[GROUPS]) {
  for (size_t g = 0; g < GROUPS; g++) {
    u8x16 q = u8x16_bits(u8x16_load(p.low + 16 * g), p.low_shift, p.low_mask);
    if (p.high_mask) {
      u8x16 high = u8x16_bits(u8x16_load(p.high + 16 * g), p.high_shift, p.high_mask);
      q = u8x16_or(q, u8x16_up(high, p.up));
    }
    if (p.offset) q = u8x16_minus(q, p.offset);
    groups[g] = i16x16_of_signed_bytes(q);
  }
}

/* Group g of part b: which word, and which digit of base 3. */
static inline void unpack_trits(const uint8_t *words, uint32_t b, i16x16 groups[GROUPS]) {
  static const int16_t powers[] = {1 << 8, 3 << 8, 9 << 8, 27 << 8, 81 << 8};
  for (uint32_t g = 0; g < GROUPS; g++) {
    uint32_t word = g, digit = b;
    if (b >= 5) { /* 16 columns a digit, at last 4 */
      uint32_t at = (b - 5) * GROUPS + g;
      word = at < 20 ? 8 + at % 4 : 12;
      digit = at < 20 ? at / 4 : at - 20;
    }
    i16x16 bytes = i16x16_of_bytes(u8x16_load(words + 16 * word));
    i16x16 fraction = i16x16_upper_bytes(i16x16_mul(bytes, i16x16_splat(powers[digit])));
    i16x16 trit = i16x16_upper_bytes(i16x16_mul(fraction, i16x16_splat(3)));
    groups[g] = i16x16_add(trit, i16x16_splat(-1));
  }
}

/* Multiplies the scales of 16 columns in, `offset` added: exact, for they have at most 8 bits and the
 * weights 6. */
static inline void multiply_scales(const panel_header *header, uint32_t b, int offset,
                                   i16x16 groups[GROUPS]) {
  i32x4 both = header->scales[b / 2];
  i32x4 first = i32x4_add(i32x4_signed_byte(both, b % 2 * 2), offset);
  i32x4 second = i32x4_add(i32x4_signed_byte(both, b % 2 * 2 + 1), offset);
  i16x16 low = i16x16_of_rows(first), high = i16x16_of_rows(second);
  for (size_t g = 0; g < GROUPS / 2; g++) {
    groups[g] = i16x16_mul(groups[g], low);
    groups[g + GROUPS / 2] = i16x16_mul(groups[g + GROUPS / 2], high);
  }
}

/* Part b (0 unless the type has super-blocks) of a panel block. */
static inline void unpack_groups(ink_type type, const uint8_t *block, const panel_header *header,
                                 uint32_t b, i16x16 groups[GROUPS]) {
  const uint32_t half = b / 4 * 128, pair = b / 2 * 128; /* 8 words for every 4 or 2 parts */
  const uint32_t two_bits = b % 4 * 2, four_bits = b % 2 * 4;
  switch (type) {
  case INK_TYPE_Q4_0: unpack_nibbles(block + 8, 8, groups); break;
  case INK_TYPE_Q4_1: unpack_nibbles(block + 16, 0, groups); break;
  case INK_TYPE_Q5_0: unpack_5_bits(block + 8, 16, groups); break;
  case INK_TYPE_Q5_1: unpack_5_bits(block + 16, 0, groups); break;
  case INK_TYPE_Q8_0:
    for (size_t g = 0; g < GROUPS; g++) groups[g] = i16x16_load_bytes(block + 8 + 16 * g);
    break;
  case INK_TYPE_IQ4_NL: look_up_nibbles(block + 8, ink_iq4_values, groups); break;
  case INK_TYPE_MXFP4: look_up_nibbles(block + 4, ink_e2m1_values, groups); break;
  case INK_TYPE_IQ4_XS: look_up_nibbles(block + 32 + 64 * b, ink_iq4_values, groups); break;
  case INK_TYPE_Q2_K:
    unpack_planes((bit_planes){.low = block + 64 + half, .low_shift = two_bits, .low_mask = 3},
                  groups);
    multiply_scales(header, b, 0, groups);
    break;
  case INK_TYPE_Q3_K:
    unpack_planes((bit_planes){.low = block + 128 + half, .low_shift = two_bits, .low_mask = 3,
                               .high = block, .high_shift = b, .high_mask = 1, .up = 2,
                               .offset = 4},
                  groups);
    multiply_scales(header, b, -32, groups);
    break;
  case INK_TYPE_Q4_K:
    unpack_planes((bit_planes){.low = block + 64 + pair, .low_shift = four_bits, .low_mask = 15},
                  groups);
    break;
  case INK_TYPE_Q5_K:
    unpack_planes((bit_planes){.low = block + 192 + pair, .low_shift = four_bits, .low_mask = 15,
                               .high = block + 64, .high_shift = b, .high_mask = 1, .up = 4},
                  groups);
    break;
  case INK_TYPE_Q6_K:
    unpack_planes((bit_planes){.low = block + 2 * half + b % 2 * 128, .low_shift = b % 4 / 2 * 4,
                               .low_mask = 15, .high = block + 512 + half,
                               .high_shift = two_bits, .high_mask = 3, .up = 4, .offset = 32},
                  groups);
    multiply_scales(header, b, 0, groups);
    break;
  case INK_TYPE_TQ1_0: unpack_trits(block, b, groups); break;
  case INK_TYPE_TQ2_0:
    unpack_planes((bit_planes){.low = block + half, .low_shift = two_bits, .low_mask = 3,
                               .offset = 1},
                  groups);
    break;
  case INK_TYPE_F32:
  case INK_TYPE_F16:
  case INK_TYPE_BF16: break; /* no panels */
  }
}

#endif
