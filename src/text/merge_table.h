/* The merges of byte-pair encoding: which two tokens join to which, and in what order. */
#ifndef INK_TEXT_MERGE_TABLE_H
#define INK_TEXT_MERGE_TABLE_H

#include "base/memory.h"

typedef struct ink_merge {
  ink_token left, right, result; /* left -1: an empty slot */
  uint32_t rank;                 /* 0 is joined first */
} ink_merge;

/* A hash table with linear probing. */
typedef struct ink_merge_table {
  ink_merge *slots; /* [n_slots] */
  uint32_t n_slots; /* 0: there are no merges */
} ink_merge_table;

/* Room for n merges. */
ink_status ink_merge_table_create(ink_merge_table *table, const ink_allocator *allocator,
                                  uint32_t n, ink_error *error);
void ink_merge_table_free(ink_merge_table *table, const ink_allocator *allocator);

/* A pair that is there already keeps its rank. False when the table has become slow to search,
 * which no real tokenizer's pairs make it, but made-up ones may. */
bool ink_merge_table_add(ink_merge_table *table, ink_merge merge);

/* A hint that a pair will be added soon. */
void ink_merge_table_expect(const ink_merge_table *table, ink_token left, ink_token right);

/* NULL when the two don't join. Either may be -1. */
const ink_merge *ink_merge_table_find(const ink_merge_table *table, ink_token left,
                                      ink_token right);

#endif
