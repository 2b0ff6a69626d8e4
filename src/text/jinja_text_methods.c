/* Methods of strings that ask for kinds of characters, change case, and lay out. */
#include <string.h>

#include "base/utf8.h"
#include "text/jinja_format.h"
#include "text/unicode.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* ---- Case ---- */

ink_value ink_jinja_change_case(ink_jinja *in, ink_value text, ink_jinja_case which) {
  ink_task_buffer out = {0};
  bool inside = false; /* of the text, or of a word */
  bool after_cased = false;
  if (!ink_task_step(in->task, text.len)) return text;
  for (uint32_t at = 0; at < text.len;) {
    uint32_t c, to[3], lower[3];
    at += (uint32_t)ink_utf8_decode(text.as.text + at, text.len - at, &c);
    size_t n_lower =
        ink_unicode_lower_in_text(c, text.as.text + at, text.len - at, &after_cased, lower);
    bool begins = (which == INK_JINJA_CAPITALIZE || which == INK_JINJA_TITLE) && !inside;
    bool upper = which == INK_JINJA_UPPER || (which == INK_JINJA_SWAP && ink_unicode_is_lower(c));
    bool stays = which == INK_JINJA_SWAP && !upper && !ink_unicode_is_upper(c);
    inside = which == INK_JINJA_CAPITALIZE || ink_unicode_is_cased(c);
    size_t n = begins                    ? ink_unicode_title(c, to)
               : which == INK_JINJA_FOLD ? ink_unicode_fold(c, to)
                                         : ink_unicode_upper(c, to);
    const uint32_t *put = begins || upper || which == INK_JINJA_FOLD ? to : stays ? &c : lower;
    if (put == lower) n = n_lower;
    if (put == &c) n = 1;
    for (size_t i = 0; i < n; i++) ink_task_buffer_put_code_point(in->task, &out, put[i]);
  }
  return ink_task_buffer_value(&out);
}

static ink_value lower(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return ink_jinja_change_case(in, self, INK_JINJA_LOWER);
}
static ink_value upper(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return ink_jinja_change_case(in, self, INK_JINJA_UPPER);
}
static ink_value capitalize(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return ink_jinja_change_case(in, self, INK_JINJA_CAPITALIZE);
}
static ink_value title(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return ink_jinja_change_case(in, self, INK_JINJA_TITLE);
}

static ink_value swapcase(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return ink_jinja_change_case(in, self, INK_JINJA_SWAP);
}
static ink_value casefold(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return ink_jinja_change_case(in, self, INK_JINJA_FOLD);
}

/* ---- Kinds of characters ---- */

static bool is_ascii(uint32_t c) {
  return c < 0x80;
}
static bool is_decimal(uint32_t c) {
  return ink_unicode_is(c, INK_MASK(ND));
}
static bool is_printable(uint32_t c) {
  return c == ' ' || !ink_unicode_is(c, INK_MASK_C | INK_MASK_Z);
}

/* Decimal digits, and what is one in other shapes (UnicodeData.txt's digit values). */
static bool is_digit(uint32_t c) {
  static const uint32_t others[][2] = {
      {0xB2, 0xB3},       {0xB9, 0xB9},       {0x1369, 0x1371},   {0x19DA, 0x19DA},
      {0x2070, 0x2070},   {0x2074, 0x2079},   {0x2080, 0x2089},   {0x2460, 0x2468},
      {0x2474, 0x247C},   {0x2488, 0x2490},   {0x24EA, 0x24EA},   {0x24F5, 0x24FD},
      {0x24FF, 0x24FF},   {0x2776, 0x277E},   {0x2780, 0x2788},   {0x278A, 0x2792},
      {0x10A40, 0x10A43}, {0x10E60, 0x10E68}, {0x11052, 0x1105A}, {0x1F100, 0x1F10A}};
  for (size_t i = 0; i < COUNT(others); i++) {
    if (c >= others[i][0] && c <= others[i][1]) return true;
  }
  return is_decimal(c);
}

static bool is_letter(uint32_t c) {
  return ink_unicode_is(c, INK_MASK_L);
}
static bool is_letter_or_digit(uint32_t c) {
  return ink_unicode_is(c, INK_MASK_L | INK_MASK_N);
}

/* All characters are of a kind, and there is one. `cased`: only those that have case count. */
static ink_value all_are(ink_jinja *in, ink_value self, bool (*is)(uint32_t), bool cased) {
  bool any = false;
  if (!ink_task_step(in->task, self.len)) return self;
  for (uint32_t at = 0; at < self.len;) {
    uint32_t c;
    at += (uint32_t)ink_utf8_decode(self.as.text + at, self.len - at, &c);
    if (cased && !ink_unicode_is_cased(c)) continue;
    if (!is(c)) return ink_bool(false);
    any = true;
  }
  return ink_bool(any);
}
static ink_value isascii_method(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return self.len == 0 ? ink_bool(true) : all_are(in, self, is_ascii, false);
}
static ink_value isdecimal_method(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return all_are(in, self, is_decimal, false);
}
static ink_value isprintable_method(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return self.len == 0 ? ink_bool(true) : all_are(in, self, is_printable, false);
}
static ink_value isdigit_method(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return all_are(in, self, is_digit, false);
}
static ink_value isalpha_method(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return all_are(in, self, is_letter, false);
}
static ink_value isalnum_method(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return all_are(in, self, is_letter_or_digit, false);
}
static ink_value isspace_method(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return all_are(in, self, ink_is_space, false);
}
static ink_value islower_method(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return all_are(in, self, ink_unicode_is_lower, true);
}
static ink_value isupper_method(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return all_are(in, self, ink_unicode_is_upper, true);
}

/* Words begin in upper or title case, go on in lower case, and there is one. */
static ink_value istitle_method(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  bool any = false, inside = false;
  (void)args;
  if (!ink_task_step(in->task, self.len)) return self;
  for (uint32_t at = 0; at < self.len;) {
    uint32_t c;
    at += (uint32_t)ink_utf8_decode(self.as.text + at, self.len - at, &c);
    bool begins = ink_unicode_is_upper(c) || ink_unicode_is(c, INK_MASK(LT));
    if (begins ? inside : ink_unicode_is_lower(c) && !inside) return ink_bool(false);
    inside = begins || ink_unicode_is_lower(c);
    any |= inside;
  }
  return ink_bool(any);
}

/* ---- Layout ---- */

/* How many characters a width asks for beside those of `self`; not sensible ones are a failure. */
static int64_t missing(ink_jinja *in, ink_value self, const ink_value *width) {
  int64_t wanted = ink_jinja_whole_of(in, width, 0);
  if (!ink_task_step(in->task, 1 + self.len / 16)) return 0;
  if (wanted > INK_JINJA_MAX_WIDTH)
    ink_jinja_fail(in, "a width is at most %d", (int)INK_JINJA_MAX_WIDTH);
  int64_t more = wanted - ink_text_length(self);
  return in->task->status == INK_OK && more > 0 ? more : 0;
}

static ink_value padded(ink_jinja *in, ink_value text, ink_value fill, int64_t before,
                        int64_t after) {
  ink_task_buffer out = {0};
  for (int64_t i = 0; i < before; i++) ink_put_text(in->task, &out, fill);
  ink_put_text(in->task, &out, text);
  for (int64_t i = 0; i < after; i++) ink_put_text(in->task, &out, fill);
  return ink_task_buffer_value(&out);
}

typedef enum side { LEFT, RIGHT, CENTER } side;

static ink_value justify(ink_jinja *in, ink_value self, const ink_jinja_args *args, side where) {
  const ink_value *given[2];
  if (!ink_jinja_bind(in, args, "width fillchar", 1, given)) return self;
  ink_value fill = given[1] ? ink_jinja_string_of(in, given[1]) : ink_text(" ", 1);
  if (ink_text_length(fill) != 1)
    return ink_jinja_fail(in, "a string is filled up with one character");
  int64_t more = missing(in, self, given[0]);
  /* Python's center() puts the odd one left in odd widths, right in even ones. */
  int64_t before = where == LEFT    ? 0
                   : where == RIGHT ? more
                                    : more / 2 + (more & ink_whole(*given[0]) & 1);
  return padded(in, self, fill, before, more - before);
}
static ink_value ljust(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return justify(in, self, args, LEFT);
}
static ink_value rjust(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return justify(in, self, args, RIGHT);
}
static ink_value center(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return justify(in, self, args, CENTER);
}

static ink_value zfill(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *width;
  if (!ink_jinja_bind(in, args, "width", 1, &width)) return self;
  int64_t more = missing(in, self, width);
  bool is_signed = self.len > 0 && (self.as.text[0] == '+' || self.as.text[0] == '-');
  ink_value sign = ink_text(self.as.text, is_signed),
            digits = ink_text(self.as.text + is_signed, self.len - is_signed);
  return ink_concatenate(in->task, sign, padded(in, digits, ink_text("0", 1), more, 0));
}

static ink_value expandtabs(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given;
  ink_task_buffer out = {0};
  if (!ink_jinja_bind(in, args, "tabsize", 0, &given)) return self;
  int64_t size = ink_jinja_whole_of(in, given, 8), column = 0;
  if (size > INK_JINJA_MAX_WIDTH)
    return ink_jinja_fail(in, "a tab is at most %d wide", (int)INK_JINJA_MAX_WIDTH);
  for (uint32_t i = 0; i < self.len && ink_task_step(in->task, 1); i++) {
    char c = self.as.text[i];
    if (c == '\t') {
      int64_t n = size > 0 ? size - column % size : 0;
      column += n;
      for (; n > 0 && ink_task_step(in->task, 1); n--)
        ink_task_buffer_put_char(in->task, &out, ' ');
      continue;
    }
    ink_task_buffer_put_char(in->task, &out, c);
    column = c == '\n' || c == '\r' ? 0 : column + (((uint8_t)c & 0xC0) != 0x80);
  }
  return ink_task_buffer_value(&out);
}

static ink_value format(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return ink_jinja_format(in, self, &args->items, &args->named);
}

static ink_value format_map(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *mapping;
  if (!ink_jinja_bind(in, args, "mapping", 1, &mapping)) return self;
  if (mapping->kind != INK_VALUE_DICT)
    return ink_jinja_fail(in, "a dict is needed, not a %s", ink_kind_name(*mapping));
  return ink_jinja_format(in, self, &(ink_list){0}, mapping->as.dict);
}

INK_JINJA_NOT_SUPPORTED(encode, "encode")
INK_JINJA_NOT_SUPPORTED(isidentifier, "isidentifier")
INK_JINJA_NOT_SUPPORTED(isnumeric, "isnumeric")
INK_JINJA_NOT_SUPPORTED(maketrans, "maketrans")
INK_JINJA_NOT_SUPPORTED(translate, "translate")

static const ink_jinja_builtin methods[] = {
    {"capitalize", capitalize},
    {"casefold", casefold},
    {"center", center},
    {"encode", encode},
    {"expandtabs", expandtabs},
    {"format", format},
    {"format_map", format_map},
    {"isalnum", isalnum_method},
    {"isalpha", isalpha_method},
    {"isascii", isascii_method},
    {"isdecimal", isdecimal_method},
    {"isdigit", isdigit_method},
    {"isidentifier", isidentifier},
    {"islower", islower_method},
    {"isnumeric", isnumeric},
    {"isprintable", isprintable_method},
    {"isspace", isspace_method},
    {"istitle", istitle_method},
    {"isupper", isupper_method},
    {"ljust", ljust},
    {"lower", lower},
    {"maketrans", maketrans},
    {"rjust", rjust},
    {"swapcase", swapcase},
    {"title", title},
    {"translate", translate},
    {"upper", upper},
    {"zfill", zfill},
};

const ink_jinja_builtin *ink_jinja_find_text_method(ink_value name) {
  return ink_jinja_find(methods, COUNT(methods), name);
}
