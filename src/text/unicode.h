/* Unicode 16.0.0: categories, case, normalisation. Tables: tools/unicode_tables.py. */
#ifndef INK_TEXT_UNICODE_H
#define INK_TEXT_UNICODE_H

#include "base/buffer.h"

/* General categories (Unicode 4.5). The numbers are the tables'. */
typedef enum ink_category {
  INK_CATEGORY_CN, INK_CATEGORY_CC, INK_CATEGORY_CF, INK_CATEGORY_CO, INK_CATEGORY_CS,
  INK_CATEGORY_LL, INK_CATEGORY_LM, INK_CATEGORY_LO, INK_CATEGORY_LT, INK_CATEGORY_LU,
  INK_CATEGORY_MC, INK_CATEGORY_ME, INK_CATEGORY_MN,
  INK_CATEGORY_ND, INK_CATEGORY_NL, INK_CATEGORY_NO,
  INK_CATEGORY_PC, INK_CATEGORY_PD, INK_CATEGORY_PE, INK_CATEGORY_PF, INK_CATEGORY_PI,
  INK_CATEGORY_PO, INK_CATEGORY_PS,
  INK_CATEGORY_SC, INK_CATEGORY_SK, INK_CATEGORY_SM, INK_CATEGORY_SO,
  INK_CATEGORY_ZL, INK_CATEGORY_ZP, INK_CATEGORY_ZS,
} ink_category;

/* Sets of categories are masks: ink_unicode_is(c, INK_MASK_L | INK_MASK_M). */
#define INK_MASK(category) (1u << INK_CATEGORY_##category)
#define INK_MASK_C (INK_MASK(CC) | INK_MASK(CF) | INK_MASK(CO) | INK_MASK(CS) | INK_MASK(CN))
#define INK_MASK_L (INK_MASK(LL) | INK_MASK(LM) | INK_MASK(LO) | INK_MASK(LT) | INK_MASK(LU))
#define INK_MASK_M (INK_MASK(MC) | INK_MASK(ME) | INK_MASK(MN))
#define INK_MASK_N (INK_MASK(ND) | INK_MASK(NL) | INK_MASK(NO))
#define INK_MASK_P                                                                                 \
  (INK_MASK(PC) | INK_MASK(PD) | INK_MASK(PE) | INK_MASK(PF) | INK_MASK(PI) | INK_MASK(PO) |       \
   INK_MASK(PS))
#define INK_MASK_S (INK_MASK(SC) | INK_MASK(SK) | INK_MASK(SM) | INK_MASK(SO))
#define INK_MASK_Z (INK_MASK(ZL) | INK_MASK(ZP) | INK_MASK(ZS))

/* Any number is fine; what is no code point is unassigned (Cn). */
ink_category ink_unicode_category(uint32_t code_point);

static inline bool ink_unicode_is(uint32_t code_point, uint32_t mask) {
  return mask >> ink_unicode_category(code_point) & 1u;
}

/* The property White_Space, which is also what \s means in the references' regexes. */
bool ink_unicode_is_space(uint32_t code_point);

/* The script property's Han (\p{Han}). */
bool ink_unicode_is_han(uint32_t code_point);

/* The same as *n_runs pairs of first and last. */
const uint32_t (*ink_unicode_han_runs(size_t *n_runs))[2];

/* Full case mapping of one character without regard to its neighbours, as Rust's
 * char::to_lowercase(): writes 1 to 3 code points and returns how many. */
size_t ink_unicode_lower(uint32_t code_point, uint32_t to[3]);
size_t ink_unicode_upper(uint32_t code_point, uint32_t to[3]);

/* Lower case of a character where it stands in a text: a capital sigma at a word's end becomes a
 * final one, as in Python's str.lower(). `rest` is the text after it; *after_cased is false at a
 * text's beginning, and kept up to date by calls for every character. A text takes linear time. */
size_t ink_unicode_lower_in_text(uint32_t code_point, const char *rest, size_t rest_len,
                                 bool *after_cased, uint32_t to[3]);
/* Full title case, and full case folding, as Python's str.title() and str.casefold(). */
size_t ink_unicode_title(uint32_t code_point, uint32_t to[3]);
size_t ink_unicode_fold(uint32_t code_point, uint32_t to[3]);

/* The properties Cased, Lowercase and Uppercase: more than the categories Ll, Lt and Lu. */
bool ink_unicode_is_cased(uint32_t code_point);
bool ink_unicode_is_lower(uint32_t code_point);
bool ink_unicode_is_upper(uint32_t code_point);

/* Canonical_Combining_Class: 0 for starters. */
uint8_t ink_unicode_combining_class(uint32_t code_point);

typedef enum ink_normal_form { INK_NFC, INK_NFD, INK_NFKC, INK_NFKD } ink_normal_form;

/* Appends the text in a normal form (Unicode Standard Annex 15). Takes time linear in `len`, and
 * scratch memory only for the longest sequence of characters that interact. */
ink_status ink_unicode_normalize(ink_normal_form form, const char *text, size_t len,
                                 ink_buffer *out, ink_error *error);

/* The length of the longest prefix that is certainly in the form and ends where what follows can't
 * change it: `len` when there is nothing to do. Fast. */
size_t ink_unicode_normal_prefix(ink_normal_form form, const char *text, size_t len);

#endif
