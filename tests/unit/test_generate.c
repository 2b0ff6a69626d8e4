/* engine: generation step by step. */
#include "check.h"
#include "fixtures.h"

typedef struct outcome {
  char text[4096];
  ink_token tokens[256];
  size_t n_tokens;
  size_t n_generated;
  size_t prefill_steps;
  ink_finish finish;
} outcome;

static ink_generation greedy(uint64_t max_tokens) {
  ink_generation params = {.sampling = ink_sampling_default(), .max_tokens = max_tokens};
  params.sampling.temperature = 0.0f;
  return params;
}

static outcome run(ink_session *session, const ink_generation *params, const ink_token *prompt,
                   size_t n_prompt, uint32_t max_prefill) {
  outcome o = {.finish = INK_FINISH_NONE};
  ink_step step = {0};
  CHECK_STATUS(ink_generation_begin(session, params, prompt, n_prompt, NULL), INK_OK);
  while (step.kind != INK_STEP_DONE) {
    if (ink_generation_step(session, max_prefill, &step, NULL) != INK_OK) {
      CHECK_FAILED("a step failed");
      return o;
    }
    strncat(o.text, step.text, step.text_len);
    if (step.token >= 0) o.tokens[o.n_tokens++] = step.token;
    if (step.kind == INK_STEP_PREFILL) o.prefill_steps++;
  }
  CHECK_EQ(step.prompt_done, n_prompt);
  o.finish = step.finish;
  o.n_generated = step.n_generated;
  return o;
}

static void greedy_text_equals_the_reference(void) {
  ink_model *model = load_fixture("stories260K.gguf", NULL);
  ink_session *session = new_session(model, 128);
  golden g = golden_open("golden/stories260K-greedy.txt");
  size_t n_prompt;
  ink_token *prompt = golden_tokens(&g, &n_prompt);
  size_t n = (size_t)golden_next(&g);
  ink_generation params = greedy(n);
  outcome o = run(session, &params, prompt, n_prompt, 0);
  CHECK_EQ(o.n_tokens, n);
  CHECK_EQ(o.finish, INK_FINISH_LENGTH);
  for (size_t i = 0; i < n; i++) {
    CHECK_EQ(o.tokens[i], golden_next(&g));
    golden_next(&g); /* the lead */
  }
  free(prompt);
  golden_close(&g);
  ink_session_free(session);
  ink_model_free(model);
}

static const ink_token lily[] = {1, 317, 391, 266, 267}; /* BOS "Lily wanted to" */

static void prefill_in_pieces_and_reuse(void) {
  ink_model *model = load_fixture("stories260K.gguf", NULL);
  ink_session *session = new_session(model, 128);
  ink_generation params = greedy(20);
  outcome whole = run(session, &params, lily, 5, 0);
  CHECK_EQ(whole.prefill_steps, 1);
  outcome again = run(session, &params, lily, 5, 1); /* all but the last token are held already */
  CHECK_EQ(again.prefill_steps, 1);
  CHECK(strcmp(whole.text, again.text) == 0);
  ink_session_truncate(session, 0);
  outcome pieces = run(session, &params, lily, 5, 2);
  CHECK_EQ(pieces.prefill_steps, 3);
  CHECK(strcmp(whole.text, pieces.text) == 0);
  ink_session_free(session);
  ink_model_free(model);
}

static void stop_strings(void) {
  ink_model *model = load_fixture("stories260K.gguf", NULL);
  ink_session *session = new_session(model, 128);
  const char *stops[] = {"never", " big box with"};
  ink_generation params = greedy(64);
  params.stops = stops;
  params.n_stops = 2;
  outcome o = run(session, &params, lily, 5, 0);
  CHECK_EQ(o.finish, INK_FINISH_STOP);
  CHECK(strcmp(o.text, " go on a walk. She saw a") == 0);
  CHECK_EQ(o.n_tokens, o.n_generated);
  ink_error error;
  stops[1] = "";
  CHECK_STATUS(ink_generation_begin(session, &params, lily, 5, &error), INK_ERR_INVALID_ARGUMENT);
  ink_session_free(session);
  ink_model_free(model);
}

static void limits(void) {
  ink_model *model = load_fixture("stories260K.gguf", NULL);
  ink_session *session = new_session(model, 16);
  ink_generation params = greedy(UINT64_MAX);
  outcome o = run(session, &params, lily, 5, 0);
  CHECK_EQ(o.finish, INK_FINISH_CONTEXT);
  CHECK_EQ(o.n_tokens, 12); /* 11 fit, and one more was predicted */
  params.max_tokens = 0;
  o = run(session, &params, lily, 5, 0);
  CHECK_EQ(o.finish, INK_FINISH_LENGTH);
  CHECK_EQ(o.n_tokens, 0);

  ink_error error;
  ink_step step;
  ink_token prompt[16] = {1};
  CHECK_STATUS(ink_generation_step(session, 0, &step, &error), INK_ERR_WRONG_STATE);
  CHECK_STATUS(ink_generation_begin(session, &params, prompt, 16, &error), INK_ERR_CONTEXT_FULL);
  CHECK_STATUS(ink_generation_begin(session, &params, prompt, 0, &error), INK_ERR_INVALID_ARGUMENT);
  CHECK_STATUS(ink_generation_step(session, 0, &step, &error), INK_ERR_WRONG_STATE);
  ink_session_free(session);
  ink_model_free(model);
}

static void end_tokens(void) {
  ink_model *model = load_fixture("stories260K.gguf", NULL);
  CHECK(ink_token_is_end(model, 2));
  CHECK(!ink_token_is_end(model, 1));
  CHECK(!ink_token_is_end(model, -1));
  CHECK(!ink_token_is_end(model, 512));
  ink_model_free(model);
  model = load_fixture("tiny-q.gguf", NULL);
  ink_token token;
  size_t n;
  CHECK_STATUS(ink_tokenize(model, "<|im_end|>", 10, INK_TOKENIZE_SPECIAL, &token, 1, &n, NULL),
               INK_OK);
  CHECK(n == 1 && ink_token_is_end(model, token));
  ink_model_free(model);
}

static void seeds_repeat(void) {
  ink_model *model = load_fixture("stories260K.gguf", NULL);
  ink_session *session = new_session(model, 128);
  ink_generation params = {.sampling = ink_sampling_default(), .max_tokens = 40};
  params.sampling.seed = 7;
  outcome first = run(session, &params, lily, 5, 0);
  outcome second = run(session, &params, lily, 5, 0);
  CHECK(strcmp(first.text, second.text) == 0);
  params.sampling.seed = 8;
  second = run(session, &params, lily, 5, 0);
  CHECK(strcmp(first.text, second.text) != 0);
  ink_session_free(session);
  ink_model_free(model);
}

static void chat_format(void) {
  ink_model *model = load_fixture("tiny-q.gguf", NULL);
  ink_message messages[] = {{"system", "가나", 6}, {"user", "Hi", 2}};
  char text[512];
  size_t n;
  ink_error error;
  CHECK_STATUS(ink_chat_format(model, messages, 2, true, text, sizeof text, &n, &error), INK_OK);
  const char *expected = "<|im_start|>system\n가나<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
                         "<|im_start|>assistant\n";
  CHECK_EQ(n, strlen(expected));
  CHECK(memcmp(text, expected, n) == 0);
  CHECK_STATUS(ink_chat_format(model, messages, 2, true, text, n - 1, &n, &error),
               INK_ERR_BUFFER_TOO_SMALL);
  ink_model_free(model);
  model = load_fixture("stories260K.gguf", NULL);
  CHECK_STATUS(ink_chat_format(model, messages, 2, true, text, sizeof text, &n, &error),
               INK_ERR_UNSUPPORTED_CHAT_FORMAT);
  ink_model_free(model);
}

int main(void) {
  RUN(greedy_text_equals_the_reference);
  RUN(prefill_in_pieces_and_reuse);
  RUN(stop_strings);
  RUN(limits);
  RUN(end_tokens);
  RUN(seeds_repeat);
  RUN(chat_format);
  return check_result();
}
