/* A hash index from strings to their numbers. The strings stay where they are: in an array, each at
 * the beginning of an element. */
#ifndef INK_BASE_INDEX_H
#define INK_BASE_INDEX_H

#include "base/memory.h"

typedef struct ink_index {
  /* [n_slots] 0: empty; else number + 1 in the low bits, and in the others as many bits of the
   * string's hash, so that other strings are seldom looked at. Linear probing. */
  uint32_t *slots;
  uint32_t n_slots;
  uint32_t number_mask;
  const void *strings; /* of elements that begin with an ink_str */
  size_t stride;       /* bytes from one element to the next */
  bool is_slow;        /* strings were left out because their hashes clash, as if meant to */
} ink_index;

#define INK_INDEX_NONE UINT32_MAX

/* FNV-1a (Fowler, Noll, Vo), folded so that the low bits depend on all of it: the same everywhere.
 */
uint64_t ink_hash(const void *data, size_t len);

/* Faster; its values differ with byte order. */
uint64_t ink_hash_fast(const void *data, size_t len);

/* Room for `capacity` strings, fewer than 2^31. */
ink_status ink_index_create(ink_index *index, const ink_allocator *allocator, size_t capacity,
                            const void *strings, size_t stride, ink_error *error);
void ink_index_free(ink_index *index, const ink_allocator *allocator);

/* The number of an equal string already there (nothing is added), or INK_INDEX_NONE. */
uint32_t ink_index_add(ink_index *index, uint32_t number);
uint32_t ink_index_find(const ink_index *index, ink_str string);

/* For who looks up or adds many strings, and would wait for memory with each: take some at a time,
 * in steps. ink_index_expect() hashes a string for the functions below and fetches its slot;
 * ink_index_expect_entry() then fetches what the slot names, ink_index_expect_string() its bytes.
 */
uint64_t ink_index_expect(const ink_index *index, ink_str string);
void ink_index_expect_entry(const ink_index *index, uint64_t hash);
void ink_index_expect_string(const ink_index *index, uint64_t hash);
uint32_t ink_index_add_hashed(ink_index *index, uint32_t number, uint64_t hash);
uint32_t ink_index_find_hashed(const ink_index *index, ink_str string, uint64_t hash);

#endif
