/* Loading: any cutting of the file gives the same model, broken files give typed errors, refused
 * memory leaks nothing. */
#include "check.h"
#include "fixtures.h"
#include "model/model.h"

/* malloc and free that count, and refuse the allocation number `fail_at`. */
typedef struct counting {
  size_t live_blocks;
  size_t live_bytes;
  size_t peak_bytes;
  size_t n_allocations;
  size_t fail_at;
} counting;

static void *count_allocate(void *context, size_t size, size_t alignment) {
  counting *c = context;
  if (c->n_allocations++ == c->fail_at) return NULL;
  c->live_blocks++;
  c->live_bytes += size;
  if (c->live_bytes > c->peak_bytes) c->peak_bytes = c->live_bytes;
  return aligned_alloc(alignment, size);
}

static void count_release(void *context, void *pointer, size_t size) {
  counting *c = context;
  c->live_blocks--;
  c->live_bytes -= size;
  free(pointer);
}

static void any_pieces_give_the_same_model(void) {
  static const size_t pieces[] = {1, 7, 4096, 65537, SIZE_MAX};
  size_t len;
  uint8_t *bytes = read_file("tiny-q.gguf", &len);
  ink_token tokens[] = {5, 6, 7, 8, 9};
  float expected[515];
  for (size_t i = 0; i < 2 * sizeof pieces / sizeof *pieces; i++) {
    uint64_t size = i % 2 ? len : 0; /* known and not */
    ink_model *model;
    ink_error error;
    CHECK_STATUS(load_bytes(bytes, len, pieces[i / 2], size, NULL, &model, &error), INK_OK);
    if (!model) continue;
    ink_session *session = new_session(model, 8);
    CHECK_STATUS(ink_session_eval(session, tokens, 5, NULL), INK_OK);
    if (i == 0) memcpy(expected, ink_session_logits(session), sizeof expected);
    CHECK(memcmp(expected, ink_session_logits(session), sizeof expected) == 0);
    ink_session_free(session);
    ink_model_free(model);
  }
  free(bytes);
}

static void truncations_are_told(void) {
  size_t len;
  uint8_t *bytes = read_file("tiny-gpt2.gguf", &len);
  for (size_t cut = 0; cut < len; cut += cut < 64 || cut + 64 > len ? 1 : 997) {
    for (int known = 0; known < 2; known++) {
      ink_model *model;
      ink_error error = {0};
      uint64_t size = known ? cut : 0;
      ink_status status = load_bytes(bytes, cut, SIZE_MAX, size, NULL, &model, &error);
      CHECK(status == INK_ERR_TRUNCATED || (cut == 0 && status == INK_ERR_NOT_GGUF));
      CHECK(error.code == status && error.message[0]);
    }
  }
  free(bytes);
}

/* Lines of hostile.json: {"file": "NAME", "expect": ["STATUS", ...], ... */
static void hostile_files(void) {
  size_t len;
  char *list = (char *)read_file("hostile/hostile.json", &len);
  int n_files = 0;
  for (char *line = strstr(list, "{\"file\": \""); line; line = strstr(line + 1, "{\"file\": \"")) {
    char name[128] = "hostile/";
    char *start = line + 10, *end = strchr(start, '"');
    strncat(name, start, (size_t)(end - start));
    char *expect = strstr(end, "\"expect\": ["), *expect_end = strchr(expect, ']');
    *expect_end = '\0';
    for (int piece = 0; piece < 2; piece++) {
      size_t size;
      uint8_t *bytes = read_file(name, &size);
      ink_model *model;
      ink_error error = {0};
      ink_status status =
          load_bytes(bytes, size, piece ? 13 : SIZE_MAX, piece ? 0 : size, NULL, &model, &error);
      char quoted[64];
      snprintf(quoted, sizeof quoted, "\"%s\"", ink_status_name(status));
      CHECK(strstr(expect, quoted) != NULL);
      if (!strstr(expect, quoted)) printf("%s: %s: %s\n", name, quoted, error.message);
      ink_model_free(model);
      free(bytes);
    }
    n_files++;
    *expect_end = ']';
  }
  CHECK(n_files > 100);
  free(list);
}

/* Flips bits anywhere in the header: whatever comes of it, it is an error or a working model. */
static void flipped_bits(void) {
  size_t len;
  uint8_t *bytes = read_file("tiny-gpt2.gguf", &len);
  uint8_t *copy = malloc(len);
  uint32_t seed = 99;
  for (int i = 0; i < 3000; i++) {
    memcpy(copy, bytes, len);
    for (int flips = 0; flips < 1 + i % 3; flips++) {
      copy[next_random(&seed) % (i % 2 ? 600 : len)] ^= (uint8_t)(1u << next_random(&seed) % 8);
    }
    ink_model *model;
    ink_error error = {0};
    ink_status status = load_bytes(copy, len, SIZE_MAX, len, NULL, &model, &error);
    CHECK((status == INK_OK) == (model != NULL));
    if (!model) continue;
    ink_session_params params = {.n_ctx = 8};
    ink_session *session;
    ink_token tokens[] = {1, 2, 3};
    status = ink_session_create(&session, model, &params, &error);
    if (status == INK_OK) CHECK_STATUS(ink_session_eval(session, tokens, 3, &error), INK_OK);
    ink_session_free(session);
    ink_model_free(model);
  }
  free(copy);
  free(bytes);
}

static ink_status load_and_run(const uint8_t *bytes, size_t len, counting *c) {
  ink_allocator allocator = {c, count_allocate, count_release};
  ink_load_params params = {.allocator = &allocator};
  ink_model *model;
  ink_session *session = NULL;
  ink_token tokens[32];
  size_t n;
  ink_error error = {0};
  ink_status status = load_bytes(bytes, len, SIZE_MAX, len, &params, &model, &error);
  if (status == INK_OK) status = ink_session_create(&session, model, NULL, &error);
  if (status == INK_OK) status = ink_tokenize(model, "Hello there", 11, 0, tokens, 32, &n, &error);
  if (status == INK_OK) status = ink_session_eval(session, tokens, n, &error);
  ink_session_free(session);
  ink_model_free(model);
  return status;
}

static void refused_memory_is_an_error(void) {
  static const char *const files[] = {"tiny-q.gguf", "stories260K.gguf"};
  for (size_t f = 0; f < 2; f++) {
    size_t len;
    uint8_t *bytes = read_file(files[f], &len);
    counting c = {.fail_at = SIZE_MAX};
    CHECK_STATUS(load_and_run(bytes, len, &c), INK_OK);
    CHECK_EQ(c.live_blocks, 0);
    size_t n_allocations = c.n_allocations;
    CHECK(n_allocations > 10);
    for (size_t i = 0; i < n_allocations; i++) {
      c = (counting){.fail_at = i};
      CHECK_STATUS(load_and_run(bytes, len, &c), INK_ERR_OUT_OF_MEMORY);
      CHECK_EQ(c.live_blocks, 0);
      CHECK_EQ(c.live_bytes, 0);
    }
    free(bytes);
  }
}

static void weights_are_in_memory_once(void) {
  size_t len;
  uint8_t *bytes = read_file("stories260K.gguf", &len);
  counting c = {.fail_at = SIZE_MAX};
  ink_allocator allocator = {&c, count_allocate, count_release};
  ink_load_params params = {.allocator = &allocator};
  ink_model *model;
  CHECK_STATUS(load_bytes(bytes, len, SIZE_MAX, len, &params, &model, NULL), INK_OK);
  /* The header's buffer is at least 64 KiB, which shows in a file of 1 MB. */
  CHECK(c.peak_bytes < len * 11 / 10 + 65536);
  ink_memory memory = ink_memory_needed(ink_model_get_info(model), NULL);
  CHECK(memory.weights <= len && memory.weights > len * 9 / 10);
  double needed = (double)(memory.weights + memory.vocabulary);
  CHECK(fabs((double)c.live_bytes / needed - 1.0) < 0.02);
  ink_model_free(model);
  free(bytes);
}

/* What is announced for a session is what it takes from the allocator, to the byte. */
static void sessions_take_what_was_announced(void) {
  static const char *const files[] = {"stories260K.gguf", "tiny-q.gguf", "tiny-k.gguf"};
  static const uint32_t contexts[] = {0, 1, 64, 65, 1000, 5000};
  for (size_t f = 0; f < 6; f++) {
    size_t len;
    uint8_t *bytes = read_file(files[f % 3], &len);
    counting c = {.fail_at = SIZE_MAX};
    ink_allocator allocator = {&c, count_allocate, count_release};
    ink_load_params params = {.allocator = &allocator};
    ink_model *model;
    CHECK_STATUS(load_bytes(bytes, len, SIZE_MAX, len, &params, &model, NULL), INK_OK);
    if (f >= 3) { /* with a sliding window in every other layer */
      model->hparams.n_swa = 100;
      model->hparams.sliding[0] = 0x55555555;
    }
    size_t before = c.live_bytes;
    uint64_t last = 0;
    for (size_t i = 0; i < 6 * 4 * 3; i++) {
      ink_session_params p = {.n_ctx = contexts[i / 12],
                              .n_threads = (uint32_t)i % 3,
                              .kv_type = (ink_kv_type)(i / 3 % 4 + 1)};
      ink_memory memory = ink_memory_needed(ink_model_get_info(model), &p);
      ink_session *session;
      CHECK_STATUS(ink_session_create(&session, model, &p, NULL), INK_OK);
      CHECK_EQ(c.live_bytes - before, memory.kv_cache + memory.scratch);
      CHECK_EQ(memory.total, memory.weights + memory.vocabulary + memory.kv_cache + memory.scratch);
      ink_session_free(session);
      CHECK_EQ(c.live_bytes, before);
      if (i % 12 == 3) CHECK(memory.kv_cache < last * 6 / 10); /* f16 after f32 */
      last = memory.kv_cache;
    }
    /* Far too much is announced as such. */
    ink_session_params p = {.n_ctx = UINT32_MAX};
    ink_memory memory = ink_memory_needed(ink_model_get_info(model), &p);
    CHECK(memory.total > (uint64_t)UINT32_MAX * 16);
    p.kv_type = (ink_kv_type)77;
    CHECK_EQ(ink_memory_needed(ink_model_get_info(model), &p).kv_cache, 0);
    ink_model_free(model);
    free(bytes);
  }
}

static void states_are_checked(void) {
  size_t len;
  uint8_t *bytes = read_file("tiny-gpt2.gguf", &len);
  ink_load_params params = {.kernels = "none such"};
  ink_loader *loader;
  ink_model *model;
  ink_error error;
  CHECK_STATUS(ink_loader_begin(&loader, &params, len, &error), INK_ERR_INVALID_ARGUMENT);
  CHECK_STATUS(ink_loader_begin(&loader, NULL, len, &error), INK_OK);
  CHECK(ink_loader_info(loader) == NULL);
  CHECK_STATUS(ink_loader_finish(loader, &model, &error), INK_ERR_WRONG_STATE);
  CHECK(model == NULL);
  ink_loader_free(NULL);
  ink_model_free(NULL);
  ink_session_free(NULL);
  free(bytes);
}

int main(void) {
  RUN(any_pieces_give_the_same_model);
  RUN(truncations_are_told);
  RUN(hostile_files);
  RUN(flipped_bits);
  RUN(refused_memory_is_an_error);
  RUN(weights_are_in_memory_once);
  RUN(sessions_take_what_was_announced);
  RUN(states_are_checked);
  return check_result();
}
