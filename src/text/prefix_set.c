#include "text/prefix_set.h"

#include <string.h>

enum { ENDS = 1, GOES_ON = 2 };

/* FNV-1a (Fowler, Noll, Vo): it grows with the prefix. */
static uint64_t hash_byte(uint64_t hash, char byte) {
  return (hash ^ (uint8_t)byte) * 0x100000001B3ull;
}

/* Fibonacci hashing (Knuth, The Art of Computer Programming, 6.4): the high bits depend on all. */
static uint32_t mix(uint64_t hash) { return (uint32_t)(hash * 0x9E3779B97F4A7C15ull >> 32); }

static uint32_t slot_of(const ink_prefix_set *set, uint64_t hash) {
  return (uint32_t)((uint64_t)mix(hash) * set->n_slots >> 32);
}

static uint32_t filter_of(uint64_t hash) { return (uint32_t)(hash >> 21 ^ hash >> 40); }

static unsigned filter_get(const ink_prefix_set *set, uint64_t hash) {
  uint32_t at = filter_of(hash) & (set->n_filter - 1);
  return (unsigned)set->filter[at / 4] >> at % 4 * 2 & 3u;
}

static void filter_set(ink_prefix_set *set, uint64_t hash, unsigned bits) {
  uint32_t at = filter_of(hash) & (set->n_filter - 1);
  set->filter[at / 4] = (uint8_t)(set->filter[at / 4] | bits << at % 4 * 2);
}

/* Prefixes are looked at where a character may end, in members and texts alike. */
static bool is_boundary(const char *text, size_t len, size_t at) {
  return at == len || ((uint8_t)text[at] & 0xC0u) != 0x80u;
}

ink_status ink_prefix_set_create(ink_prefix_set *set, const ink_allocator *allocator,
                                 const ink_str *strings, uint32_t n_members, ink_error *error) {
  uint32_t n_slots = n_members + n_members / 4 + 8, n_filter = 64;
  while (n_filter / 4 < n_members) n_filter *= 2;
  *set = (ink_prefix_set){.strings = strings, .n_slots = n_slots, .n_filter = n_filter};
  ink_status status = ink_allocate(allocator, (uint64_t)n_slots * sizeof *set->slots,
                                   "a string index", &set->slots, error);
  if (status == INK_OK) {
    status = ink_allocate(allocator, set->n_filter / 4, "a string index", &set->filter, error);
  }
  if (status != INK_OK) {
    ink_prefix_set_free(set, allocator);
    return status;
  }
  memset(set->slots, 0, n_slots * sizeof *set->slots);
  memset(set->filter, 0, set->n_filter / 4);
  return INK_OK;
}

void ink_prefix_set_free(ink_prefix_set *set, const ink_allocator *allocator) {
  ink_release(allocator, set->slots, set->n_slots * sizeof *set->slots);
  ink_release(allocator, set->filter, set->n_filter / 4);
  *set = (ink_prefix_set){0};
}

uint64_t ink_prefix_set_bytes(const ink_prefix_set *set) {
  return (uint64_t)set->n_slots * sizeof *set->slots + set->n_filter / 4;
}

/* The slot that holds the string, or the empty one where it would go. */
static uint32_t *find_slot(const ink_prefix_set *set, ink_str string, uint64_t hash) {
  for (uint32_t at = slot_of(set, hash);; at = at + 1 < set->n_slots ? at + 1 : 0) {
    uint32_t *slot = &set->slots[at];
    if (!*slot) return slot;
    ink_str other = set->strings[*slot - 1];
    if (other.len == string.len && memcmp(other.data, string.data, string.len) == 0) return slot;
  }
}

/* Far more steps than members need whose hashes are not made to be equal. */
static bool is_flooded(const ink_prefix_set *set) {
  return set->n_steps > 1000 + 16ull * set->n_members;
}

static ink_status refuse(uint32_t place, ink_str string, const char *why, ink_error *error) {
  enum { SHOWN = 40 };
  if (string.len > SHOWN) {
    string.len = SHOWN;
    while (string.len > 0 && !is_boundary(string.data, SHOWN + 1, string.len)) string.len--;
  }
  return ink_fail(error, INK_ERR_BAD_MODEL, "token %u, '%.*s', %s", (unsigned)place,
                  INK_STR_ARGS(string), why);
}

ink_status ink_prefix_set_add(ink_prefix_set *set, uint32_t place, ink_error *error) {
  ink_str string = set->strings[place];
  if (string.len > INK_PREFIX_MAX) return refuse(place, string, "is too long", error);
  uint64_t hash = ink_prefix_start(NULL, 0).hash;
  for (size_t i = 0; i < string.len; i++) {
    if (i > 0 && is_boundary(string.data, string.len, i)) filter_set(set, hash, GOES_ON);
    hash = hash_byte(hash, string.data[i]);
  }
  uint32_t *slot = find_slot(set, string, hash);
  if (*slot) return refuse(place, string, "occurs twice", error);
  set->n_members++;
  uint32_t from = slot_of(set, hash), to = (uint32_t)(slot - set->slots);
  set->n_steps += to >= from ? to - from : to + set->n_slots - from;
  if (is_flooded(set)) return refuse(place, string, "is one of many with equal hashes", error);
  filter_set(set, hash, ENDS);
  *slot = place + 1;
  if (string.len > set->max_len) set->max_len = string.len;
  return INK_OK;
}

int64_t ink_prefix_next(const ink_prefix_set *set, ink_prefix_walk *walk) {
  while (!walk->over) {
    do {
      walk->hash = hash_byte(walk->hash, walk->text[walk->len++]);
    } while (!is_boundary(walk->text, walk->text_len, walk->len));
    unsigned bits = filter_get(set, walk->hash);
    walk->over =
        !(bits & GOES_ON) || walk->len == walk->text_len || walk->len >= set->max_len;
    if (bits & ENDS) {
      uint32_t slot = *find_slot(set, (ink_str){walk->text, walk->len}, walk->hash);
      if (slot) return slot - 1;
    }
  }
  return -1;
}
