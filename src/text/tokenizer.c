#include "text/tokenizer.h"

#include <string.h>

#include "base/utf8.h"
#include "text/merge.h"

/* The longest special token that the text at `at` begins with, or -1. User-defined tokens are always
 * found, control tokens only when asked for. */
static ink_token special_at(const ink_vocab *vocab, const char *text, size_t len, size_t at,
                            bool parse_special) {
  if (!vocab->special_lead[(uint8_t)text[at]]) return -1;
  for (uint32_t i = 0; i < vocab->n_specials; i++) {
    ink_token token = vocab->specials[i];
    ink_str special = vocab->tokens[token];
    if (!parse_special && vocab->kinds[token] != INK_TOKEN_USER_DEFINED) continue;
    if (special.len <= len - at && memcmp(text + at, special.data, special.len) == 0) return token;
  }
  return -1;
}

static ink_status encode_bpe(ink_merger *merger, const char *text, size_t len, ink_token_list *out,
                             ink_error *error) {
  for (size_t at = 0; at < len;) {
    size_t end = ink_pretokenize_next(merger->vocab->pre, text, len, at);
    INK_TRY(ink_merger_encode(merger, text + at, end - at, out, error));
    at = end;
  }
  return INK_OK;
}

/* SentencePiece sees one long word, which begins with a space when `prefix`; U+2581 is a space. */
static ink_status encode_spm(ink_merger *merger, const char *text, size_t len, bool prefix,
                             ink_token_list *out, ink_error *error) {
  const ink_allocator *allocator = &merger->vocab->allocator;
  size_t size = len + 1, n = 0;
  char *copy;
  INK_TRY(ink_allocate(allocator, size, "tokenizing", &copy, error));
  if (prefix) copy[n++] = ' ';
  for (size_t i = 0; i < len;) {
    bool space = len - i >= 3 && memcmp(text + i, "\xE2\x96\x81", 3) == 0;
    copy[n++] = space ? ' ' : text[i];
    i += space ? 3 : 1;
  }
  ink_status status = ink_merger_encode(merger, copy, n, out, error);
  ink_release(allocator, copy, size);
  return status;
}

static ink_status encode(ink_merger *merger, const char *text, size_t len, uint32_t flags,
                         ink_token_list *out, ink_error *error) {
  const ink_vocab *vocab = merger->vocab;
  bool after_special = true; /* SentencePiece: the text's start and what follows a special token */
  size_t start = 0, at = 0;
  while (start < len) {
    ink_token special = -1;
    while (at < len && special < 0) {
      special = special_at(vocab, text, len, at, flags & INK_TOKENIZE_SPECIAL);
      if (special < 0) at++;
    }
    if (at > start && vocab->family == INK_VOCAB_BPE) {
      INK_TRY(encode_bpe(merger, text + start, at - start, out, error));
    } else if (at > start) {
      bool prefix = vocab->add_space_prefix && after_special;
      INK_TRY(encode_spm(merger, text + start, at - start, prefix, out, error));
      after_special = false;
    }
    if (special >= 0) {
      ink_token_list_push(out, special);
      after_special = true;
      at += vocab->tokens[special].len;
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
  ink_token_list list = {tokens, capacity, 0};
  ink_merger merger = {.vocab = vocab};
  bool wants_bos = (flags & INK_TOKENIZE_BOS) && vocab->add_bos;
  if (wants_bos && !(flags & INK_TOKENIZE_SPECIAL && begins_with(text, len, vocab->tokens[vocab->bos]))) {
    ink_token_list_push(&list, vocab->bos);
  }
  ink_status status = encode(&merger, text, len, flags, &list, error);
  ink_merger_free(&merger);
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
  bool drop_space = vocab->add_space_prefix; /* the one that encoding put first */
  for (size_t i = 0; i < n_tokens; i++) {
    if (tokens[i] < 0 || (uint32_t)tokens[i] >= vocab->n_tokens) {
      return ink_fail(error, INK_ERR_INVALID_ARGUMENT, "there is no token %d; the last is %u",
                      (int)tokens[i], (unsigned)vocab->n_tokens - 1);
    }
    ink_str piece = ink_vocab_text(vocab, tokens[i]);
    if (drop_space && piece.len > 0) {
      drop_space = false;
      if (piece.data[0] == ' ') piece = (ink_str){piece.data + 1, piece.len - 1};
    }
    if (*len + piece.len <= capacity) memcpy(text + *len, piece.data, piece.len);
    *len += piece.len;
  }
  return *len > capacity ? too_small(*len, capacity, error) : INK_OK;
}
