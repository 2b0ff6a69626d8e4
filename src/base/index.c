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

static uint64_t read_u64(const unsigned char *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

static uint64_t read_u32(const unsigned char *bytes) {
  uint32_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

/* The end is read in words that overlap, as wyhash does (Wang Yi): lengths seldom decide. */
uint64_t ink_hash_fast(const void *data, size_t len) {
  const unsigned char *bytes = data;
  uint64_t hash = mix(0xA0761D6478BD642Full, len), first = 0, last = 0;
  size_t at = 0;
  for (; len - at > 16; at += 8) hash = mix(hash, read_u64(bytes + at));
  if (len >= 8) {
    first = read_u64(bytes + (len >= 16 ? len - 16 : 0));
    last = read_u64(bytes + len - 8);
  } else if (len >= 4) {
    first = read_u32(bytes);
    last = read_u32(bytes + len - 4);
  } else if (len > 0) {
    first = (uint64_t)bytes[0] << 16 | (uint64_t)bytes[len / 2] << 8 | bytes[len - 1];
  }
  return mix(mix(mix(hash, first), last), 0xE7037ED1A0B428DBull);
}

/* Most strings are too short for memcmp() to pay. */
static bool same_bytes(const char *a, const char *b, size_t len) {
  const unsigned char *x = (const unsigned char *)a, *y = (const unsigned char *)b;
  if (len > 16) return memcmp(a, b, len) == 0;
  if (len >= 8) return read_u64(x) == read_u64(y) && read_u64(x + len - 8) == read_u64(y + len - 8);
  if (len >= 4) return read_u32(x) == read_u32(y) && read_u32(x + len - 4) == read_u32(y + len - 4);
  return len == 0 || (x[0] == y[0] && x[len / 2] == y[len / 2] && x[len - 1] == y[len - 1]);
}

ink_status ink_index_create(ink_index *index, const ink_allocator *allocator, size_t capacity,
                            const void *strings, size_t stride, ink_error *error) {
  uint64_t n_slots = (uint64_t)capacity + capacity / 2 + 8;
  *index = (ink_index){.strings = strings, .stride = stride};
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

static const ink_str *string_at(const ink_index *index, uint32_t number) {
  return (const ink_str *)(const void *)((const char *)index->strings + number * index->stride);
}

uint64_t ink_index_expect(const ink_index *index, ink_str string) {
  uint64_t hash = ink_hash_fast(string.data, string.len);
  ink_prefetch(&index->slots[first_slot(index, hash)]);
  return hash;
}

void ink_index_expect_entry(const ink_index *index, uint64_t hash) {
  uint32_t slot = index->slots[first_slot(index, hash)];
  if (slot) ink_prefetch(string_at(index, (slot & index->number_mask) - 1));
}

void ink_index_expect_string(const ink_index *index, uint64_t hash) {
  uint32_t slot = index->slots[first_slot(index, hash)];
  if (slot) ink_prefetch(string_at(index, (slot & index->number_mask) - 1)->data);
}

/* The slot that holds the string, or the empty one where it would go, or NULL when that is too far
 * away. *tag is what the slot's high bits are. */
static uint32_t *find_slot(const ink_index *index, ink_str string, uint64_t hash, uint32_t *tag) {
  if (index->n_slots == 0) return NULL;
  uint32_t at = first_slot(index, hash);
  *tag = (uint32_t)hash & ~index->number_mask;
  for (uint32_t probes = 0; probes < MAX_PROBES; probes++) {
    uint32_t *slot = &index->slots[at];
    if (*slot == 0) return slot;
    if ((*slot & ~index->number_mask) == *tag) {
      ink_str other = *string_at(index, (*slot & index->number_mask) - 1);
      if (other.len == string.len && same_bytes(other.data, string.data, string.len)) return slot;
    }
    if (++at == index->n_slots) at = 0;
  }
  return NULL;
}

uint32_t ink_index_add_hashed(ink_index *index, uint32_t number, uint64_t hash) {
  uint32_t tag;
  uint32_t *slot = find_slot(index, *string_at(index, number), hash, &tag);
  if (slot && *slot) return (*slot & index->number_mask) - 1;
  if (slot) {
    *slot = tag | (number + 1);
  } else {
    index->is_slow = true;
  }
  return INK_INDEX_NONE;
}

uint32_t ink_index_find_hashed(const ink_index *index, ink_str string, uint64_t hash) {
  uint32_t tag;
  const uint32_t *slot = find_slot(index, string, hash, &tag);
  return slot && *slot ? (*slot & index->number_mask) - 1 : INK_INDEX_NONE;
}

uint32_t ink_index_add(ink_index *index, uint32_t number) {
  ink_str string = *string_at(index, number);
  return ink_index_add_hashed(index, number, ink_hash_fast(string.data, string.len));
}

uint32_t ink_index_find(const ink_index *index, ink_str string) {
  return ink_index_find_hashed(index, string, ink_hash_fast(string.data, string.len));
}
