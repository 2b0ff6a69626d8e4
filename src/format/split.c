#include "format/split.h"

ink_status ink_split_read(const ink_gguf *gguf, ink_split *split, ink_error *error) {
  INK_TRY(ink_gguf_get_u32(gguf, "split.count", 1, &split->count, error));
  INK_TRY(ink_gguf_get_u32(gguf, "split.no", 0, &split->number, error));
  INK_TRY(ink_gguf_get_u32(gguf, "split.tensors.count", 0, &split->n_tensors, error));
  if (split->count == 0) split->count = 1; /* as gguf-split leaves it after joining the parts */
  if (split->count > INK_MAX_PARTS_OF_MODEL || split->number >= split->count) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "the file says that it is part %llu of %u (split.no, split.count)",
                    (unsigned long long)split->number + 1, (unsigned)split->count);
  }
  if (split->count == 1) split->n_tensors = 0; /* nothing is missing */
  return INK_OK;
}

ink_status ink_split_check(const ink_split *first, const ink_split *part, uint32_t number,
                           ink_error *error) {
  if (part->count != first->count) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "part %u of %u is wanted, but the file is one of %u: a part of another model",
                    (unsigned)number + 1, (unsigned)first->count, (unsigned)part->count);
  }
  if (part->number != number) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "part %u of %u is wanted, but the file is part %u; give the parts in order",
                    (unsigned)number + 1, (unsigned)first->count, (unsigned)part->number + 1);
  }
  if (part->n_tensors != first->n_tensors) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "part %u belongs to a model of %u tensors, the first part to one of %u "
                    "(split.tensors.count): a part of another model",
                    (unsigned)number + 1, (unsigned)part->n_tensors, (unsigned)first->n_tensors);
  }
  return INK_OK;
}

ink_status ink_split_check_tensors(const ink_split *first, uint64_t n_tensors, ink_error *error) {
  if (first->n_tensors == 0 || first->n_tensors == n_tensors) return INK_OK;
  return ink_fail(error, INK_ERR_BAD_MODEL,
                  "the %u parts have %llu tensors, but split.tensors.count is %u",
                  (unsigned)first->count, (unsigned long long)n_tensors,
                  (unsigned)first->n_tensors);
}
