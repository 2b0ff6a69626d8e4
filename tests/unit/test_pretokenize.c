/* text: patterns, every pre-tokenizer's rule against Hugging Face's answers, and long texts. */
#include "check.h"
#include "fixtures.h"
#include "base/utf8.h"
#include "text/tokenizer.h"

static ink_allocator allocator;

/* ---- Patterns ---- */

/* The end of the pattern's match at the text's start, or -1. */
static int match_end(const char *source, const char *text) {
  ink_pattern pattern;
  ink_error error = {0};
  if (ink_pattern_create(&pattern, &allocator, source, &error) != INK_OK) {
    printf("%s\n", error.message);
    return -2;
  }
  ink_pattern_memory memory = {0};
  size_t end = ink_pattern_match(&pattern, &memory, text, strlen(text), 0);
  ink_pattern_free(&pattern, &allocator);
  return end == INK_PATTERN_NONE ? -1 : (int)end;
}

static void patterns(void) {
  CHECK_EQ(match_end("ab", "abc"), 2);
  CHECK_EQ(match_end("b", "abc"), -1);
  CHECK_EQ(match_end("a|ab", "abc"), 1); /* the first alternative, not the longest */
  CHECK_EQ(match_end("ab|a", "abc"), 2);
  CHECK_EQ(match_end("(?:a|ab)c", "abc"), 3);
  CHECK_EQ(match_end("a*b", "aaab"), 4);
  CHECK_EQ(match_end("a?a", "ab"), 1);
  CHECK_EQ(match_end("a{2,3}", "aaaa"), 3);
  CHECK_EQ(match_end("a{2}", "a"), -1);
  CHECK_EQ(match_end("(?:ab){2,}", "abababa"), 6);
  CHECK_EQ(match_end("[^a-c]+", "xyzabc"), 3);
  CHECK_EQ(match_end("[a\\-z]+", "a-zb"), 3);
  CHECK_EQ(match_end("(?i:'S)", "'s"), 2);
  CHECK_EQ(match_end("(?i:'s)", "'\xC5\xBF"), 3); /* long s */
  CHECK_EQ(match_end("'s", "'S"), -1);
  CHECK_EQ(match_end("\\s+(?!\\S)", "   x"), 2);
  CHECK_EQ(match_end("\\s+(?!\\S)", "   "), 3);
  CHECK_EQ(match_end("\\s+(?!\\S)", " x"), -1);
  CHECK_EQ(match_end("a(?=b)", "ab"), 1);
  CHECK_EQ(match_end("a(?=b)", "a"), -1);
  CHECK_EQ(match_end("a$", "ab"), -1);
  CHECK_EQ(match_end("a$", "a"), 1);
  CHECK_EQ(match_end("\\s*[\\r\\n]+", "  \n \n  x"), 5);
  CHECK_EQ(match_end("\\p{Lu}\\p{Ll}+", "\xC3\x89t\xC3\xA9s"), 6);
  CHECK_EQ(match_end("[\\p{L}&&[^\\p{Han}]]+", "\xEA\xB0\x80\xE6\xBC\xA2"), 3);
  CHECK_EQ(match_end("\\x{AC00}-?", "\xEA\xB0\x80-"), 4);
}

static void mistakes_in_patterns(void) {
  static const char *const wrong[] = {"(a", "a)", "[a", "\\p{X}", "\\q", "a{", "[\\s-z", "\\x{}"};
  ink_pattern pattern;
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0] - 1; i++) {
    CHECK_STATUS(ink_pattern_create(&pattern, &allocator, wrong[i], NULL),
                 INK_ERR_UNSUPPORTED_TOKENIZER);
  }
}

/* ---- Rules ---- */

static ink_vocab borders;

static void load_borders(void) {
  size_t len;
  uint8_t *bytes = read_file("vocab/bpe-borders.gguf", &len);
  ink_gguf gguf;
  bool complete;
  ink_error error = {0};
  CHECK_STATUS(ink_gguf_parse(&gguf, &allocator, bytes, len, len, &complete, &error), INK_OK);
  CHECK_STATUS(ink_vocab_create(&borders, &allocator, &gguf, &error), INK_OK);
  ink_gguf_free(&gguf);
  free(bytes);
}

static void use_rule(const char *name, size_t len) {
  ink_error error = {0};
  ink_pretokenizer_free(&borders.pre, &allocator);
  CHECK_STATUS(ink_pretokenizer_create(&borders.pre, &allocator, (ink_str){name, len}, &error),
               INK_OK);
  if (error.code) printf("%s\n", error.message);
}

static size_t golden_string(golden *g, char *text, size_t capacity) {
  size_t len = (size_t)golden_next(g);
  CHECK(len <= capacity);
  for (size_t i = 0; i < len; i++) text[i % capacity] = (char)golden_next(g);
  return len;
}

static uint32_t tokenize_and_hash(const char *text, size_t len) {
  ink_token tokens[256];
  uint8_t bytes[4 * 256];
  size_t n;
  if (ink_vocab_tokenize(&borders, text, len, 0, tokens, 256, &n, NULL) != INK_OK) return 0;
  for (size_t i = 0; i < n; i++) {
    for (int k = 0; k < 4; k++) bytes[4 * i + (size_t)k] = (uint8_t)((uint32_t)tokens[i] >> 8 * k);
  }
  return (uint32_t)ink_hash(bytes, 4 * n);
}

static void rules(void) {
  enum { MAX_TEXTS = 200, MAX_BYTES = 128 };
  static char texts[MAX_TEXTS][MAX_BYTES];
  size_t lens[MAX_TEXTS];
  golden g = golden_open("golden/bpe-rules.txt");
  size_t n_texts = (size_t)golden_next(&g);
  CHECK(n_texts > 0 && n_texts <= MAX_TEXTS);
  for (size_t i = 0; i < n_texts; i++) lens[i] = golden_string(&g, texts[i], MAX_BYTES);
  size_t n_rules = (size_t)golden_next(&g);
  CHECK(n_rules >= 30);
  for (size_t r = 0; r < n_rules; r++) {
    char name[MAX_BYTES];
    size_t len = golden_string(&g, name, MAX_BYTES);
    use_rule(name, len);
    int wrong = 0;
    for (size_t i = 0; i < n_texts; i++) {
      if (tokenize_and_hash(texts[i], lens[i]) == (uint32_t)golden_next(&g)) continue;
      if (wrong++ == 0) printf("%.*s: '%.*s'\n", (int)len, name, (int)lens[i], texts[i]);
    }
    CHECK_EQ(wrong, 0);
  }
  golden_close(&g);
}

/* Words together are the text, whatever the rule: also those without a reference. */
static void check_words(const char *text, size_t len) {
  ink_word_cursor cursor = ink_words(&borders.pre, text, len);
  size_t start, end, at = 0;
  while (ink_next_word(&cursor, &start, &end)) {
    if (start != at || end <= start || end > len) break;
    at = end;
  }
  CHECK_EQ(at, len);
}

static void every_name(void) {
  static const char text[] = "It's 12345678 \xEA\xB0\x80\xEB\x82\x98 \xE6\xBC\xA2\xE5\xAD\x97 "
                             "<a1b> \xC2\xBD\xC2\xB2 caf\xC3\xA9\n\n  x \xF0\x9F\x98\x80  ";
  size_t n_names = 0;
  for (size_t i = 0; i < ink_n_pretokenizer_rules; i++) {
    const char *at = ink_pretokenizer_rules[i].names;
    while (*at) {
      size_t len = strcspn(at, " ");
      use_rule(at, len);
      CHECK(borders.pre.rule == &ink_pretokenizer_rules[i]); /* no name is there twice */
      check_words(text, sizeof text - 1);
      check_words("", 0);
      at += len + (at[len] == ' ');
      n_names++;
    }
  }
  CHECK(n_names >= 80);
  ink_pretokenizer pre;
  CHECK_STATUS(ink_pretokenizer_create(&pre, &allocator, (ink_str){"gpt-2 phi-2", 11}, NULL),
               INK_ERR_UNSUPPORTED_TOKENIZER);
  CHECK_STATUS(ink_pretokenizer_create(&pre, &allocator, (ink_str){"gpt", 3}, NULL),
               INK_ERR_UNSUPPORTED_TOKENIZER);
}

static void check_splits(const char *name, const char *text, const char *const *words) {
  use_rule(name, strlen(name));
  ink_word_cursor cursor = ink_words(&borders.pre, text, strlen(text));
  size_t start, end;
  while (ink_next_word(&cursor, &start, &end)) {
    CHECK(*words && end - start == strlen(*words) && memcmp(text + start, *words, end - start) == 0);
    words += *words != NULL;
  }
  CHECK(*words == NULL);
}

/* Rules that have no pattern to compare with. */
static void grouped_digits(void) {
  static const char *const afmoe[] = {"a", "12", "345", "678", " b", NULL};
  check_splits("afmoe", "a12345678 b", afmoe);
  static const char *const superbpe[] = {"a", "1", "234", "b ", "567", NULL};
  check_splits("superbpe", "a1234b 567", superbpe);
  static const char *const aya[] = {"1", "234", " x", "123", "4", "y", NULL};
  check_splits("tiny_aya", "1234 x1234y", aya);
}

/* ---- A list of letters ---- */

/* deepseek-llm's own, which the table says by categories. */
static void listed_letters(void) {
  static const uint32_t letters[][2] = {
      {0x41, 0x5A}, {0x61, 0x7A}, {0xB5, 0xB5}, {0xC0, 0xD6}, {0xD8, 0xF6}, {0xF8, 0x1BA},
      {0x1BC, 0x1BF}, {0x1C4, 0x293}, {0x295, 0x2AF}, {0x370, 0x373}, {0x376, 0x376},
      {0x377, 0x377}, {0x37B, 0x37D}, {0x37F, 0x37F}, {0x386, 0x386}, {0x388, 0x38A},
      {0x38C, 0x38C}, {0x38E, 0x3A1}, {0x3A3, 0x3F5}, {0x3F7, 0x481}, {0x48A, 0x52F},
      {0x531, 0x556}, {0x10A0, 0x10C5}, {0x13A0, 0x13F5}, {0x13F8, 0x13FD}, {0x1C90, 0x1CBA},
      {0x1CBD, 0x1CBF}, {0x1D00, 0x1D2B}, {0x1D6B, 0x1D77}, {0x1D79, 0x1D9A}, {0x1E00, 0x1F15},
      {0x1F18, 0x1F1D}, {0x1F20, 0x1F45}, {0x1F48, 0x1F4D}, {0x1F50, 0x1F57}, {0x1F59, 0x1F59},
      {0x1F5B, 0x1F5B}, {0x1F5D, 0x1F5D}, {0x1F5F, 0x1F7D}, {0x1F80, 0x1FB4}, {0x1FB6, 0x1FBC},
      {0x1FBE, 0x1FBE}, {0x1FC2, 0x1FC4}, {0x1FC6, 0x1FCC}, {0x1FD0, 0x1FD3}, {0x1FD6, 0x1FDB},
      {0x1FE0, 0x1FEC}, {0x1FF2, 0x1FF4}, {0x1FF6, 0x1FFC}, {0x2102, 0x2102}, {0x2107, 0x2107},
      {0x210A, 0x2113}, {0x2115, 0x2115}, {0x2119, 0x211D}, {0x2124, 0x2124}, {0x2126, 0x2126},
      {0x2128, 0x2128}, {0x212A, 0x212D}, {0x212F, 0x2134}, {0x2139, 0x2139}, {0x213C, 0x213F},
      {0x2145, 0x2149}, {0x214E, 0x214E}, {0x2183, 0x2183}, {0x2184, 0x2184}, {0x2C00, 0x2C7B},
      {0x2C7E, 0x2CE4}, {0x2CEB, 0x2CEE}, {0x2CF2, 0x2CF2}, {0x2CF3, 0x2CF3}, {0xA640, 0xA66D},
      {0xA680, 0xA69B}, {0xA722, 0xA76F}, {0xA771, 0xA787}, {0xA78B, 0xA78E}, {0xAB70, 0xABBF},
      {0xFB00, 0xFB06}, {0xFB13, 0xFB17}, {0xFF21, 0xFF3A}, {0xFF41, 0xFF5A}, {0x10400, 0x1044F},
      {0x104B0, 0x104D3}, {0x104D8, 0x104FB}, {0x10C80, 0x10CB2}, {0x10CC0, 0x10CF2},
      {0x118A0, 0x118DF}, {0x1E900, 0x1E943},
  };
  const ink_pretokenizer_rule *rule = ink_pretokenizer_rules;
  while (strcmp(rule->names, "deepseek-llm") != 0) rule++;
  ink_pattern pattern;
  CHECK_STATUS(ink_pattern_create(&pattern, &allocator, rule->splits[1], NULL), INK_OK);
  size_t next = 0;
  uint32_t n_wrong = 0;
  for (uint32_t code = 1; code < 0x110000; code++) {
    if (code >= 0xD800 && code < 0xE000) continue;
    while (next < sizeof letters / sizeof letters[0] && letters[next][1] < code) next++;
    bool listed = next < sizeof letters / sizeof letters[0] && letters[next][0] <= code;
    char text[4];
    ink_pattern_memory memory = {0};
    size_t len = ink_utf8_encode(code, text);
    size_t end = ink_pattern_match(&pattern, &memory, text, len, 0);
    n_wrong += (end == len) != listed;
  }
  CHECK_EQ(n_wrong, 0);
  CHECK_EQ(next, sizeof letters / sizeof letters[0]);
  ink_pattern_free(&pattern, &allocator);
}

/* ---- Long texts ---- */

/* Quadratic time would not end. */
static void long_runs(void) {
  static const char *const units[] = {"a", " ", "\n", "7", "!", "\xCC\x81", "\xEA\xB0\x80", " \n",
                                      "\xE3\x80\x80", "a1", "'s", "\xCC\x81\xCC\xA3"};
  static const char *const names[] = {"qwen2", "gpt-4o", "deepseek-llm", "falcon", "tiny_aya",
                                      "jais-2"};
  size_t len = 300000, n;
  char *text = malloc(len);
  ink_token *tokens = malloc((len + 2) * sizeof *tokens);
  for (size_t r = 0; r < sizeof names / sizeof names[0]; r++) {
    use_rule(names[r], strlen(names[r]));
    for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
      size_t unit = strlen(units[u]), used = len / unit * unit;
      for (size_t i = 0; i < used; i++) text[i] = units[u][i % unit];
      CHECK_STATUS(ink_vocab_tokenize(&borders, text, used, 0, tokens, len + 2, &n, NULL), INK_OK);
      CHECK(n > 0);
    }
  }
  free(text);
  free(tokens);
}

/* ---- Made-up clashes ---- */

/* Pairs that all want the same few slots: found by trying, refused before they cost much. */
static void clashing_merges(void) {
  ink_merge_table table, probe;
  CHECK_STATUS(ink_merge_table_create(&table, &allocator, 8000, NULL), INK_OK);
  CHECK_STATUS(ink_merge_table_create(&probe, &allocator, 8000, NULL), INK_OK);
  uint32_t state = 1, n = 0;
  bool accepted = true;
  for (uint32_t tries = 0; tries < 20000000 && accepted; tries++) {
    ink_merge merge = {(ink_token)next_random(&state), (ink_token)next_random(&state), 1, n};
    bool is_early = !ink_merge_table_add(&probe, merge);
    for (uint32_t i = 0; i < 64; i++) {
      is_early |= probe.slots[i].left >= 0;
      probe.slots[i].left = -1;
    }
    if (is_early) {
      accepted = ink_merge_table_add(&table, merge);
      n++;
    } else if (tries % 4000 == 3999) {
      for (uint32_t i = 0; i < probe.n_slots; i++) probe.slots[i].left = -1;
    }
  }
  CHECK(!accepted && n > 1000);
  ink_merge_table_free(&probe, &allocator);
  ink_merge_table_free(&table, &allocator);
}

static void many_strings(void) {
  enum { N = 50000 };
  static char bytes[N][8];
  static ink_str strings[N];
  ink_index index;
  for (uint32_t i = 0; i < N; i++) {
    snprintf(bytes[i], sizeof bytes[i], "%x", (unsigned)i);
    strings[i] = (ink_str){bytes[i], strlen(bytes[i])};
  }
  CHECK_STATUS(ink_index_create(&index, &allocator, N, strings, sizeof *strings, NULL), INK_OK);
  for (uint32_t i = 0; i < N; i++) CHECK_EQ(ink_index_add(&index, i), INK_INDEX_NONE);
  for (uint32_t i = 0; i < N; i++) CHECK_EQ(ink_index_find(&index, strings[i]), i);
  CHECK_EQ(ink_index_find(&index, (ink_str){"x", 1}), INK_INDEX_NONE);
  CHECK(!index.is_slow);
  ink_index_free(&index, &allocator);
}

int main(void) {
  allocator = ink_allocator_or_default(NULL);
  load_borders();
  RUN(patterns);
  RUN(mistakes_in_patterns);
  RUN(rules);
  RUN(every_name);
  RUN(grouped_digits);
  RUN(listed_letters);
  RUN(long_runs);
  RUN(clashing_merges);
  RUN(many_strings);
  ink_vocab_free(&borders);
  return check_result();
}
