/* engine: going on when the context is full. */
#include "engine/context_shift.h"

#include "check.h"
#include "fixtures.h"
#include "sliding_fixture.h"
#include "tile_elements.h"

enum { N_CTX = 400, N_PROMPT = 20, N_NEW = 700 };

static const uint32_t keeps[] = {0, 12};

static void make_tokens(ink_token *tokens, size_t n, uint32_t seed) {
  for (size_t i = 0; i < n; i++) tokens[i] = (ink_token)(next_random(&seed) % 500);
}

static ink_generation greedy(uint64_t max_tokens, uint32_t n_keep) {
  ink_generation params = {.sampling = ink_sampling_default(),
                           .max_tokens = max_tokens,
                           .ignore_end = true,
                           .context_shift = true,
                           .n_keep = n_keep};
  params.sampling.temperature = 0.0f;
  return params;
}

static ink_finish generate(ink_session *session, const ink_generation *params,
                           const ink_token *prompt, size_t n_prompt, uint32_t max_prefill,
                           ink_token *tokens) {
  ink_step step = {0};
  CHECK_STATUS(ink_generation_begin(session, params, prompt, n_prompt, NULL), INK_OK);
  while (step.kind != INK_STEP_DONE) {
    CHECK_STATUS(ink_generation_step(session, max_prefill, &step, NULL), INK_OK);
    if (step.token >= 0) tokens[step.n_generated - 1] = step.token;
    CHECK(step.n_generated == 0 || step.prompt_done == step.prompt_total);
    CHECK(ink_session_length(session) <= ink_session_capacity(session));
  }
  return step.finish;
}

/* The same tokens in every table, on any number of threads, whatever the steps; with everything moved,
 * with rings that turn where they are, and with a window that reaches the first tokens, where all is
 * evaluated again. */
static void generation_goes_on(void) {
  static const uint32_t windows[] = {0, 20, 210};
  static ink_token prompt[N_PROMPT], expected[N_NEW], actual[N_NEW];
  make_tokens(prompt, N_PROMPT, 1);
  for (size_t w = 0; w < 3; w++) {
    const char *name;
    for (size_t i = 0; (name = ink_kernels_name(i)) != NULL; i++) {
      ink_model *model = load_sliding(name, windows[w]);
      for (uint32_t n_threads = 1; n_threads <= 2; n_threads++) {
        ink_session_params session_params = {.n_ctx = N_CTX, .n_threads = n_threads};
        ink_session *session = new_session_of(model, session_params);
        CHECK((session->kv.n_ring > 0) == (windows[w] > 0));
        ink_generation params = greedy(N_NEW, 0);
        bool first = i == 0 && n_threads == 1;
        ink_finish finish = generate(session, &params, prompt, N_PROMPT, n_threads == 1 ? 0 : 7,
                                     first ? expected : actual);
        CHECK_EQ(finish, INK_FINISH_LENGTH);
        if (!first) CHECK(memcmp(expected, actual, sizeof actual) == 0);
        ink_session_free(session);
      }
      ink_model_free(model);
    }
  }
}

static void it_is_off_unless_asked_for(void) {
  ink_token prompt[N_PROMPT], tokens[N_CTX];
  make_tokens(prompt, N_PROMPT, 1);
  ink_model *model = load_sliding(NULL, 0);
  ink_session *session = new_session(model, N_CTX);
  ink_generation params = greedy(N_NEW, 0);
  params.context_shift = false;
  CHECK_EQ(generate(session, &params, prompt, N_PROMPT, 0, tokens), INK_FINISH_CONTEXT);
  ink_session_free(session);
  ink_model_free(model);
}

static void fill(ink_session *session, uint32_t seed) {
  ink_token tokens[N_CTX];
  make_tokens(tokens, N_CTX, seed);
  ink_session_truncate(session, 0);
  CHECK_STATUS(ink_session_eval(session, tokens, N_CTX, NULL), INK_OK);
}

static void shift(ink_session *session, uint32_t n_keep) {
  ink_context_shift_begin(session, ink_context_shift_keep(n_keep, N_CTX));
  while (!ink_context_shift_step(session, 30, 0)) continue;
}

/* The first layer's keys and values depend on the token and its position alone, so that there the
 * moved ones must equal those of a fresh evaluation of what is left. */
static double first_layer_difference(const ink_session *a, const ink_session *b, size_t from) {
  const ink_hparams *h = &a->model->hparams;
  const ink_kernels *kernels = a->model->kernels;
  const ink_session *sessions[2] = {a, b};
  float *buffer = malloc(4 * INK_KV_TILE * h->n_embd_head * sizeof *buffer);
  double largest = 0.0;
  for (uint32_t head = 0; head < h->n_head_kv; head++) {
    for (uint32_t start = 0; start < a->n_tokens; start += INK_KV_TILE) {
      ink_kv_tile tiles[2];
      uint32_t n = (uint32_t)a->n_tokens - start;
      for (uint32_t i = 0; i < 2; i++) {
        float *keys = buffer + i * 2 * INK_KV_TILE * h->n_embd_head;
        ink_kv_scratch scratch = {keys, keys + INK_KV_TILE * h->n_embd_head};
        tiles[i] = ink_kv_load(&sessions[i]->kv, kernels, 0, head, start,
                               n < INK_KV_TILE ? n : INK_KV_TILE, scratch);
      }
      for (uint32_t p = from > start ? (uint32_t)from - start : 0; p < tiles[0].n; p++) {
        for (uint32_t c = 0; c < h->n_embd_head; c++) {
          uint32_t run = kernels->kv_run;
          float key = tile_key(&tiles[0], run, p, c), value = tile_value(&tiles[0], run, p, c);
          largest = fmax(largest, fabs((double)(key - tile_key(&tiles[1], run, p, c))));
          largest = fmax(largest, fabs((double)(value - tile_value(&tiles[1], run, p, c))));
        }
      }
    }
  }
  free(buffer);
  return largest;
}

static void keys_are_turned_to_their_new_places(void) {
  static const double tolerance[] = {0, 1e-5, 4e-3, 4e-2, 1e-1}; /* by type; keys reach 3 */
  for (uint32_t window = 0; window <= 20; window += 20) {
    ink_model *model = load_sliding(NULL, window);
    for (int type = INK_KV_F32; type <= INK_KV_Q8_0; type++) {
      ink_session_params params = {.n_ctx = N_CTX, .kv_type = (ink_kv_type)type};
      ink_session *moved = new_session_of(model, params), *fresh = new_session_of(model, params);
      for (uint32_t i = 0; i < 2; i++) {
        fill(moved, 5);
        ink_token before[N_CTX];
        memcpy(before, moved->tokens, sizeof before);
        shift(moved, keeps[i]);
        uint32_t keep = keeps[i] ? keeps[i] : 4;
        size_t left = ink_session_length(moved);
        size_t gone = (N_CTX - keep) / 2;
        CHECK_EQ(left, N_CTX - (window ? gone / INK_KV_TILE * INK_KV_TILE : gone));
        CHECK_EQ(moved->n_cached, left);
        CHECK(memcmp(moved->tokens, before, keep * sizeof *before) == 0);
        CHECK(memcmp(moved->tokens + keep, before + N_CTX - left + keep,
                     (left - keep) * sizeof *before) == 0);
        ink_session_truncate(fresh, 0);
        CHECK_STATUS(ink_session_eval(fresh, moved->tokens, left, NULL), INK_OK);
        size_t from = window ? left - window + 1 : 0;
        double difference = first_layer_difference(moved, fresh, from);
        CHECK(difference <= tolerance[type]);
        CHECK(difference > 0.0 || type == INK_KV_Q8_0);
        if (window) continue;
        fill(moved, 6); /* again, onto what the first shift left behind */
        shift(moved, keeps[i]);
        CHECK_STATUS(ink_session_eval(moved, before, 100, NULL), INK_OK);
      }
      ink_session_free(moved);
      ink_session_free(fresh);
    }
    ink_model_free(model);
  }
}

static bool same_logits(const ink_session *a, const ink_session *b) {
  size_t bytes = a->model->hparams.n_vocab * sizeof(float);
  return memcmp(ink_session_logits(a), ink_session_logits(b), bytes) == 0;
}

/* Where keys can't move, the result is that of a fresh evaluation, exactly. */
static void what_can_not_move_is_evaluated_again(void) {
  for (int way = 0; way < 2; way++) {
    ink_model *model = load_sliding(NULL, way == 0 ? 0 : 210);
    model->hparams.learned_positions = way == 0;
    model->hparams.n_ctx_train = N_CTX; /* that is how many are learned */
    ink_session *session = new_session(model, N_CTX), *fresh = new_session(model, N_CTX);
    for (uint32_t i = 0; i < 2; i++) {
      fill(session, 7);
      shift(session, keeps[i]);
      CHECK(ink_session_length(session) < N_CTX * 2 / 3);
      ink_session_truncate(fresh, 0);
      size_t n = ink_session_length(session);
      CHECK_STATUS(ink_session_eval(fresh, session->tokens, n, NULL), INK_OK);
      CHECK(same_logits(session, fresh));
    }
    ink_session_free(session);
    ink_session_free(fresh);
    ink_model_free(model);
  }
}

/* Spoils what a shift that is given up halfway may have spoilt. */
static void spoil(ink_session *session, size_t first) {
  const ink_hparams *h = &session->model->hparams;
  float nan[64];
  for (size_t i = 0; i < 64; i++) nan[i] = NAN;
  CHECK(h->n_embd_head <= 64);
  for (uint32_t i = 0; i < h->n_layer * h->n_head_kv; i++) {
    for (size_t p = first; p < N_CTX; p++) {
      ink_kv_store(&session->kv, i / h->n_head_kv, i % h->n_head_kv, (uint32_t)p, nan, nan);
    }
  }
}

/* Another generation in the middle of a shift, and after one, is as in a session of its own. */
static void a_shift_disturbs_nobody(void) {
  static ink_token prompt[N_CTX], expected[40], actual[40];
  make_tokens(prompt, N_CTX, 8);
  for (uint32_t window = 0; window <= 20; window += 20) {
    ink_model *model = load_sliding(NULL, window);
    ink_session *session = new_session_of(model, (ink_session_params){.n_ctx = N_CTX, .kv_type = INK_KV_F32});
    ink_session *fresh = new_session_of(model, (ink_session_params){.n_ctx = N_CTX, .kv_type = INK_KV_F32});
    ink_generation params = greedy(40, 12);
    generate(fresh, &params, prompt, 200, 0, expected);
    for (int done = 0; done < 2; done++) {
      fill(session, 8); /* the prompt and more */
      if (done) {
        shift(session, 12);
      } else {
        ink_context_shift_begin(session, 12);
        spoil(session, 12);
      }
      generate(session, &params, prompt, 200, 0, actual);
      CHECK(memcmp(expected, actual, sizeof actual) == 0);
    }
    /* In the middle of a generation, which then finds that the context has changed. */
    fill(session, 8);
    ink_context_shift_begin(session, 12);
    ink_session_truncate(session, 100);
    CHECK(ink_context_shift_step(session, 0, 0));
    CHECK_EQ(ink_session_length(session), 100);
    ink_session_truncate(fresh, 100);
    CHECK_STATUS(ink_session_eval(fresh, prompt, 1, NULL), INK_OK);
    CHECK_STATUS(ink_session_eval(session, prompt, 1, NULL), INK_OK);
    CHECK(same_logits(session, fresh));
    ink_session_free(session);
    ink_session_free(fresh);
    ink_model_free(model);
  }
}

/* A prompt that is too long loses what follows the kept tokens, by halves of the context. */
static void long_prompts_lose_their_middle(void) {
  enum { LONG = 1000, HALF = (N_CTX - 20) / 2 };
  static ink_token prompt[LONG], tokens[8];
  make_tokens(prompt, LONG, 9);
  ink_model *model = load_sliding(NULL, 0);
  ink_session *session = new_session(model, N_CTX);
  ink_generation params = greedy(1, 20);
  static const size_t lengths[] = {N_CTX - 1, N_CTX, N_CTX + 50, N_CTX + HALF - 1, N_CTX + HALF, LONG};
  static const size_t left[] = {N_CTX - 1, N_CTX - HALF,     N_CTX + 50 - HALF,
                                N_CTX - 1, N_CTX - HALF,     LONG - 4 * HALF};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    CHECK_EQ(generate(session, &params, prompt, lengths[i], 0, tokens), INK_FINISH_LENGTH);
    CHECK_EQ(ink_session_length(session), left[i]);
    CHECK(memcmp(session->tokens, prompt, 20 * sizeof *prompt) == 0);
    CHECK(memcmp(session->tokens + 20, prompt + lengths[i] - (left[i] - 20),
                 (left[i] - 20) * sizeof *prompt) == 0);
  }
  ink_session_free(session);
  /* The smallest contexts there are. */
  for (uint32_t n_ctx = 1; n_ctx <= 12; n_ctx++) {
    session = new_session(model, n_ctx);
    params = greedy(100, n_ctx);
    ink_token many[100];
    if (n_ctx == 1) {
      CHECK_STATUS(ink_generation_begin(session, &params, prompt, 3, NULL), INK_ERR_CONTEXT_FULL);
    } else {
      CHECK_EQ(generate(session, &params, prompt, n_ctx + 1, 0, many), INK_FINISH_LENGTH);
    }
    ink_session_free(session);
  }
  ink_model_free(model);
}

int main(void) {
  RUN(generation_goes_on);
  RUN(it_is_off_unless_asked_for);
  RUN(keys_are_turned_to_their_new_places);
  RUN(what_can_not_move_is_evaluated_again);
  RUN(a_shift_disturbs_nobody);
  RUN(long_prompts_lose_their_middle);
  return check_result();
}
