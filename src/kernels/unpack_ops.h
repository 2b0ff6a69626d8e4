/* From the bytes of a panel block to the integers and scales that products take, for each type,
 * over the primitives of a vec_*.h, which must be included before. `type` is constant wherever
 * these are called, so that each call is the code of one type. Offsets are those of format/panel.h:
 * word w of a field stands 16 * w bytes after its start. */
#ifndef INK_KERNELS_UNPACK_OPS_H
#define INK_KERNELS_UNPACK_OPS_H

#include "kernels/kernels.h"

#define GROUPS (INK_BLOCK / 4)

/* Engines that compile WebAssembly spill the registers of what LLVM makes of an unrolled loop here:
 * prefill in V8 is 1.7 times as fast without. */
#if defined(__clang__)
#define KEEP_LOOP _Pragma("clang loop unroll(disable)")
#else
#define KEEP_LOOP
#endif

/* So many types would keep compilers from making code for each; without that all are slow. */
#define INLINE static inline __attribute__((always_inline))

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

INLINE f32x4 load_halves(const uint8_t *p) {
  return f32x4_load_halves((const uint16_t *)(const void *)p);
}

/* 2^(e - 128) of 4 bytes e, in two steps because it may be subnormal. */
INLINE f32x4 load_exponents(const uint8_t *p) {
  f32x4 quadruple = f32x4_of_bits(i32x4_up(i32x4_add(i32x4_load_u8(p), 1), 23));
  return f32x4_mul(quadruple, f32x4_splat(0.25f));
}

/* 8 scales and 8 minima of 6 bits in 3 words. */
INLINE void read_k_scales(const uint8_t *words, panel_header *header) {
  i32x4 s0 = i32x4_load(words), s1 = i32x4_load(words + 16), s2 = i32x4_load(words + 32);
  const int low6 = 0x3F3F3F3F, low4 = 0x0F0F0F0F, high2 = 0x30303030;
  header->scales[0] = i32x4_bits(s0, 0, low6);
  header->minima[0] = i32x4_bits(s1, 0, low6);
  header->scales[1] = i32x4_or(i32x4_bits(s2, 0, low4), i32x4_bits(s0, 2, high2));
  header->minima[1] = i32x4_or(i32x4_bits(s2, 4, low4), i32x4_bits(s1, 2, high2));
}

/* 16 scales of 6 bits in 3 words. */
INLINE void read_q3_scales(const uint8_t *words, panel_header *header) {
  i32x4 s0 = i32x4_load(words), s1 = i32x4_load(words + 16);
  i32x4 high = i32x4_load(words + 32);
  for (uint32_t w = 0; w < 4; w++) {
    i32x4 low = i32x4_bits(w % 2 ? s1 : s0, w / 2 * 4, 0x0F0F0F0F);
    i32x4 bits = i32x4_up(i32x4_bits(high, 2 * w, 0x03030303), 4);
    header->scales[w] = i32x4_or(low, bits);
  }
}

INLINE void read_header(ink_type type, const uint8_t *block, panel_header *header) {
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

INLINE f32x4 byte_times(i32x4 bytes, uint32_t at, f32x4 factor) {
  return f32x4_mul(factor, f32x4_of_i32x4(i32x4_bits(bytes, 8 * at, 255)));
}

INLINE part_scales scales_of_part(ink_type type, const panel_header *header, uint32_t b) {
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

/* Super-blocks of most types have the same bits of several parts in one word: this many, else 1. */
INLINE uint32_t parts_of_word(ink_type type) {
  switch (type) {
  case INK_TYPE_Q2_K:
  case INK_TYPE_Q3_K:
  case INK_TYPE_Q6_K:
  case INK_TYPE_TQ2_0: return 4;
  case INK_TYPE_Q4_K:
  case INK_TYPE_Q5_K: return 2;
  default: return 1;
  }
}

/* Group `group` of a ternary part b: which word, and which digit of base 3. */
INLINE i16x16 unpack_trits(const uint8_t *words, uint32_t b, uint32_t group) {
  static const int16_t powers[] = {1 << 8, 3 << 8, 9 << 8, 27 << 8, 81 << 8};
  uint32_t word = group, digit = b;
  if (b >= 5) { /* 16 columns a digit, at last 4 */
    uint32_t at = (b - 5) * GROUPS + group;
    word = at < 20 ? 8 + at % 4 : 12;
    digit = at < 20 ? at / 4 : at - 20;
  }
  i16x16 bytes = i16x16_of_bytes(u8x16_load(words + 16 * word));
  i16x16 fraction = i16x16_upper_bytes(i16x16_mul(bytes, i16x16_splat(powers[digit])));
  i16x16 trit = i16x16_upper_bytes(i16x16_mul(fraction, i16x16_splat(3)));
  return i16x16_add(trit, i16x16_splat(-1));
}

/* Bits 0 to 3 of groups g and g + 4 from a word of nibbles, bit 4 from a word of bits. */
INLINE void unpack_5_bits(const uint8_t *bits, uint32_t g, int offset, i16x16 out[2]) {
  u8x16 high = u8x16_bits(u8x16_load(bits), g, 17);
  u8x16 nibbles = u8x16_load(bits + 16 + 16 * g);
  u8x16 first = u8x16_or(u8x16_bits(nibbles, 0, 15), u8x16_up(u8x16_bits(high, 0, 1), 4));
  u8x16 second = u8x16_or(u8x16_bits(nibbles, 4, 15), u8x16_bits(high, 0, 16));
  out[0] = i16x16_of_bytes_less(first, offset);
  out[1] = i16x16_of_bytes_less(second, offset);
}

/* What word g of part b holds: if words are about one part (0 unless the type has super-blocks),
 * its groups g and g + 4; else group g of parts b, b + 1, ... */
INLINE void unpack_word(ink_type type, const uint8_t *block, uint32_t b, uint32_t g,
                        i16x16 out[4]) {
  const uint8_t *word = block + 16 * g;
  switch (type) {
  case INK_TYPE_Q4_0: i16x16_load_nibbles(word + 8, 8, &out[0], &out[1]); break;
  case INK_TYPE_Q4_1: i16x16_load_nibbles(word + 16, 0, &out[0], &out[1]); break;
  case INK_TYPE_Q5_0: unpack_5_bits(block + 8, g, 16, out); break;
  case INK_TYPE_Q5_1: unpack_5_bits(block + 16, g, 0, out); break;
  case INK_TYPE_Q8_0:
    out[0] = i16x16_load_bytes(word + 8);
    out[1] = i16x16_load_bytes(word + 72);
    break;
  case INK_TYPE_IQ4_NL:
    i16x16_look_up_nibbles(word + 8, ink_iq4_values, &out[0], &out[1]);
    break;
  case INK_TYPE_IQ4_XS:
    i16x16_look_up_nibbles(word + 32 + 64 * b, ink_iq4_values, &out[0], &out[1]);
    break;
  case INK_TYPE_MXFP4:
    i16x16_look_up_nibbles(word + 4, ink_e2m1_values, &out[0], &out[1]);
    break;
  case INK_TYPE_TQ1_0:
    out[0] = unpack_trits(block, b, g);
    out[1] = unpack_trits(block, b, g + GROUPS / 2);
    break;
  case INK_TYPE_Q4_K: i16x16_load_nibbles(word + 64 + 64 * b, 0, &out[0], &out[1]); break;
  case INK_TYPE_Q5_K: {
    u8x16 low = u8x16_load(word + 192 + 64 * b);
    u8x16 high = u8x16_bits(u8x16_load(word + 64), b, 3);
    u8x16 first = u8x16_or(u8x16_bits(low, 0, 15), u8x16_up(u8x16_bits(high, 0, 1), 4));
    u8x16 second = u8x16_or(u8x16_bits(low, 4, 15), u8x16_up(u8x16_bits(high, 0, 2), 3));
    out[0] = i16x16_of_bytes(first);
    out[1] = i16x16_of_bytes(second);
    break;
  }
  case INK_TYPE_Q6_K: {
    u8x16 low[2] = {u8x16_load(word + 64 * b), u8x16_load(word + 64 * b + 128)};
    u8x16 high = u8x16_load(word + 512 + 32 * b);
    for (uint32_t i = 0; i < 4; i++) {
      u8x16 upper = i < 2 ? u8x16_up(u8x16_bits(high, 0, 3 << 2 * i), 4 - 2 * i)
                          : u8x16_bits(high, 2 * i - 4, 48);
      out[i] = i16x16_of_bytes_less(u8x16_or(u8x16_bits(low[i % 2], i / 2 * 4, 15), upper), 32);
    }
    break;
  }
  case INK_TYPE_Q3_K: {
    u8x16 low = u8x16_load(word + 128 + 32 * b);
    u8x16 high = u8x16_bits(u8x16_load(word), b, 15);
    for (uint32_t i = 0; i < 4; i++) {
      u8x16 upper = i < 2 ? u8x16_up(u8x16_bits(high, 0, 1 << i), 2 - i)
                          : u8x16_bits(high, i - 2, 4);
      out[i] = i16x16_of_bytes_less(u8x16_or(u8x16_bits(low, 2 * i, 3), upper), 4);
    }
    break;
  }
  case INK_TYPE_Q2_K: {
    u8x16 bytes = u8x16_load(word + 64 + 32 * b);
    for (uint32_t i = 0; i < 4; i++) out[i] = i16x16_of_bytes(u8x16_bits(bytes, 2 * i, 3));
    break;
  }
  case INK_TYPE_TQ2_0: {
    u8x16 bytes = u8x16_load(word + 32 * b);
    for (uint32_t i = 0; i < 4; i++) {
      out[i] = i16x16_of_bytes_less(u8x16_bits(bytes, 2 * i, 3), 1);
    }
    break;
  }
  case INK_TYPE_F32:
  case INK_TYPE_F16:
  case INK_TYPE_BF16: break; /* no panels */
  }
}

INLINE bool has_integer_scales(ink_type type) {
  return type == INK_TYPE_Q2_K || type == INK_TYPE_Q3_K || type == INK_TYPE_Q6_K;
}

/* The scale of 16 columns, half `h` of part b: multiplied with weights of at most 6 bits it is
 * exact in 16, and 32 products with activations in 32. */
INLINE i16x16 integer_scale(ink_type type, const panel_header *header, uint32_t b, uint32_t h) {
  i32x4 scale = i32x4_signed_byte(header->scales[b / 2], b % 2 * 2 + h);
  return i16x16_of_rows(type == INK_TYPE_Q3_K ? i32x4_add(scale, -32) : scale);
}

#endif
