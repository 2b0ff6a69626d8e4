/* Prompt lookup: what the text so far says comes next, as drafts to be checked in one batch.
 *
 * Where the last tokens have occurred before, in the prompt or in what was generated since, those that
 * followed them there are likely to follow again: in summaries, edits, quotations and loops (Saxena,
 * "Prompt Lookup Decoding", 2023). The model evaluates them behind the next token in one batch, and
 * those that it would have chosen itself are kept: the text is the same, sooner.
 *
 * A batch costs more than a token, so whether it pays depends on how often drafts are right. That is
 * seen without evaluating any: each new token is compared with what the lookup would have said. The
 * longer a match has held, the likelier it holds on, so rates are kept by its length. Counts alone
 * decide, no clock does: the same request takes the same steps. */
#ifndef INK_ENGINE_LOOKUP_H
#define INK_ENGINE_LOOKUP_H

#include "base/memory.h"
#include "kernels/kernels.h"

#define INK_LOOKUP_RATES 6u

typedef struct ink_lookup {
  uint32_t *latest;   /* [n_slots] by an n-gram's hash: the position after it where it was last seen,
                         0: nowhere */
  uint32_t *earlier;  /* [n_ctx + 1] by such a position: the one before it with the same hash, or 0 */
  uint32_t n_slots;   /* a power of two */
  size_t n_indexed;   /* tokens that have been looked at */
  uint32_t source;    /* position of the token that is expected next */
  uint32_t length;    /* how many tokens before it equal the latest ones; 0: no match */
  float rates[INK_LOOKUP_RATES]; /* share of right expectations, by the match's length */
} ink_lookup;

/* For contexts of n_ctx tokens; carves latest and earlier. */
void ink_lookup_carve(ink_lookup *lookup, uint32_t n_ctx, ink_arena *arena);

/* Forgets all tokens. */
void ink_lookup_clear(ink_lookup *lookup);

/* Forgets how often expectations were right. */
void ink_lookup_forget_rates(ink_lookup *lookup);

/* Looks at those of tokens[0..n) that it has not seen; fewer than before mean that they have changed.
 * `learn`: the new ones were chosen by the model. */
void ink_lookup_add(ink_lookup *lookup, const ink_token *tokens, size_t n, bool learn);

/* Writes to drafts[] what is expected to follow tokens[0..n), all of which have been added. Returns
 * how many: `most`, or 0 where nothing matches. */
uint32_t ink_lookup_draft(const ink_lookup *lookup, const ink_token *tokens, size_t n,
                          uint32_t most, ink_token *drafts);

/* How many drafts, at most `most`, are expected to pay best; 0: to go on without. */
uint32_t ink_lookup_worthwhile(const ink_lookup *lookup, ink_batch_cost cost, uint32_t most);

#endif
