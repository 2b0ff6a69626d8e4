/* text: tokens identical to the references', and back. */
#include "check.h"
#include "fixtures.h"
#include "format/gguf.h"
#include "text/tokenizer.h"

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
  const char *piece;
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
  CHECK_STATUS(ink_token_piece(model, 515, &piece, &n, &error), INK_ERR_INVALID_ARGUMENT);
  CHECK_STATUS(ink_token_piece(model, 514, &piece, &n, &error), INK_OK);
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

int main(void) {
  RUN(smollm_rules);
  RUN(gpt2_rules);
  RUN(sentencepiece);
  RUN(unigram);
  RUN(wordpiece);
  RUN(bad_text_and_tokens);
  RUN(long_runs);
  return check_result();
}
