/* Choosing the next token from logits. */
#ifndef INK_ENGINE_SAMPLER_H
#define INK_ENGINE_SAMPLER_H

#include "base/status.h"

typedef struct ink_candidate_token {
  float logit;
  ink_token token;
} ink_candidate_token;

typedef struct ink_sampler {
  ink_sampling params;
  uint64_t random; /* state of the generator */
  ink_candidate_token *candidates; /* [n_vocab] */
} ink_sampler;

/* Checks the parameters' ranges (INK_ERR_INVALID_ARGUMENT names the one that is out of its) and
 * seeds the generator. Leaves candidates alone. */
ink_status ink_sampler_begin(ink_sampler *sampler, const ink_sampling *params, ink_error *error);

/* `recent`: the tokens so far, the latest last; the repeat penalty looks at the end of them.
 * Filters apply in llama.cpp's order: penalty, top-k, top-p, min-p, temperature.
 * INK_ERR_BAD_MODEL when the logits are not numbers. */
ink_status ink_sampler_choose(ink_sampler *sampler, const float *logits, uint32_t n_vocab,
                              const ink_token *recent, size_t n_recent, ink_token *token,
                              ink_error *error);

#endif
