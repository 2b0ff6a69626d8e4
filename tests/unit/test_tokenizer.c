/* text: tokens identical to the references', and back. */
#include "base/utf8.h"
#include "check.h"
#include "vocab_builder.h"

static int bytes_differ(const char *a, size_t a_len, const char *b, size_t b_len) {
  return a_len != b_len || memcmp(a, b, a_len) != 0;
}

/* Every case of a golden file; decoding must give the text back where the family is byte-exact. */
static void check_vocab(const ink_vocab *vocab, const char *golden_name) {
  golden g = golden_open(golden_name);
  size_t n_cases = (size_t)golden_next(&g);
  int wrong = 0, wrong_text = 0;
  for (size_t i = 0; i < n_cases; i++) {
    bool special = golden_next(&g) != 0.0;
    size_t len = (size_t)golden_next(&g), n_expected, n, n_text;
    char *text = malloc(len + 1);
    for (size_t b = 0; b < len; b++) text[b] = (char)golden_next(&g);
    ink_token *expected = golden_tokens(&g, &n_expected);
    size_t capacity = 6 * len + 3; /* normalised, three bytes may become eighteen characters */
    ink_token *tokens = malloc(capacity * sizeof *tokens);
    char *back = malloc(len + 1);
    ink_error error = {0};
    ink_status status = ink_vocab_tokenize(vocab, text, len, special ? INK_TOKENIZE_SPECIAL : 0,
                                           tokens, capacity, &n, &error);
    if (status != INK_OK || n != n_expected || memcmp(tokens, expected, n * sizeof *tokens) != 0) {
      wrong++;
      printf("%s: case %zu: %s '%.*s'\n", golden_name, i, error.message, (int)len, text);
    }
    status = ink_vocab_detokenize(vocab, tokens, n, back, len + 1, &n_text, &error);
    /* SentencePiece can't tell U+2581 from a space. */
    bool is_spm = vocab->family == &ink_family_spm;
    bool is_exact = is_spm || vocab->family == &ink_family_bpe;
    bool has_marker = false;
    for (size_t b = 0; b + 3 <= len; b++) has_marker |= memcmp(text + b, "\xE2\x96\x81", 3) == 0;
    if (is_exact && !special && !(is_spm && has_marker) && (status != INK_OK || bytes_differ(back, n_text, text, len))) {
      wrong_text++;
      printf("%s: case %zu decodes to '%.*s'\n", golden_name, i, (int)n_text, back);
    }
    free(text);
    free(expected);
    free(tokens);
    free(back);
  }
  CHECK(n_cases > 0);
  CHECK_EQ(wrong, 0);
  CHECK_EQ(wrong_text, 0);
  golden_close(&g);
}

/* A vocabulary alone needs no tensors. */
static void check_file(const char *gguf_name, const char *golden_name) {
  size_t len;
  uint8_t *bytes = read_file(gguf_name, &len);
  ink_allocator allocator = ink_allocator_or_default(NULL);
  ink_gguf gguf;
  ink_vocab vocab;
  bool complete;
  ink_error error = {0};
  CHECK_STATUS(ink_gguf_parse(&gguf, &allocator, bytes, len, len, &complete, &error), INK_OK);
  CHECK(complete);
  CHECK_STATUS(ink_vocab_create(&vocab, &allocator, &gguf, &error), INK_OK);
  if (error.code) printf("%s\n", error.message);
  check_vocab(&vocab, golden_name);
  ink_vocab_free(&vocab);
  ink_gguf_free(&gguf);
  free(bytes);
}

static void smollm_rules(void) { check_file("tiny-q.gguf", "golden/tiny-q-tokens.txt"); }

static void gpt2_rules(void) { check_file("tiny-gpt2.gguf", "golden/tiny-gpt2-tokens.txt"); }

static void sentencepiece(void) {
  check_file("stories260K.gguf", "golden/stories260K-tokens.txt");
  check_file("vocab/ggml-vocab-llama-spm.gguf", "golden/llama-spm-tokens.txt");
}

static void unigram(void) {
  check_file("vocab/spm-unigram-en.gguf", "golden/spm-unigram-en-tokens.txt");
}

static void wordpiece(void) {
  check_file("vocab/ggml-vocab-bert-bge.gguf", "golden/bert-bge-tokens.txt");
  check_file("vocab/koelectra.gguf", "golden/koelectra-tokens.txt"); /* cased */
}

static void bad_text_and_tokens(void) {
  ink_model *model = load_fixture("tiny-q.gguf", NULL);
  ink_token tokens[8], bad[] = {5, 100000}, negative[] = {-1};
  char text[8];
  const char *spelling;
  size_t n;
  ink_error error;
  CHECK_STATUS(ink_tokenize(model, "ab\xFF", 3, 0, tokens, 8, &n, &error), INK_ERR_INVALID_UTF8);
  CHECK(strstr(error.message, "byte 2") != NULL);
  CHECK_STATUS(ink_tokenize(model, "\xED\x95", 2, 0, tokens, 8, &n, &error), INK_ERR_INVALID_UTF8);
  CHECK_STATUS(ink_tokenize(model, "1234567890", 10, 0, tokens, 8, &n, &error),
               INK_ERR_BUFFER_TOO_SMALL);
  CHECK_EQ(n, 10);
  CHECK_STATUS(ink_tokenize(model, "", 0, 0, NULL, 0, &n, &error), INK_OK);
  CHECK_EQ(n, 0);
  CHECK_STATUS(ink_detokenize(model, bad, 2, text, 8, &n, &error), INK_ERR_INVALID_ARGUMENT);
  CHECK_STATUS(ink_detokenize(model, negative, 1, text, 8, &n, &error), INK_ERR_INVALID_ARGUMENT);
  CHECK_STATUS(ink_token_piece(model, 515, &spelling, &n, &error), INK_ERR_INVALID_ARGUMENT);
  CHECK_STATUS(ink_token_piece(model, 514, &spelling, &n, &error), INK_OK);
  ink_model_free(model);
}

/* Long runs must not take quadratic time: this ends at once or, if they do, never. */
static void long_runs(void) {
  static const char *const models[] = {"tiny-q.gguf", "stories260K.gguf"};
  size_t len = 1000000, n;
  char *text = malloc(len);
  ink_token *tokens = malloc((len + 2) * sizeof *tokens);
  for (size_t m = 0; m < 2; m++) {
    ink_model *model = load_fixture(models[m], NULL);
    for (const char *c = "a 7\n"; *c; c++) {
      memset(text, *c, len);
      CHECK_STATUS(ink_tokenize(model, text, len, 0, tokens, len + 2, &n, NULL), INK_OK);
      CHECK(n > 0);
    }
    ink_model_free(model);
  }
  free(text);
  free(tokens);
}

/* ---- Merges, which name tokens by their spelling ---- */

static loaded load_bpe(const char *pre, const piece *pieces, size_t n_pieces,
                       const char *const *merges, size_t n_merges) {
  header h = begin_header();
  key_str(&h, "tokenizer.ggml.model", "gpt2");
  key_str(&h, "tokenizer.ggml.pre", pre);
  key_pieces(&h, pieces, n_pieces);
  put_key(&h, "tokenizer.ggml.merges", INK_GGUF_ARRAY);
  put_u32(&h, INK_GGUF_STRING);
  put_u64(&h, n_merges);
  for (size_t i = 0; i < n_merges; i++) put_str(&h, merges[i]);
  return load_built(&h);
}

static void check_tokens(const loaded *l, const char *text, const ink_token *expected, size_t n) {
  ink_token tokens[32];
  char back[256];
  size_t n_tokens, n_back;
  CHECK_STATUS(ink_vocab_tokenize(&l->vocab, text, strlen(text), 0, tokens, 32, &n_tokens, NULL),
               INK_OK);
  CHECK_EQ(n_tokens, n);
  for (size_t i = 0; i < n && i < n_tokens; i++) CHECK_EQ(tokens[i], expected[i]);
  CHECK_STATUS(
      ink_vocab_detokenize(&l->vocab, tokens, n_tokens, back, sizeof back, &n_back, NULL), INK_OK);
  CHECK(n_back == strlen(text) && memcmp(back, text, n_back) == 0);
}

/* With an index that is kept (llama-bpe looks for whole words) and without. */
static void merges_by_spelling(void) {
  static const piece pieces[] = {
      {"\xC4\xA0", 0, 1},                 /* 0: a space */
      {"x", 0, 1},                        /* 1 */
      {"\xC3\xAD", 0, 1},                 /* 2: 0xED */
      {"\xC4\xB7", 0, 1},                 /* 3: 0x95 */
      {"\xC4\xBE", 0, 1},                 /* 4: 0x9C */
      {"\xC3\xAD\xC4\xB7", 0, 1},         /* 5 */
      {"\xC3\xAD\xC4\xB7\xC4\xBE", 0, 1}, /* 6: U+D55C */
      {"\xC4\xA0x", 0, 1},                /* 7 */
      {"  ", -1, 4},                      /* 8: user-defined, thus plain */
      {"\xE4\xB8\x80", 0, 1},             /* 9: spells no bytes */
      {"\xC5", 0, 1},                     /* 10: half a spelling */
  };
  static const char *const merges[] = {"\xC3\xAD \xC4\xB7", "\xC3\xAD\xC4\xB7 \xC4\xBE",
                                       "\xC4\xA0 x", "\xC4\xA0 \xC4\xA0"};
  static const char *const rules[] = {"gpt-2", "llama-bpe"};
  for (int i = 0; i < 2; i++) {
    loaded l = load_bpe(rules[i], pieces, 11, merges, 4);
    CHECK_STATUS(l.status, INK_OK);
    if (l.status != INK_OK) {
      unload(&l);
      continue;
    }
    check_tokens(&l, " x\xED\x95\x9C", (const ink_token[]){7, 6}, 2);
    check_tokens(&l, "x  x", (const ink_token[]){1, 8, 1}, 3);
    check_tokens(&l, "\xED\x95\x9C x", (const ink_token[]){6, 7}, 2);
    CHECK_EQ(l.vocab.index.n_slots > 0, i == 1);
    unload(&l);
  }
}

static void merges_of_nothing(void) {
  static const piece pieces[] = {{"a", 0, 1}, {"b", 0, 1}, {"ab", 0, 1}};
  static const char *const wrong[] = {"a c", "ab a", "a", " ", "", "a  b", "b a"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    loaded l = load_bpe("gpt-2", pieces, 3, &wrong[i], 1);
    CHECK_STATUS(l.status, INK_ERR_BAD_MODEL);
    CHECK(strstr(l.error.message, "merge 0"));
    unload(&l);
  }
}

/* Every byte's spelling, in tokens of one to forty of them. */
static void spellings_of_bytes(void) {
  enum { N = 256, LONGEST = 40 };
  static char texts[N + LONGEST][2 * LONGEST + 1];
  static piece pieces[N + LONGEST];
  uint32_t next = 256;
  size_t n = 0;
  char spelled[N][3] = {{0}};
  for (uint32_t b = 0; b < N; b++) {
    bool plain = (b > 32 && b < 127) || (b > 160 && b != 173);
    spelled[b][ink_utf8_encode(plain ? b : next++, spelled[b])] = 0;
    strcpy(texts[n], spelled[b]);
    pieces[n] = (piece){texts[n], 0, 1};
    n++;
  }
  for (uint32_t len = 2; len <= LONGEST; len++, n++) {
    for (uint32_t k = 0; k < len; k++) strcat(texts[n], spelled[(len * 37 + k * 101) & 255]);
    pieces[n] = (piece){texts[n], 0, 1};
  }
  loaded l = load_bpe("gpt-2", pieces, n, (const char *const[]){"a b"}, 0);
  CHECK_STATUS(l.status, INK_OK);
  for (uint32_t b = 0; b < N && l.status == INK_OK; b++) {
    CHECK_EQ(l.vocab.tokens[b].len, 1);
    CHECK_EQ((uint8_t)l.vocab.tokens[b].data[0], b);
    CHECK_EQ(l.vocab.byte_tokens[b], (int)b);
  }
  for (uint32_t len = 2; len <= LONGEST && l.status == INK_OK; len++) {
    ink_str token = l.vocab.tokens[N + len - 2];
    CHECK_EQ(token.len, len);
    for (uint32_t k = 0; k < len; k++) {
      CHECK_EQ((uint8_t)token.data[k], (len * 37 + k * 101) & 255);
    }
  }
  unload(&l);
}

int main(void) {
  RUN(smollm_rules);
  RUN(gpt2_rules);
  RUN(sentencepiece);
  RUN(unigram);
  RUN(wordpiece);
  RUN(bad_text_and_tokens);
  RUN(long_runs);
  RUN(merges_by_spelling);
  RUN(merges_of_nothing);
  RUN(spellings_of_bytes);
  return check_result();
}
