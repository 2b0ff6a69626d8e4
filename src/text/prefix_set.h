/* Which members of a set of strings does a text begin with? A hash table, asked for one prefix after
 * another, with a filter that says when no longer prefix can be a member: it stands for a trie, in a
 * fraction of the memory and of the time to build one. */
#ifndef INK_TEXT_PREFIX_SET_H
#define INK_TEXT_PREFIX_SET_H

#include "base/memory.h"

typedef struct ink_prefix_set {
  const ink_str *strings; /* members are some of these, known by their place */
  uint32_t *slots;        /* [n_slots] place + 1, 0: empty; linear probing */
  uint32_t n_slots;
  uint8_t *filter;        /* [n_filter / 4] two bits for each hash: a member ends here, goes on */
  uint32_t n_filter;      /* a power of two */
  size_t max_len;         /* of a member */
  uint64_t n_steps;       /* taken to add the members */
  uint32_t n_members;
} ink_prefix_set;

/* Longer strings are refused: each byte of a text may be followed for as long as a member is. */
#define INK_PREFIX_MAX 512u

/* Room for n_members of `strings`, which stay where they are. */
ink_status ink_prefix_set_create(ink_prefix_set *set, const ink_allocator *allocator,
                                 const ink_str *strings, uint32_t n_members, ink_error *error);
void ink_prefix_set_free(ink_prefix_set *set, const ink_allocator *allocator);
uint64_t ink_prefix_set_bytes(const ink_prefix_set *set);

/* INK_ERR_BAD_MODEL for a string that is there already, longer than
 * INK_PREFIX_MAX, or one of many made to have equal hashes. Empty ones are never found. */
ink_status ink_prefix_set_add(ink_prefix_set *set, uint32_t place, ink_error *error);

/* A walk along a text. Start it with ink_prefix_start(). */
typedef struct ink_prefix_walk {
  const char *text;
  size_t text_len;
  size_t len; /* of the prefix looked at */
  uint64_t hash;
  bool over;
} ink_prefix_walk;

static inline ink_prefix_walk ink_prefix_start(const char *text, size_t len) {
  return (ink_prefix_walk){text, len, 0, 0xCBF29CE484222325ull, len == 0};
}

/* The place of the next longer member that the text begins with, walk->len being its length, or -1.
 * Members end where characters do. */
int64_t ink_prefix_next(const ink_prefix_set *set, ink_prefix_walk *walk);

#endif
