/* engine: sampling. */
#include "check.h"
#include "engine/sampler.h"

enum { N = 6 };
static ink_candidate_token candidates[N];
/* Probabilities 0.5, 0.25, 0.125 ... of tokens 3, 1, 4, 0, 5, 2. */
static const float logits[N] = {-2.0794415f, -0.6931472f, -3.4657359f, 0.0f, -1.3862944f, -2.7725887f};

static ink_sampling plain(void) {
  return (ink_sampling){.temperature = 1.0f, .top_p = 1.0f, .repeat_penalty = 1.0f, .seed = 42};
}

static ink_token choose(const ink_sampling *params, const ink_token *recent, size_t n_recent) {
  ink_sampler sampler = {.candidates = candidates};
  ink_token token = -1;
  CHECK_STATUS(ink_sampler_begin(&sampler, params, NULL), INK_OK);
  CHECK_STATUS(ink_sampler_choose(&sampler, logits, N, recent, n_recent, &token, NULL), INK_OK);
  return token;
}

/* How often each token comes in `draws` draws. */
static void count(const ink_sampling *params, int counts[N], int draws) {
  ink_sampler sampler = {.candidates = candidates};
  memset(counts, 0, N * sizeof *counts);
  CHECK_STATUS(ink_sampler_begin(&sampler, params, NULL), INK_OK);
  for (int i = 0; i < draws; i++) {
    ink_token token = -1;
    ink_sampler_choose(&sampler, logits, N, NULL, 0, &token, NULL);
    CHECK(token >= 0 && token < N);
    counts[token]++;
  }
}

static void greedy_takes_the_best(void) {
  ink_sampling params = plain();
  params.temperature = 0.0f;
  CHECK_EQ(choose(&params, NULL, 0), 3);
}

static void frequencies_follow_probabilities(void) {
  ink_sampling params = plain();
  int counts[N];
  count(&params, counts, 20000);
  CHECK(counts[3] > 9800 && counts[3] < 10520); /* 20000 * 0.5079 */
  CHECK(counts[1] > 4800 && counts[1] < 5360);
  params.temperature = 0.5f; /* squares them: 3/4 */
  count(&params, counts, 20000);
  CHECK(counts[3] > 14700 && counts[3] < 15300);
}

static void filters_cut_the_tail(void) {
  ink_sampling params = plain();
  int counts[N];
  params.top_k = 2;
  count(&params, counts, 2000);
  CHECK_EQ(counts[3] + counts[1], 2000);
  CHECK(counts[1] > 0);
  params = plain();
  params.top_p = 0.8f; /* 0.508 + 0.254 + 0.127 reaches it */
  count(&params, counts, 2000);
  CHECK_EQ(counts[3] + counts[1] + counts[4], 2000);
  CHECK(counts[4] > 0);
  params = plain();
  params.min_p = 0.4f;
  count(&params, counts, 2000);
  CHECK_EQ(counts[3] + counts[1], 2000);
  params.top_p = 0.0f;
  count(&params, counts, 100);
  CHECK_EQ(counts[3], 100);
}

static void every_top_k_keeps_the_best(void) {
  float many[500];
  static ink_candidate_token list[500];
  uint32_t state = 1;
  for (uint32_t k = 1; k < 500; k += 7) {
    for (int i = 0; i < 500; i++) {
      state = state * 1664525u + 1013904223u;
      many[i] = (float)(state >> 24) / 16.0f; /* with ties */
    }
    ink_sampling params = plain();
    params.top_k = k;
    ink_sampler sampler = {.candidates = list};
    ink_token token;
    ink_sampler_begin(&sampler, &params, NULL);
    ink_sampler_choose(&sampler, many, 500, NULL, 0, &token, NULL);
    int better = 0;
    for (int i = 0; i < 500; i++) better += many[i] > list[k - 1].logit;
    CHECK(better < (int)k); /* the worst of the k kept is among the k best */
  }
}

static void repeats_are_penalised(void) {
  ink_sampling params = plain();
  ink_token recent[] = {1, 3, 3};
  params.temperature = 0.0f;
  params.repeat_penalty = 3.0f; /* 0 stays 0: the best logit is not positive */
  params.repeat_last_n = 64;
  CHECK_EQ(choose(&params, recent, 3), 3);
  float positive[N] = {1.0f, 2.0f, 0.0f, 3.0f, 0.0f, 0.0f};
  ink_sampler sampler = {.candidates = candidates};
  ink_token token;
  ink_sampler_begin(&sampler, &params, NULL);
  ink_sampler_choose(&sampler, positive, N, recent, 3, &token, NULL);
  CHECK_EQ(token, 0); /* 3 / 3 = 1 ties with token 0, and 2 / 3 is less */
  params.repeat_last_n = 1;
  ink_sampler_begin(&sampler, &params, NULL);
  ink_sampler_choose(&sampler, positive, N, recent, 3, &token, NULL);
  CHECK_EQ(token, 1);
}

static void seeds_decide(void) {
  ink_sampling params = plain();
  int first[N], second[N];
  count(&params, first, 100);
  count(&params, second, 100);
  CHECK(memcmp(first, second, sizeof first) == 0);
  params.seed++;
  count(&params, second, 100);
  CHECK(memcmp(first, second, sizeof first) != 0);
}

static void bad_input_is_refused(void) {
  ink_sampler sampler = {.candidates = candidates};
  ink_error error;
  ink_sampling params = plain();
  params.temperature = -1.0f;
  CHECK_STATUS(ink_sampler_begin(&sampler, &params, &error), INK_ERR_INVALID_ARGUMENT);
  params.temperature = NAN;
  CHECK_STATUS(ink_sampler_begin(&sampler, &params, &error), INK_ERR_INVALID_ARGUMENT);
  params = plain();
  params.top_p = 1.5f;
  CHECK_STATUS(ink_sampler_begin(&sampler, &params, &error), INK_ERR_INVALID_ARGUMENT);
  params = plain();
  params.repeat_last_n = INK_MAX_REPEAT_LAST_N + 1;
  CHECK_STATUS(ink_sampler_begin(&sampler, &params, &error), INK_ERR_INVALID_ARGUMENT);
  float broken[N] = {0.0f, NAN};
  ink_token token;
  params = plain();
  ink_sampler_begin(&sampler, &params, NULL);
  CHECK_STATUS(ink_sampler_choose(&sampler, broken, N, NULL, 0, &token, &error),
               INK_ERR_BAD_MODEL);
}

int main(void) {
  RUN(greedy_takes_the_best);
  RUN(frequencies_follow_probabilities);
  RUN(filters_cut_the_tail);
  RUN(every_top_k_keeps_the_best);
  RUN(repeats_are_penalised);
  RUN(seeds_decide);
  RUN(bad_input_is_refused);
  return check_result();
}
