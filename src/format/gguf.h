/* GGUF version 2 and 3: metadata and tensor descriptions.
 *
 *   | "GGUF" | version u32 | n_tensors u64 | n_kv u64 |
 *   n_kv times       | key string | value type u32 | value |
 *   n_tensors times  | name string | n_dims u32 | dims u64 x n_dims | type u32 | offset u64 |
 *   padding to general.alignment (default 32), then the tensors' data
 *
 * A string is a u64 length and as many bytes. An array is | element type u32 | count u64 | elements |.
 * (Source: the GGUF specification in ggml's docs.) */
#ifndef INK_FORMAT_GGUF_H
#define INK_FORMAT_GGUF_H

#include "base/index.h"
#include "base/memory.h"
#include "format/block.h"

typedef enum ink_gguf_type {
  INK_GGUF_U8 = 0,
  INK_GGUF_I8 = 1,
  INK_GGUF_U16 = 2,
  INK_GGUF_I16 = 3,
  INK_GGUF_U32 = 4,
  INK_GGUF_I32 = 5,
  INK_GGUF_F32 = 6,
  INK_GGUF_BOOL = 7,
  INK_GGUF_STRING = 8,
  INK_GGUF_ARRAY = 9,
  INK_GGUF_U64 = 10,
  INK_GGUF_I64 = 11,
  INK_GGUF_F64 = 12,
} ink_gguf_type;

typedef struct ink_gguf_value {
  ink_str key;           /* first: value_index finds it there */
  uint32_t type;         /* ink_gguf_type */
  uint32_t element_type; /* of an array */
  uint64_t count;        /* of an array's elements, else 1 */
  const uint8_t *data;   /* the value, or the array's first element; unaligned */
  size_t n_bytes;
} ink_gguf_value;

typedef struct ink_gguf_tensor {
  ink_str name;       /* first: tensor_index finds it there */
  uint32_t type;      /* ink_type; one that this engine reads */
  uint32_t n_dims;
  uint64_t dims[4];   /* dims[0]: columns, contiguous; unused ones are 1 */
  uint64_t offset;    /* in the file, from its first byte */
  uint64_t n_bytes;
} ink_gguf_tensor;

typedef struct ink_gguf {
  const uint8_t *bytes; /* the header; keys, values and names point into it */
  size_t n_bytes;
  uint32_t version;
  uint64_t data_offset; /* where tensor data begins */
  uint64_t data_end;    /* where the last tensor ends */
  size_t n_values;
  ink_gguf_value *values;
  size_t n_tensors;
  ink_gguf_tensor *tensors;
  ink_index value_index;
  ink_index tensor_index;
  ink_allocator allocator;
} ink_gguf;

/* Reads the header in `bytes`, which must outlive *gguf. file_size: 0 when not known.
 * *complete is false (with INK_OK and nothing allocated) when the header goes on past n_bytes. */
ink_status ink_gguf_parse(ink_gguf *gguf, const ink_allocator *allocator, const uint8_t *bytes,
                          size_t n_bytes, uint64_t file_size, bool *complete, ink_error *error);

/* The same for the keys and values alone: n_tensors is 0 whatever the file has, of whichever types. */
ink_status ink_gguf_parse_values(ink_gguf *gguf, const ink_allocator *allocator,
                                 const uint8_t *bytes, size_t n_bytes, uint64_t file_size,
                                 bool *complete, ink_error *error);
void ink_gguf_free(ink_gguf *gguf);

/* Forgets all but the tensors, whose names, one after the other, are copied to `names`: then the header
 * itself is not needed any more. */
size_t ink_gguf_name_bytes(const ink_gguf *gguf);
void ink_gguf_keep_tensors(ink_gguf *gguf, uint8_t *names);

/* The tensor's number, or INK_INDEX_NONE. */
uint32_t ink_gguf_find_tensor(const ink_gguf *gguf, const char *name);

/* Looks keys up. Each sets *out to `fallback`'s value when the key is absent, and fails with
 * INK_ERR_BAD_MODEL when the value has another type or does not fit. */
const ink_gguf_value *ink_gguf_find(const ink_gguf *gguf, const char *key);
ink_status ink_gguf_get_u32(const ink_gguf *gguf, const char *key, uint32_t fallback, uint32_t *out,
                            ink_error *error);
ink_status ink_gguf_get_f32(const ink_gguf *gguf, const char *key, float fallback, float *out,
                            ink_error *error);
ink_status ink_gguf_get_bool(const ink_gguf *gguf, const char *key, bool fallback, bool *out,
                             ink_error *error);
ink_status ink_gguf_get_str(const ink_gguf *gguf, const char *key, const char *fallback,
                            ink_str *out, ink_error *error);
/* *out is NULL when absent. */
ink_status ink_gguf_get_array(const ink_gguf *gguf, const char *key, uint32_t element_type,
                              const ink_gguf_value **out, ink_error *error);

/* Steps through an array of strings: *cursor starts as value->data. */
ink_str ink_gguf_next_string(const uint8_t **cursor);
/* Element i of an array of 32-bit numbers. */
int32_t ink_gguf_element_i32(const ink_gguf_value *array, size_t i);
float ink_gguf_element_f32(const ink_gguf_value *array, size_t i);

#endif
