/* engine: sessions whose work is cut into layers, and sessions that are copies of others. */
#include "check.h"
#include "fixtures.h"

#define N_CTX 512u
#define N_PROMPT 300u

/* A sliding window of 8 tokens makes the Gemma's rings turn over. */
static const char *const models[] = {"stories260K.gguf", "architectures/gemma3.gguf"};

static void random_tokens(ink_token *tokens, size_t n, uint32_t seed) {
  for (size_t i = 0; i < n; i++) tokens[i] = (ink_token)(3 + next_random(&seed) % 70);
}

static ink_generation greedy(uint32_t max_layers, int32_t draft) {
  ink_generation params = {.sampling = ink_sampling_default(),
                           .max_tokens = 60,
                           .ignore_end = true,
                           .draft = draft,
                           .max_layers = max_layers};
  params.sampling.temperature = 0.0f;
  params.sampling.repeat_penalty = 0.9f; /* a reward: texts run in circles, so that drafts come true */
  return params;
}

/* Generates into tokens[]; stops after max_steps. Returns how many tokens there are. */
static size_t generate(ink_session *session, ink_generation params, const ink_token *prompt,
                       size_t n_prompt, uint32_t max_prefill, size_t max_steps, ink_token *tokens) {
  size_t n = 0;
  ink_step step = {0};
  CHECK_STATUS(ink_generation_begin(session, &params, prompt, n_prompt, NULL), INK_OK);
  for (size_t i = 0; i < max_steps && step.kind != INK_STEP_DONE; i++) {
    CHECK_STATUS(ink_generation_step(session, max_prefill, &step, NULL), INK_OK);
    CHECK(step.prompt_done <= step.prompt_total && step.prompt_total == n_prompt);
    if (step.token >= 0) tokens[n++] = step.token;
  }
  return n;
}

static void layer_by_layer_the_text_is_the_same(void) {
  for (size_t m = 0; m < 2; m++) {
    ink_model *model = load_fixture(models[m], NULL);
    ink_token prompt[N_PROMPT], expected[64], tokens[64];
    random_tokens(prompt, N_PROMPT, 1);
    ink_session *session = new_session(model, N_CTX);
    size_t n = generate(session, greedy(0, INK_DRAFT_OFF), prompt, N_PROMPT, 0, 1000, expected);
    CHECK_EQ(n, 60);
    for (uint32_t layers = 1; layers < 4; layers++) {
      for (int32_t draft = INK_DRAFT_OFF; draft < 6; draft += 3) {
        ink_session_truncate(session, 0);
        n = generate(session, greedy(layers, draft), prompt, N_PROMPT, layers * 40, 100000, tokens);
        CHECK(n == 60 && memcmp(tokens, expected, sizeof *tokens * n) == 0);
      }
    }
    ink_session_free(session);
    ink_model_free(model);
  }
}

/* A pass that is given up has written keys and values that nobody may see. */
static void what_is_given_up_halfway_leaves_nothing(void) {
  for (size_t m = 0; m < 2; m++) {
    ink_model *model = load_fixture(models[m], NULL);
    ink_session *used = new_session(model, N_CTX), *fresh = new_session(model, N_CTX);
    ink_token prompt[N_PROMPT], expected[64], tokens[64];
    uint32_t seed = 5;
    for (uint32_t round = 0; round < 40; round++) {
      size_t n_same = next_random(&seed) % N_PROMPT, n = 1 + next_random(&seed) % N_PROMPT;
      random_tokens(prompt, N_PROMPT, 2);
      random_tokens(prompt + n_same, N_PROMPT - n_same, round + 100);
      generate(used, greedy(1, (int32_t)(round % 4)), prompt, n, 64, next_random(&seed) % 80, tokens);
      if (round % 3 == 0) ink_session_truncate(used, next_random(&seed) % N_PROMPT);
      n = 1 + next_random(&seed) % N_PROMPT;
      ink_generation params = greedy(round % 2, INK_DRAFT_AUTO);
      params.max_tokens = 4;
      ink_session_truncate(fresh, 0);
      CHECK_EQ(generate(fresh, params, prompt, n, 64, 10000, expected), 4);
      CHECK_EQ(generate(used, params, prompt, n, 64, 10000, tokens), 4);
      CHECK(memcmp(tokens, expected, 4 * sizeof *tokens) == 0);
      CHECK(memcmp(ink_session_logits(used), ink_session_logits(fresh),
                   ink_model_get_info(model)->n_vocab * sizeof(float)) == 0);
    }
    ink_session_free(used);
    ink_session_free(fresh);
    ink_model_free(model);
  }
}

static void a_copy_goes_on_as_its_original_would(void) {
  const ink_kv_type types[] = {INK_KV_F32, INK_KV_F16, INK_KV_Q8_0};
  for (size_t i = 0; i < 6; i++) {
    ink_model *model = load_fixture(models[i % 2], NULL);
    ink_session *original = new_session_of(
        model, (ink_session_params){.n_ctx = N_CTX, .n_threads = 2, .kv_type = types[i / 2]});
    ink_session_params params = {
        .n_ctx = N_CTX, .kv_type = types[i / 2], .threads_of = original};
    ink_session *copy = new_session_of(model, params);
    CHECK_EQ(ink_session_threads(copy), ink_session_threads(original));
    ink_token prompt[N_PROMPT], a[64], b[64];
    random_tokens(prompt, N_PROMPT, 3);
    CHECK_STATUS(ink_session_eval(copy, prompt, 7, NULL), INK_OK); /* to be forgotten */
    CHECK_STATUS(ink_session_eval(original, prompt, 203, NULL), INK_OK);
    CHECK_STATUS(ink_session_copy(copy, original, NULL), INK_OK);
    CHECK_EQ(ink_session_length(copy), 203);
    size_t bytes = ink_model_get_info(model)->n_vocab * sizeof(float);
    CHECK(memcmp(ink_session_logits(copy), ink_session_logits(original), bytes) == 0);
    ink_generation generation = greedy(0, INK_DRAFT_AUTO);
    CHECK_STATUS(ink_generation_begin(copy, &generation, prompt, 250, NULL), INK_OK);
    CHECK_EQ(ink_session_length(copy), 203);
    CHECK_EQ(generate(copy, generation, prompt, 250, 0, 1000, a), 60);
    CHECK_EQ(ink_session_length(original), 203);
    CHECK_EQ(generate(original, generation, prompt, 250, 0, 1000, b), 60);
    CHECK(memcmp(a, b, 60 * sizeof *a) == 0);

    params.n_ctx = N_CTX / 2;
    ink_session *other = new_session_of(model, params);
    ink_error error;
    CHECK_STATUS(ink_session_copy(other, original, &error), INK_ERR_INVALID_ARGUMENT);
    CHECK_STATUS(ink_session_copy(copy, copy, &error), INK_OK);
    ink_session_free(other);
    ink_session_free(copy);
    ink_session_free(original);
    ink_model_free(model);
  }
}

int main(void) {
  RUN(layer_by_layer_the_text_is_the_same);
  RUN(what_is_given_up_halfway_leaves_nothing);
  RUN(a_copy_goes_on_as_its_original_would);
  return check_result();
}
