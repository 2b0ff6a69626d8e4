/* text: what each tokenizer family does beside cutting up plain text, and with files that are wrong. */
#include "check.h"
#include "text/charsmap.h"
#include "vocab_builder.h"

/* The tokens of a text as words, and what they decode to: "1 5 9 | text". */
static const char *tokens_of(const loaded *l, const char *text, uint32_t flags) {
  static char shown[512];
  ink_token tokens[64];
  size_t n, n_text, at = 0;
  ink_error error;
  if (ink_vocab_tokenize(&l->vocab, text, strlen(text), flags, tokens, 64, &n, &error) != INK_OK) {
    snprintf(shown, sizeof shown, "%s", error.message);
    return shown;
  }
  for (size_t i = 0; i < n; i++) {
    at += (size_t)snprintf(shown + at, sizeof shown - at, "%d ", (int)tokens[i]);
  }
  at += (size_t)snprintf(shown + at, sizeof shown - at, "| ");
  ink_vocab_detokenize(&l->vocab, tokens, n, shown + at, sizeof shown - at - 1, &n_text, NULL);
  shown[at + n_text] = 0;
  return shown;
}

#define CHECK_TOKENS(loaded, text, flags, expected)                                                \
  do {                                                                                             \
    const char *check_shown = tokens_of(loaded, text, flags);                                      \
    CHECK(strcmp(check_shown, expected) == 0);                                                     \
    if (strcmp(check_shown, expected) != 0) printf("  is %s\n", check_shown);                       \
  } while (0)

/* ---- What the model asks for around a text ---- */

static void surroundings(void) {
  loaded bert = load_vocab("vocab/ggml-vocab-bert-bge.gguf");
  CHECK_TOKENS(&bert, "Hello", INK_TOKENIZE_BOS, "101 7592 102 | hello");
  CHECK_TOKENS(&bert, "", INK_TOKENIZE_BOS, "101 102 | ");
  CHECK_TOKENS(&bert, "Hello", 0, "7592 | hello");
  unload(&bert);
  loaded unigram = load_vocab("vocab/spm-unigram-en.gguf");
  CHECK_TOKENS(&unigram, "the", INK_TOKENIZE_BOS, "7 2 | the");
  unload(&unigram);
  loaded llama = load_vocab("vocab/ggml-vocab-llama-spm.gguf");
  CHECK_TOKENS(&llama, "the", INK_TOKENIZE_BOS, "1 278 | the");
  CHECK_TOKENS(&llama, "<s>the</s>", INK_TOKENIZE_SPECIAL, "1 278 2 | the");
  unload(&llama);
}

/* ---- WordPiece ---- */

static void wordpiece_text(void) {
  loaded bert = load_vocab("vocab/ggml-vocab-bert-bge.gguf");
  CHECK_TOKENS(&bert, " Caf\u00e9 \u00c9TUDE. ", 0, "7668 3802 12672 1012 | cafe etude.");
  CHECK_TOKENS(&bert, "It's, \u4f60a", 0, "2009 1005 1055 1010 100 1037 | it ' s, a");
  CHECK_TOKENS(&bert, "[CLS] [mask] [MASK]", INK_TOKENIZE_SPECIAL,
               "101 1031 7308 1033 103 | [ mask ]");
  CHECK_TOKENS(&bert, "x\u200b\u00ad\ufeffy", 0, "1060 2100 | xy");
  unload(&bert);
}

/* A word is unknown from 101 characters on. */
static void wordpiece_long_words(void) {
  static const piece pieces[] = {{"[UNK]", 0, 3}, {"\u2581a", 0, 1}, {"a", 0, 1}, {"aa", 0, 1}};
  header h = begin_header();
  key_str(&h, "tokenizer.ggml.model", "bert");
  key_pieces(&h, pieces, 4);
  key_u32(&h, "tokenizer.ggml.unknown_token_id", 0);
  loaded l = load_built(&h);
  char text[102] = {0};
  ink_token tokens[128];
  size_t n;
  memset(text, 'a', 101);
  CHECK_STATUS(l.status, INK_OK);
  CHECK_STATUS(ink_vocab_tokenize(&l.vocab, text, 100, 0, tokens, 128, &n, NULL), INK_OK);
  CHECK_EQ(n, 51); /* a aa aa ... a */
  CHECK_EQ(tokens[50], 2);
  CHECK_STATUS(ink_vocab_tokenize(&l.vocab, text, 101, 0, tokens, 128, &n, NULL), INK_OK);
  CHECK_EQ(n, 1);
  CHECK_EQ(tokens[0], 0);
  unload(&l);
}

/* ---- SentencePiece ---- */

static header small_spm(const char *architecture) {
  static const piece pieces[] = {
      {"<unk>", 0, 2},       {"<s>", 0, 3},          {"</s>", 0, 3},      {"<|user|>", 0, 3},
      {"<|sep|>", -1000, 4}, {"\u2581", -1, 1},      {"a", -2, 1},        {"b", -3, 1},
      {"ab", -4, 1},         {"\u2581ab", -5, 1},    {"  ", 0, 4},
      {"<in>", 0, 4},
  };
  header h = begin_header();
  key_str(&h, "general.architecture", architecture);
  key_str(&h, "tokenizer.ggml.model", "llama");
  key_pieces(&h, pieces, sizeof pieces / sizeof pieces[0]);
  return h;
}

static void spm_special_tokens(void) {
  header h = small_spm("llama");
  loaded l = load_built(&h);
  CHECK_STATUS(l.status, INK_OK);
  CHECK_TOKENS(&l, "ab", INK_TOKENIZE_BOS, "1 9 | ab");
  CHECK_TOKENS(&l, "<|user|> ab", INK_TOKENIZE_SPECIAL, "3 10 8 |  ab");
  CHECK_TOKENS(&l, "a<|sep|>b", 0, "5 6 4 5 7 | a<|sep|> b"); /* user-defined ones always */
  CHECK_TOKENS(&l, "a<in>b", 0, "5 6 11 7 | a<in>b"); /* SentencePiece's own begin no new text */
  CHECK_TOKENS(&l, "a  b", 0, "5 6 10 7 | a  b");
  CHECK_TOKENS(&l, "a \u2581b", 0, "5 6 10 7 | a  b"); /* a mark is a space */
  CHECK_TOKENS(&l, "\uac00\uac01ab\uac00", 0, "5 0 8 0 | ab"); /* unknown neighbours become one */
  unload(&l);
}

/* A token may go on past the end of a word; words are encoded one by one where none does. */
static void spm_tokens_of_two_words(void) {
  static const piece pieces[] = {
      {"<unk>", 0, 2}, {"<0x00>", 0, 6}, {"\u2581", -1, 1},  {"a", -2, 1},          {"b", -3, 1},
      {"ab", -4, 1},   {"\u2581a", -6, 1}, {"\u2581\u2581", -7, 1}, {"b\u2581a", -5, 1},
  };
  for (size_t n = 8; n <= 9; n++) {
    header h = begin_header();
    key_str(&h, "tokenizer.ggml.model", "llama");
    key_pieces(&h, pieces, n);
    loaded l = load_built(&h);
    CHECK_STATUS(l.status, INK_OK);
    CHECK_EQ(l.vocab.words_stand_alone, n == 8);
    CHECK_TOKENS(&l, "b b ab", 0, "2 4 2 4 2 5 | b b ab");
    CHECK_TOKENS(&l, "b a  a", 0, n == 8 ? "2 4 6 2 6 | b a  a" : "2 8 2 6 | b a  a");
    unload(&l);
  }
}

static size_t encode_file(const loaded *l, const char *name, ink_token *tokens, size_t capacity) {
  size_t len, n = 0;
  uint8_t *bytes = read_file(name, &len);
  CHECK_STATUS(ink_vocab_tokenize(&l->vocab, (char *)bytes, len, 0, tokens, capacity, &n, NULL), INK_OK);
  free(bytes);
  return n;
}

/* Also from the cache of words, and in words too long for it. */
static void spm_words_are_those_of_the_text(void) {
  enum { CAPACITY = 1 << 16 };
  static const char *const files[] = {"wikitext2-valid-4x512.txt", "golden/conversations.jsonl",
                                      "golden/smollm2-tokens.json"};
  static ink_token by_words[CAPACITY], whole[CAPACITY];
  loaded l = load_vocab("vocab/ggml-vocab-llama-spm.gguf");
  CHECK(l.vocab.words_stand_alone);
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    l.vocab.words_stand_alone = true;
    size_t n = encode_file(&l, files[i], by_words, CAPACITY);
    l.vocab.words_stand_alone = false;
    CHECK_EQ(encode_file(&l, files[i], whole, CAPACITY), n);
    CHECK(n > 1000 && memcmp(by_words, whole, n * sizeof *whole) == 0);
  }
  unload(&l);
}

/* Phi-3's special tokens take the white space that follows, <s> does not. */
static void phi3_special_tokens(void) {
  header h = small_spm("phi3");
  key_bool(&h, "tokenizer.ggml.add_space_prefix", false);
  loaded l = load_built(&h);
  CHECK_STATUS(l.status, INK_OK);
  CHECK_TOKENS(&l, "<|user|>\n \u3000ab", INK_TOKENIZE_SPECIAL, "3 8 | ab");
  CHECK_TOKENS(&l, "<s> ab<|user|>", INK_TOKENIZE_SPECIAL, "1 9 3 |  ab");
  unload(&l);
}

static const piece unigram_pieces[] = {
    {"<unk>", 0, 2}, {"</s>", 0, 3},  {"\u2581", -2, 1}, {"a", -3, 1},        {"b", -3, 1},
    {"ab", -5, 1},   {"aab", -9, 1},  {"<x>", -1000, 4}, {"\u2581a", -4.5, 1}, {"x", -3, 1},
    {"xa", -6, 1},   {"ax", -6, 1},
};

static header small_unigram(bool trim) {
  header h = begin_header();
  key_str(&h, "tokenizer.ggml.model", "t5");
  key_pieces(&h, unigram_pieces, sizeof unigram_pieces / sizeof unigram_pieces[0]);
  key_u32(&h, "tokenizer.ggml.eos_token_id", 1);
  key_bool(&h, "tokenizer.ggml.remove_extra_whitespaces", trim);
  return h;
}

static void unigram_cuts(void) {
  header h = small_unigram(true);
  loaded l = load_built(&h);
  CHECK_STATUS(l.status, INK_OK);
  CHECK_TOKENS(&l, "aab", INK_TOKENIZE_BOS, "8 5 1 | aab"); /* -4.5 - 5 is best */
  CHECK_TOKENS(&l, "baxa", 0, "2 4 3 10 | baxa"); /* as good as ax a, but found first */
  CHECK_TOKENS(&l, "  b   a  ", 0, "2 4 8 | b a");
  CHECK_TOKENS(&l, "   ", 0, "| ");
  CHECK_TOKENS(&l, "a\uac00\uac01 \uac00", 0, "8 0 2 0 | a ");
  CHECK_TOKENS(&l, "a<x>b", 0, "8 7 2 4 | a<x> b");
  unload(&l);
  h = small_unigram(false);
  l = load_built(&h);
  CHECK_TOKENS(&l, " b ", 0, "2 2 4 2 |  b ");
  unload(&l);
}

/* Rules of a real map: the longest one counts, and a space that begins one is joined with others. */
static void character_map(void) {
  loaded l = load_vocab("vocab/spm-unigram-en.gguf");
  ink_str to = {NULL, 0};
  CHECK_EQ(ink_charsmap_match(&l.vocab.charsmap, "\u1100\u1161\u11a8x", 10, &to), 9);
  CHECK(to.len == 3 && memcmp(to.data, "\uac01", 3) == 0);
  CHECK_EQ(ink_charsmap_match(&l.vocab.charsmap, "\u1100\u1161x", 7, &to), 6);
  CHECK(to.len == 3 && memcmp(to.data, "\uac00", 3) == 0);
  CHECK_EQ(ink_charsmap_match(&l.vocab.charsmap, "abc", 3, &to), 0);
  CHECK_TOKENS(&l, "\u00b4the", 0, "4 0 95 16 | the");
  CHECK_TOKENS(&l, "  \u00b4 \u00b4the  ", 0, "4 0 4 0 95 16 | the");
  unload(&l);
}

/* ---- Wrong files ---- */

static ink_status status_of(header *h) {
  loaded l = load_built(h);
  if (l.status != INK_OK) CHECK(l.error.message[0] != 0);
  unload(&l);
  return l.status;
}

static void wrong_vocabularies(void) {
  static const piece twice[] = {{"<unk>", 0, 2}, {"a", -1, 1}, {"a", -1, 1}};
  static const piece not_a_number[] = {{"<unk>", 0, 2}, {"a", NAN, 1}};
  static const char *const models[] = {"t5", "llama", "bert", "gpt2"};
  for (size_t m = 0; m < 4; m++) {
    header h = begin_header();
    key_str(&h, "tokenizer.ggml.model", models[m]);
    key_pieces(&h, twice, 3);
    key_array(&h, "tokenizer.ggml.merges", INK_GGUF_STRING, NULL, 0, 0);
    CHECK_STATUS(status_of(&h), INK_ERR_BAD_MODEL);
    if (m >= 2) continue;
    h = begin_header();
    key_str(&h, "tokenizer.ggml.model", models[m]);
    key_pieces(&h, not_a_number, 2);
    CHECK_STATUS(status_of(&h), INK_ERR_BAD_MODEL);
  }
  header h = small_unigram(true);
  key_u32(&h, "tokenizer.ggml.unknown_token_id", 12);
  CHECK_STATUS(status_of(&h), INK_ERR_BAD_MODEL);
  h = begin_header(); /* nothing stands for unknown characters */
  key_str(&h, "tokenizer.ggml.model", "t5");
  key_pieces(&h, twice + 1, 1);
  CHECK_STATUS(status_of(&h), INK_ERR_BAD_MODEL);
}

static ink_status map_status(const void *bytes, size_t len) {
  header h = small_unigram(true);
  key_array(&h, "tokenizer.ggml.precompiled_charsmap", INK_GGUF_U8, bytes, len, 1);
  return status_of(&h);
}

static void wrong_character_maps(void) {
  uint8_t map[600] = {4, 0, 0, 0, 0, 0, 0, 0};
  CHECK_STATUS(map_status(map, 0), INK_OK);
  CHECK_STATUS(map_status(map, 9), INK_OK);
  CHECK_STATUS(map_status(map, 3), INK_ERR_BAD_MODEL);
  CHECK_STATUS(map_status(map, 8), INK_ERR_BAD_MODEL); /* no replacements */
  map[8] = 'x';
  CHECK_STATUS(map_status(map, 9), INK_ERR_BAD_MODEL); /* no NUL at the end */
  map[8] = 0xFF;
  CHECK_STATUS(map_status(map, 10), INK_ERR_BAD_MODEL); /* not UTF-8 */
  memset(map + 8, 'x', 590);
  CHECK_STATUS(map_status(map, 599), INK_ERR_BAD_MODEL); /* too long */
  map[0] = 6;
  CHECK_STATUS(map_status(map, 20), INK_ERR_BAD_MODEL);
  memset(map, 0xFF, 4);
  CHECK_STATUS(map_status(map, 20), INK_ERR_BAD_MODEL);
  header h = small_unigram(true);
  key_str(&h, "tokenizer.ggml.precompiled_charsmap", "text");
  CHECK_STATUS(status_of(&h), INK_ERR_BAD_MODEL);
}

/* Damaged maps and random units: never a read outside, never too much text. */
static void random_character_maps(void) {
  uint32_t random = 7;
  uint8_t *map = malloc(4 + 4 * 256 + 5); /* by itself, so that sanitizers see its ends */
  static const char text[] = "aA\uff21\ufb01e\u0301\uac00\u1100\u1161 \u3000\U0001F600";
  for (int round = 0; round < 3000; round++) {
    uint32_t size = 4 * 256;
    memcpy(map, &size, 4);
    for (size_t i = 4; i < 4 + size; i++) map[i] = (uint8_t)next_random(&random);
    for (size_t unit = 0; unit < 256; unit++) { /* labels that match, offsets that stay near */
      map[4 + 4 * unit] = (uint8_t)text[next_random(&random) % (sizeof text - 1)];
      if (next_random(&random) % 4) map[4 + 4 * unit + 3] = 0, map[4 + 4 * unit + 2] &= 3;
    }
    memcpy(map + 4 + size, "x\0yz", 5);
    ink_charsmap read;
    CHECK_STATUS(ink_charsmap_read(&read, map, 4 + size + 5, NULL), INK_OK);
    for (size_t at = 0; at < sizeof text - 1; at++) {
      ink_str replacement = {NULL, 0};
      size_t used = ink_charsmap_match(&read, text + at, sizeof text - 1 - at, &replacement);
      CHECK(used <= sizeof text - 1 - at && replacement.len <= 2);
    }
  }
  free(map);
}

/* A few bytes of small files are changed: an error or a vocabulary that works, never a crash. */
static void damaged_files(void) {
  uint32_t random = 1;
  ink_token tokens[256];
  char text[1024];
  size_t n;
  ink_allocator allocator = ink_allocator_or_default(NULL);
  for (int round = 0; round < 4000; round++) {
    header h = round % 2 ? small_unigram(round % 4 == 1) : small_spm("phi3");
    uint8_t map[] = {8, 0, 0, 0, 0, 4, 0, 0, 'a', 5, 0, 0, 'b', 0};
    key_array(&h, "tokenizer.ggml.precompiled_charsmap", INK_GGUF_U8, map, sizeof map, 1);
    memcpy(h.bytes + 16, &h.n_values, sizeof h.n_values);
    for (int i = 0; i < 1 + round % 5; i++) {
      h.bytes[24 + next_random(&random) % (h.len - 24)] = (uint8_t)next_random(&random);
    }
    ink_gguf gguf;
    ink_vocab vocab;
    bool complete;
    ink_status status =
        ink_gguf_parse(&gguf, &allocator, h.bytes, h.len, h.len, &complete, NULL);
    if (status == INK_OK && complete) {
      status = ink_vocab_create(&vocab, &allocator, &gguf, NULL);
      ink_gguf_free(&gguf);
      if (status == INK_OK) {
        ink_vocab_tokenize(&vocab, "ab  a<|user|> b<x>\uac00", 21, 3, tokens, 256, &n, NULL);
        CHECK_STATUS(ink_vocab_detokenize(&vocab, tokens, n < 256 ? n : 256, text, sizeof text, &n,
                                          NULL), INK_OK);
        ink_vocab_free(&vocab);
      }
    }
    free(h.bytes);
  }
}

/* ---- Loading without weights ---- */

static void vocabulary_only(void) {
  static const char *const names[] = {"vocab/koelectra.gguf", "tiny-q.gguf"};
  ink_load_params params = {.vocabulary_only = true};
  for (size_t i = 0; i < 2; i++) {
    size_t len, n;
    uint8_t *bytes = read_file(names[i], &len);
    ink_model *model;
    ink_session *session;
    ink_error error;
    ink_token tokens[16];
    CHECK_STATUS(load_bytes(bytes, len, 4096, len, &params, &model, &error), INK_OK);
    CHECK_STATUS(ink_tokenize(model, "\ud55c\uad6d\uc5b4", 9, 0, tokens, 16, &n, &error), INK_OK);
    CHECK(n > 0 && ink_model_get_info(model)->n_vocab > 500);
    CHECK_STATUS(ink_session_create(&session, model, NULL, &error), INK_ERR_WRONG_STATE);
    ink_model_free(model);
    free(bytes);
  }
}

/* ---- Time ---- */

/* These end at once or, if their time is quadratic, never. */
static void long_runs(void) {
  static const char *const names[] = {"vocab/spm-unigram-en.gguf", "vocab/ggml-vocab-bert-bge.gguf",
                                      "vocab/koelectra.gguf", "vocab/ggml-vocab-llama-spm.gguf"};
  static const char *const units[] = {"a", " ", "\u0301", "\uac00", "\ufdfa", "e\u0301", "a b"};
  size_t size = 1000000, n;
  char *text = malloc(size);
  ink_token *tokens = malloc(20 * size * sizeof *tokens);
  for (size_t v = 0; v < sizeof names / sizeof names[0]; v++) {
    loaded l = load_vocab(names[v]);
    for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
      size_t unit = strlen(units[u]), len = size / unit * unit;
      for (size_t i = 0; i < len; i++) text[i] = units[u][i % unit];
      CHECK_STATUS(ink_vocab_tokenize(&l.vocab, text, len, 0, tokens, 20 * size, &n, NULL), INK_OK);
    }
    unload(&l);
  }
  free(text);
  free(tokens);
}

int main(void) {
  RUN(surroundings);
  RUN(wordpiece_text);
  RUN(wordpiece_long_words);
  RUN(spm_special_tokens);
  RUN(spm_tokens_of_two_words);
  RUN(spm_words_are_those_of_the_text);
  RUN(phi3_special_tokens);
  RUN(unigram_cuts);
  RUN(character_map);
  RUN(wrong_vocabularies);
  RUN(wrong_character_maps);
  RUN(random_character_maps);
  RUN(damaged_files);
  RUN(vocabulary_only);
  RUN(long_runs);
  return check_result();
}
