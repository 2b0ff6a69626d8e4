#include "base/index.h"

#include <string.h>

/* Two thirds full, a good hash has runs of a hundred or so at the worst. */
#define MAX_PROBES 4096u

uint64_t ink_hash(const void *data, size_t len) {
  const unsigned char *bytes = data;
  uint64_t hash = 0xCBF29CE484222325ull;
  for (size_t i = 0; i < len; i++) hash = (hash ^ bytes[i]) * 0x100000001B3ull;
  return hash ^ hash >> 32;
}

static uint64_t mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * 0x9E3779B97F4A7C15ull;
  return hash ^ hash >> 32;
}

/* Eight bytes at a time; the tail is read in two overlapping halves, as wyhash does (Wang Yi). */
uint64_t ink_hash_fast(const void *data, size_t len) {
  const unsigned char *bytes = data;
  uint64_t hash = mix(0xA0761D6478BD642Full, len), word = 0;
  for (; len > 8; bytes += 8, len -= 8) {
    memcpy(&word, bytes, 8);
    hash = mix(hash, word);
  }
  if (len >= 4) {
    uint32_t first, last;
    memcpy(&first, bytes, 4);
    memcpy(&last, bytes + len - 4, 4);
    word = (uint64_t)first << 32 | last;
  } else if (len > 0) {
    word = (uint64_t)bytes[0] << 16 | (uint64_t)bytes[len / 2] << 8 | bytes[len - 1];
  } else {
    word = 0;
  }
  return mix(mix(hash, word), 0xE7037ED1A0B428DBull);
}

ink_status ink_index_create(ink_index *index, const ink_allocator *allocator, size_t capacity,
                            const void *strings, ink_index_get get, ink_error *error) {
  uint64_t n_slots = (uint64_t)capacity + capacity / 2 + 8;
  *index = (ink_index){.strings = strings, .get = get};
  INK_TRY(ink_allocate(allocator, n_slots * sizeof *index->slots, "a string index", &index->slots,
                       error));
  index->n_slots = (uint32_t)n_slots;
  while (index->number_mask < capacity) index->number_mask = index->number_mask << 1 | 1u;
  memset(index->slots, 0, (size_t)n_slots * sizeof *index->slots);
  return INK_OK;
}

void ink_index_free(ink_index *index, const ink_allocator *allocator) {
  ink_release(allocator, index->slots, index->n_slots * sizeof *index->slots);
  *index = (ink_index){0};
}

static uint32_t first_slot(const ink_index *index, uint64_t hash) {
  return (uint32_t)((hash >> 32) * index->n_slots >> 32);
}

void ink_index_expect(const ink_index *index, ink_str string) {
  ink_prefetch(&index->slots[first_slot(index, ink_hash_fast(string.data, string.len))]);
}

void ink_index_expect_string(const ink_index *index, ink_str string) {
  uint32_t slot = index->slots[first_slot(index, ink_hash_fast(string.data, string.len))];
  if (slot) ink_prefetch(index->get(index->strings, (slot & index->number_mask) - 1).data);
}

/* The slot that holds the string, or the empty one where it would go, or NULL when that is too far
 * away. *tag is what the slot's high bits are. */
static uint32_t *find_slot(const ink_index *index, ink_str string, uint32_t *tag) {
  if (index->n_slots == 0) return NULL;
  uint64_t hash = ink_hash_fast(string.data, string.len);
  uint32_t at = first_slot(index, hash);
  *tag = (uint32_t)hash & ~index->number_mask;
  for (uint32_t probes = 0; probes < MAX_PROBES; probes++) {
    uint32_t *slot = &index->slots[at];
    if (*slot == 0) return slot;
    if ((*slot & ~index->number_mask) == *tag) {
      ink_str other = index->get(index->strings, (*slot & index->number_mask) - 1);
      if (other.len == string.len && memcmp(other.data, string.data, string.len) == 0) return slot;
    }
    if (++at == index->n_slots) at = 0;
  }
  return NULL;
}

uint32_t ink_index_add(ink_index *index, uint32_t number) {
  uint32_t tag;
  uint32_t *slot = find_slot(index, index->get(index->strings, number), &tag);
  if (slot && *slot) return (*slot & index->number_mask) - 1;
  if (slot) {
    *slot = tag | (number + 1);
  } else {
    index->is_slow = true;
  }
  return INK_INDEX_NONE;
}

uint32_t ink_index_find(const ink_index *index, ink_str string) {
  uint32_t tag;
  const uint32_t *slot = find_slot(index, string, &tag);
  return slot && *slot ? (*slot & index->number_mask) - 1 : INK_INDEX_NONE;
}
