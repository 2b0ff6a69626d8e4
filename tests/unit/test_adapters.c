/* Adapters: logits against peft's, the same bits however they are computed and swapped, and files that
 * are none or fit another model. tools/oracle/adapters.py makes tests/data/adapters. */
#include "format/gguf_write.h"
#include "truth.h"

typedef struct bytes {
  const uint8_t *at;
  size_t left;
} bytes;

static int64_t take(void *context, uint8_t *ptr, size_t len) {
  bytes *b = context;
  size_t n = len < b->left ? len : b->left;
  memcpy(ptr, b->at, n);
  b->at += n;
  b->left -= n;
  return (int64_t)n;
}

static ink_adapter *load_adapter(const ink_model *model, const char *name) {
  char path[128];
  size_t len;
  snprintf(path, sizeof path, "adapters/%s.gguf", name);
  uint8_t *file = read_file(path, &len);
  ink_adapter *adapter;
  ink_error error = {0};
  bytes b = {file, len};
  CHECK_STATUS(ink_adapter_load(&adapter, model, len, take, &b, &error), INK_OK);
  if (!adapter) printf("%s: %s\n", name, error.message);
  free(file);
  return adapter;
}

static void set(ink_session *session, const ink_adapter_use *uses, size_t n) {
  CHECK_STATUS(ink_session_set_adapters(session, uses, n, NULL), INK_OK);
}

/* ---- peft ---- */

typedef struct adapter_case {
  const char *model, *name;
  const char *adapters[2];
  float scales[2];
} adapter_case;

static const adapter_case cases[] = {
    {"llama", "llama-all", {"llama-all"}, {1.0f}},
    {"llama", "llama-some", {"llama-some"}, {1.0f}},
    {"llama", "llama-half", {"llama-half"}, {1.0f}},
    {"llama", "llama-two", {"llama-all", "llama-some"}, {0.5f, -1.5f}},
    {"gpt2", "gpt2", {"gpt2"}, {1.0f}},
    {"phi3", "phi3", {"phi3"}, {1.0f}},
};

static ink_model *load_base(const char *name, const char *kernels) {
  char path[128];
  snprintf(path, sizeof path, "architectures/%s.gguf", name);
  return load_fixture(path, kernels);
}

static size_t load_uses(const ink_model *model, const adapter_case *c, ink_adapter_use *uses) {
  size_t n = 0;
  for (; n < 2 && c->adapters[n]; n++) {
    uses[n] = (ink_adapter_use){load_adapter(model, c->adapters[n]), c->scales[n]};
  }
  return n;
}

static void free_uses(ink_adapter_use *uses, size_t n) {
  for (size_t i = 0; i < n; i++) ink_adapter_free((ink_adapter *)(uintptr_t)uses[i].adapter);
}

static void compare(const adapter_case *c) {
  char path[128];
  snprintf(path, sizeof path, "adapters/%s-logits.txt", c->name);
  truth t = read_truth(path);
  ink_model *model = load_base(c->model, NULL);
  ink_adapter_use uses[2];
  size_t n = load_uses(model, c, uses);
  ink_session_params params = {.n_ctx = (uint32_t)t.n_tokens, .kv_type = INK_KV_F32};
  ink_session *session = new_session_of(model, params);
  set(session, uses, n);
  check_truth(session, &t, c->name);
  set(session, NULL, 0);
  CHECK(error_at_once(session, &t) > 0.05); /* the model alone says something else */
  ink_session_free(session);
  free_uses(uses, n);
  ink_model_free(model);
  free_truth(&t);
}

static void logits_are_those_of_peft(void) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) compare(&cases[i]);
}

/* ---- The same bits ---- */

#define N_TOKENS 40u
#define N_VOCAB 80u

static void fill(ink_token *tokens) {
  uint32_t state = 7;
  for (size_t i = 0; i < N_TOKENS; i++) tokens[i] = (ink_token)(next_random(&state) % N_VOCAB);
}

static void eval(ink_session *session, const ink_token *tokens, size_t n, float *logits) {
  CHECK_STATUS(ink_session_eval(session, tokens, n, NULL), INK_OK);
  memcpy(logits, ink_session_logits(session), N_VOCAB * sizeof *logits);
}

static bool same(const float *a, const float *b) { return memcmp(a, b, N_VOCAB * sizeof *a) == 0; }

static void kernels_and_threads_agree(void) {
  ink_token tokens[N_TOKENS];
  fill(tokens);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    float expected[N_VOCAB], actual[N_VOCAB];
    const char *kernels;
    for (size_t k = 0; (kernels = ink_kernels_name(k)) != NULL; k++) {
      ink_model *model = load_base(cases[i].model, kernels);
      ink_adapter_use uses[2];
      size_t n = load_uses(model, &cases[i], uses);
      for (uint32_t threads = 1; threads <= 3; threads++) {
        ink_session *session =
            new_session_of(model, (ink_session_params){.n_ctx = 64, .n_threads = threads});
        set(session, uses, n);
        eval(session, tokens, N_TOKENS, k == 0 && threads == 1 ? expected : actual);
        if (k > 0 || threads > 1) CHECK(same(expected, actual));
        ink_session_free(session);
      }
      free_uses(uses, n);
      ink_model_free(model);
    }
  }
}

/* Whatever a session had before, it computes as a new one. */
static void swapping_restores(void) {
  ink_token tokens[N_TOKENS];
  fill(tokens);
  ink_model *model = load_base("llama", NULL);
  ink_adapter_use uses[2];
  load_uses(model, &cases[3], uses);
  const ink_adapter_use lists[][2] = {
      {{0}}, {uses[0]}, {uses[0], uses[1]}, {uses[1], uses[0]}, {{uses[0].adapter, -0.5f}}};
  static const size_t lengths[] = {0, 1, 2, 2, 1};
  float expected[5][N_VOCAB], logits[N_VOCAB];
  for (size_t i = 0; i < 5; i++) {
    ink_session *session = new_session(model, 64);
    set(session, lists[i], lengths[i]);
    eval(session, tokens, N_TOKENS, expected[i]);
    ink_session_free(session);
  }
  CHECK(!same(expected[0], expected[1]) && !same(expected[1], expected[2]));
  CHECK(!same(expected[1], expected[4]));
  ink_session *session = new_session(model, 64);
  eval(session, tokens, N_TOKENS - 1, logits);
  static const size_t order[] = {1, 0, 2, 4, 3, 2, 0};
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
    set(session, lists[order[i]], lengths[order[i]]);
    CHECK(!ink_session_logits(session));
    CHECK_EQ(ink_session_length(session), N_TOKENS - 1);
    eval(session, tokens + N_TOKENS - 1, 1, logits);
    CHECK(same(expected[order[i]], logits));
    set(session, lists[order[i]], lengths[order[i]]); /* no change: nothing is forgotten */
    CHECK(ink_session_logits(session));
    ink_session_truncate(session, N_TOKENS - 1);
  }
  const ink_adapter_use idle[2] = {{uses[0].adapter, 0.0f}, {uses[1].adapter, -0.0f}};
  eval(session, tokens + N_TOKENS - 1, 1, logits);
  set(session, idle, 2); /* the model alone, as it was */
  CHECK(ink_session_logits(session) && same(expected[0], logits));

  set(session, lists[2], 2);
  ink_session *copy = new_session(model, 64);
  CHECK_STATUS(ink_session_copy(copy, session, NULL), INK_OK);
  ink_session_truncate(copy, N_TOKENS - 1);
  eval(copy, tokens + N_TOKENS - 1, 1, logits);
  CHECK(same(expected[2], logits));
  ink_session_free(copy);
  ink_session_free(session);
  free_uses(uses, 2);
  ink_model_free(model);
}

static void a_generation_is_given_up(void) {
  ink_token tokens[N_TOKENS];
  fill(tokens);
  ink_model *model = load_base("llama", NULL);
  ink_adapter_use uses[2];
  load_uses(model, &cases[3], uses);
  ink_session *session = new_session(model, 64);
  ink_generation params = {
      .sampling = ink_sampling_default(), .max_tokens = 8, .ignore_end = true};
  ink_step step = {0};
  CHECK_STATUS(ink_generation_begin(session, &params, tokens, 8, NULL), INK_OK);
  for (int i = 0; i < 3; i++) CHECK_STATUS(ink_generation_step(session, 0, &step, NULL), INK_OK);
  set(session, uses, 1);
  CHECK_STATUS(ink_generation_step(session, 0, &step, NULL), INK_ERR_WRONG_STATE);
  CHECK_STATUS(ink_generation_begin(session, &params, tokens, 8, NULL), INK_OK);
  CHECK_EQ(ink_session_length(session), 0); /* nothing of the prompt is reused */
  double nll;
  CHECK_STATUS(ink_score_begin(session, tokens, 8, NULL), INK_OK);
  set(session, NULL, 0);
  CHECK_STATUS(ink_score_step(session, 0, &(ink_score){0}, NULL), INK_ERR_WRONG_STATE);
  CHECK_STATUS(ink_session_score(session, tokens, 8, &nll, NULL), INK_OK);
  ink_session_free(session);
  free_uses(uses, 2);
  ink_model_free(model);
}

static void lists_are_checked(void) {
  ink_model *model = load_base("llama", NULL), *other = load_base("llama", NULL);
  ink_adapter *adapter = load_adapter(model, "llama-all");
  ink_session *session = new_session(model, 64), *elsewhere = new_session(other, 64);
  ink_adapter_use uses[INK_MAX_ADAPTERS + 1];
  for (size_t i = 0; i <= INK_MAX_ADAPTERS; i++) uses[i] = (ink_adapter_use){adapter, 0.1f};
  set(session, uses, INK_MAX_ADAPTERS);
  CHECK_STATUS(ink_session_set_adapters(session, uses, INK_MAX_ADAPTERS + 1, NULL),
               INK_ERR_INVALID_ARGUMENT);
  CHECK_STATUS(ink_session_set_adapters(elsewhere, uses, 1, NULL), INK_ERR_INVALID_ARGUMENT);
  uses[0].scale = NAN;
  CHECK_STATUS(ink_session_set_adapters(session, uses, 1, NULL), INK_ERR_INVALID_ARGUMENT);
  uses[0].scale = INFINITY;
  CHECK_STATUS(ink_session_set_adapters(session, uses, 1, NULL), INK_ERR_INVALID_ARGUMENT);
  const ink_adapter_info *info = ink_adapter_get_info(adapter);
  CHECK_EQ(info->n_matrices, 16);
  CHECK_EQ(info->rank, 6);
  CHECK(info->alpha == 9.0f && info->bytes >= 4 * info->n_params);
  ink_session_free(session);
  ink_session_free(elsewhere);
  ink_adapter_free(adapter);
  ink_model_free(model);
  ink_model_free(other);
}

/* ---- Files that won't do ---- */

static ink_status load_file(const ink_model *model, const uint8_t *file, size_t len, uint64_t size,
                            ink_error *error) {
  ink_adapter *adapter;
  bytes b = {file, len};
  ink_status status = ink_adapter_load(&adapter, model, size, take, &b, error);
  CHECK(!adapter == (status != INK_OK));
  ink_adapter_free(adapter);
  return status;
}

static void expect_named(const ink_model *model, const uint8_t *file, size_t len,
                         ink_status expected, const char *named) {
  ink_error error = {0};
  CHECK_STATUS(load_file(model, file, len, len, &error), expected);
  CHECK(strstr(error.message, named) != NULL);
  if (!strstr(error.message, named)) printf("%s\n", error.message);
}

typedef struct made_tensor {
  const char *name;
  uint64_t columns, rows, depth;
  float value;
} made_tensor;

/* An adapter for a llama of width 32, but for what is given. */
typedef struct made {
  const char *kind, *type, *architecture;
  float alpha;
  made_tensor tensors[4];
} made;

static uint8_t *make(const made *m, size_t *len) {
  ink_allocator allocator = ink_allocator_or_default(NULL);
  ink_gguf_writer w;
  size_t n = 0;
  CHECK_STATUS(ink_gguf_writer_begin(&w, &allocator, 32, NULL), INK_OK);
  const char *values[][2] = {
      {"general.type", m->kind}, {"adapter.type", m->type}, {"general.architecture", m->architecture}};
  for (size_t i = 0; i < 3; i++) {
    if (!values[i][1]) continue;
    ink_gguf_writer_put_string(&w, values[i][0], (ink_str){values[i][1], strlen(values[i][1])}, NULL);
  }
  ink_gguf_value alpha = {.key = {"adapter.lora.alpha", 18}, .type = INK_GGUF_F32,
                          .data = (const uint8_t *)&m->alpha, .n_bytes = 4};
  if (m->alpha != 0.0f) ink_gguf_writer_copy(&w, &alpha, NULL);
  for (; n < 4 && m->tensors[n].name; n++) {
    const made_tensor *t = &m->tensors[n];
    ink_gguf_tensor tensor = {.name = {t->name, strlen(t->name)},
                              .type = INK_TYPE_F32,
                              .n_dims = t->depth ? 3 : 2,
                              .dims = {t->columns, t->rows, t->depth ? t->depth : 1, 1}};
    ink_gguf_writer_put_tensor(&w, &tensor, NULL);
  }
  CHECK_STATUS(ink_gguf_writer_end(&w, NULL), INK_OK);
  *len = w.bytes.len + (size_t)w.data_size;
  uint8_t *file = calloc(1, *len);
  if (!file) exit(1);
  memcpy(file, w.bytes.data, w.bytes.len);
  float *data = (float *)(void *)(file + w.bytes.len);
  for (size_t i = 0; i < n; i++) {
    const made_tensor *t = &m->tensors[i];
    size_t scalars = (size_t)(t->columns * t->rows * (t->depth ? t->depth : 1));
    for (size_t s = 0; s < scalars; s++) data[s] = t->value;
    data += (scalars + 7) / 8 * 8;
  }
  ink_gguf_writer_free(&w);
  return file;
}

#define A "blk.0.ffn_down.weight.lora_a"
#define B "blk.0.ffn_down.weight.lora_b"
#define PAIR {A, 32, 4, 0, 1.0f}, {B, 4, 32, 0, 1.0f}
#define LORA "adapter", "lora", "llama", 1.0f

static void other_files_are_refused(void) {
  static const struct {
    made file;
    ink_status expected;
    const char *named;
  } files[] = {
      {{LORA, {PAIR}}, INK_OK, ""},
      {{"adapter", "lora", "llama", 0.0f, {PAIR}}, INK_OK, ""},
      {{NULL, NULL, "llama", 0.0f, {PAIR}}, INK_ERR_BAD_ADAPTER, "no adapter"},
      {{"model", "lora", "llama", 1.0f, {PAIR}}, INK_ERR_BAD_ADAPTER, "'model'"},
      {{"adapter", NULL, "llama", 1.0f, {PAIR}}, INK_ERR_UNSUPPORTED_ARCHITECTURE, "type"},
      {{"adapter", "ia3", "llama", 1.0f, {PAIR}}, INK_ERR_UNSUPPORTED_ARCHITECTURE, "'ia3'"},
      {{"adapter", "lora", "gpt2", 1.0f, {PAIR}}, INK_ERR_BAD_ADAPTER, "'gpt2' model"},
      {{"adapter", "lora", NULL, 1.0f, {PAIR}}, INK_ERR_BAD_ADAPTER, "'llama'"},
      {{"adapter", "lora", "llama", NAN, {PAIR}}, INK_ERR_BAD_ADAPTER, "alpha"},
      {{LORA, {{0}}}, INK_ERR_BAD_ADAPTER, "no tensors"},
      {{LORA, {{A, 32, 4, 0, 1.0f}}}, INK_ERR_BAD_ADAPTER, B},
      {{LORA, {{B, 4, 32, 0, 1.0f}}}, INK_ERR_BAD_ADAPTER, A},
      {{LORA, {{A, 36, 4, 0, 1.0f}, {B, 4, 32, 0, 1.0f}}}, INK_ERR_BAD_ADAPTER, A},
      {{LORA, {{A, 32, 4, 0, 1.0f}, {B, 4, 36, 0, 1.0f}}}, INK_ERR_BAD_ADAPTER, B},
      {{LORA, {{A, 32, 4, 0, 1.0f}, {B, 5, 32, 0, 1.0f}}}, INK_ERR_BAD_ADAPTER, A},
      {{LORA, {{A, 32, 4, 2, 1.0f}, {B, 4, 32, 0, 1.0f}}}, INK_ERR_BAD_ADAPTER, A},
      {{LORA, {{A, 32, 0, 0, 1.0f}, {B, 0, 32, 0, 1.0f}}}, INK_ERR_CORRUPT, "dimension 0"},
      {{LORA, {{A, 32, 2048, 0, 1.0f}, {B, 2048, 32, 0, 1.0f}}}, INK_OK, ""},
      {{LORA, {{A, 32, 2049, 0, 1.0f}, {B, 2049, 32, 0, 1.0f}}}, INK_ERR_BAD_ADAPTER, "rank of 2049"},
      {{LORA, {PAIR, PAIR}}, INK_ERR_CORRUPT, "occurs twice"},
      {{LORA, {{A, 32, 4, 0, NAN}, {B, 4, 32, 0, 1.0f}}}, INK_ERR_BAD_ADAPTER, A},
      {{LORA, {{A, 32, 4, 0, 1.0f}, {B, 4, 32, 0, INFINITY}}}, INK_ERR_BAD_ADAPTER, B},
      {{LORA, {PAIR, {"blk.2.ffn_down.weight.lora_a", 32, 4, 0, 1.0f}}}, INK_ERR_BAD_ADAPTER, "blk.2."},
      {{LORA, {PAIR, {"blk.0.attn_norm.weight", 32, 1, 0, 1.0f}}}, INK_ERR_BAD_ADAPTER, "attn_norm"},
      {{LORA, {PAIR, {"blk.0.ffn_down.weight", 32, 32, 0, 1.0f}}}, INK_ERR_BAD_ADAPTER, "ffn_down"},
      {{LORA, {PAIR, {"blk.0.ffn_up_exps.weight.lora_a", 32, 4, 2, 1.0f}}},
       INK_ERR_UNSUPPORTED_ARCHITECTURE, "experts"},
  };
  ink_model *model = load_base("llama", NULL);
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    size_t len;
    uint8_t *file = make(&files[i].file, &len);
    expect_named(model, file, len, files[i].expected, files[i].named);
    free(file);
  }
  size_t len;
  uint8_t *file = read_file("architectures/llama.gguf", &len);
  expect_named(model, file, len, INK_ERR_BAD_ADAPTER, "no adapter");
  free(file);
  file = read_file("adapters/llama-all.gguf", &len);
  ink_model *none;
  ink_error error = {0};
  CHECK_STATUS(load_bytes(file, len, len, len, NULL, &none, &error), INK_ERR_BAD_MODEL);
  CHECK(strstr(error.message, "adapter") != NULL);
  ink_load_params words = {.vocabulary_only = true};
  CHECK_STATUS(load_bytes(file, len, len, len, &words, &none, NULL), INK_ERR_BAD_MODEL);
  expect_named(model, file, len, INK_OK, "");
  free(file);
  ink_model_free(model);
  file = read_file("tiny-gpt2.gguf", &len);
  CHECK_STATUS(load_bytes(file, len, len, len, &words, &model, NULL), INK_OK);
  free(file);
  file = make(&files[0].file, &len);
  expect_named(model, file, len, INK_ERR_WRONG_STATE, "vocabulary_only");
  free(file);
  ink_model_free(model);
}

/* A rank of 2048 takes all of the scratch that a rank can take. */
static void the_largest_rank_works(void) {
  static const made large = {LORA, {{A, 32, 2048, 0, 1.0f}, {B, 2048, 32, 0, 1e-4f}}};
  ink_token tokens[N_TOKENS];
  fill(tokens);
  ink_model *model = load_base("llama", NULL);
  size_t len;
  uint8_t *file = make(&large, &len);
  ink_adapter *adapter;
  bytes b = {file, len};
  CHECK_STATUS(ink_adapter_load(&adapter, model, 0, take, &b, NULL), INK_OK);
  ink_session *session = new_session(model, 64);
  float whole[N_VOCAB], piecemeal[N_VOCAB];
  set(session, &(ink_adapter_use){adapter, 1.0f}, 1);
  eval(session, tokens, N_TOKENS, whole);
  ink_session_truncate(session, 0);
  for (size_t i = 0; i < N_TOKENS; i++) eval(session, tokens + i, 1, piecemeal);
  CHECK(same(whole, piecemeal));
  ink_session_free(session);
  ink_adapter_free(adapter);
  free(file);
  ink_model_free(model);
}

static void damaged_files_are_refused(void) {
  ink_model *model = load_base("llama", NULL);
  size_t len;
  uint8_t *file = read_file("adapters/llama-some.gguf", &len);
  for (size_t n = 0; n < len - 31; n += n < 1024 ? 1 : 37) {
    ink_error error = {0};
    CHECK(load_file(model, file, n, 0, &error) != INK_OK && error.message[0]);
    CHECK(load_file(model, file, n, len, &error) != INK_OK);
  }
  uint32_t state = 3;
  for (int i = 0; i < 4000; i++) { /* whatever a load says, it ends well */
    size_t at = next_random(&state) % (i % 2 ? len : 1400);
    uint8_t old = file[at];
    file[at] = (uint8_t)next_random(&state);
    ink_error error = {0};
    ink_status status = load_file(model, file, len, i % 3 ? len : 0, &error);
    CHECK((status == INK_OK) == (error.message[0] == 0));
    file[at] = old;
  }
  free(file);
  ink_model_free(model);
}

/* ---- Memory ---- */

typedef struct budget {
  size_t left; /* allocations that succeed */
  size_t held; /* bytes */
} budget;

static void *allocate(void *context, size_t size, size_t alignment) {
  budget *b = context;
  if (b->left == 0) return NULL;
  b->left--;
  b->held += size;
  return aligned_alloc(alignment, size);
}

static void release(void *context, void *pointer, size_t size) {
  ((budget *)context)->held -= size;
  free(pointer);
}

static void memory_may_run_out(void) {
  budget b = {SIZE_MAX, 0};
  ink_allocator allocator = {&b, allocate, release};
  ink_load_params params = {.allocator = &allocator};
  size_t len;
  uint8_t *file = read_file("architectures/llama.gguf", &len);
  ink_model *model;
  CHECK_STATUS(load_bytes(file, len, len, len, &params, &model, NULL), INK_OK);
  free(file);
  file = read_file("adapters/llama-some.gguf", &len);
  size_t held = b.held;
  ink_status status = INK_ERR_OUT_OF_MEMORY;
  for (size_t n = 0; n < 64 && status == INK_ERR_OUT_OF_MEMORY; n++) {
    b.left = n;
    status = load_file(model, file, len, len, &(ink_error){0});
    CHECK_EQ(b.held, held);
  }
  CHECK_STATUS(status, INK_OK);
  b.left = SIZE_MAX;
  ink_adapter *adapter = load_adapter(model, "llama-all");
  ink_session *session = new_session(model, 64);
  ink_token tokens[N_TOKENS];
  float logits[N_VOCAB];
  fill(tokens);
  b.left = 0; /* neither setting adapters nor computing with them takes any */
  set(session, &(ink_adapter_use){adapter, 1.0f}, 1);
  eval(session, tokens, N_TOKENS, logits);
  ink_session_free(session);
  ink_adapter_free(adapter);
  CHECK_EQ(b.held, held);
  ink_model_free(model);
  CHECK_EQ(b.held, 0);
  free(file);
}

int main(void) {
  RUN(logits_are_those_of_peft);
  RUN(kernels_and_threads_agree);
  RUN(swapping_restores);
  RUN(a_generation_is_given_up);
  RUN(lists_are_checked);
  RUN(other_files_are_refused);
  RUN(the_largest_rank_works);
  RUN(damaged_files_are_refused);
  RUN(memory_may_run_out);
  return check_result();
}
