/* text: Unicode's categories, case mappings and normal forms, against checksums of what Python's
 * unicodedata answers (tools/unicode_tables.py). */
#include "base/utf8.h"
#include "check.h"
#include "fixtures.h"
#include "text/bert_classes.h"
#include "text/unicode.h"

static ink_allocator allocator;

static const char *const category_names[] = {
    "Cn", "Cc", "Cf", "Co", "Cs", "Ll", "Lm", "Lo", "Lt", "Lu", "Mc", "Me", "Mn", "Nd", "Nl",
    "No", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "Sc", "Sk", "Sm", "So", "Zl", "Zp", "Zs"};

static void add(uint64_t *sum, const char *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) *sum = (*sum ^ (uint8_t)bytes[i]) * 0x100000001B3ull;
  *sum *= 0x100000001B3ull; /* the zero byte */
}

static uint64_t next_sum(golden *g) {
  uint64_t high = (uint64_t)golden_next(g);
  return high << 32 | (uint64_t)golden_next(g);
}

#define SUM_START 0xCBF29CE484222325ull

static uint64_t sum_of_categories(void) {
  uint64_t sum = SUM_START;
  for (uint32_t c = 0; c < 0x110000; c++) {
    if (c >= 0xD800 && c < 0xE000) continue;
    add(&sum, category_names[ink_unicode_category(c)], 2);
  }
  return sum;
}

static void normalize(ink_normal_form form, const char *text, size_t len, ink_buffer *out) {
  out->len = 0;
  CHECK_STATUS(ink_unicode_normalize(form, text, len, out, NULL), INK_OK);
}

static uint64_t sum_of_characters(ink_normal_form form) {
  uint64_t sum = SUM_START;
  ink_buffer out = {.allocator = &allocator};
  for (uint32_t c = 0; c < 0x110000; c++) {
    if (c >= 0xD800 && c < 0xE000) continue;
    char text[4];
    size_t len = ink_utf8_encode(c, text);
    normalize(form, text, len, &out);
    add(&sum, out.data, out.len);
  }
  ink_buffer_free(&out);
  return sum;
}

/* The texts of samples() in tools/unicode_tables.py. */
static uint64_t sum_of_texts(ink_normal_form form) {
  static const uint32_t sampled[][2] = {
      {0x41, 0x5A},     {0x300, 0x362},     {0x1100, 0x11C2},  {0xAC00, 0xAC80},
      {0x1E00, 0x1FFF}, {0x591, 0x5C7},     {0x900, 0xDFF},    {0x3040, 0x30FF},
      {0xF900, 0xFFEF}, {0x11080, 0x11380}, {0x1D150, 0x1D1FF}};
  uint64_t sum = SUM_START;
  uint32_t state = 1;
  ink_buffer text = {.allocator = &allocator}, out = {.allocator = &allocator};
  for (int i = 0; i < 20000; i++) {
    uint32_t n = 1 + next_random(&state) % 12;
    text.len = 0;
    for (uint32_t k = 0; k < n; k++) {
      const uint32_t *range = sampled[next_random(&state) % 11];
      uint32_t c = range[0] + next_random(&state) % (range[1] - range[0] + 1);
      CHECK_STATUS(ink_buffer_append_code_point(&text, c, NULL), INK_OK);
    }
    normalize(form, text.data, text.len, &out);
    add(&sum, out.data, out.len);
    /* What is called normal is left alone, and a normal form is normal. */
    size_t prefix = ink_unicode_normal_prefix(form, text.data, text.len);
    CHECK(prefix <= out.len && memcmp(text.data, out.data, prefix) == 0);
    text.len = 0;
    CHECK_STATUS(ink_unicode_normalize(form, out.data, out.len, &text, NULL), INK_OK);
    CHECK(text.len == out.len && memcmp(text.data, out.data, out.len) == 0);
  }
  ink_buffer_free(&text);
  ink_buffer_free(&out);
  return sum;
}

static uint64_t sum_of_case(size_t (*map)(uint32_t, uint32_t *)) {
  uint64_t sum = SUM_START;
  for (uint32_t c = 0; c < 0x110000; c++) {
    if (c >= 0xD800 && c < 0xE000) continue;
    char text[12];
    size_t len = 0;
    uint32_t to[3];
    size_t n = map(c, to);
    for (size_t i = 0; i < n; i++) len += ink_utf8_encode(to[i], text + len);
    add(&sum, text, len);
  }
  return sum;
}

static void as_python_has_it(void) {
  golden g = golden_open("golden/unicode-checksums.txt");
  CHECK(next_sum(&g) == sum_of_categories());
  static const ink_normal_form forms[] = {INK_NFC, INK_NFD, INK_NFKC, INK_NFKD};
  for (size_t i = 0; i < 4; i++) {
    CHECK(next_sum(&g) == sum_of_characters(forms[i]));
    CHECK(next_sum(&g) == sum_of_texts(forms[i]));
  }
  CHECK(next_sum(&g) == sum_of_case(ink_unicode_lower));
  CHECK(next_sum(&g) == sum_of_case(ink_unicode_upper));
  golden_close(&g);
}

static void as_bert_has_it(void) {
  golden g = golden_open("golden/bert-checksum.txt");
  uint64_t sum = SUM_START;
  for (uint32_t c = 0; c < 0x110000; c++) sum = (sum ^ ink_bert_class_of(c)) * 0x100000001B3ull;
  CHECK(next_sum(&g) == sum);
  golden_close(&g);
}

static void sets(void) {
  CHECK(ink_unicode_is('a', INK_MASK_L) && !ink_unicode_is('1', INK_MASK_L));
  CHECK(ink_unicode_is(0xAC00, INK_MASK_L) && ink_unicode_is(0x0669, INK_MASK_N));
  CHECK(ink_unicode_is_space(0x3000) && ink_unicode_is_space(0x85) && ink_unicode_is_space(0x1680));
  CHECK(!ink_unicode_is_space(0x200B) && !ink_unicode_is_space(0x180E) && !ink_unicode_is_space(0x1F));
  CHECK(ink_unicode_is_han(0x4E00) && ink_unicode_is_han(0x323AF) && ink_unicode_is_han(0x3005));
  CHECK(!ink_unicode_is_han(0xAC00) && !ink_unicode_is_han(0x3042) && !ink_unicode_is_han('a'));
  CHECK_EQ(ink_unicode_category(0xFFFFFFFF), INK_CATEGORY_CN);
  CHECK_EQ(ink_unicode_category(0xE0001), INK_CATEGORY_CF);
  CHECK_EQ(ink_unicode_category(0x10FFFF), INK_CATEGORY_CN);
}

static void check_form(ink_normal_form form, const char *text, const char *expected) {
  ink_buffer out = {.allocator = &allocator};
  normalize(form, text, strlen(text), &out);
  CHECK(out.len == strlen(expected) && (out.len == 0 || memcmp(out.data, expected, out.len) == 0));
  ink_buffer_free(&out);
}

/* 한글 각, letter by letter. */
#define HANGEUL_IN_JAMO \
  "\xE1\x84\x92" \
  "\xE1\x85\xA1" \
  "\xE1\x86\xAB" \
  "\xE1\x84\x80" \
  "\xE1\x85\xB3" \
  "\xE1\x86\xAF" \
  "\x20" \
  "\xE1\x84\x80" \
  "\xE1\x85\xA1" \
  "\xE1\x86\xA8"

static void korean(void) {
  check_form(INK_NFD, "한글 각", HANGEUL_IN_JAMO);
  check_form(INK_NFC, HANGEUL_IN_JAMO, "한글 각");
  check_form(INK_NFC, "\xEA\xB0\x80\xE1\x86\xA8", "각"); /* a syllable and a final consonant */
  check_form(INK_NFC, "\xEA\xB0\x81\xE1\x86\xA8", "\xEA\xB0\x81\xE1\x86\xA8"); /* there is one already */
  check_form(INK_NFKC, "ﾡㄱ㈀㋀", "ᄀᄀ(ᄀ)1月");
  check_form(INK_NFC, "ㄱㅏ", "ㄱㅏ"); /* compatibility letters stay */
}

static void edges(void) {
  check_form(INK_NFC, "", "");
  check_form(INK_NFC, "e\xCC\x81", "\xC3\xA9");
  check_form(INK_NFC, "\xCC\x81x", "\xCC\x81x");
  check_form(INK_NFD, "\xCE\x90", "\xCE\xB9\xCC\x88\xCC\x81");
  check_form(INK_NFC, "a\xFFz\xCC\x81\xFF", "a\xFF\xC5\xBA\xFF"); /* bad bytes stay as they are */
  check_form(INK_NFC, "\xFF\xCC\x81", "\xFF\xCC\x81");
}

static void sigmas(void) {
  static const char *const pairs[][2] = {
      {"ΑΣ", "ας"}, {"ΑΣΑ", "ασα"}, {"Σ", "σ"}, {"ΑΣ.", "ας."}, {"ΑΣ'Β", "ασ'β"}, {"Α.Σ", "α.ς"}, {"İ", "i̇"}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    const char *text = pairs[i][0];
    char out[32];
    size_t n = 0, len = strlen(text);
    bool after_cased = false;
    for (size_t at = 0; at < len;) {
      uint32_t c, to[3];
      at += (size_t)ink_utf8_decode(text + at, len - at, &c);
      size_t n_to = ink_unicode_lower_in_text(c, text + at, len - at, &after_cased, to);
      for (size_t k = 0; k < n_to; k++) n += ink_utf8_encode(to[k], out + n);
    }
    CHECK(n == strlen(pairs[i][1]) && memcmp(out, pairs[i][1], n) == 0);
  }
}

/* A million marks whose classes fall and rise: quadratic time would not end. */
static void long_segments(void) {
  ink_buffer text = {.allocator = &allocator}, out = {.allocator = &allocator};
  for (int i = 0; i < 500000; i++) {
    CHECK_STATUS(ink_buffer_append(&text, i % 2 ? "\xCC\x81" : "\xCC\xA3", 2, NULL), INK_OK);
  }
  for (int form = INK_NFC; form <= INK_NFKD; form++) {
    normalize((ink_normal_form)form, text.data, text.len, &out);
    CHECK_EQ(out.len, text.len);
  }
  ink_buffer_free(&text);
  ink_buffer_free(&out);
}

int main(void) {
  allocator = ink_allocator_or_default(NULL);
  RUN(as_python_has_it);
  RUN(as_bert_has_it);
  RUN(sets);
  RUN(korean);
  RUN(edges);
  RUN(sigmas);
  RUN(long_segments);
  return check_result();
}
