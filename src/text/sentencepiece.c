#include "text/sentencepiece.h"

#include <string.h>

#include "base/utf8.h"

#define SPACE_MARK "\xE2\x96\x81" /* U+2581 */

static bool is_space_mark(const char *text, size_t len) {
  return len >= 3 && memcmp(text, SPACE_MARK, 3) == 0;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

ink_str ink_sentencepiece_spell(ink_str text, uint8_t kind) {
  char *out = (char *)(uintptr_t)text.data;
  size_t n = 0;
  if (kind == INK_TOKEN_BYTE) {
    bool is_byte = text.len == 6 && memcmp(out, "<0x", 3) == 0 && hex_digit(out[3]) >= 0 &&
                   hex_digit(out[4]) >= 0 && out[5] == '>';
    if (!is_byte) return text;
    out[0] = (char)(hex_digit(out[3]) * 16 + hex_digit(out[4]));
    return (ink_str){out, 1};
  }
  if (kind == INK_TOKEN_CONTROL || kind == INK_TOKEN_UNKNOWN) return text;
  for (size_t i = 0; i < text.len;) {
    bool space = is_space_mark(text.data + i, text.len - i);
    out[n++] = space ? ' ' : text.data[i];
    i += space ? 3 : 1;
  }
  return (ink_str){out, n};
}

ink_status ink_sentencepiece_read(ink_vocab *vocab, const ink_gguf *gguf, ink_error *error) {
  INK_TRY(ink_gguf_get_bool(gguf, "tokenizer.ggml.add_space_prefix", true,
                            &vocab->add_space_prefix, error));
  INK_TRY(ink_gguf_get_bool(gguf, "tokenizer.ggml.remove_extra_whitespaces", false,
                            &vocab->remove_extra_whitespaces, error));
  const ink_gguf_value *map = ink_gguf_find(gguf, "tokenizer.ggml.precompiled_charsmap");
  if (!map) return INK_OK;
  if (map->type != INK_GGUF_ARRAY ||
      (map->element_type != INK_GGUF_U8 && map->element_type != INK_GGUF_I8)) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "tokenizer.ggml.precompiled_charsmap is not an array of bytes");
  }
  return ink_charsmap_read(&vocab->charsmap, map->data, (size_t)map->count, error);
}

ink_status ink_sentencepiece_check_scores(const ink_vocab *vocab, ink_error *error) {
  if (!vocab->scores.data) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "a SentencePiece vocabulary needs a score for each token "
                    "(tokenizer.ggml.scores)");
  }
  for (uint32_t i = 0; i < vocab->n_tokens; i++) {
    float score = ink_gguf_element_f32(&vocab->scores, i);
    if (score >= -1e30f && score <= 1e30f) continue; /* their sums must be finite too */
    return ink_fail(error, INK_ERR_BAD_MODEL, "the score of token %u is not a number or too large",
                    (unsigned)i);
  }
  return INK_OK;
}

ink_token ink_sentencepiece_token_at(const ink_vocab *vocab, const char *text, size_t len,
                                     size_t at) {
  if (!vocab->special_lead[(uint8_t)text[at]]) return -1;
  ink_prefix_walk walk = ink_prefix_start(text + at, len - at);
  int64_t found, longest = -1;
  while ((found = ink_prefix_next(&vocab->specials, &walk)) >= 0) {
    if (ink_vocab_is_in_text(vocab, (uint32_t)found)) longest = found;
  }
  return (ink_token)longest;
}

/* What stands for the beginning of `text`, and in *used for how many of its bytes: a user-defined
 * token, a rule's right side, or one character. */
static ink_str normalize_prefix(const ink_vocab *vocab, const char *text, size_t len,
                                size_t *used) {
  ink_str result;
  ink_token token = ink_sentencepiece_token_at(vocab, text, len, 0);
  if (token >= 0) {
    result = vocab->tokens[token];
    *used = result.len; /* one with spaces is not known before spaces are */
    if (memchr(result.data, ' ', result.len) == NULL) return result;
  }
  *used = ink_charsmap_match(&vocab->charsmap, text, len, &result);
  if (*used > 0) return result;
  uint32_t code_point;
  int n = ink_utf8_decode(text, len, &code_point);
  *used = n > 0 ? (size_t)n : 1;
  return (ink_str){text, *used};
}

/* Appends with U+2581 as a space; the buffer has room. */
static void push(ink_buffer *out, ink_str text) {
  for (size_t i = 0; i < text.len;) {
    bool mark = is_space_mark(text.data + i, text.len - i);
    out->data[out->len++] = mark ? ' ' : text.data[i];
    i += mark ? 3 : 1;
  }
}

ink_status ink_sentencepiece_fold(const char *text, size_t len, ink_buffer *out, ink_str *folded,
                                  ink_error *error) {
  size_t at = 0;
  *folded = (ink_str){text, len};
  while (at < len && !is_space_mark(text + at, len - at)) at++;
  if (at == len) return INK_OK;
  out->len = 0;
  INK_TRY(ink_buffer_reserve(out, len, error));
  push(out, *folded);
  *folded = (ink_str){out->data, out->len};
  return INK_OK;
}

ink_status ink_sentencepiece_normalize(const ink_vocab *vocab, const char *text, size_t len,
                                       bool prefix, ink_buffer *out, ink_error *error) {
  bool trim = vocab->remove_extra_whitespaces;
  bool after_space = trim;
  size_t used, at = 0;
  out->len = 0;
  while (trim && at < len) {
    ink_str first = normalize_prefix(vocab, text + at, len - at, &used);
    if (first.len != 1 || first.data[0] != ' ') break;
    at += used;
  }
  if (at == len) return INK_OK;
  INK_TRY(ink_buffer_reserve(out, len - at + 1, error));
  if (prefix) out->data[out->len++] = ' ';
  for (; at < len; at += used) {
    ink_str piece = normalize_prefix(vocab, text + at, len - at, &used);
    while (after_space && piece.len > 0 && piece.data[0] == ' ') {
      piece = (ink_str){piece.data + 1, piece.len - 1};
    }
    if (piece.len == 0) continue;
    INK_TRY(ink_buffer_reserve(out, piece.len + (len - at), error));
    push(out, piece);
    after_space = trim && piece.data[piece.len - 1] == ' ';
  }
  while (trim && out->len > 0 && out->data[out->len - 1] == ' ') out->len--;
  return INK_OK;
}

void ink_sentencepiece_push_unknown(const ink_vocab *vocab, const char *text, size_t len,
                                    ink_token_list *out) {
  bool all_bytes = true;
  for (size_t i = 0; i < len; i++) all_bytes &= vocab->byte_tokens[(uint8_t)text[i]] >= 0;
  for (size_t i = 0; i < len && all_bytes; i++) {
    ink_token_list_push(out, vocab->byte_tokens[(uint8_t)text[i]]);
  }
  if (!all_bytes && vocab->unknown >= 0) ink_token_list_push(out, vocab->unknown);
}

ink_joint ink_sentencepiece_join(const ink_vocab *vocab, ink_token token, bool *starts) {
  ink_str text = ink_vocab_text(vocab, token);
  bool drops = vocab->add_space_prefix || vocab->remove_extra_whitespaces;
  if (*starts && text.len > 0) {
    bool space = text.data[0] == ' ' && vocab->kinds[token] != INK_TOKEN_BYTE;
    if (drops && space) text = (ink_str){text.data + 1, text.len - 1};
    /* A model that joins spaces drops all that come first. */
    *starts = vocab->remove_extra_whitespaces && text.len == 0;
  }
  return (ink_joint){false, text};
}
