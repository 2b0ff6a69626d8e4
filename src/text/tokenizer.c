#include "text/tokenizer.h"

#include <string.h>

#include "base/utf8.h"
#include "text/sentencepiece.h"
#include "text/unicode.h"

/* The longest special token that the text at `at` begins with, or -1. User-defined tokens are always
 * found (in-text ones by their family), control tokens only when asked for. */
static ink_token special_at(const ink_vocab *vocab, const char *text, size_t len, size_t at,
                            bool parse_special) {
  if (!vocab->special_lead[(uint8_t)text[at]]) return -1;
  ink_prefix_walk walk = ink_prefix_start(text + at, len - at);
  int64_t found, longest = -1;
  while ((found = ink_prefix_next(&vocab->specials, &walk)) >= 0) {
    bool is_user_defined = vocab->kinds[found] == INK_TOKEN_USER_DEFINED;
    if (is_user_defined ? !ink_vocab_is_in_text(vocab, (uint32_t)found) : parse_special) {
      longest = found;
    }
  }
  return (ink_token)longest;
}

/* Where the text goes on after a special token that ends at `at`. */
static size_t after_special(const ink_vocab *vocab, ink_token special, const char *text, size_t len,
                            size_t at) {
  ink_str name = vocab->tokens[special];
  if (!vocab->strip_after_special || ink_str_is(name, "<s>") || ink_str_is(name, "<unk>") ||
      ink_str_is(name, "<|endoftext|>")) {
    return at;
  }
  uint32_t c;
  int n;
  while ((n = ink_utf8_decode(text + at, len - at, &c)) > 0 && ink_unicode_is_space(c)) {
    at += (size_t)n;
  }
  return at;
}

static ink_status encode(ink_encoder *encoder, const char *text, size_t len, bool parse_special,
                         ink_token_list *out, ink_error *error) {
  const ink_vocab *vocab = encoder->vocab;
  bool starts = true;
  size_t start = 0, at = 0;
  while (start < len) {
    ink_token special = -1;
    while (at < len && (special = special_at(vocab, text, len, at, parse_special)) < 0) at++;
    if (at > start) {
      INK_TRY(vocab->family->encode(encoder, text + start, at - start, starts, out, error));
      starts = false;
    }
    if (special >= 0) {
      ink_token_list_push(out, special);
      starts = true;
      at = after_special(vocab, special, text, len, at + vocab->tokens[special].len);
    }
    start = at;
  }
  return INK_OK;
}

static ink_status too_small(size_t needed, size_t capacity, ink_error *error) {
  return ink_fail(error, INK_ERR_BUFFER_TOO_SMALL, "a buffer for %llu is needed, not %llu",
                  (unsigned long long)needed, (unsigned long long)capacity);
}

static bool begins_with(const char *text, size_t len, ink_str beginning) {
  return len >= beginning.len && memcmp(text, beginning.data, beginning.len) == 0;
}

ink_status ink_vocab_tokenize(const ink_vocab *vocab, const char *text, size_t len, uint32_t flags,
                              ink_token *tokens, size_t capacity, size_t *n, ink_error *error) {
  *n = 0;
  size_t valid = ink_utf8_valid_prefix(text, len);
  if (valid != len) {
    return ink_fail(error, INK_ERR_INVALID_UTF8,
                    "the text is not UTF-8: byte %llu (0x%02X) does not belong to a character",
                    (unsigned long long)valid, (unsigned)(uint8_t)text[valid]);
  }
  const ink_allocator *allocator = &vocab->allocator;
  ink_token_list list = {tokens, capacity, 0};
  ink_buffer folded = {.allocator = allocator};
  ink_str input = {text, len};
  if (vocab->fold_space_marks) {
    INK_TRY(ink_sentencepiece_fold(text, len, &folded, &input, error));
  }
  ink_encoder encoder = {.vocab = vocab,
                         .merger = {.vocab = vocab},
                         .normal = {.allocator = allocator},
                         .scratch = {.allocator = allocator}};
  bool surround = flags & INK_TOKENIZE_BOS;
  bool has_bos = vocab->add_bos && (flags & INK_TOKENIZE_SPECIAL) &&
                 begins_with(text, len, vocab->tokens[vocab->bos]);
  if (surround && vocab->add_bos && !has_bos) ink_token_list_push(&list, vocab->bos);
  ink_status status =
      encode(&encoder, input.data, input.len, flags & INK_TOKENIZE_SPECIAL, &list, error);
  if (surround && vocab->last >= 0) ink_token_list_push(&list, vocab->last);
  ink_merger_free(&encoder.merger);
  ink_word_encoder_free(&encoder.words, vocab);
  ink_buffer_free(&encoder.normal);
  ink_buffer_free(&encoder.scratch);
  ink_buffer_free(&folded);
  *n = list.n;
  if (status == INK_OK && list.n > capacity) return too_small(list.n, capacity, error);
  return status;
}

ink_str ink_vocab_text(const ink_vocab *vocab, ink_token token) {
  uint8_t kind = vocab->kinds[token];
  if (kind == INK_TOKEN_CONTROL || kind == INK_TOKEN_UNKNOWN) return (ink_str){"", 0};
  return vocab->tokens[token];
}

ink_status ink_vocab_detokenize(const ink_vocab *vocab, const ink_token *tokens, size_t n_tokens,
                                char *text, size_t capacity, size_t *len, ink_error *error) {
  *len = 0;
  bool starts = true;
  for (size_t i = 0; i < n_tokens; i++) {
    if (tokens[i] < 0 || (uint32_t)tokens[i] >= vocab->n_tokens) {
      return ink_fail(error, INK_ERR_INVALID_ARGUMENT, "there is no token %d; the last is %u",
                      (int)tokens[i], (unsigned)vocab->n_tokens - 1);
    }
    ink_joint joint = vocab->family->join(vocab, tokens[i], &starts);
    size_t size = joint.text.len + joint.space;
    if (*len + size <= capacity) {
      if (joint.space) text[*len] = ' ';
      if (joint.text.len > 0) memcpy(text + *len + joint.space, joint.text.data, joint.text.len);
    }
    *len += size;
  }
  return *len > capacity ? too_small(*len, capacity, error) : INK_OK;
}
