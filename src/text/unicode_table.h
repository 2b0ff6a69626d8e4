/* The layout of the tables that tools/unicode_tables.py writes; for unicode*.c alone. */
#ifndef INK_TEXT_UNICODE_TABLE_H
#define INK_TEXT_UNICODE_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* A trie of three levels over code points below INK_UNICODE_TABLE_END:
 *   leaves[16 * middle[16 * top[c >> 8] + (c >> 4 & 15)] + (c & 15)]
 * A leaf is | 0 | decomposes | composes | category: 5 bits |. */
#define INK_UNICODE_TABLE_END 0x32400u
#define INK_UNICODE_CATEGORY 0x1Fu
#define INK_UNICODE_COMPOSES 0x20u   /* NFC may change it or join it to what stands before */
#define INK_UNICODE_DECOMPOSES 0x40u /* it has an entry; Hangul syllables have none */
extern const uint8_t ink_unicode_top[];
extern const uint16_t ink_unicode_middle[];
extern const uint8_t ink_unicode_leaves[];

/* One step of decomposition, of the characters that have one in their order. Each has a head,
 *   | length: 6 bits | canonical | gap |
 * and values, as varints of 7 bits a byte, the lowest first: if `gap`, how many characters without a
 * decomposition stand before it; and by how much each character of its text differs from the one
 * in the same place of the text before, the first from that one's successor (2n, or -2n - 1 when
 * negative). Every INK_UNICODE_BLOCK of them, such sums begin at 0 again. */
#define INK_UNICODE_BLOCK 64u
#define INK_UNICODE_LONGEST 18u
extern const uint8_t ink_unicode_heads[], ink_unicode_values[];
extern const uint32_t ink_unicode_block_code[];
extern const uint16_t ink_unicode_block_at[];
extern const size_t ink_unicode_n_blocks;
extern const uint8_t ink_unicode_composites_low[], ink_unicode_composites_high[];
extern const size_t ink_unicode_n_composites;

extern const uint32_t ink_unicode_combining[];
extern const size_t ink_unicode_n_combining;

typedef struct ink_unicode_case_run {
  uint32_t span; /* first code point | count << 21 | (stride - 1) << 31 */
  int32_t delta; /* to add */
} ink_unicode_case_run;

typedef struct ink_unicode_expansion {
  uint16_t code_point;
  uint16_t to[3]; /* 0: none */
} ink_unicode_expansion;

extern const ink_unicode_case_run ink_unicode_lower_runs[], ink_unicode_upper_runs[];
extern const size_t ink_unicode_n_lower, ink_unicode_n_upper;
extern const ink_unicode_expansion ink_unicode_lower_longer[], ink_unicode_upper_longer[];
extern const size_t ink_unicode_n_lower_longer, ink_unicode_n_upper_longer;

/* The trie's leaf; what lies past the table is known by rule. */
static inline uint8_t ink_unicode_leaf(uint32_t c);
uint8_t ink_unicode_leaf_beyond(uint32_t c);

static inline uint8_t ink_unicode_leaf(uint32_t c) {
  if (c >= INK_UNICODE_TABLE_END) return ink_unicode_leaf_beyond(c);
  unsigned middle = ink_unicode_middle[16u * ink_unicode_top[c >> 8] + (c >> 4 & 15u)];
  return ink_unicode_leaves[16u * middle + (c & 15u)];
}

#endif
