#include "text/merge_table.h"

/* Three quarters full, a good hash has runs of a hundred or two at the worst. */
#define MAX_PROBES 4096u

ink_status ink_merge_table_create(ink_merge_table *table, const ink_allocator *allocator,
                                  uint32_t n, ink_error *error) {
  uint64_t n_slots = (uint64_t)n * 4 / 3 + 8;
  *table = (ink_merge_table){0};
  INK_TRY(ink_allocate(allocator, n_slots * sizeof *table->slots, "merges", &table->slots, error));
  table->n_slots = (uint32_t)n_slots;
  for (uint32_t i = 0; i < table->n_slots; i++) table->slots[i].left = -1;
  return INK_OK;
}

void ink_merge_table_free(ink_merge_table *table, const ink_allocator *allocator) {
  ink_release(allocator, table->slots, table->n_slots * sizeof *table->slots);
  *table = (ink_merge_table){0};
}

static uint32_t first_slot(const ink_merge_table *table, ink_token left, ink_token right) {
  uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
  /* Fibonacci hashing (Knuth, The Art of Computer Programming, 6.4), twice: one multiplication
   * leaves neighbouring tokens in neighbouring slots. */
  key *= 0x9E3779B97F4A7C15ull;
  key = (key ^ key >> 32) * 0xD6E8FEB86659FD93ull;
  return (uint32_t)((key >> 32) * table->n_slots >> 32);
}

void ink_merge_table_expect(const ink_merge_table *table, ink_token left, ink_token right) {
  ink_prefetch(&table->slots[first_slot(table, left, right)]);
}

bool ink_merge_table_add(ink_merge_table *table, ink_merge merge) {
  uint32_t at = first_slot(table, merge.left, merge.right);
  for (uint32_t probes = 0; probes < MAX_PROBES; probes++) {
    ink_merge *slot = &table->slots[at];
    if (slot->left < 0) {
      *slot = merge;
      return true;
    }
    if (slot->left == merge.left && slot->right == merge.right) return true;
    if (++at == table->n_slots) at = 0;
  }
  return false;
}

const ink_merge *ink_merge_table_find(const ink_merge_table *table, ink_token left,
                                      ink_token right) {
  if (left < 0 || right < 0 || table->n_slots == 0) return NULL;
  for (uint32_t at = first_slot(table, left, right);;) {
    const ink_merge *slot = &table->slots[at];
    if (slot->left < 0) return NULL;
    if (slot->left == left && slot->right == right) return slot;
    if (++at == table->n_slots) at = 0;
  }
}
