#include "text/unicode.h"

#include "base/utf8.h"
#include "text/unicode_table.h"

/* ---- Categories ---- */

ink_category ink_unicode_category(uint32_t code_point) {
  return (ink_category)(ink_unicode_flags_of(code_point) & INK_UNICODE_CATEGORY);
}

bool ink_unicode_is_space(uint32_t c) {
  if (c < 0x85) return c == ' ' || (c >= '\t' && c <= '\r');
  return c == 0x85 || ink_unicode_is(c, INK_MASK_Z);
}

/* Scripts.txt. */
static const uint32_t han_runs[][2] = {
    {0x2E80, 0x2E99},   {0x2E9B, 0x2EF3},   {0x2F00, 0x2FD5},   {0x3005, 0x3005},
    {0x3007, 0x3007},   {0x3021, 0x3029},   {0x3038, 0x303B},   {0x3400, 0x4DBF},
    {0x4E00, 0x9FFF},   {0xF900, 0xFA6D},   {0xFA70, 0xFAD9},   {0x16FE2, 0x16FE3},
    {0x16FF0, 0x16FF1}, {0x20000, 0x2A6DF}, {0x2A700, 0x2B739}, {0x2B740, 0x2B81D},
    {0x2B820, 0x2CEA1}, {0x2CEB0, 0x2EBE0}, {0x2EBF0, 0x2EE5D}, {0x2F800, 0x2FA1D},
    {0x30000, 0x3134A}, {0x31350, 0x323AF}};

const uint32_t (*ink_unicode_han_runs(size_t *n_runs))[2] {
  *n_runs = sizeof han_runs / sizeof han_runs[0];
  return han_runs;
}

/* Whether one of the runs, which are in order, holds the character. */
static bool is_in_runs(uint32_t c, const uint32_t (*runs)[2], size_t n_runs) {
  for (size_t i = 0; i < n_runs && c >= runs[i][0]; i++) {
    if (c <= runs[i][1]) return true;
  }
  return false;
}

bool ink_unicode_is_han(uint32_t c) {
  return is_in_runs(c, han_runs, sizeof han_runs / sizeof han_runs[0]);
}

/* ---- Case ---- */

/* Of a character that is listed: where. */
static size_t find_listed(uint32_t c) {
  size_t low = 0, high = ink_unicode_n_listed;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (ink_unicode_listed[middle] <= c) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

static uint32_t add_in_plane(uint32_t c, uint16_t delta) {
  return (c & ~0xFFFFu) | ((c + delta) & 0xFFFFu);
}

size_t ink_unicode_lower(uint32_t c, uint32_t to[3]) {
  enum { CAPITAL_I_WITH_DOT = 0x130, DOT_ABOVE = 0x307 };
  uint8_t class = ink_unicode_class(c);
  to[0] = add_in_plane(c, ink_unicode_to_lower[class]);
  if (!(ink_unicode_flags[class] & INK_UNICODE_CASE_LISTED)) return 1;
  to[0] = ink_unicode_listed_lower[find_listed(c)];
  to[1] = DOT_ABOVE;
  return c == CAPITAL_I_WITH_DOT ? 2 : 1;
}

size_t ink_unicode_upper(uint32_t c, uint32_t to[3]) {
  uint8_t class = ink_unicode_class(c);
  to[0] = add_in_plane(c, ink_unicode_to_upper[class]);
  if (!(ink_unicode_flags[class] & INK_UNICODE_CASE_LISTED)) return 1;
  size_t i = find_listed(c);
  to[0] = ink_unicode_listed_upper_0[i];
  to[1] = ink_unicode_listed_upper_1[i];
  to[2] = ink_unicode_listed_upper_2[i];
  return to[2] ? 3 : to[1] ? 2 : 1;
}

/* The property Cased: case letters, and Other_Lowercase and Other_Uppercase (PropList.txt). */
bool ink_unicode_is_cased(uint32_t c) {
  static const uint32_t others[][2] = {
      {0xAA, 0xAA},       {0xBA, 0xBA},       {0x2B0, 0x2B8},     {0x2C0, 0x2C1},
      {0x2E0, 0x2E4},     {0x345, 0x345},     {0x37A, 0x37A},     {0x10FC, 0x10FC},
      {0x1D2C, 0x1D6A},   {0x1D78, 0x1D78},   {0x1D9B, 0x1DBF},   {0x2071, 0x2071},
      {0x207F, 0x207F},   {0x2090, 0x209C},   {0x2160, 0x217F},   {0x24B6, 0x24E9},
      {0x2C7C, 0x2C7D},   {0xA69C, 0xA69D},   {0xA770, 0xA770},   {0xA7F2, 0xA7F4},
      {0xA7F8, 0xA7F9},   {0xAB5C, 0xAB5F},   {0xAB69, 0xAB69},   {0x10780, 0x10780},
      {0x10783, 0x10785}, {0x10787, 0x107B0}, {0x107B2, 0x107BA}, {0x1E030, 0x1E06D},
      {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189}};
  if (ink_unicode_is(c, INK_MASK(LU) | INK_MASK(LL) | INK_MASK(LT))) return true;
  return is_in_runs(c, others, sizeof others / sizeof others[0]);
}

/* Case_Ignorable: marks, formats, modifiers, and the Word_Break classes MidLetter, MidNumLet and
 * Single_Quote (WordBreakProperty.txt). */
static bool is_case_ignorable(uint32_t c) {
  static const uint16_t inside_words[] = {'\'',   '.',    ':',    0xB7,   0x387,
                                          0x55F,  0x5F4,  0x2018, 0x2019, 0x2024,
                                          0x2027, 0xFE13, 0xFE52, 0xFE55, 0xFF07,
                                          0xFF0E, 0xFF1A};
  for (size_t i = 0; i < sizeof inside_words / sizeof inside_words[0]; i++) {
    if (c == inside_words[i]) return true;
  }
  return ink_unicode_is(c, INK_MASK(MN) | INK_MASK(ME) | INK_MASK(CF) | INK_MASK(LM) | INK_MASK(SK));
}

#define CAPITAL_SIGMA 0x3A3u
#define SMALL_SIGMA 0x3C3u
#define FINAL_SIGMA 0x3C2u

/* The next character that is not case-ignorable is cased. */
static bool cased_follows(const char *text, size_t len) {
  uint32_t c = 0;
  for (size_t at = 0; at < len;) {
    int n = ink_utf8_decode(text + at, len - at, &c);
    if (n <= 0) return false;
    if (!is_case_ignorable(c)) return ink_unicode_is_cased(c);
    at += (size_t)n;
  }
  return false;
}

size_t ink_unicode_lower_in_text(uint32_t c, const char *rest, size_t rest_len, bool *after_cased,
                                 uint32_t to[3]) {
  size_t n = ink_unicode_lower(c, to);
  /* Looking ahead ends at the next sigma at the latest, so all of it takes linear time. */
  if (c == CAPITAL_SIGMA && *after_cased) {
    to[0] = cased_follows(rest, rest_len) ? SMALL_SIGMA : FINAL_SIGMA;
  }
  if (!is_case_ignorable(c)) *after_cased = ink_unicode_is_cased(c);
  return n;
}

/* Other_Uppercase (PropList.txt). */
static bool is_other_upper(uint32_t c) {
  return (c >= 0x2160 && c <= 0x216F) || (c >= 0x24B6 && c <= 0x24CF) ||
         (c >= 0x1F130 && c <= 0x1F189);
}

bool ink_unicode_is_lower(uint32_t c) {
  return ink_unicode_is_cased(c) && !ink_unicode_is(c, INK_MASK(LU) | INK_MASK(LT)) &&
         !is_other_upper(c);
}

bool ink_unicode_is_upper(uint32_t c) {
  return ink_unicode_is(c, INK_MASK(LU)) || (ink_unicode_is_cased(c) && is_other_upper(c));
}

/* The character whose simple title case differs from its upper case, or 0 (UnicodeData.txt). */
static uint32_t special_title(uint32_t c) {
  if (c >= 0x1C4 && c <= 0x1CC) return c - (c - 0x1C4) % 3 + 1; /* two letters in one */
  if (c >= 0x1F1 && c <= 0x1F3) return 0x1F2;
  if ((c >= 0x10D0 && c <= 0x10FA) || (c >= 0x10FD && c <= 0x10FF)) return c; /* Georgian */
  if (c >= 0x1F80 && c <= 0x1FAF) return c | 8; /* Greek with an iota below */
  if (c == 0x1FB3 || c == 0x1FC3 || c == 0x1FF3) return c + 9;
  return c == 0x1FBC || c == 0x1FCC || c == 0x1FFC ? c : 0;
}

size_t ink_unicode_title(uint32_t c, uint32_t to[3]) {
  enum { N_APOSTROPHE = 0x149, IOTA = 0x399, IOTA_BELOW = 0x345 };
  uint32_t lowered[3];
  to[0] = special_title(c);
  if (to[0]) return 1;
  size_t n = ink_unicode_upper(c, to);
  /* Of several characters, only the first is upper case. */
  for (size_t i = 1; i < n && c != N_APOSTROPHE; i++) {
    if (to[i] == IOTA) to[i] = IOTA_BELOW;
    else if (ink_unicode_lower(to[i], lowered) == 1) to[i] = lowered[0];
  }
  return n;
}

/* The lower case of the upper case, but for some (CaseFolding.txt). */
size_t ink_unicode_fold(uint32_t c, uint32_t to[3]) {
  enum { DOTLESS_I = 0x131, CAPITAL_SHARP_S = 0x1E9E };
  bool is_cherokee = (c >= 0x13A0 && c <= 0x13FD) || (c >= 0xAB70 && c <= 0xABBF);
  uint32_t lowered[3] = {0};
  to[0] = c;
  if (c == DOTLESS_I) return 1;
  size_t n = ink_unicode_upper(c == CAPITAL_SHARP_S ? 0xDF : c, to);
  if (is_cherokee) return n;
  for (size_t i = 0; i < n; i++) {
    size_t n_lowered = ink_unicode_lower(to[i], lowered);
    to[i] = lowered[0];
    for (size_t k = 1; n == 1 && k < n_lowered; k++) to[n + k - 1] = lowered[k];
    if (n == 1) return n_lowered;
  }
  return n;
}
