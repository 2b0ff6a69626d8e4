/* Models in several files: the same model as in one, and no mixture of parts passes for one. */
#include "check.h"
#include "fixtures.h"

#define N_PARTS 3

typedef struct part {
  uint8_t *bytes;
  size_t len;
} part;

static part read_part(const char *model, int number) {
  char name[128];
  snprintf(name, sizeof name, "split/%s-0000%d-of-0000%d.gguf", model, number, N_PARTS);
  part p;
  p.bytes = read_file(name, &p.len);
  return p;
}

static void read_parts(const char *model, part *parts) {
  for (int i = 0; i < N_PARTS; i++) parts[i] = read_part(model, i + 1);
}

static void free_parts(part *parts) {
  for (int i = 0; i < N_PARTS; i++) free(parts[i].bytes);
}

static ink_status feed(ink_loader *loader, part p, size_t piece, ink_error *error) {
  size_t at = 0;
  while (!ink_loader_part_complete(loader)) {
    uint8_t *ptr;
    size_t room;
    ink_status status = ink_loader_buffer(loader, &ptr, &room, error);
    if (status != INK_OK) return status;
    size_t n = room < piece ? room : piece;
    if (n > p.len - at) n = p.len - at;
    memcpy(ptr, p.bytes + at, n);
    at += n;
    status = ink_loader_commit(loader, n, error);
    if (status != INK_OK) return status;
  }
  return INK_OK;
}

/* Loads `n` files as the parts of one model. */
static ink_status load_parts(const part *parts, size_t n, size_t piece, bool known,
                             const ink_load_params *params, ink_model **model, ink_error *error) {
  ink_loader *loader;
  *model = NULL;
  ink_status status = ink_loader_begin(&loader, params, known ? parts[0].len : 0, error);
  if (status != INK_OK) return status;
  status = feed(loader, parts[0], piece, error);
  for (size_t i = 1; i < n && status == INK_OK; i++) {
    status = ink_loader_next_part(loader, known ? parts[i].len : 0, error);
    if (status == INK_OK) status = feed(loader, parts[i], piece, error);
  }
  if (status == INK_OK) return ink_loader_finish(loader, model, error);
  ink_loader_free(loader);
  return status;
}

static void logits_of(const ink_model *model, float *logits) {
  ink_token tokens[] = {5, 6, 7, 8, 9, 10};
  ink_session *session = new_session(model, 8);
  CHECK_STATUS(ink_session_eval(session, tokens, 6, NULL), INK_OK);
  memcpy(logits, ink_session_logits(session), ink_model_get_info(model)->n_vocab * sizeof *logits);
  ink_session_free(session);
}

static void parts_are_the_whole(void) {
  static const size_t pieces[] = {1, 7, 4096, SIZE_MAX};
  static const char *const models[] = {"tiny-gpt2", "bare"};
  float expected[515], logits[515];
  ink_model *whole = load_fixture("tiny-gpt2.gguf", NULL);
  logits_of(whole, expected);
  for (size_t i = 0; i < 2; i++) {
    part parts[N_PARTS];
    read_parts(models[i], parts);
    for (size_t p = 0; p < 2 * sizeof pieces / sizeof *pieces; p++) {
      ink_model *model;
      ink_error error = {0};
      CHECK_STATUS(load_parts(parts, N_PARTS, pieces[p / 2], p % 2, NULL, &model, &error), INK_OK);
      if (!model) continue;
      logits_of(model, logits);
      CHECK(memcmp(expected, logits, sizeof expected) == 0);
      const ink_model_info *a = ink_model_get_info(whole), *b = ink_model_get_info(model);
      CHECK(a->n_tensors == b->n_tensors && a->n_params == b->n_params);
      CHECK(a->weight_bytes == b->weight_bytes);
      CHECK(strcmp(a->quantization, b->quantization) == 0);
      ink_model_free(model);
    }
    free_parts(parts);
  }
  ink_model_free(whole);
}

static void expect(const part *parts, size_t n, ink_status expected, const char *named) {
  for (int known = 0; known < 2; known++) {
    ink_model *model;
    ink_error error = {0};
    CHECK_STATUS(load_parts(parts, n, SIZE_MAX, known, NULL, &model, &error), expected);
    CHECK(!model && strstr(error.message, named));
    if (!strstr(error.message, named)) printf("%s\n", error.message);
    ink_model_free(model);
  }
}

static void other_files_are_refused(void) {
  part a[N_PARTS], b[N_PARTS], whole;
  read_parts("tiny-gpt2", a);
  read_parts("bare", b);
  whole.bytes = read_file("tiny-gpt2.gguf", &whole.len);
  expect(&a[1], 1, INK_ERR_BAD_MODEL, "part 1 of 3");
  expect((part[]){a[0], a[2]}, 2, INK_ERR_BAD_MODEL, "in order");
  expect((part[]){a[0], a[0]}, 2, INK_ERR_BAD_MODEL, "in order");
  expect((part[]){a[0], whole}, 2, INK_ERR_BAD_MODEL, "another model");
  expect((part[]){a[0], b[1]}, 2, INK_ERR_BAD_MODEL, "two parts");
  expect((part[]){b[0], a[1], a[2]}, 3, INK_ERR_BAD_MODEL, "split.tensors.count");
  expect((part[]){a[0], {(uint8_t *)"text, not a model", 17}}, 2, INK_ERR_NOT_GGUF, "GGUF");
  expect(a, 2, INK_ERR_WRONG_STATE, "whole model");
  ink_model *model;
  ink_error error;
  CHECK_STATUS(load_bytes(a[0].bytes, a[0].len, SIZE_MAX, a[0].len, NULL, &model, &error),
               INK_ERR_WRONG_STATE);
  CHECK(strstr(error.message, "part 1 of 3"));
  free(whole.bytes);
  free_parts(a);
  free_parts(b);
}

/* Overwrites the number behind a key of two bytes or more. */
static void patch(part p, const char *key, uint32_t value, size_t size) {
  size_t len = strlen(key);
  for (size_t i = 0; i + len + 4 + size <= p.len; i++) {
    if (memcmp(p.bytes + i, key, len) != 0) continue;
    for (size_t b = 0; b < size; b++) p.bytes[i + len + 4 + b] = (uint8_t)(value >> 8 * b);
    return;
  }
  CHECK_FAILED("the key is not there");
}

static void wrong_counts_are_refused(void) {
  static const struct {
    int part;
    const char *key;
    uint32_t value;
    ink_status status;
  } cases[] = {
      {0, "split.count", 2, INK_ERR_BAD_MODEL},
      {0, "split.count", 65535, INK_ERR_BAD_MODEL},
      {0, "split.no", 3, INK_ERR_BAD_MODEL},
      {0, "split.no", 65535, INK_ERR_BAD_MODEL},
      {1, "split.no", 2, INK_ERR_BAD_MODEL},
      {2, "split.count", 4, INK_ERR_BAD_MODEL},
      {2, "split.count", 0, INK_ERR_BAD_MODEL},
      {0, "split.tensors.count", 21, INK_ERR_BAD_MODEL},
      {1, "split.tensors.count", 19, INK_ERR_BAD_MODEL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    part parts[N_PARTS];
    read_parts("tiny-gpt2", parts);
    bool tensors = strcmp(cases[i].key, "split.tensors.count") == 0;
    patch(parts[cases[i].part], cases[i].key, cases[i].value, tensors ? 4 : 2);
    expect(parts, N_PARTS, cases[i].status, "part");
    free_parts(parts);
  }
}

static void truncated_parts_are_told(void) {
  part parts[N_PARTS];
  read_parts("tiny-gpt2", parts);
  for (int i = 0; i < N_PARTS; i++) {
    size_t len = parts[i].len;
    for (size_t cut = 0; cut < len - 32; cut += 1 + len / 50) { /* the end may be padding */
      parts[i].len = cut;
      for (int known = 0; known < 2; known++) {
        ink_model *model;
        ink_error error = {0};
        ink_status status = load_parts(parts, N_PARTS, SIZE_MAX, known, NULL, &model, &error);
        CHECK(status == INK_ERR_TRUNCATED || (cut == 0 && status == INK_ERR_NOT_GGUF));
        ink_model_free(model);
      }
    }
    parts[i].len = len;
  }
  free_parts(parts);
}

/* Whatever comes of damage, it is an error or a model that can be used. */
static void flipped_bits(void) {
  uint32_t seed = 7;
  part parts[N_PARTS];
  read_parts("tiny-gpt2", parts);
  for (int i = 0; i < 600; i++) {
    part *p = &parts[1 + i % 2];
    size_t at = next_random(&seed) % 700;
    uint8_t bit = (uint8_t)(1u << next_random(&seed) % 8);
    p->bytes[at] ^= bit;
    ink_model *model;
    ink_error error = {0};
    ink_status status = load_parts(parts, N_PARTS, SIZE_MAX, i / 2 % 2, NULL, &model, &error);
    CHECK((status == INK_OK) == (model != NULL));
    ink_model_free(model);
    p->bytes[at] ^= bit;
  }
  free_parts(parts);
}

typedef struct counting {
  size_t live, n, fail_at;
} counting;

static void *count_allocate(void *context, size_t size, size_t alignment) {
  counting *c = context;
  if (c->n++ == c->fail_at) return NULL;
  c->live++;
  return aligned_alloc(alignment, size);
}

static void count_release(void *context, void *pointer, size_t size) {
  (void)size;
  ((counting *)context)->live--;
  free(pointer);
}

static void refused_memory_is_an_error(void) {
  part parts[N_PARTS];
  read_parts("tiny-gpt2", parts);
  size_t n = 1;
  for (size_t fail_at = 0; fail_at < n; fail_at++) {
    counting c = {.fail_at = fail_at == 0 ? SIZE_MAX : fail_at - 1};
    ink_allocator allocator = {&c, count_allocate, count_release};
    ink_load_params params = {.allocator = &allocator};
    ink_model *model;
    ink_error error = {0};
    ink_status status = load_parts(parts, N_PARTS, SIZE_MAX, true, &params, &model, &error);
    CHECK_STATUS(status, fail_at == 0 ? INK_OK : INK_ERR_OUT_OF_MEMORY);
    if (fail_at == 0) n = c.n + 1;
    ink_model_free(model);
    CHECK_EQ(c.live, 0);
  }
  CHECK(n > 20);
  free_parts(parts);
}

static void states_are_checked(void) {
  part parts[N_PARTS];
  ink_loader *loader;
  ink_model *model;
  ink_error error;
  uint8_t *ptr;
  size_t len;
  read_parts("tiny-gpt2", parts);
  CHECK_STATUS(ink_loader_begin(&loader, NULL, 0, &error), INK_OK);
  CHECK_EQ(ink_loader_n_parts(loader), 0);
  CHECK_STATUS(ink_loader_next_part(loader, 0, &error), INK_ERR_WRONG_STATE);
  CHECK_STATUS(feed(loader, parts[0], SIZE_MAX, &error), INK_OK);
  CHECK_EQ(ink_loader_n_parts(loader), N_PARTS);
  CHECK(ink_loader_part_complete(loader) && !ink_loader_complete(loader));
  CHECK_STATUS(ink_loader_buffer(loader, &ptr, &len, &error), INK_ERR_WRONG_STATE);
  CHECK_STATUS(ink_loader_commit(loader, 1, &error), INK_ERR_WRONG_STATE);
  for (int i = 1; i < N_PARTS; i++) {
    CHECK_STATUS(ink_loader_next_part(loader, 0, &error), INK_OK);
    CHECK(!ink_loader_part_complete(loader) && ink_loader_info(loader) != NULL);
    CHECK_STATUS(feed(loader, parts[i], SIZE_MAX, &error), INK_OK);
  }
  CHECK(ink_loader_complete(loader));
  CHECK_STATUS(ink_loader_next_part(loader, 0, &error), INK_ERR_WRONG_STATE);
  CHECK_STATUS(ink_loader_finish(loader, &model, &error), INK_OK);
  ink_model_free(model);
  free_parts(parts);
}

/* A description takes the headers, and neither the weights' bytes nor their memory. */
static void headers_describe_a_model(void) {
  part parts[N_PARTS];
  read_parts("tiny-gpt2", parts);
  ink_load_params params = {.description_only = true};
  ink_loader *loader;
  ink_model *model, *whole = load_fixture("tiny-gpt2.gguf", NULL);
  ink_error error;
  CHECK_STATUS(ink_loader_begin(&loader, &params, parts[0].len, &error), INK_OK);
  for (int i = 0; i < N_PARTS; i++) {
    if (i > 0) CHECK_STATUS(ink_loader_next_part(loader, parts[i].len, &error), INK_OK);
    CHECK_STATUS(feed(loader, parts[i], 512, &error), INK_OK);
  }
  const ink_model_info *a = ink_loader_info(loader), *b = ink_model_get_info(whole);
  CHECK(a->weight_bytes == b->weight_bytes && a->n_tensors == b->n_tensors);
  CHECK_EQ(ink_memory_needed(a, NULL).total, ink_memory_needed(b, NULL).total);
  CHECK_STATUS(ink_loader_finish(loader, &model, &error), INK_ERR_WRONG_STATE);
  ink_model_free(whole);
  free_parts(parts);
}

int main(void) {
  RUN(parts_are_the_whole);
  RUN(other_files_are_refused);
  RUN(wrong_counts_are_refused);
  RUN(truncated_parts_are_told);
  RUN(flipped_bits);
  RUN(refused_memory_is_an_error);
  RUN(states_are_checked);
  RUN(headers_describe_a_model);
  return check_result();
}
