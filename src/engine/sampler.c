#include "engine/sampler.h"

#include <math.h>
#include <stdlib.h>

#include "base/math.h"

ink_sampling ink_sampling_default(void) {
  return (ink_sampling){.temperature = 0.8f,
                        .top_k = 40,
                        .top_p = 0.95f,
                        .min_p = 0.05f,
                        .repeat_penalty = 1.0f,
                        .repeat_last_n = 64,
                        .seed = 0};
}

static ink_status check_range(const char *name, float value, float low, float high,
                              ink_error *error) {
  if (value >= low && value <= high) return INK_OK;
  return ink_fail(error, INK_ERR_INVALID_ARGUMENT, "%s is %g; it must be from %g to %g", name,
                  (double)value, (double)low, (double)high);
}

ink_status ink_sampler_begin(ink_sampler *sampler, const ink_sampling *params, ink_error *error) {
  INK_TRY(check_range("temperature", params->temperature, 0.0f, 100.0f, error));
  INK_TRY(check_range("top_p", params->top_p, 0.0f, 1.0f, error));
  INK_TRY(check_range("min_p", params->min_p, 0.0f, 1.0f, error));
  INK_TRY(check_range("repeat_penalty", params->repeat_penalty, 0.01f, 100.0f, error));
  INK_TRY(check_range("repeat_last_n", (float)params->repeat_last_n, 0.0f,
                      (float)INK_MAX_REPEAT_LAST_N, error));
  sampler->params = *params;
  sampler->random = params->seed;
  return INK_OK;
}

/* SplitMix64 (Steele, Lea and Flood, 2014): uniform in [0, 1). */
static double next_random(ink_sampler *sampler) {
  uint64_t z = sampler->random += 0x9E3779B97F4A7C15ull;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ z >> 27) * 0x94D049BB133111EBull;
  return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

/* Keskar et al., "CTRL", 2019: each recent token once, however often it occurred. */
static void penalize(const ink_sampler *sampler, uint32_t n_vocab, const ink_token *recent,
                     size_t n_recent) {
  float penalty = sampler->params.repeat_penalty;
  size_t n = sampler->params.repeat_last_n;
  if (penalty == 1.0f) return;
  if (n > n_recent) n = n_recent;
  recent += n_recent - n;
  for (size_t i = 0; i < n; i++) {
    bool again = false;
    for (size_t j = 0; j < i && !again; j++) again = recent[j] == recent[i];
    if (again || recent[i] < 0 || (uint32_t)recent[i] >= n_vocab) continue;
    float *logit = &sampler->candidates[recent[i]].logit;
    *logit = *logit > 0.0f ? *logit / penalty : *logit * penalty;
  }
}

/* Of equals the lower token is better: the order is total, whatever qsort() does. */
static bool better(const ink_candidate_token *a, const ink_candidate_token *b) {
  return a->logit > b->logit || (a->logit == b->logit && a->token < b->token);
}

static int best_first(const void *a, const void *b) {
  const ink_candidate_token *x = a, *y = b;
  if (x->token == y->token) return 0;
  return better(x, y) ? -1 : 1;
}

/* Moves the best k candidates to the front, in no order: quickselect (Hoare, 1961). */
static void select_best(ink_candidate_token *list, size_t n, size_t k) {
  size_t low = 0, high = n;
  while (high - low > 1) {
    ink_candidate_token pivot = list[low + (high - low) / 2];
    size_t i = low, j = high - 1;
    for (;;) {
      while (better(&list[i], &pivot)) i++;
      while (better(&pivot, &list[j])) j--;
      if (i >= j) break;
      ink_candidate_token swapped = list[i];
      list[i] = list[j];
      list[j] = swapped;
    }
    /* The pivot is at i == j; everything before is better. */
    if (i + 1 == k || i == k) return;
    if (i < k) {
      low = i + 1;
    } else {
      high = i;
    }
  }
}

static double weight(const ink_candidate_token *candidate, float best, float temperature) {
  return ink_exp(((double)candidate->logit - (double)best) / (double)temperature);
}

/* The nucleus (Holtzman et al., 2020): the fewest best that hold top_p of the probability. */
static size_t keep_top_p(const ink_candidate_token *sorted, size_t n, float top_p) {
  if (top_p >= 1.0f) return n;
  double total = 0.0, sum = 0.0;
  for (size_t i = 0; i < n; i++) total += weight(&sorted[i], sorted[0].logit, 1.0f);
  for (size_t i = 0; i < n; i++) {
    sum += weight(&sorted[i], sorted[0].logit, 1.0f);
    if (sum >= (double)top_p * total) return i + 1;
  }
  return n;
}

/* Nguyen et al., "Min-p sampling", 2024. */
static size_t keep_min_p(const ink_candidate_token *sorted, size_t n, float min_p) {
  size_t kept = 1;
  while (kept < n && weight(&sorted[kept], sorted[0].logit, 1.0f) >= (double)min_p) kept++;
  return kept;
}

static ink_token draw(ink_sampler *sampler, const ink_candidate_token *sorted, size_t n) {
  float temperature = sampler->params.temperature;
  double total = 0.0;
  for (size_t i = 0; i < n; i++) total += weight(&sorted[i], sorted[0].logit, temperature);
  double target = next_random(sampler) * total;
  for (size_t i = 0; i < n; i++) {
    target -= weight(&sorted[i], sorted[0].logit, temperature);
    if (target < 0.0) return sorted[i].token;
  }
  return sorted[n - 1].token;
}

ink_status ink_sampler_choose(ink_sampler *sampler, const float *logits, uint32_t n_vocab,
                              const ink_token *recent, size_t n_recent, ink_token *token,
                              ink_error *error) {
  ink_candidate_token *list = sampler->candidates;
  bool are_numbers = true;
  for (uint32_t i = 0; i < n_vocab; i++) {
    list[i] = (ink_candidate_token){logits[i], (ink_token)i};
    are_numbers &= logits[i] - logits[i] == 0.0f;
  }
  if (!are_numbers) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "the model computes logits that are infinite or not numbers; its weights are "
                    "damaged");
  }
  penalize(sampler, n_vocab, recent, n_recent);
  size_t n = n_vocab;
  if (sampler->params.temperature == 0.0f) {
    size_t best = 0;
    for (size_t i = 1; i < n; i++) best = better(&list[i], &list[best]) ? i : best;
    *token = list[best].token;
    return INK_OK;
  }
  if (sampler->params.top_k > 0 && sampler->params.top_k < n) {
    select_best(list, n, sampler->params.top_k);
    n = sampler->params.top_k;
  }
  qsort(list, n, sizeof *list, best_first);
  n = keep_top_p(list, n, sampler->params.top_p);
  n = keep_min_p(list, n, sampler->params.min_p);
  *token = draw(sampler, list, n);
  return INK_OK;
}
