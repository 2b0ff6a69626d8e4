/* The layout of the tables that tools/unicode_tables.py writes; for unicode*.c alone. */
#ifndef INK_TEXT_UNICODE_TABLE_H
#define INK_TEXT_UNICODE_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* Characters alike in all that follows are of one class, whose number is
 *   leaves[256 * top[c >> 8] + (c & 255)]
 * for code points below INK_UNICODE_TABLE_END. Each field has an array of its own rather than a
 * place in structs: that compresses better, and is how a module travels to a page. */
#define INK_UNICODE_TABLE_END 0xE0200u
extern const uint8_t ink_unicode_top[], ink_unicode_leaves[];

/* | case is listed | decomposes | composes | category: 5 bits | */
#define INK_UNICODE_CATEGORY 0x1Fu
#define INK_UNICODE_COMPOSES 0x20u    /* NFC may change it or join it to what stands before */
#define INK_UNICODE_DECOMPOSES 0x40u  /* it has an entry; Hangul syllables have none */
#define INK_UNICODE_CASE_LISTED 0x80u /* below, because no other character has its mappings */
extern const uint8_t ink_unicode_flags[], ink_unicode_combining[];
/* What is added to the low 16 bits, without a carry, to map a case. */
extern const uint16_t ink_unicode_to_lower[], ink_unicode_to_upper[];

/* In their order. Lower case: the first character. Upper case: up to three, then 0. */
extern const uint16_t ink_unicode_listed[], ink_unicode_listed_lower[],
    ink_unicode_listed_upper_0[], ink_unicode_listed_upper_1[], ink_unicode_listed_upper_2[];
extern const size_t ink_unicode_n_listed;

/* One step of decomposition, of the characters that have one in their order. Each has a head,
 *   | length: 6 bits | canonical | gap |
 * and values, as varints of 7 bits a byte, the lowest first: if `gap`, how many characters without a
 * decomposition stand before it; and by how much each character of its text differs from the one
 * in the same place of the text before, the first from that one's successor (2n, or -2n - 1 when
 * negative). Every INK_UNICODE_BLOCK of them, such sums begin at 0 again. */
#define INK_UNICODE_BLOCK 128u
#define INK_UNICODE_LONGEST 18u
extern const uint8_t ink_unicode_heads[], ink_unicode_values[];
extern const uint32_t ink_unicode_block_code[];
extern const uint16_t ink_unicode_block_at[];
extern const size_t ink_unicode_n_blocks;
extern const size_t ink_unicode_n_steps;
/* What NFC composes are the canonical ones of two characters without INK_UNICODE_COMPOSES. */
#define INK_UNICODE_MOST_COMPOSITES 1024u

/* The number of a character's class. Past the table there is private use, or nothing. */
static inline uint8_t ink_unicode_class(uint32_t c) {
  enum { PRIVATE = 0xE000, UNASSIGNED = 0xE0000 };
  if (c >= INK_UNICODE_TABLE_END) {
    c = c >= 0xF0000 && c <= 0x10FFFD && (c & 0xFFFF) <= 0xFFFD ? PRIVATE : UNASSIGNED;
  }
  return ink_unicode_leaves[256u * ink_unicode_top[c >> 8] + (c & 255u)];
}

static inline uint8_t ink_unicode_flags_of(uint32_t c) {
  return ink_unicode_flags[ink_unicode_class(c)];
}

#endif
