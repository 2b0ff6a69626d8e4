/* Every family: logits of small random models against transformers' in double precision, however
 * the tokens are cut into batches. tools/oracle/tiny_models.py makes tests/data/architectures. */
#include "check.h"
#include "truth.h"
#include "model/weights.h"

static void compare(const char *model_name, const char *golden_name) {
  char path[128];
  snprintf(path, sizeof path, "architectures/%s.gguf", model_name);
  ink_model *model = load_fixture(path, NULL);
  snprintf(path, sizeof path, "architectures/%s-logits.txt", golden_name);
  truth t = read_truth(path);
  CHECK_EQ(ink_model_get_info(model)->n_vocab, t.n_vocab);
  ink_session_params params = {.n_ctx = (uint32_t)t.n_tokens, .kv_type = INK_KV_F32};
  ink_session *session;
  CHECK_STATUS(ink_session_create(&session, model, &params, NULL), INK_OK);
  check_truth(session, &t, golden_name);
  ink_session_free(session);
  ink_model_free(model);
  free_truth(&t);
}

static void logits_are_those_of_transformers(void) {
  static const char *const names[] = {
      "llama",      "llama3",         "llama-linear", "mistral",  "mixtral",
      "smollm3",    "qwen2",          "qwen2-yarn",   "qwen2moe", "qwen3",
      "qwen3moe",   "gemma",          "gemma2",       "gemma3",   "gpt2",
      "gptneox",    "gptneox-serial", "phi2",         "phi3",     "phi3-longrope",
      "stablelm",   "starcoder2",     "olmo2",        "olmo3",    "stablelm-parallel",
      "olmoe",      "granite",        "falcon",       "falcon-new",
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) compare(names[i], names[i]);
  compare("phi3-longrope", "phi3-longrope-short");
}

/* Tables and threads give the same bits. */
static void kernels_agree(void) {
  static const char *const names[] = {"gemma2", "gptneox", "stablelm-parallel", "qwen2moe", "phi2"};
  for (size_t m = 0; m < sizeof names / sizeof *names; m++) {
    float expected[128], actual[128];
    char path[128];
    const char *kernels;
    snprintf(path, sizeof path, "architectures/%s.gguf", names[m]);
    for (size_t i = 0; (kernels = ink_kernels_name(i)) != NULL; i++) {
      ink_model *model = load_fixture(path, kernels);
      ink_session_params params = {.n_ctx = 64, .n_threads = 1 + (uint32_t)i};
      ink_session *session;
      ink_token tokens[40];
      for (int t = 0; t < 40; t++) tokens[t] = (ink_token)(t * 37 % 80);
      CHECK_STATUS(ink_session_create(&session, model, &params, NULL), INK_OK);
      CHECK_STATUS(ink_session_eval(session, tokens, 40, NULL), INK_OK);
      size_t size = ink_model_get_info(model)->n_vocab * sizeof(float);
      memcpy(i ? actual : expected, ink_session_logits(session), size);
      if (i > 0) CHECK(memcmp(expected, actual, size) == 0);
      ink_session_free(session);
      ink_model_free(model);
    }
  }
}

static void learned_positions_end(void) {
  ink_model *model = load_fixture("architectures/gpt2.gguf", NULL);
  ink_session_params params = {.n_ctx = 65};
  ink_session *session;
  ink_error error;
  CHECK_STATUS(ink_session_create(&session, model, &params, &error), INK_ERR_INVALID_ARGUMENT);
  params.n_ctx = 64;
  CHECK_STATUS(ink_session_create(&session, model, &params, &error), INK_OK);
  ink_session_free(session);
  ink_model_free(model);
}

/* An expert, or the keys of a fused matrix: rows of a tensor that has been repacked. */
static void slices_hold_their_rows(void) {
  enum { ROWS = 12, COLS = 256 };
  static const ink_type types[] = {INK_TYPE_F32, INK_TYPE_F16, INK_TYPE_Q8_0, INK_TYPE_Q4_K};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    uint64_t size = ink_tensor_bytes(types[i], ROWS, COLS);
    uint8_t *data = malloc((size_t)size), *scratch = malloc((size_t)size);
    for (size_t k = 0; k < size; k++) data[k] = (uint8_t)(k * 7 % 61); /* no exponent is all ones */
    ink_tensor whole = {{"t", 1}, types[i], ROWS, COLS, data};
    CHECK_STATUS(ink_panel_repack(&whole, scratch, NULL), INK_OK);
    for (uint32_t first = 0; first < ROWS; first += 4) {
      ink_tensor slice = ink_tensor_slice(&whole, first, ROWS - first);
      float expected[COLS], actual[COLS];
      ink_tensor_dequantize_row(&whole, first + 1, expected);
      ink_tensor_dequantize_row(&slice, 1, actual);
      CHECK_EQ(slice.n_rows, ROWS - first);
      CHECK(memcmp(expected, actual, sizeof actual) == 0);
    }
    free(data);
    free(scratch);
  }
}

int main(void) {
  RUN(slices_hold_their_rows);
  RUN(logits_are_those_of_transformers);
  RUN(kernels_agree);
  RUN(learned_positions_end);
  return check_result();
}
