/* SentencePiece's precompiled normalisation rules: a map from strings to strings, the longest key
 * first.
 *
 *   | size u32 | units u32[size / 4] | replacements, each ended by a NUL ... |
 *
 * The units are a double-array trie (Aoe, 1989; darts-clone's form). A node's children are at
 * offset ^ byte. A unit's bits:
 *
 *    31      30 .. 10   9       8      7 .. 0
 *   | leaf | offset   | wide | value | label |      offset is shifted by 8 more when wide
 *
 * With `value`, the unit at the offset itself is a leaf, whose low 31 bits say where the replacement
 * begins. */
#ifndef INK_TEXT_CHARSMAP_H
#define INK_TEXT_CHARSMAP_H

#include "base/status.h"

typedef struct ink_charsmap {
  const uint8_t *units; /* [n_units] unaligned, little-endian; 0 units: no rules */
  size_t n_units;
  const char *replacements; /* [n_replacements] ends with a NUL */
  size_t n_replacements;
} ink_charsmap;

/* INK_ERR_BAD_MODEL when the sizes can't be right, a replacement is not UTF-8 or longer than
 * INK_CHARSMAP_MAX. The bytes stay the caller's. */
ink_status ink_charsmap_read(ink_charsmap *map, const uint8_t *bytes, size_t len, ink_error *error);

/* Bounds on one rule's two sides, so that no map makes a text explode or take quadratic time. The
 * longest in use: 15 bytes and 33. */
#define INK_CHARSMAP_MAX 255u

/* The longest rule for the beginning of `text`: how many bytes it takes, with what stands for them,
 * or 0. Never reads outside the map, whatever it holds. */
size_t ink_charsmap_match(const ink_charsmap *map, const char *text, size_t len,
                          ink_str *replacement);

#endif
