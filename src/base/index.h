/* A hash index from strings to their numbers. The strings stay where they are. */
#ifndef INK_BASE_INDEX_H
#define INK_BASE_INDEX_H

#include "base/memory.h"

/* The string with a given number, for comparing. */
typedef ink_str (*ink_index_get)(const void *strings, uint32_t number);

typedef struct ink_index {
  /* [n_slots] 0: empty; else number + 1 in the low bits, and in the others as many bits of the
   * string's hash, so that other strings are seldom looked at. Linear probing. */
  uint32_t *slots;
  uint32_t n_slots;
  uint32_t number_mask;
  const void *strings;
  ink_index_get get;
  bool is_slow; /* strings were left out because their hashes clash, as if meant to */
} ink_index;

#define INK_INDEX_NONE UINT32_MAX

/* FNV-1a (Fowler, Noll, Vo), folded so that the low bits depend on all of it: the same everywhere. */
uint64_t ink_hash(const void *data, size_t len);

/* Faster; its values differ with byte order. */
uint64_t ink_hash_fast(const void *data, size_t len);

/* Room for `capacity` strings, fewer than 2^31. */
ink_status ink_index_create(ink_index *index, const ink_allocator *allocator, size_t capacity,
                            const void *strings, ink_index_get get, ink_error *error);
void ink_index_free(ink_index *index, const ink_allocator *allocator);

/* The number of an equal string already there (nothing is added), or INK_INDEX_NONE. */
uint32_t ink_index_add(ink_index *index, uint32_t number);
uint32_t ink_index_find(const ink_index *index, ink_str string);

/* Hints for who looks up or adds many strings: the first some strings ahead of its use, the second,
 * for strings that will be found, after it and still ahead. */
void ink_index_expect(const ink_index *index, ink_str string);
void ink_index_expect_string(const ink_index *index, ink_str string);

#endif
