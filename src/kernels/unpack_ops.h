/* From the bytes of a panel block to the integers and scales that products take, for each type,
 * over the primitives of a vec_*.h and a products_*.h, which must be included before. `type` is
 * constant wherever these are called, so that each call is the code of one type. Offsets are those
 * of format/panel.h: word w of a field stands 16 * w bytes after its start. */
#ifndef INK_KERNELS_UNPACK_OPS_H
#define INK_KERNELS_UNPACK_OPS_H

#include "kernels/float_ops.h"

#define GROUPS (INK_BLOCK / 4)

/* For functions whose `type` or class is constant at each call: a call is the code of one type, and
 * compilers that would rather share a large function are overruled. */
#define SPECIALIZED static inline __attribute__((always_inline))

/* What the 32-column parts of a panel block share, read once for all of them. */
typedef struct panel_header {
  f32x4 d;
  f32x4 dmin;
  i32x4 scales[4]; /* byte i of word w: of part 4w + i, or of the 16 columns 4w + i */
  i32x4 minima[4]; /* likewise */
} panel_header;

/* w = d * q + m, and in the first 16 columns + m_low; see ink_unpacked_part. */
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

SPECIALIZED void read_header(ink_type type, const uint8_t *block, panel_header *header) {
  header->dmin = f32x4_splat(0.0f);
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
    for (uint32_t w = 0; w < 4; w++) {
      header->scales[w] = i32x4_load(block + 768 + 16 * w);
      hold_order(); /* or this is a call of memcpy() */
    }
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

SPECIALIZED f32x4 byte_times(i32x4 bytes, uint32_t at, f32x4 factor) {
  return f32x4_mul(factor, f32x4_of_i32x4(i32x4_bits(bytes, 8 * at, 255)));
}

SPECIALIZED part_scales scales_of_part(ink_type type, const panel_header *header, uint32_t b) {
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

/* How the integers of a type reach the products: as q + zero, which `bits` bits hold, so that one
 * tile kernel serves several types. Signed products take q itself. */
typedef struct integer_class {
  uint32_t bits;     /* 4, 5, 6 or 8 */
  int zero;
  uint32_t n_scales; /* in 32 columns: 1, which d contains, or 2 integers beside it */
  uint32_t n_minima; /* likewise: 0, 1 or 2 */
} integer_class;

SPECIALIZED integer_class class_of(ink_type type) {
  switch (type) {
  case INK_TYPE_Q4_0:
  case INK_TYPE_TQ1_0:
  case INK_TYPE_TQ2_0: return (integer_class){4, 8, 1, 0};
  case INK_TYPE_Q4_1:
  case INK_TYPE_Q4_K: return (integer_class){4, 0, 1, 1};
  case INK_TYPE_Q5_0:
  case INK_TYPE_MXFP4: return (integer_class){5, 16, 1, 0};
  case INK_TYPE_Q5_1:
  case INK_TYPE_Q5_K: return (integer_class){5, 0, 1, 1};
  case INK_TYPE_Q2_K: return (integer_class){4, 0, 2, 2};
  case INK_TYPE_Q3_K:
  case INK_TYPE_Q6_K: return (integer_class){6, 32, 2, 0};
  default: return (integer_class){8, 128, 1, 0};
  }
}

/* bytes + x, which is left out where it is 0. */
SPECIALIZED u8x16 shifted(u8x16 bytes, int x) { return x ? u8x16_plus(bytes, x) : bytes; }

/* Groups g and g + 4 of 4 words of nibbles. */
SPECIALIZED void unpack_nibbles(const uint8_t *words, size_t g, int add, u8x16 groups[2]) {
  u8x16 bytes = u8x16_load(words + 16 * g);
  groups[0] = shifted(u8x16_bits(bytes, 0, 15), add);
  groups[1] = shifted(u8x16_bits(bytes, 4, 15), add);
}

SPECIALIZED void look_up_nibbles(const uint8_t *words, size_t g, const int8_t *values, int add,
                                 u8x16 groups[2]) {
  u8x16 bytes = u8x16_load(words + 16 * g);
  groups[0] = shifted(u8x16_look_up(values, u8x16_bits(bytes, 0, 15)), add);
  groups[1] = shifted(u8x16_look_up(values, u8x16_bits(bytes, 4, 15)), add);
}

/* The same of a word of high bits, then 4 words of nibbles. */
SPECIALIZED void unpack_5_bits(const uint8_t *words, size_t g, int add, u8x16 groups[2]) {
  u8x16 bits = u8x16_load(words), bytes = u8x16_load(words + 16 + 16 * g);
  u8x16 low = u8x16_or(u8x16_bits(bytes, 0, 15), u8x16_up(u8x16_bits(bits, (uint32_t)g, 1), 4));
  u8x16 high = u8x16_or(u8x16_bits(bytes, 4, 15), u8x16_bits(bits, (uint32_t)g, 16));
  groups[0] = shifted(low, add);
  groups[1] = shifted(high, add);
}

/* The bits of a part in a plane of 8 words, and if `high_mask` is not 0 those of a second plane
 * above them. */
typedef struct bit_planes {
  const uint8_t *low, *high;
  uint32_t low_shift, high_shift;
  int low_mask, high_mask;
  uint32_t up; /* place of the high bits */
} bit_planes;

/* Of part b of a panel block, for types in planes. */
SPECIALIZED bit_planes planes_of(ink_type type, const uint8_t *block, uint32_t b) {
  const uint32_t half = b / 4 * 128, pair = b / 2 * 128; /* 8 words for every 4 or 2 parts */
  const uint32_t two_bits = b % 4 * 2, four_bits = b % 2 * 4;
  switch (type) {
  case INK_TYPE_Q2_K:
    return (bit_planes){.low = block + 64 + half, .low_shift = two_bits, .low_mask = 3};
  case INK_TYPE_Q3_K:
    return (bit_planes){.low = block + 128 + half, .low_shift = two_bits, .low_mask = 3,
                        .high = block, .high_shift = b, .high_mask = 1, .up = 2};
  case INK_TYPE_Q4_K:
    return (bit_planes){.low = block + 64 + pair, .low_shift = four_bits, .low_mask = 15};
  case INK_TYPE_Q5_K:
    return (bit_planes){.low = block + 192 + pair, .low_shift = four_bits, .low_mask = 15,
                        .high = block + 64, .high_shift = b, .high_mask = 1, .up = 4};
  case INK_TYPE_Q6_K:
    return (bit_planes){.low = block + 2 * half + b % 2 * 128, .low_shift = b % 4 / 2 * 4,
                        .low_mask = 15, .high = block + 512 + half, .high_shift = two_bits,
                        .high_mask = 3, .up = 4};
  default: /* TQ2_0 */
    return (bit_planes){.low = block + half, .low_shift = two_bits, .low_mask = 3};
  }
}

/* q is that much less than the bits say. */
SPECIALIZED int plane_offset(ink_type type) {
  return type == INK_TYPE_Q3_K ? 4 : type == INK_TYPE_Q6_K ? 32 : type == INK_TYPE_TQ2_0 ? 1 : 0;
}

SPECIALIZED void unpack_planes(bit_planes p, int add, u8x16 groups[GROUPS]) {
  UNROLLED
  for (size_t g = 0; g < GROUPS; g++) {
    u8x16 q = u8x16_bits(u8x16_load(p.low + 16 * g), p.low_shift, p.low_mask);
    if (p.high_mask) {
      u8x16 high = u8x16_bits(u8x16_load(p.high + 16 * g), p.high_shift, p.high_mask);
      q = u8x16_or(q, u8x16_up(high, p.up));
    }
    groups[g] = shifted(q, add);
  }
}

/* Group g of part b: which word, and which digit of base 3. */
SPECIALIZED void unpack_trits(const uint8_t *words, uint32_t b, int add, u8x16 groups[GROUPS]) {
  for (uint32_t g = 0; g < GROUPS; g++) {
    uint32_t word = g, digit = b;
    if (b >= 5) { /* 16 columns a digit, at last 4 */
      uint32_t at = (b - 5) * GROUPS + g;
      word = at < 20 ? 8 + at % 4 : 12;
      digit = at < 20 ? at / 4 : at - 20;
    }
    u8x16 fraction = u8x16_load(words + 16 * word);
    for (; digit > 0; digit--) fraction = u8x16_add(u8x16_add(fraction, fraction), fraction);
    /* fraction * 3 / 256 */
    u8x16 trit = u8x16_add(u8x16_above(fraction, 85), u8x16_above(fraction, 170));
    groups[g] = shifted(trit, add);
  }
}

/* Of part b (0 unless the type has super-blocks) of a panel block, groups g and g + 4 of a type that
 * has them in the same words, or Q8_0: the block's q, with the class's zero added unless products
 * are signed. */
SPECIALIZED void unpack_two_groups(ink_type type, const uint8_t *block, uint32_t b, size_t g,
                                   int zero, u8x16 groups[2]) {
  switch (type) {
  case INK_TYPE_Q4_0: unpack_nibbles(block + 8, g, zero - 8, groups); break;
  case INK_TYPE_Q4_1: unpack_nibbles(block + 16, g, 0, groups); break;
  case INK_TYPE_Q5_0: unpack_5_bits(block + 8, g, zero - 16, groups); break;
  case INK_TYPE_Q5_1: unpack_5_bits(block + 16, g, 0, groups); break;
  case INK_TYPE_IQ4_NL: look_up_nibbles(block + 8, g, ink_iq4_values, zero, groups); break;
  case INK_TYPE_MXFP4: look_up_nibbles(block + 4, g, ink_e2m1_values, zero, groups); break;
  case INK_TYPE_IQ4_XS:
    look_up_nibbles(block + 32 + 64 * b, g, ink_iq4_values, zero, groups);
    break;
  default:
    groups[0] = shifted(u8x16_load(block + 8 + 16 * g), zero);
    groups[1] = shifted(u8x16_load(block + 8 + 16 * (g + GROUPS / 2)), zero);
    break;
  }
}

/* All groups of a part of any type. */
SPECIALIZED void unpack_groups(ink_type type, const uint8_t *block, uint32_t b, int zero,
                               u8x16 groups[GROUPS]) {
  switch (type) {
  case INK_TYPE_Q2_K:
  case INK_TYPE_Q3_K:
  case INK_TYPE_Q4_K:
  case INK_TYPE_Q5_K:
  case INK_TYPE_Q6_K:
  case INK_TYPE_TQ2_0:
    unpack_planes(planes_of(type, block, b), zero - plane_offset(type), groups);
    break;
  case INK_TYPE_TQ1_0: unpack_trits(block, b, zero - 1, groups); break;
  default:
    UNROLLED
    for (size_t g = 0; g < GROUPS / 2; g++) {
      u8x16 two[2];
      unpack_two_groups(type, block, b, g, zero, two);
      groups[g] = two[0];
      groups[g + GROUPS / 2] = two[1];
    }
    break;
  }
}

/* The integer scale of columns 16 * half to 16 * half + 15 of part b, for classes with 2. */
SPECIALIZED i32x4 scale_of_half(ink_type type, const panel_header *header, uint32_t b,
                                  uint32_t half) {
  i32x4 scale = i32x4_signed_byte(header->scales[b / 2], b % 2 * 2 + half);
  return type == INK_TYPE_Q3_K ? i32x4_add(scale, -32) : scale;
}

#endif
