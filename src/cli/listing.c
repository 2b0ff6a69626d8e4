#include "cli/listing.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "cli/json.h"

/* ---- Values ---- */

static const char *value_type_name(uint32_t type) {
  static const char *const names[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                      "bool", "string", "array", "u64", "i64", "f64"};
  return type < sizeof names / sizeof names[0] ? names[type] : "unknown";
}

static int64_t signed_value(const ink_gguf_value *value) {
  uint64_t bits = value->data[value->n_bytes - 1] & 0x80u ? UINT64_MAX : 0;
  for (size_t i = value->n_bytes; i-- > 0;) bits = bits << 8 | value->data[i];
  return (int64_t)bits;
}

static uint64_t unsigned_value(const ink_gguf_value *value) {
  uint64_t bits = 0;
  for (size_t i = value->n_bytes; i-- > 0;) bits = bits << 8 | value->data[i];
  return bits;
}

static double float_value(const ink_gguf_value *value) {
  float single;
  double number;
  if (value->type == INK_GGUF_F64) {
    memcpy(&number, value->data, sizeof number);
    return number;
  }
  memcpy(&single, value->data, sizeof single);
  return (double)single;
}

static ink_str string_value(const ink_gguf_value *value) {
  const uint8_t *cursor = value->data;
  return ink_gguf_next_string(&cursor);
}

/* Numbers and truth values are written the same in text and JSON. */
static void print_scalar(const ink_gguf_value *value) {
  switch (value->type) {
  case INK_GGUF_BOOL: fputs(value->data[0] ? "true" : "false", stdout); break;
  case INK_GGUF_I8:
  case INK_GGUF_I16:
  case INK_GGUF_I32:
  case INK_GGUF_I64: printf("%" PRId64, signed_value(value)); break;
  case INK_GGUF_F32:
  case INK_GGUF_F64: {
    double number = float_value(value);
    if (isfinite(number)) printf(value->type == INK_GGUF_F32 ? "%.9g" : "%.17g", number);
    else fputs("null", stdout); /* JSON has no other word for it */
    break;
  }
  default: printf("%" PRIu64, unsigned_value(value)); break;
  }
}

/* One line, cut where it gets long; what a terminal might act on is shown as '?'. */
static void print_line(ink_str text, size_t max) {
  size_t n = text.len < max ? text.len : max;
  n = ink_utf8_valid_prefix(text.data, n);
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)text.data[i];
    putchar(c < 0x20 || c == 0x7F ? '?' : c);
  }
  if (n < text.len) printf("... (%zu bytes)", text.len);
}

/* ---- Text ---- */

static void print_size(uint64_t bytes) {
  if (bytes < 1000000) printf("%.1f kB", (double)bytes / 1e3);
  else printf("%.1f MB", (double)bytes / 1e6);
}

void listing_print_summary(const gguf_file *file) {
  fputs("file          ", stdout);
  print_size(file->names.size);
  printf(" in %zu %s", file->names.n, file->names.n == 1 ? "file" : "files");
  const char *separator = ": ";
  for (uint32_t type = 0; type < INK_TYPE_END; type++) {
    size_t n = 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < gguf_file_n_tensors(file); i++) {
      gguf_part *part;
      const ink_gguf_tensor *tensor = gguf_file_tensor(file, i, &part);
      if (tensor->type != type) continue;
      n++;
      bytes += tensor->n_bytes;
    }
    if (n == 0) continue;
    printf("%s%zu %s (", separator, n, ink_type_name(type));
    print_size(bytes);
    putchar(')');
    separator = ", ";
  }
  putchar('\n');
}

void listing_print_metadata(const gguf_file *file) {
  const ink_gguf *gguf = &file->parts[0].stream.gguf;
  for (size_t i = 0; i < gguf->n_values; i++) {
    const ink_gguf_value *value = &gguf->values[i];
    print_line(value->key, 80);
    fputs(" = ", stdout);
    if (value->type == INK_GGUF_STRING) {
      print_line(string_value(value), 80);
    } else if (value->type == INK_GGUF_ARRAY) {
      printf("%" PRIu64 " x %s", value->count, value_type_name(value->element_type));
    } else {
      print_scalar(value);
    }
    putchar('\n');
  }
}

void listing_print_tensors(const gguf_file *file) {
  for (size_t i = 0; i < gguf_file_n_tensors(file); i++) {
    gguf_part *part;
    const ink_gguf_tensor *tensor = gguf_file_tensor(file, i, &part);
    char shape[64] = "";
    for (uint32_t d = 0; d < tensor->n_dims; d++) {
      size_t len = strlen(shape);
      snprintf(shape + len, sizeof shape - len, "%s%" PRIu64, d ? " x " : "", tensor->dims[d]);
    }
    printf("%5zu  %-20s %-7s %12" PRIu64 "  ", i, shape, ink_type_name(tensor->type),
           tensor->n_bytes);
    print_line(tensor->name, 80);
    putchar('\n');
  }
}

/* ---- JSON ---- */

static void print_metadata_json(const ink_gguf *gguf) {
  fputs("\"metadata\":{", stdout);
  for (size_t i = 0; i < gguf->n_values; i++) {
    const ink_gguf_value *value = &gguf->values[i];
    if (i > 0) putchar(',');
    json_string(value->key.data, value->key.len);
    putchar(':');
    if (value->type == INK_GGUF_STRING) {
      ink_str text = string_value(value);
      json_string(text.data, text.len);
    } else if (value->type == INK_GGUF_ARRAY) {
      printf("{\"type\":\"%s\",\"count\":%" PRIu64 "}", value_type_name(value->element_type),
             value->count);
    } else {
      print_scalar(value);
    }
  }
  putchar('}');
}

void listing_print_json(const gguf_file *file) {
  printf("\"file\":{\"parts\":%zu,\"bytes\":%" PRIu64 "},", file->names.n, file->names.size);
  print_metadata_json(&file->parts[0].stream.gguf);
  fputs(",\"tensors\":[", stdout);
  for (size_t i = 0; i < gguf_file_n_tensors(file); i++) {
    gguf_part *part;
    const ink_gguf_tensor *tensor = gguf_file_tensor(file, i, &part);
    fputs(i > 0 ? ",{\"name\":" : "{\"name\":", stdout);
    json_string(tensor->name.data, tensor->name.len);
    fputs(",\"shape\":[", stdout);
    for (uint32_t d = 0; d < tensor->n_dims; d++) {
      printf("%s%" PRIu64, d ? "," : "", tensor->dims[d]);
    }
    printf("],\"type\":\"%s\",\"bytes\":%" PRIu64, ink_type_name(tensor->type), tensor->n_bytes);
    printf(",\"part\":%zu,\"offset\":%" PRIu64 "}", (size_t)(part - file->parts) + 1,
           tensor->offset);
  }
  putchar(']');
}
