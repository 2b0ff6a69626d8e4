/* Filters of numbers and texts. */
#include <math.h>
#include <string.h>

#include "base/decimal.h"
#include "base/print.h"
#include "base/utf8.h"
#include "text/jinja_format.h"
#include "text/json.h"
#include "text/unicode.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* ---- Numbers ---- */

static ink_value absolute(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  if (self.kind == INK_VALUE_FLOAT) return ink_float(fabs(self.as.number));
  if (ink_is_whole(self) && ink_whole(self) >= 0) return ink_int(ink_whole(self));
  return ink_jinja_negative(in, self);
}

/* The number that a string spells as Python's float() reads it. */
static bool parse_number(ink_jinja *in, ink_value text, double *out) {
  text = ink_strip_space(text, true, true);
  ink_value name = ink_jinja_change_case(in, text, INK_JINJA_LOWER);
  if (name.len > 0 && (name.as.text[0] == '-' || name.as.text[0] == '+'))
    name = ink_text(name.as.text + 1, name.len - 1);
  bool negative = text.len > 0 && text.as.text[0] == '-';
  if (ink_text_is(name, "nan")) {
    *out = (double)NAN;
  } else if (ink_text_is(name, "inf") || ink_text_is(name, "infinity")) {
    *out = negative ? -(double)INFINITY : (double)INFINITY;
  } else {
    return ink_decimal_parse(text.as.text, text.len, out);
  }
  return true;
}

static ink_value whole_part(ink_jinja *in, double number, const ink_value *otherwise) {
  if (!isfinite(number)) return otherwise ? *otherwise : ink_int(0);
  if (fabs(number) >= 0x1p63) return ink_jinja_fail(in, "a whole number needs more than 64 bits");
  return ink_int((int64_t)number);
}

/* [+-][0x]digits of the base; false when that is not all, or needs more than 64 bits. */
static bool parse_whole(ink_value text, int base, int64_t *out) {
  const char *at = text.as.text, *end = at + text.len;
  bool negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) at++;
  if (base == 16 && end - at > 2 && *at == '0' && (at[1] | 0x20) == 'x') at += 2;
  int64_t value = 0;
  if (at == end || base < 2 || base > 36) return false;
  for (; at < end; at++) {
    char c = *at, small = (char)(c | 0x20);
    int digit = c >= '0' && c <= '9'           ? c - '0'
                : small >= 'a' && small <= 'z' ? small - 'a' + 10
                                               : 36;
    if (digit >= base || value > (INT64_MAX - digit) / base) return false;
    value = value * base + digit;
  }
  *out = negative ? -value : value;
  return true;
}

static ink_value integer(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[2];
  if (!ink_jinja_bind(in, args, "default base", 0, given)) return self;
  int base = (int)ink_jinja_whole_of(in, given[1], 10);
  double number;
  if (ink_is_whole(self)) return ink_int(ink_whole(self));
  if (self.kind == INK_VALUE_BIG_INT) return self;
  if (self.kind == INK_VALUE_FLOAT) return whole_part(in, self.as.number, given[0]);
  if (self.kind == INK_VALUE_UNDEFINED) return ink_jinja_fail_undefined(in, self);
  if (self.kind == INK_VALUE_STRING) {
    int64_t value;
    if (parse_whole(ink_strip_space(self, true, true), base, &value)) return ink_int(value);
    if (parse_number(in, self, &number)) return whole_part(in, number, given[0]);
  }
  return given[0] ? *given[0] : ink_int(0);
}

static ink_value floating(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given;
  double number;
  if (!ink_jinja_bind(in, args, "default", 0, &given)) return self;
  if (ink_is_number(self)) return ink_float(ink_double(self));
  if (self.kind == INK_VALUE_UNDEFINED) return ink_jinja_fail_undefined(in, self);
  if (self.kind == INK_VALUE_STRING && parse_number(in, self, &number)) return ink_float(number);
  return given ? *given : ink_float(0.0);
}

/* To `digits` decimals by way of the decimal digits themselves, as Python does. */
static double round_decimal(double number, int digits) {
  if (!isfinite(number)) return number;
  if (digits < 0) {
    double unit = 1.0;
    for (; digits < 0; digits++) unit *= 10.0;
    return nearbyint(number / unit) * unit;
  }
  char text[640]; /* at most 309 and 300 digits */
  size_t len = ink_decimal_print(text, sizeof text, number, 'f', false, digits);
  double rounded = 0.0;
  ink_decimal_parse(text, len, &rounded);
  return signbit(number) ? -rounded : rounded;
}

static ink_value round_filter(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[2];
  if (!ink_jinja_bind(in, args, "precision method", 0, given)) return self;
  int64_t digits = ink_jinja_whole_of(in, given[0], 0);
  bool up = given[1] && ink_text_is(*given[1], "ceil"),
       down = given[1] && ink_text_is(*given[1], "floor");
  if (given[1] && !up && !down && !ink_text_is(*given[1], "common"))
    return ink_jinja_fail(in, "there is no such rounding");
  if (!ink_is_number(self)) return ink_jinja_fail(in, "a %s can't be rounded", ink_kind_name(self));
  if (digits > 300 || digits < -300) return self;
  if (up || down) {
    double unit = 1.0;
    for (int64_t i = digits < 0 ? -digits : digits; i > 0; i--) unit *= 10.0;
    double scaled = digits < 0 ? ink_double(self) / unit : ink_double(self) * unit;
    double rounded = up ? ceil(scaled) : floor(scaled);
    return ink_float(digits < 0 ? rounded * unit : rounded / unit);
  }
  if (self.kind != INK_VALUE_FLOAT && digits >= 0)
    return ink_is_whole(self) ? ink_int(ink_whole(self)) : self;
  double rounded = round_decimal(ink_double(self), (int)digits);
  return self.kind == INK_VALUE_FLOAT ? ink_float(rounded) : whole_part(in, rounded, NULL);
}

/* ---- Texts ---- */

static ink_value string(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return ink_to_text(in->task, self);
}
static ink_value lower(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return ink_jinja_change_case(in, ink_to_text(in->task, self), INK_JINJA_LOWER);
}
static ink_value upper(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return ink_jinja_change_case(in, ink_to_text(in->task, self), INK_JINJA_UPPER);
}
static ink_value capitalize(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return ink_jinja_change_case(in, ink_to_text(in->task, self), INK_JINJA_CAPITALIZE);
}

/* Unlike the method, words begin only after white space and one of -([{<. */
static ink_value title(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  ink_value text = ink_to_text(in->task, self);
  ink_task_buffer out = {0};
  for (uint32_t at = 0; at < text.len && ink_task_step(in->task, 1);) {
    uint32_t begin = at;
    for (; at < text.len; at++) {
      bool separates = strchr("-([{<", text.as.text[at]) && text.as.text[at];
      if (separates ||
          ink_strip_space(ink_text(text.as.text + at, text.len - at < 4 ? text.len - at : 4), true,
                          false)
                  .as.text != text.as.text + at) {
        break;
      }
      while (at + 1 < text.len && ((uint8_t)text.as.text[at + 1] & 0xC0) == 0x80) at++;
    }
    ink_value word = ink_text(text.as.text + begin, at - begin), first = ink_text_slice(word, 0, 1);
    ink_value others = ink_text(word.as.text + first.len, word.len - first.len);
    ink_put_text(in->task, &out, ink_jinja_change_case(in, first, INK_JINJA_UPPER));
    ink_put_text(in->task, &out, ink_jinja_change_case(in, others, INK_JINJA_LOWER));
    if (at < text.len) ink_task_buffer_put_char(in->task, &out, text.as.text[at++]);
  }
  return ink_task_buffer_value(&out);
}

static ink_value trim(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *characters;
  if (!ink_jinja_bind(in, args, "chars", 0, &characters)) return self;
  return ink_jinja_strip(in, ink_to_text(in->task, self), characters, true, true);
}

static ink_value replace(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[3];
  if (!ink_jinja_bind(in, args, "old new count", 2, given)) return self;
  ink_value from = ink_to_text(in->task, *given[0]), to = ink_to_text(in->task, *given[1]);
  return ink_jinja_replace(in, ink_to_text(in->task, self), from, to,
                           ink_jinja_whole_of(in, given[2], -1));
}

static ink_value indent(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[3];
  if (!ink_jinja_bind(in, args, "width first blank", 0, given)) return self;
  if (self.kind != INK_VALUE_STRING)
    return ink_jinja_fail(in, "a %s can't be indented", ink_kind_name(self));
  bool is_text = given[0] && given[0]->kind == INK_VALUE_STRING;
  ink_value width = is_text ? *given[0]
                            : ink_jinja_binary(in, '*', ink_text(" ", 1),
                                               ink_int(ink_jinja_whole_of(in, given[0], 4)));
  ink_value with_end = ink_concatenate(in->task, self, ink_text("\n", 1));
  ink_value lines = ink_jinja_split_lines(in, with_end);
  ink_task_buffer out = {0};
  for (uint32_t i = 0; lines.as.list && i < lines.as.list->n && ink_task_step(in->task, 1); i++) {
    ink_value line = lines.as.list->items[i];
    if (i > 0) ink_task_buffer_put_char(in->task, &out, '\n');
    bool indented =
        i == 0 ? ink_jinja_truth_of(given[1]) : line.len > 0 || ink_jinja_truth_of(given[2]);
    if (indented) ink_put_text(in->task, &out, width);
    ink_put_text(in->task, &out, line);
  }
  return ink_task_buffer_value(&out);
}

static ink_value escape(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  static const char *const entities[][2] = {
      {"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"'", "&#39;"}, {"\"", "&#34;"}};
  ink_value text = ink_to_text(in->task, self);
  (void)args;
  for (size_t i = 0; i < COUNT(entities); i++) {
    text = ink_jinja_replace(in, text, ink_text_z(entities[i][0]), ink_text_z(entities[i][1]), -1);
  }
  return text;
}

/* ---- Layout ---- */

static ink_value center(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *width;
  if (!ink_jinja_bind(in, args, "width", 0, &width)) return self;
  ink_value text = ink_to_text(in->task, self);
  ink_jinja_args method_args = {0};
  ink_jinja_push_arg(in, &method_args, ink_int(ink_jinja_whole_of(in, width, 80)));
  if (in->task->status != INK_OK) return self;
  return ink_jinja_find_method(text, ink_text_z("center"))->call(in, text, &method_args);
}

/* To `length` characters with `end`, when it is longer by more than `leeway`; at a space. */
static ink_value truncate_text(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[4];
  if (!ink_jinja_bind(in, args, "length killwords end leeway", 0, given)) return self;
  int64_t length = ink_jinja_whole_of(in, given[0], 255),
          leeway = ink_jinja_whole_of(in, given[3], 5);
  ink_value text = ink_jinja_string_of(in, &self),
            end = given[2] ? ink_jinja_string_of(in, given[2]) : ink_text("...", 3);
  int64_t keep = length - ink_text_length(end);
  if (keep < 0 || leeway < 0)
    return ink_jinja_fail(in, "truncate() to less than its end takes, or a leeway below 0");
  if (!ink_task_step(in->task, text.len / 16) || ink_text_length(text) <= length + leeway)
    return text;
  ink_value kept = ink_text_slice(text, 0, (uint32_t)keep);
  if (!ink_jinja_truth_of(given[1])) {
    for (uint32_t at = kept.len; at > 0; at--) {
      if (kept.as.text[at - 1] != ' ') continue;
      kept = ink_text(kept.as.text, at - 1);
      break;
    }
  }
  return ink_concatenate(in->task, kept, end);
}

/* Runs of letters, digits and underscores. */
static ink_value wordcount(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  ink_value text = ink_to_text(in->task, self);
  int64_t n = 0;
  bool inside = false;
  if (!ink_task_step(in->task, text.len)) return self;
  for (uint32_t at = 0; at < text.len;) {
    uint32_t c;
    at += (uint32_t)ink_utf8_decode(text.as.text + at, text.len - at, &c);
    bool is_word = c == '_' || ink_unicode_is(c, INK_MASK_L | INK_MASK_N);
    n += is_word && !inside;
    inside = is_word;
  }
  return ink_int(n);
}

static ink_value format(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  ink_list positional = args->items;
  ink_dict named = args->named;
  ink_value text = ink_to_text(in->task, self);
  if (positional.n > 0 && named.n > 0)
    return ink_jinja_fail(in, "format takes arguments with names or without, not both");
  if (named.n > 0)
    return ink_jinja_printf(in, text, (ink_value){.kind = INK_VALUE_DICT, .as.dict = &named});
  return ink_jinja_printf(in, text, (ink_value){.kind = INK_VALUE_TUPLE, .as.list = &positional});
}

static ink_value filesizeformat(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  static const char prefixes[] = "kMGTPEZY";
  const ink_value *binary;
  double size = ink_is_number(self) ? ink_double(self) : 0;
  if (!ink_jinja_bind(in, args, "binary", 0, &binary)) return self;
  if (!ink_is_number(self) && !(self.kind == INK_VALUE_STRING && parse_number(in, self, &size))) {
    return ink_jinja_fail(in, "a %s is no size", ink_kind_name(self));
  }
  bool is_binary = ink_jinja_truth_of(binary);
  double base = is_binary ? 1024 : 1000, unit = base;
  ink_task_buffer out = {0};
  if (size < base) {
    ink_put_text(in->task, &out, whole_part(in, size, NULL));
    ink_task_buffer_put_str(in->task, &out, size == 1.0 ? " Byte" : " Bytes");
    return ink_task_buffer_value(&out);
  }
  size_t i = 0;
  for (; prefixes[i + 1] && size >= unit * base; i++) unit *= base;
  ink_jinja_spec spec = {.fill = ink_text(" ", 1), .precision = 1, .type = 'f'};
  ink_jinja_put_decimal(in, &out, &spec, base * size / (unit * base));
  ink_task_buffer_put_char(in->task, &out, ' ');
  ink_task_buffer_put_char(in->task, &out, (char)(is_binary && i == 0 ? 'K' : prefixes[i]));
  ink_task_buffer_put_str(in->task, &out, is_binary ? "iB" : "B");
  return ink_task_buffer_value(&out);
}

/* ---- URLs and XML ---- */

static void put_url(ink_jinja *in, ink_task_buffer *out, ink_value value, bool in_query) {
  ink_value text = ink_to_text(in->task, value);
  for (uint32_t i = 0; i < text.len && ink_task_step(in->task, 1); i++) {
    char c = text.as.text[i], hex[4];
    bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                 (c && strchr("_.-~", c)) || (c == '/' && !in_query);
    ink_print(hex, sizeof hex, "%%%02X", (unsigned)(uint8_t)c);
    if (plain)
      ink_task_buffer_put_char(in->task, out, c);
    else
      ink_task_buffer_put_str(in->task, out, c == ' ' && in_query ? "+" : hex);
  }
}

/* A text; or a query of a dict's entries, or of pairs. */
static ink_value urlencode(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  ink_task_buffer out = {0};
  (void)args;
  bool is_query =
      self.kind == INK_VALUE_DICT || self.kind == INK_VALUE_UNDEFINED || ink_is_sequence(self);
  if (!is_query) put_url(in, &out, self, false);
  if (self.kind == INK_VALUE_DICT)
    self = ink_jinja_find_method(self, ink_text_z("items"))->call(in, self, &(ink_jinja_args){0});
  const ink_list *pairs = is_query ? ink_iterate(in->task, self) : NULL;
  for (uint32_t i = 0; pairs && i < pairs->n && ink_task_step(in->task, 1); i++) {
    const ink_list *pair = ink_iterate(in->task, pairs->items[i]);
    if (!pair || pair->n != 2) return ink_jinja_fail(in, "a query is made from pairs");
    if (i > 0) ink_task_buffer_put_char(in->task, &out, '&');
    put_url(in, &out, pair->items[0], true);
    ink_task_buffer_put_char(in->task, &out, '=');
    put_url(in, &out, pair->items[1], true);
  }
  return ink_task_buffer_value(&out);
}

static bool is_attribute_name(ink_value name) {
  for (uint32_t i = 0; i < name.len; i++) {
    char c = name.as.text[i];
    if ((c >= 9 && c <= 13) || c == ' ' || c == '/' || c == '>' || c == '=') return false;
  }
  return name.kind == INK_VALUE_STRING;
}

/* A dict's entries as XML attributes; those that are none or undefined are left out. */
static ink_value xmlattr(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *autospace;
  ink_task_buffer out = {0};
  if (!ink_jinja_bind(in, args, "autospace", 0, &autospace)) return self;
  if (self.kind != INK_VALUE_DICT)
    return ink_jinja_fail(in, "a %s has no attributes", ink_kind_name(self));
  for (uint32_t i = 0; i < self.as.dict->n && ink_task_step(in->task, 1); i++) {
    const ink_entry *entry = &self.as.dict->entries[i];
    if (entry->value.kind <= INK_VALUE_NONE) continue;
    if (!is_attribute_name(entry->key)) return ink_jinja_fail(in, "a key is no attribute's name");
    if (out.len > 0 || !autospace || ink_truth(*autospace))
      ink_task_buffer_put_char(in->task, &out, ' ');
    ink_put_text(in->task, &out, escape(in, entry->key, args));
    ink_task_buffer_put_str(in->task, &out, "=\"");
    ink_put_text(in->task, &out, escape(in, entry->value, args));
    ink_task_buffer_put_char(in->task, &out, '"');
  }
  return ink_task_buffer_value(&out);
}
/* ---- JSON ---- */

static void set_indent(ink_jinja *in, ink_json_style *style, ink_value indent) {
  if (indent.kind == INK_VALUE_NONE) return;
  style->lines = true;
  style->item_separator = ink_text(",", 1);
  style->indent = indent.kind == INK_VALUE_STRING
                      ? indent
                      : ink_jinja_binary(in, '*', ink_text(" ", 1),
                                         ink_int(ink_jinja_whole_of(in, &indent, 0)));
}

/* Hugging Face's: json.dumps() with ensure_ascii off. */
static ink_value tojson(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[4];
  if (!ink_jinja_bind(in, args, "ensure_ascii indent separators sort_keys", 0, given)) return self;
  ink_json_style style = ink_json_style_default();
  style.ensure_ascii = ink_jinja_truth_of(given[0]);
  style.sort_keys = ink_jinja_truth_of(given[3]);
  if (given[1]) set_indent(in, &style, *given[1]);
  if (given[2] && given[2]->kind != INK_VALUE_NONE) {
    const ink_list *separators = ink_iterate(in->task, *given[2]);
    if (!separators || separators->n != 2 || separators->items[0].kind != INK_VALUE_STRING ||
        separators->items[1].kind != INK_VALUE_STRING) {
      return ink_jinja_fail(in, "separators are two strings");
    }
    style.item_separator = separators->items[0];
    style.key_separator = separators->items[1];
  }
  ink_task_buffer out = {0};
  ink_json_put(in->task, &out, self, &style);
  return ink_task_buffer_value(&out);
}

INK_JINJA_NOT_SUPPORTED(striptags, "striptags")
INK_JINJA_NOT_SUPPORTED(urlize, "urlize")
INK_JINJA_NOT_SUPPORTED(wordwrap, "wordwrap")

static const ink_jinja_builtin filters[] = {
    {"abs", absolute},
    {"capitalize", capitalize},
    {"center", center},
    {"e", escape},
    {"escape", escape},
    {"filesizeformat", filesizeformat},
    {"float", floating},
    {"forceescape", escape},
    {"format", format},
    {"indent", indent},
    {"int", integer},
    {"lower", lower},
    {"replace", replace},
    {"round", round_filter},
    {"safe", string},
    {"string", string},
    {"striptags", striptags},
    {"title", title},
    {"tojson", tojson},
    {"trim", trim},
    {"truncate", truncate_text},
    {"upper", upper},
    {"urlencode", urlencode},
    {"urlize", urlize},
    {"wordcount", wordcount},
    {"wordwrap", wordwrap},
    {"xmlattr", xmlattr},
};

const ink_jinja_builtin *ink_jinja_find_text_filter(ink_value name) {
  return ink_jinja_find(filters, COUNT(filters), name);
}
