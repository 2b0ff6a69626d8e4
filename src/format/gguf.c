#include "format/gguf.h"

#include <string.h>

/* Far above any real model, far below what would take long or much memory to reject. */
#define MAX_VALUES 65536u
#define MAX_TENSORS 65536u
#define MAX_HEADER (1ull << 30)
#define MAX_DIMENSION (1ull << 31)

/* The cursor over the header. When it runs off the end, `short_of_bytes` is set and reading goes on
 * with zeros; the caller checks once per item. */
typedef struct reader {
  const uint8_t *bytes;
  size_t n_bytes;
  size_t at;
  uint64_t file_size; /* 0: not known; else at least n_bytes */
  bool short_of_bytes;
} reader;

static const uint8_t *take(reader *r, uint64_t n) {
  if (r->short_of_bytes || n > r->n_bytes - r->at) {
    r->short_of_bytes = true;
    return NULL;
  }
  const uint8_t *start = r->bytes + r->at;
  r->at += (size_t)n;
  return start;
}

static uint32_t load_u32(const uint8_t *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t load_u64(const uint8_t *p) { return load_u32(p) | (uint64_t)load_u32(p + 4) << 32; }

static uint32_t take_u32(reader *r) {
  const uint8_t *p = take(r, 4);
  return p ? load_u32(p) : 0;
}

static uint64_t take_u64(reader *r) {
  const uint8_t *p = take(r, 8);
  return p ? load_u64(p) : 0;
}

/* A length that claims more than the file can hold is refused now, not after waiting for it: as a
 * truncated file when a header of that size is possible, else as a corrupt one. */
static ink_status check_claim(const reader *r, uint64_t count, uint64_t size, const char *what,
                              ink_error *error) {
  if (r->short_of_bytes) return INK_OK;
  if (count > MAX_HEADER / size) {
    return ink_fail(error, INK_ERR_CORRUPT, "%s at byte %llu claims %llu entries, which is absurd",
                    what, (unsigned long long)r->at, (unsigned long long)count);
  }
  if (r->file_size && count * size > r->file_size - r->at) {
    return ink_fail(error, INK_ERR_TRUNCATED,
                    "%s at byte %llu has %llu entries, but the file ends at byte %llu; download it "
                    "again",
                    what, (unsigned long long)r->at, (unsigned long long)count,
                    (unsigned long long)r->file_size);
  }
  return INK_OK;
}

static ink_status take_string(reader *r, const char *what, ink_str *string, ink_error *error) {
  uint64_t len = take_u64(r);
  INK_TRY(check_claim(r, len, 1, what, error));
  *string = (ink_str){(const char *)take(r, len), (size_t)len};
  return INK_OK;
}

/* Bytes of a fixed-size value type, 0 for strings, arrays and unknown types. */
static size_t value_size(uint32_t type) {
  switch (type) {
  case INK_GGUF_U8:
  case INK_GGUF_I8:
  case INK_GGUF_BOOL: return 1;
  case INK_GGUF_U16:
  case INK_GGUF_I16: return 2;
  case INK_GGUF_U32:
  case INK_GGUF_I32:
  case INK_GGUF_F32: return 4;
  case INK_GGUF_U64:
  case INK_GGUF_I64:
  case INK_GGUF_F64: return 8;
  default: return 0;
  }
}

static ink_status take_elements(reader *r, ink_gguf_value *value, uint32_t type, ink_error *error) {
  size_t start = r->at;
  size_t size = value_size(type);
  value->data = r->short_of_bytes ? NULL : r->bytes + start;
  if (size) {
    INK_TRY(check_claim(r, value->count, size, "an array", error));
    take(r, value->count * size);
  } else if (type == INK_GGUF_STRING) {
    INK_TRY(check_claim(r, value->count, 8, "an array of strings", error));
    for (uint64_t i = 0; i < value->count && !r->short_of_bytes; i++) {
      ink_str ignored;
      INK_TRY(take_string(r, "a string", &ignored, error));
    }
  } else if (!r->short_of_bytes) {
    return ink_fail(error, INK_ERR_CORRUPT, "the value of '%.*s' has %s type %u at byte %llu",
                    INK_STR_ARGS(value->key),
                    type == INK_GGUF_ARRAY ? "a nested array, which GGUF models do not use: element"
                                           : "the unknown",
                    (unsigned)type, (unsigned long long)start);
  }
  value->n_bytes = r->at - start;
  return INK_OK;
}

static ink_status take_value(reader *r, ink_gguf_value *value, ink_error *error) {
  INK_TRY(take_string(r, "a metadata key", &value->key, error));
  value->type = take_u32(r);
  value->count = 1;
  if (value->type != INK_GGUF_ARRAY) return take_elements(r, value, value->type, error);
  value->element_type = take_u32(r);
  value->count = take_u64(r);
  return take_elements(r, value, value->element_type, error);
}

static ink_status tensor_size(ink_gguf_tensor *tensor, ink_error *error) {
  const ink_type_traits *traits = ink_type_get_traits(tensor->type);
  if (!traits) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_TYPE,
                    "tensor '%.*s' has block type %s (%u); this engine reads F32, F16, BF16, Q4_0, "
                    "Q4_1, Q5_0, Q5_1, Q8_0, Q2_K to Q6_K, IQ4_NL, IQ4_XS, MXFP4, TQ1_0 and TQ2_0",
                    INK_STR_ARGS(tensor->name), ink_type_name(tensor->type),
                    (unsigned)tensor->type);
  }
  uint64_t scalars = 1;
  for (uint32_t d = 0; d < 4; d++) {
    uint64_t dim = tensor->dims[d];
    if (dim == 0 || dim > MAX_DIMENSION || scalars > (1ull << 40) / dim) {
      return ink_fail(error, INK_ERR_CORRUPT, "tensor '%.*s' has an impossible dimension %llu",
                      INK_STR_ARGS(tensor->name), (unsigned long long)dim);
    }
    scalars *= dim;
  }
  if (tensor->dims[0] % traits->block_columns) {
    return ink_fail(error, INK_ERR_CORRUPT,
                    "tensor '%.*s' has %llu columns, which %s blocks of %u do not divide",
                    INK_STR_ARGS(tensor->name), (unsigned long long)tensor->dims[0], traits->name,
                    (unsigned)traits->block_columns);
  }
  tensor->n_bytes = scalars / traits->block_columns * traits->block_bytes;
  return INK_OK;
}

static ink_status take_tensor(reader *r, ink_gguf_tensor *tensor, ink_error *error) {
  INK_TRY(take_string(r, "a tensor's name", &tensor->name, error));
  tensor->n_dims = take_u32(r);
  if (!r->short_of_bytes && (tensor->n_dims < 1 || tensor->n_dims > 4)) {
    return ink_fail(error, INK_ERR_CORRUPT, "tensor '%.*s' has %u dimensions; 1 to 4 are possible",
                    INK_STR_ARGS(tensor->name), (unsigned)tensor->n_dims);
  }
  for (uint32_t d = 0; d < 4; d++) {
    tensor->dims[d] = d < tensor->n_dims && !r->short_of_bytes ? take_u64(r) : 1;
  }
  tensor->type = take_u32(r);
  tensor->offset = take_u64(r);
  return r->short_of_bytes ? INK_OK : tensor_size(tensor, error);
}

static ink_status index_names(ink_gguf *gguf, ink_error *error) {
  INK_TRY(ink_index_create(&gguf->value_index, &gguf->allocator, gguf->n_values, gguf->values,
                           sizeof *gguf->values, error));
  for (uint32_t i = 0; i < gguf->n_values; i++) {
    if (ink_index_add(&gguf->value_index, i) != INK_INDEX_NONE) {
      return ink_fail(error, INK_ERR_CORRUPT, "the metadata key '%.*s' occurs twice",
                      INK_STR_ARGS(gguf->values[i].key));
    }
  }
  INK_TRY(ink_index_create(&gguf->tensor_index, &gguf->allocator, gguf->n_tensors, gguf->tensors,
                           sizeof *gguf->tensors, error));
  for (uint32_t i = 0; i < gguf->n_tensors; i++) {
    if (ink_index_add(&gguf->tensor_index, i) != INK_INDEX_NONE) {
      return ink_fail(error, INK_ERR_CORRUPT, "the tensor name '%.*s' occurs twice",
                      INK_STR_ARGS(gguf->tensors[i].name));
    }
  }
  return INK_OK;
}

/* Turns the tensors' offsets into positions in the file and checks each against its size. That they
 * do not overlap is checked where they are put in order, by the stream. */
static ink_status place_tensors(ink_gguf *gguf, uint64_t header_end, uint64_t file_size,
                                ink_error *error) {
  uint32_t alignment;
  INK_TRY(ink_gguf_get_u32(gguf, "general.alignment", 32, &alignment, error));
  if (alignment < 8 || alignment > 65536 || (alignment & (alignment - 1))) {
    return ink_fail(error, INK_ERR_CORRUPT,
                    "general.alignment is %u; it must be a power of two from 8 to 65536",
                    (unsigned)alignment);
  }
  gguf->data_offset = (header_end + alignment - 1) / alignment * alignment;
  gguf->data_end = gguf->data_offset;
  for (size_t i = 0; i < gguf->n_tensors; i++) {
    ink_gguf_tensor *tensor = &gguf->tensors[i];
    if (tensor->offset % alignment || tensor->offset > UINT64_MAX / 2) {
      return ink_fail(error, INK_ERR_CORRUPT,
                      "tensor '%.*s' has offset %llu, which is not a multiple of %u",
                      INK_STR_ARGS(tensor->name), (unsigned long long)tensor->offset,
                      (unsigned)alignment);
    }
    tensor->offset += gguf->data_offset;
    uint64_t end = tensor->offset + tensor->n_bytes;
    if (end > gguf->data_end) gguf->data_end = end;
    if (file_size && end > file_size) {
      return ink_fail(error, INK_ERR_TRUNCATED,
                      "tensor '%.*s' ends at byte %llu, but the file has only %llu; download it "
                      "again",
                      INK_STR_ARGS(tensor->name), (unsigned long long)end,
                      (unsigned long long)file_size);
    }
  }
  return INK_OK;
}

static ink_status take_preamble(reader *r, ink_gguf *gguf, ink_error *error) {
  size_t have = r->n_bytes < 4 ? r->n_bytes : 4;
  if (memcmp(r->bytes, "GGUF", have) != 0) {
    return ink_fail(error, INK_ERR_NOT_GGUF,
                    "this is not a GGUF file: it does not begin with the letters GGUF");
  }
  take(r, 4);
  gguf->version = take_u32(r);
  if (!r->short_of_bytes && gguf->version != 2 && gguf->version != 3) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_VERSION,
                    gguf->version << 16 == 0 ? "this GGUF file is big-endian (version field %u)"
                                             : "GGUF version %u is not supported, only 2 and 3",
                    (unsigned)gguf->version);
  }
  uint64_t n_tensors = take_u64(r);
  uint64_t n_values = take_u64(r);
  if (n_tensors > MAX_TENSORS || n_values > MAX_VALUES) {
    return ink_fail(error, INK_ERR_CORRUPT, "%llu tensors and %llu metadata keys are too many",
                    (unsigned long long)n_tensors, (unsigned long long)n_values);
  }
  /* The smallest tensor description has 32 bytes, the smallest key and value 13. */
  INK_TRY(check_claim(r, n_tensors, 32, "the list of tensors", error));
  INK_TRY(check_claim(r, n_values, 13, "the metadata", error));
  gguf->n_tensors = (size_t)n_tensors;
  gguf->n_values = (size_t)n_values;
  return INK_OK;
}

static ink_status parse(reader *r, ink_gguf *gguf, bool values_only, uint64_t file_size,
                        ink_error *error) {
  INK_TRY(take_preamble(r, gguf, error));
  if (r->short_of_bytes) return INK_OK;
  if (values_only) gguf->n_tensors = 0;
  INK_TRY(ink_allocate(&gguf->allocator, gguf->n_values * sizeof *gguf->values, "metadata",
                       &gguf->values, error));
  INK_TRY(ink_allocate(&gguf->allocator, gguf->n_tensors * sizeof *gguf->tensors,
                       "tensor descriptions", &gguf->tensors, error));
  memset(gguf->values, 0, gguf->n_values * sizeof *gguf->values);
  memset(gguf->tensors, 0, gguf->n_tensors * sizeof *gguf->tensors);
  for (size_t i = 0; i < gguf->n_values && !r->short_of_bytes; i++) {
    INK_TRY(take_value(r, &gguf->values[i], error));
  }
  for (size_t i = 0; i < gguf->n_tensors && !r->short_of_bytes; i++) {
    INK_TRY(take_tensor(r, &gguf->tensors[i], error));
  }
  if (r->short_of_bytes) return INK_OK;
  INK_TRY(index_names(gguf, error));
  return place_tensors(gguf, r->at, file_size, error);
}

static ink_status parse_bytes(ink_gguf *gguf, const ink_allocator *allocator, const uint8_t *bytes,
                              size_t n_bytes, uint64_t file_size, bool values_only, bool *complete,
                              ink_error *error) {
  reader r = {bytes, n_bytes, 0, file_size, false};
  *gguf = (ink_gguf){.bytes = bytes, .n_bytes = n_bytes, .allocator = *allocator};
  ink_status status = parse(&r, gguf, values_only, file_size, error);
  *complete = status == INK_OK && !r.short_of_bytes;
  if (!*complete) ink_gguf_free(gguf);
  return status;
}

ink_status ink_gguf_parse(ink_gguf *gguf, const ink_allocator *allocator, const uint8_t *bytes,
                          size_t n_bytes, uint64_t file_size, bool *complete, ink_error *error) {
  return parse_bytes(gguf, allocator, bytes, n_bytes, file_size, false, complete, error);
}

ink_status ink_gguf_parse_values(ink_gguf *gguf, const ink_allocator *allocator,
                                 const uint8_t *bytes, size_t n_bytes, uint64_t file_size,
                                 bool *complete, ink_error *error) {
  return parse_bytes(gguf, allocator, bytes, n_bytes, file_size, true, complete, error);
}

static void free_values(ink_gguf *gguf) {
  ink_index_free(&gguf->value_index, &gguf->allocator);
  ink_release(&gguf->allocator, gguf->values, gguf->n_values * sizeof *gguf->values);
}

void ink_gguf_free(ink_gguf *gguf) {
  if (!gguf->allocator.release) return;
  free_values(gguf);
  ink_index_free(&gguf->tensor_index, &gguf->allocator);
  ink_release(&gguf->allocator, gguf->tensors, gguf->n_tensors * sizeof *gguf->tensors);
  *gguf = (ink_gguf){0};
}

size_t ink_gguf_name_bytes(const ink_gguf *gguf) {
  size_t n = 0;
  for (size_t i = 0; i < gguf->n_tensors; i++) n += gguf->tensors[i].name.len;
  return n;
}

void ink_gguf_keep_tensors(ink_gguf *gguf, uint8_t *names) {
  for (size_t i = 0; i < gguf->n_tensors; i++) {
    ink_str *name = &gguf->tensors[i].name;
    memcpy(names, name->data, name->len);
    name->data = (const char *)names;
    names += name->len;
  }
  free_values(gguf);
  gguf->value_index = (ink_index){0};
  gguf->values = NULL;
  gguf->n_values = 0;
  gguf->bytes = NULL;
  gguf->n_bytes = 0;
}

uint32_t ink_gguf_find_tensor(const ink_gguf *gguf, const char *name) {
  return ink_index_find(&gguf->tensor_index, (ink_str){name, strlen(name)});
}

const ink_gguf_value *ink_gguf_find(const ink_gguf *gguf, const char *key) {
  uint32_t i = ink_index_find(&gguf->value_index, (ink_str){key, strlen(key)});
  return i == INK_INDEX_NONE ? NULL : &gguf->values[i];
}

static ink_status wrong_type(const char *key, const char *wanted, ink_error *error) {
  return ink_fail(error, INK_ERR_BAD_MODEL, "the metadata key '%s' is not %s", key, wanted);
}

ink_status ink_gguf_get_u32(const ink_gguf *gguf, const char *key, uint32_t fallback, uint32_t *out,
                            ink_error *error) {
  *out = fallback;
  const ink_gguf_value *value = ink_gguf_find(gguf, key);
  if (!value) return INK_OK;
  uint64_t number = 0;
  bool negative = false;
  switch (value->type) {
  case INK_GGUF_I8:
  case INK_GGUF_I16:
  case INK_GGUF_I32:
  case INK_GGUF_I64: negative = value->data[value->n_bytes - 1] & 0x80u; /* fall through */
  case INK_GGUF_U8:
  case INK_GGUF_U16:
  case INK_GGUF_U32:
  case INK_GGUF_U64:
    for (size_t i = value->n_bytes; i-- > 0;) number = number << 8 | value->data[i];
    break;
  default: return wrong_type(key, "a whole number", error);
  }
  if (negative || number > UINT32_MAX) {
    return ink_fail(error, INK_ERR_BAD_MODEL, "the metadata key '%s' is out of range", key);
  }
  *out = (uint32_t)number;
  return INK_OK;
}

ink_status ink_gguf_get_f32(const ink_gguf *gguf, const char *key, float fallback, float *out,
                            ink_error *error) {
  *out = fallback;
  const ink_gguf_value *value = ink_gguf_find(gguf, key);
  if (!value) return INK_OK;
  if (value->type == INK_GGUF_F32) {
    memcpy(out, value->data, sizeof *out);
  } else if (value->type == INK_GGUF_F64) {
    double wide;
    memcpy(&wide, value->data, sizeof wide);
    *out = (float)wide;
  } else {
    return wrong_type(key, "a floating-point number", error);
  }
  return INK_OK;
}

ink_status ink_gguf_get_bool(const ink_gguf *gguf, const char *key, bool fallback, bool *out,
                             ink_error *error) {
  *out = fallback;
  const ink_gguf_value *value = ink_gguf_find(gguf, key);
  if (!value) return INK_OK;
  if (value->type != INK_GGUF_BOOL) return wrong_type(key, "true or false", error);
  *out = value->data[0] != 0;
  return INK_OK;
}

ink_status ink_gguf_get_str(const ink_gguf *gguf, const char *key, const char *fallback,
                            ink_str *out, ink_error *error) {
  *out = (ink_str){fallback, fallback ? strlen(fallback) : 0};
  const ink_gguf_value *value = ink_gguf_find(gguf, key);
  if (!value) return INK_OK;
  if (value->type != INK_GGUF_STRING) return wrong_type(key, "a string", error);
  const uint8_t *cursor = value->data;
  *out = ink_gguf_next_string(&cursor);
  return INK_OK;
}

ink_status ink_gguf_get_array(const ink_gguf *gguf, const char *key, uint32_t element_type,
                              const ink_gguf_value **out, ink_error *error) {
  *out = ink_gguf_find(gguf, key);
  if (*out && ((*out)->type != INK_GGUF_ARRAY || (*out)->element_type != element_type)) {
    return wrong_type(key, "an array of the expected kind", error);
  }
  return INK_OK;
}

ink_str ink_gguf_next_string(const uint8_t **cursor) {
  ink_str string = {(const char *)*cursor + 8, (size_t)load_u64(*cursor)};
  *cursor += 8 + string.len;
  return string;
}

int32_t ink_gguf_element_i32(const ink_gguf_value *array, size_t i) {
  return (int32_t)load_u32(array->data + 4 * i);
}

float ink_gguf_element_f32(const ink_gguf_value *array, size_t i) {
  float value;
  memcpy(&value, array->data + 4 * i, sizeof value);
  return value;
}
