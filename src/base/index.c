#include "base/index.h"

#include <string.h>

uint64_t ink_hash(const void *data, size_t len) {
  const unsigned char *bytes = data;
  uint64_t hash = 0xCBF29CE484222325ull;
  for (size_t i = 0; i < len; i++) hash = (hash ^ bytes[i]) * 0x100000001B3ull;
  return hash ^ hash >> 32;
}

ink_status ink_index_create(ink_index *index, const ink_allocator *allocator, size_t capacity,
                            const void *strings, ink_index_get get, ink_error *error) {
  size_t n_slots = 8;
  while (n_slots < capacity * 2) n_slots *= 2;
  *index = (ink_index){NULL, n_slots, strings, get};
  INK_TRY(ink_allocate(allocator, (uint64_t)n_slots * sizeof *index->slots, "a string index",
                       &index->slots, error));
  memset(index->slots, 0, n_slots * sizeof *index->slots);
  return INK_OK;
}

void ink_index_free(ink_index *index, const ink_allocator *allocator) {
  ink_release(allocator, index->slots, index->n_slots * sizeof *index->slots);
  *index = (ink_index){0};
}

/* The slot that holds the string, or the empty one where it would go. */
static uint32_t *find_slot(const ink_index *index, ink_str string) {
  size_t mask = index->n_slots - 1;
  size_t at = (size_t)ink_hash(string.data, string.len) & mask;
  while (index->slots[at]) {
    ink_str other = index->get(index->strings, index->slots[at] - 1);
    if (other.len == string.len && memcmp(other.data, string.data, string.len) == 0) break;
    at = (at + 1) & mask;
  }
  return &index->slots[at];
}

uint32_t ink_index_add(ink_index *index, uint32_t number) {
  uint32_t *slot = find_slot(index, index->get(index->strings, number));
  if (*slot) return *slot - 1;
  *slot = number + 1;
  return INK_INDEX_NONE;
}

uint32_t ink_index_find(const ink_index *index, ink_str string) {
  const uint32_t *slot = find_slot(index, string);
  return *slot ? *slot - 1 : INK_INDEX_NONE;
}
