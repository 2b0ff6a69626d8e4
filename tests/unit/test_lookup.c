/* engine: what the text so far says comes next, and drafts that change nothing but the time. */
#include "engine/lookup.h"

#include "check.h"
#include "engine/session.h"
#include "fixtures.h"
#include "sliding_fixture.h"

/* ---- The lookup by itself ---- */

enum { N_CTX = 300 };

static ink_lookup new_lookup(void) {
  ink_lookup lookup;
  ink_arena arena = {NULL, 0};
  ink_lookup_carve(&lookup, N_CTX, &arena);
  arena = (ink_arena){malloc((size_t)arena.used), 0};
  ink_lookup_carve(&lookup, N_CTX, &arena);
  ink_lookup_clear(&lookup);
  ink_lookup_forget_rates(&lookup);
  return lookup;
}

static void free_lookup(ink_lookup *lookup) { free(lookup->latest); }

static void check_draft(const ink_lookup *lookup, const ink_token *tokens, size_t n,
                        const ink_token *expected, uint32_t n_expected) {
  ink_token drafts[INK_MAX_DRAFT] = {0};
  CHECK_EQ(ink_lookup_draft(lookup, tokens, n, n_expected, drafts), n_expected);
  CHECK(memcmp(drafts, expected, n_expected * sizeof *expected) == 0);
}

static void drafts_follow_the_longest_match(void) {
  ink_lookup lookup = new_lookup();
  static const ink_token tokens[] = {9, 5, 6, 1, 2, 8, 5, 6, 3, 4, 7, 5, 6, 1, 9, 5, 6};
  ink_token none;
  ink_lookup_add(&lookup, tokens, 7, false);
  CHECK_EQ(ink_lookup_draft(&lookup, tokens, 7, 1, &none), 0);
  ink_lookup_add(&lookup, tokens, 8, false); /* 5 6 */
  check_draft(&lookup, tokens, 8, (ink_token[]){1, 2, 8, 5, 6, 1}, 6); /* and round again */
  ink_lookup_add(&lookup, tokens, 13, false); /* the latest of two that are as long */
  check_draft(&lookup, tokens, 13, (ink_token[]){3, 4, 7}, 3);
  ink_lookup_add(&lookup, tokens, 14, false); /* 6 1, where the expectation was wrong */
  check_draft(&lookup, tokens, 14, (ink_token[]){2, 8}, 2);
  ink_lookup_add(&lookup, tokens, 17, false); /* 9 5 6 */
  check_draft(&lookup, tokens, 17, (ink_token[]){1, 2}, 2);
  free_lookup(&lookup);
}

static void loops_go_on(void) {
  ink_lookup lookup = new_lookup();
  ink_token tokens[] = {3, 7, 7, 7, 7};
  ink_lookup_add(&lookup, tokens, 5, false);
  check_draft(&lookup, tokens, 5, (ink_token[]){7, 7, 7, 7, 7, 7, 7}, 7);
  free_lookup(&lookup);
}

/* Tokens that were changed behind its back give wrong drafts at worst; fewer are a new text. */
static void other_texts(void) {
  ink_lookup lookup = new_lookup();
  ink_token tokens[N_CTX], drafts[INK_MAX_DRAFT];
  uint32_t seed = 1;
  for (int round = 0; round < 200; round++) {
    size_t n = 1 + next_random(&seed) % N_CTX;
    for (size_t i = 0; i < n; i++) tokens[i] = (ink_token)(next_random(&seed) % 6);
    ink_lookup_add(&lookup, tokens, n, true);
    CHECK_EQ(lookup.n_indexed, n);
    uint32_t found = ink_lookup_draft(&lookup, tokens, n, INK_MAX_DRAFT, drafts);
    for (uint32_t i = 0; i < found; i++) CHECK(drafts[i] >= 0 && drafts[i] < 6);
  }
  tokens[0] = 5;
  ink_lookup_add(&lookup, tokens, 1, false);
  CHECK_EQ(ink_lookup_draft(&lookup, tokens, 1, 4, drafts), 0);
  free_lookup(&lookup);
}

static void drafts_have_to_pay(void) {
  static const ink_batch_cost shared = {1.3f, 1.15f, 0.9f}, linear = {0.2f, 3.2f, 0.8f};
  ink_lookup lookup = new_lookup();
  ink_token tokens[N_CTX];
  for (size_t i = 0; i < N_CTX; i++) tokens[i] = (ink_token)(i % 100);
  ink_lookup_add(&lookup, tokens, 102, true); /* a match of two */
  CHECK_EQ(ink_lookup_worthwhile(&lookup, shared, INK_MAX_DRAFT), 0);
  ink_lookup_add(&lookup, tokens, 130, true);
  CHECK_EQ(ink_lookup_worthwhile(&lookup, shared, INK_MAX_DRAFT), INK_MAX_DRAFT);
  CHECK_EQ(ink_lookup_worthwhile(&lookup, shared, 6), 3); /* whole tiles */
  CHECK_EQ(ink_lookup_worthwhile(&lookup, shared, 0), 0);
  ink_lookup_forget_rates(&lookup);
  CHECK(ink_lookup_worthwhile(&lookup, shared, INK_MAX_DRAFT) >= 7);
  CHECK_EQ(ink_lookup_worthwhile(&lookup, linear, INK_MAX_DRAFT), 0);
  /* Matches that hold for 20 tokens and then break, again and again. */
  for (uint32_t round = 0; round < 12; round++) {
    ink_lookup_clear(&lookup);
    for (size_t i = 0; i < 41; i++) tokens[i] = (ink_token)(i == 40 ? 99 : i % 20);
    ink_lookup_add(&lookup, tokens, 40, false);
    CHECK_EQ(lookup.length, 20);
    CHECK_EQ(ink_lookup_worthwhile(&lookup, shared, INK_MAX_DRAFT) > 0, round < 2);
    ink_lookup_add(&lookup, tokens, 41, true);
  }
  free_lookup(&lookup);
}

/* ---- Generating ---- */

static bool same_logits(const ink_session *a, const ink_session *b) {
  const float *x = ink_session_logits(a), *y = ink_session_logits(b);
  if (!x || !y) return x == y;
  return memcmp(x, y, a->model->hparams.n_vocab * sizeof *x) == 0;
}

static bool same_step(const ink_step *a, const ink_step *b) {
  return a->kind == b->kind && a->finish == b->finish && a->token == b->token &&
         a->text_len == b->text_len && memcmp(a->text, b->text, a->text_len) == 0 &&
         a->prompt_done == b->prompt_done && a->prompt_total == b->prompt_total &&
         a->n_generated == b->n_generated;
}

typedef struct pair {
  ink_session *plain, *drafting;
  size_t n_drafted, n_accepted; /* of the last generation */
} pair;

static pair new_pair(const ink_model *model, ink_session_params params) {
  return (pair){.plain = new_session_of(model, params), .drafting = new_session_of(model, params)};
}

static void free_pair(pair *p) {
  ink_session_free(p->plain);
  ink_session_free(p->drafting);
}

/* Two generations side by side: each step, length and logit is the same. Given up after max_steps. */
static void run_pair(pair *p, const ink_generation *params, const ink_token *prompt, size_t n,
                     uint32_t max_prefill, size_t max_steps) {
  ink_generation without = *params;
  without.draft = INK_DRAFT_OFF;
  CHECK_STATUS(ink_generation_begin(p->plain, &without, prompt, n, NULL), INK_OK);
  CHECK_STATUS(ink_generation_begin(p->drafting, params, prompt, n, NULL), INK_OK);
  ink_step expected = {0}, step = {0};
  bool same = true;
  for (size_t i = 0; same && i < max_steps && expected.kind != INK_STEP_DONE; i++) {
    size_t before = p->drafting->run.n_drafted;
    CHECK_STATUS(ink_generation_step(p->plain, max_prefill, &expected, NULL), INK_OK);
    CHECK_STATUS(ink_generation_step(p->drafting, max_prefill, &step, NULL), INK_OK);
    same = same_step(&expected, &step) && same_logits(p->plain, p->drafting) &&
           ink_session_length(p->plain) == ink_session_length(p->drafting);
    size_t drafted = step.n_drafted - before;
    CHECK(drafted <= INK_MAX_DRAFT && (!max_prefill || drafted < max_prefill));
    CHECK(params->draft <= 0 || drafted <= (size_t)params->draft);
    CHECK(step.n_accepted <= step.n_drafted && step.n_accepted <= step.n_generated);
    CHECK_EQ(expected.n_drafted, 0);
  }
  CHECK(same);
  p->n_drafted = step.n_drafted;
  p->n_accepted = step.n_accepted;
}

/* A penalty below 1 is a reward: random models run in circles then, now and then in another. */
static ink_generation in_circles(uint64_t max_tokens, int32_t draft) {
  ink_generation params = {.sampling = ink_sampling_default(),
                           .max_tokens = max_tokens,
                           .ignore_end = true,
                           .draft = draft};
  params.sampling.temperature = 0.0f;
  params.sampling.repeat_penalty = 0.1f;
  params.sampling.repeat_last_n = 24;
  return params;
}

/* A text that says everything twice, so that there is always something to look up. */
static void make_copies(ink_token *tokens, size_t n, uint32_t seed) {
  for (size_t i = 0; i < n; i++) {
    tokens[i] = i < n / 2 ? (ink_token)(3 + next_random(&seed) % 400) : tokens[i - n / 2];
  }
}

/* In every table, on threads, in caches of every type, with and without windows, past the end of the
 * context, and with experts. */
static void same_text_everywhere(void) {
  ink_token prompt[60];
  make_copies(prompt, 60, 1);
  size_t accepted = 0, rejected = 0;
  const char *name;
  for (size_t i = 0; (name = ink_kernels_name(i)) != NULL; i++) {
    for (uint32_t window = 0; window <= 20; window += 20) {
      ink_model *model = load_sliding(name, window);
      for (int type = INK_KV_F32; type <= INK_KV_Q8_0; type++) {
        ink_session_params params = {
            .n_ctx = N_CTX, .n_threads = 1 + (uint32_t)type % 2, .kv_type = (ink_kv_type)type};
        pair p = new_pair(model, params);
        ink_generation generation = in_circles(280, type % 2 ? 15 : INK_DRAFT_AUTO);
        generation.context_shift = true;
        run_pair(&p, &generation, prompt, 60, 0, SIZE_MAX);
        accepted += p.n_accepted;
        rejected += p.n_drafted - p.n_accepted;
        /* A turn that goes back, to where drafts stood. */
        generation.draft = 7;
        run_pair(&p, &generation, p.plain->tokens, ink_session_length(p.plain) - 3, 9, 50);
        run_pair(&p, &generation, prompt, 45, 9, 50);
        free_pair(&p);
      }
      ink_model_free(model);
    }
  }
  CHECK(accepted > 1000 && rejected > 1000);
  static const char *const files[] = {"architectures/qwen3moe.gguf", "architectures/gemma3.gguf",
                                      "architectures/gpt2.gguf"};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    ink_model *model = load_fixture(files[i], NULL);
    uint32_t most = ink_model_get_info(model)->n_ctx_train;
    pair p = new_pair(model, (ink_session_params){.n_ctx = most < 100 ? most : 100});
    for (size_t t = 0; t < 60; t++) prompt[t] = (ink_token)(t % 30);
    ink_generation generation = in_circles(200, 15);
    generation.context_shift = true;
    run_pair(&p, &generation, prompt, 20, 0, SIZE_MAX);
    CHECK(p.n_drafted > 0);
    free_pair(&p);
    ink_model_free(model);
  }
}

/* Everything that a request may ask for, at random, one after another in the same session. */
static void same_text_whatever_is_asked_for(void) {
  static const char *const all_stops[] = {"the", " and she", ".", "\n", "box with"};
  ink_model *model = load_fixture("stories260K.gguf", NULL);
  uint32_t seed = 1;
  size_t accepted = 0, finished[2] = {0}; /* early, and by max_tokens */
  pair p = new_pair(model, (ink_session_params){.n_ctx = 96});
  ink_token prompt[96] = {1};
  for (uint32_t round = 0; round < 200; round++) {
    size_t n = 1 + next_random(&seed) % 90;
    if (round % 3 == 0) make_copies(prompt + 1, n - 1, round);
    else memcpy(prompt, p.plain->tokens, (n = ink_session_length(p.plain) * 2 / 3) * sizeof *prompt);
    if (n == 0) n = 1;
    const char *stops[] = {all_stops[next_random(&seed) % 5], all_stops[next_random(&seed) % 5]};
    ink_generation params = {.sampling = ink_sampling_default(),
                             .max_tokens = next_random(&seed) % 80,
                             .stops = stops,
                             .n_stops = next_random(&seed) % 8 ? 0 : 1 + next_random(&seed) % 2,
                             .ignore_end = next_random(&seed) % 2,
                             .context_shift = next_random(&seed) % 3 == 0,
                             .n_keep = next_random(&seed) % 30,
                             .draft = (int32_t)(next_random(&seed) % 18) - 1};
    params.sampling.seed = round;
    params.sampling.temperature = (float)(next_random(&seed) % 4) * 0.3f;
    static const float penalties[] = {1.0f, 1.2f, 0.5f, 0.2f};
    params.sampling.repeat_penalty = penalties[next_random(&seed) % 4];
    uint32_t max_prefill = next_random(&seed) % 3 ? 0 : next_random(&seed) % 20;
    run_pair(&p, &params, prompt, n, max_prefill, next_random(&seed) % 4 ? SIZE_MAX : 30);
    accepted += p.n_accepted;
    if (params.draft == INK_DRAFT_OFF) CHECK_EQ(p.n_drafted, 0);
    ink_step step;
    if (p.plain->run.state == INK_GENERATION_DONE) {
      finished[p.plain->run.n_generated == params.max_tokens]++;
      CHECK_STATUS(ink_generation_step(p.drafting, 0, &step, NULL), INK_ERR_WRONG_STATE);
    }
  }
  CHECK(accepted > 1000 && finished[0] > 20 && finished[1] > 20);
  free_pair(&p);
  ink_model_free(model);
}

/* The session is used for other things while drafts wait to be taken. */
static void drafts_give_way(void) {
  ink_token prompt[60];
  make_copies(prompt, 60, 3);
  ink_generation params = in_circles(200, 15);
  for (uint32_t window = 0; window <= 20; window += 20) {
    ink_model *model = load_sliding(NULL, window);
    pair p = new_pair(model, (ink_session_params){.n_ctx = N_CTX});
    size_t waiting = 0;
    for (size_t steps = 30; steps < 60; steps++) {
      run_pair(&p, &params, prompt, 60, 0, steps);
      waiting += p.drafting->ahead.n > 0;
      ink_session *sessions[2] = {p.plain, p.drafting};
      ink_step step[2];
      double nll[2];
      for (int i = 0; i < 2; i++) {
        size_t n = ink_session_length(sessions[i]);
        if (steps % 3 == 1) ink_session_truncate(sessions[i], n - steps % 5);
        if (steps % 3 == 2) ink_session_truncate(sessions[i], 40);
        CHECK_STATUS(ink_session_eval(sessions[i], prompt, steps % 4, NULL), INK_OK);
      }
      CHECK(same_logits(p.plain, p.drafting));
      for (int more = 0; more < 30; more++) {
        for (int i = 0; i < 2; i++) {
          CHECK_STATUS(ink_generation_step(sessions[i], 0, &step[i], NULL), INK_OK);
        }
        CHECK(same_step(&step[0], &step[1]));
      }
      for (int i = 0; i < 2; i++) {
        CHECK_STATUS(ink_session_score(sessions[i], prompt, 60, &nll[i], NULL), INK_OK);
      }
      CHECK(nll[0] == nll[1]);
    }
    CHECK(waiting > 5);
    free_pair(&p);
    ink_model_free(model);
  }
}

static void numbers_of_drafts(void) {
  ink_model *model = load_fixture("stories260K.gguf", NULL);
  pair p = new_pair(model, (ink_session_params){.n_ctx = 512});
  const ink_token prompt[] = {1, 317, 391, 266, 267}; /* BOS "Lily wanted to" */
  ink_generation params = in_circles(300, INK_DRAFT_AUTO);
  run_pair(&p, &params, prompt, 5, 0, SIZE_MAX);
  CHECK(p.n_accepted > 100 && p.n_accepted * 10 > p.n_drafted * 8);
  params.draft = 1000; /* as many as there may be */
  run_pair(&p, &params, prompt, 5, 0, SIZE_MAX);
  CHECK(p.n_accepted > 150);
  params.draft = INK_DRAFT_AUTO; /* hardly anything to look up */
  params.sampling.repeat_penalty = 1.0f;
  params.sampling.temperature = 2.0f;
  params.sampling.top_k = 0;
  params.sampling.top_p = 1.0f;
  params.sampling.min_p = 0.0f;
  run_pair(&p, &params, prompt, 5, 0, SIZE_MAX);
  CHECK(p.n_drafted < 15); /* of 300: tokens may follow one another again by chance */
  ink_error error;
  params.draft = -2;
  CHECK_STATUS(ink_generation_begin(p.plain, &params, prompt, 5, &error), INK_ERR_INVALID_ARGUMENT);
  free_pair(&p);
  ink_model_free(model);
}

int main(void) {
  RUN(drafts_follow_the_longest_match);
  RUN(loops_go_on);
  RUN(other_texts);
  RUN(drafts_have_to_pay);
  RUN(same_text_everywhere);
  RUN(same_text_whatever_is_asked_for);
  RUN(drafts_give_way);
  RUN(numbers_of_drafts);
  return check_result();
}
