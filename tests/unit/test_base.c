/* base: UTF-8, halves, elementary functions, the string index, sizes, SHA-256. */
#include "base/half.h"
#include "base/index.h"
#include "base/math.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "check.h"

static int decode(const char *text) {
  uint32_t ignored;
  return ink_utf8_decode(text, strlen(text), &ignored);
}

static void utf8_accepts_every_character(void) {
  for (uint32_t c = 1; c <= 0x10FFFF; c++) {
    char s[5] = {0};
    int n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (int i = n - 1; i > 0; i--) s[i] = (char)(0x80 | (c >> 6 * (n - 1 - i) & 0x3F));
    s[0] = (char)(n == 1 ? c : (0xF00u >> n & 0xFF) | c >> 6 * (n - 1));
    uint32_t decoded = 0;
    int got = ink_utf8_decode(s, (size_t)n, &decoded);
    bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    if (surrogate ? got >= 0 : got != n || decoded != c) CHECK_FAILED("a character was misread");
  }
  CHECK_EQ(decode("\xED\x95\x9C"), 3);
}

static void utf8_refuses_what_is_none(void) {
  CHECK_EQ(decode("\x80"), -1);
  CHECK_EQ(decode("\xC0\x80"), -1);
  CHECK_EQ(decode("\xE0\x80\x80"), -1);
  CHECK_EQ(decode("\xED\xA0\x80"), -1);
  CHECK_EQ(decode("\xF4\x90\x80\x80"), -1);
  CHECK_EQ(decode("\xFF"), -1);
  CHECK_EQ(decode("\xE2\x82" "A"), -2);
  CHECK_EQ(decode("\xF0\x9F\x98" "A"), -3);
  CHECK_EQ(decode("\xE2\x82"), 0);
  CHECK_EQ(ink_utf8_valid_prefix("ab\xFF" "c", 4), 2);
}

static float slow_half(uint16_t half) {
  int exponent = half >> 10 & 31;
  float fraction = (float)(half & 1023) / 1024.0f;
  float value = exponent ? ldexpf(1.0f + fraction, exponent - 15) : ldexpf(fraction, -14);
  return half & 0x8000 ? -value : value;
}

static void halves_round_trip(void) {
  for (uint32_t h = 0; h < 65536; h++) {
    if (!ink_f16_is_finite((uint16_t)h)) continue;
    float value = ink_f32_of_f16((uint16_t)h);
    if (value != slow_half((uint16_t)h)) CHECK_FAILED("a half was misread");
    if (ink_f16_of_f32(value) != h) CHECK_FAILED("a half did not round-trip");
  }
  CHECK_EQ(ink_f16_of_f32(1.0f + 0x1p-11f), 0x3C00); /* a tie goes to even */
  CHECK_EQ(ink_f16_of_f32(1.0f + 0x3p-11f), 0x3C02);
  CHECK_EQ(ink_f16_of_f32(1e9f), 0x7BFF);
  CHECK_EQ(ink_f16_of_f32(-1e9f), 0xFBFF);
  CHECK_EQ(ink_f16_of_f32(0x1p-24f), 1);
}

static void functions_agree_with_libm(void) {
  for (double x = -700.0; x < 700.0; x += 0.37) {
    CHECK(fabs(ink_exp(x) / exp(x) - 1.0) < 1e-14);
    double positive = exp(x / 3.0);
    CHECK(fabs(ink_log(positive) - log(positive)) <= 1e-14 * (1.0 + fabs(log(positive))));
  }
  for (double x = -5000.0; x < 5000.0; x += 0.731) {
    double s, c;
    ink_sincos(x, &s, &c);
    CHECK(fabs(s - sin(x)) < 1e-14 && fabs(c - cos(x)) < 1e-14);
  }
  CHECK(fabs(ink_pow(10000.0, -0.5) - 0.01) < 1e-16);
  CHECK(ink_exp(-1e9) == 0.0);
}

static void index_finds_strings(void) {
  const struct {
    ink_str text;
    int more;
  } words[] = {{{"a", 1}, 0}, {{"", 0}, 0}, {{"bc", 2}, 0}, {{"a", 1}, 0}, {{"한국어", 9}, 0}};
  ink_allocator allocator = ink_allocator_or_default(NULL);
  ink_index index;
  CHECK_STATUS(ink_index_create(&index, &allocator, 5, words, sizeof *words, NULL), INK_OK);
  CHECK_EQ(ink_index_add(&index, 0), INK_INDEX_NONE);
  CHECK_EQ(ink_index_add(&index, 1), INK_INDEX_NONE);
  CHECK_EQ(ink_index_add(&index, 3), 0);
  CHECK_EQ(ink_index_add(&index, 4), INK_INDEX_NONE);
  CHECK_EQ(ink_index_find(&index, words[4].text), 4);
  CHECK_EQ(ink_index_find(&index, words[1].text), 1);
  CHECK_EQ(ink_index_find(&index, words[2].text), INK_INDEX_NONE);
  ink_index_free(&index, &allocator);
}

static void sizes_do_not_wrap(void) {
  ink_arena arena = {NULL, 0};
  ink_carve(&arena, UINT64_MAX / 2, 16);
  CHECK(arena.used == UINT64_MAX);
  ink_carve(&arena, 1, 1);
  CHECK(arena.used == UINT64_MAX);
  ink_allocator allocator = ink_allocator_or_default(NULL);
  void *pointer;
  ink_error error;
  CHECK_STATUS(ink_allocate(&allocator, UINT64_MAX, "x", &pointer, &error),
               INK_ERR_OUT_OF_MEMORY);
  CHECK(!pointer);
}

static void check_digest(const ink_sha256 *hash, const char *expected) {
  ink_sha256 copy = *hash;
  uint8_t digest[32];
  char text[65];
  ink_sha256_finish(&copy, digest);
  for (int i = 0; i < 32; i++) snprintf(text + 2 * i, 3, "%02x", digest[i]);
  if (strcmp(text, expected) != 0) CHECK_FAILED("a digest is wrong");
}

/* Examples from FIPS 180-2, and one that covers every way to cut and to pad: the digest of the digests, as
 * Python's hashlib has it. */
static void sha256_digests(void) {
  ink_sha256 hash;
  ink_sha256_begin(&hash);
  check_digest(&hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  ink_sha256_update(&hash, (const uint8_t *)"abc", 3);
  check_digest(&hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  ink_sha256_begin(&hash);
  uint8_t thousand[1000];
  memset(thousand, 'a', sizeof thousand);
  for (int i = 0; i < 1000; i++) ink_sha256_update(&hash, thousand, sizeof thousand);
  check_digest(&hash, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  for (size_t n = 0; n < sizeof thousand; n++) thousand[n] = (uint8_t)n;
  ink_sha256_begin(&hash);
  for (size_t n = 0; n < 300; n++) {
    ink_sha256 whole, pieces;
    uint8_t digests[2][32];
    ink_sha256_begin(&whole);
    ink_sha256_update(&whole, thousand, n);
    ink_sha256_finish(&whole, digests[0]);
    ink_sha256_begin(&pieces);
    for (size_t done = 0, step; done < n; done += step) {
      step = 1 + (done * 7 + n) % 97 < n - done ? 1 + (done * 7 + n) % 97 : n - done;
      ink_sha256_update(&pieces, thousand + done, step);
    }
    ink_sha256_finish(&pieces, digests[1]);
    if (memcmp(digests[0], digests[1], 32) != 0) CHECK_FAILED("pieces give another digest");
    ink_sha256_update(&hash, digests[0], 32);
  }
  check_digest(&hash, "df90175783c44235cf6aefd935a2c2747f42399416d16789ece339f1fd26d835");
}

int main(void) {
  RUN(utf8_accepts_every_character);
  RUN(utf8_refuses_what_is_none);
  RUN(halves_round_trip);
  RUN(functions_agree_with_libm);
  RUN(index_finds_strings);
  RUN(sizes_do_not_wrap);
  RUN(sha256_digests);
  return check_result();
}
