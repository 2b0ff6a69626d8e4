/* Byte-level byte-pair encoding, as GPT-2's (Radford et al., 2019): its spelling of bytes, its
 * merges, and its words. */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "text/family.h"
#include "text/unicode.h"

/* GPT-2 spells byte b as character b where that is printable, else as the next free one from 256
 * on: the inverse of its bytes_to_unicode(). Returns -1 for a character that spells no byte. */
static int byte_of_character(uint32_t c) {
  if ((c >= '!' && c <= '~') || (c >= 0xA1 && c <= 0xAC) || (c >= 0xAE && c <= 0xFF)) return (int)c;
  if (c >= 0x100 && c <= 0x120) return (int)(c - 0x100);      /* 0x00 .. 0x20 */
  if (c >= 0x121 && c <= 0x142) return (int)(c - 0x121 + 0x7F); /* 0x7F .. 0xA0 */
  return c == 0x143 ? 0xAD : -1;
}

static ink_str decode_byte_level(ink_str text) {
  char *out = (char *)(uintptr_t)text.data;
  size_t n = 0;
  for (size_t i = 0; i < text.len;) {
    uint32_t c;
    int len = ink_utf8_decode(text.data + i, text.len - i, &c);
    int byte = len > 0 ? byte_of_character(c) : -1;
    if (byte >= 0) {
      out[n++] = (char)byte;
      i += (size_t)len;
    } else { /* not spelled by the rule: it stands for itself */
      size_t keep = len > 0 ? (size_t)len : 1;
      memmove(out + n, text.data + i, keep);
      n += keep;
      i += keep;
    }
  }
  return (ink_str){out, n};
}

static ink_str spell_bpe(ink_str text, uint8_t kind) {
  return kind == INK_TOKEN_NORMAL ? decode_byte_level(text) : text;
}

/* ---- Merges ---- */

static ink_status read_merge(ink_vocab *vocab, ink_str text, uint32_t rank, ink_error *error) {
  size_t space = 1; /* a token is never empty, and a space inside one is spelled otherwise */
  while (space < text.len && text.data[space] != ' ') space++;
  if (space + 1 < text.len) {
    ink_str left = decode_byte_level((ink_str){text.data, space});
    ink_str right = decode_byte_level((ink_str){text.data + space + 1, text.len - space - 1});
    char *both = (char *)(uintptr_t)text.data;
    uint32_t left_id = ink_index_find(&vocab->index, left);
    uint32_t right_id = ink_index_find(&vocab->index, right);
    memmove(both + left.len, right.data, right.len);
    uint32_t id = ink_index_find(&vocab->index, (ink_str){both, left.len + right.len});
    if (left_id != INK_INDEX_NONE && right_id != INK_INDEX_NONE && id != INK_INDEX_NONE) {
      ink_merge merge = {(ink_token)left_id, (ink_token)right_id, (ink_token)id, rank};
      if (ink_merge_table_add(&vocab->merges, merge)) return INK_OK;
      return ink_fail(error, INK_ERR_BAD_MODEL,
                      "the merges of tokenizer.ggml.merges are made to clash in a hash index");
    }
  }
  return ink_fail(error, INK_ERR_BAD_MODEL,
                  "merge %u of tokenizer.ggml.merges does not join two tokens to a third",
                  (unsigned)rank);
}

static ink_status read_merges(ink_vocab *vocab, const ink_gguf *gguf, ink_error *error) {
  const ink_gguf_value *merges;
  INK_TRY(ink_gguf_get_array(gguf, "tokenizer.ggml.merges", INK_GGUF_STRING, &merges, error));
  /* Ranks are compared as floats, which are exact up to there. */
  if (!merges || merges->count > 1u << 24) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    merges ? "tokenizer.ggml.merges has too many entries"
                           : "the model has no merges (tokenizer.ggml.merges)");
  }
  uint32_t n = (uint32_t)merges->count;
  INK_TRY(ink_merge_table_create(&vocab->merges, &vocab->allocator, n, error));
  const uint8_t *cursor = merges->data;
  for (uint32_t rank = 0; rank < n; rank++) {
    INK_TRY(read_merge(vocab, ink_gguf_next_string(&cursor), rank, error));
  }
  return INK_OK;
}

static ink_status read_bpe(ink_vocab *vocab, const ink_gguf *gguf, ink_error *error) {
  ink_str pre;
  INK_TRY(ink_gguf_get_str(gguf, "tokenizer.ggml.pre", "default", &pre, error));
  INK_TRY(ink_pretokenizer_create(&vocab->pre, &vocab->allocator, pre, error));
  snprintf(vocab->name, sizeof vocab->name, "gpt2/%.*s", INK_STR_ARGS(pre));
  INK_TRY(ink_vocab_index(vocab, error));
  ink_vocab_find_bytes(vocab, INK_TOKEN_NORMAL);
  INK_TRY(ink_gguf_get_bool(gguf, "tokenizer.ggml.add_space_prefix", false,
                            &vocab->add_space_prefix, error));
  return read_merges(vocab, gguf, error);
}

/* ---- Text to tokens and back ---- */

/* In the normal form that the model was trained on: the text itself where it is in it already. */
static ink_status normalize(ink_encoder *encoder, const char **text, size_t *len,
                            ink_error *error) {
  size_t normal = ink_unicode_normal_prefix(INK_NFC, *text, *len);
  if (normal == *len) return INK_OK;
  ink_buffer *buffer = &encoder->normal;
  buffer->len = 0;
  INK_TRY(ink_buffer_append(buffer, *text, normal, error));
  INK_TRY(ink_unicode_normalize(INK_NFC, *text + normal, *len - normal, buffer, error));
  *text = buffer->data;
  *len = buffer->len;
  return INK_OK;
}

static ink_status encode_bpe(ink_encoder *encoder, const char *text, size_t len, bool starts,
                             ink_token_list *out, ink_error *error) {
  (void)starts;
  const ink_pretokenizer *pre = &encoder->vocab->pre;
  if (pre->rule->nfc) INK_TRY(normalize(encoder, &text, &len, error));
  ink_word_encoder_prepare(&encoder->words, encoder->vocab, len);
  ink_word_cursor cursor = ink_words(pre, text, len);
  size_t start, end;
  while (ink_next_word(&cursor, &start, &end)) {
    INK_TRY(ink_word_encode(&encoder->words, &encoder->merger, text + start, end - start, out,
                            error));
  }
  return INK_OK;
}

static ink_joint join_bpe(const ink_vocab *vocab, ink_token token, bool *starts) {
  *starts = false;
  return (ink_joint){false, ink_vocab_text(vocab, token)};
}

const ink_family ink_family_bpe = {
    .model = "gpt2",
    .spell = spell_bpe,
    .read = read_bpe,
    .encode = encode_bpe,
    .join = join_bpe,
    .bos = -1,
    .eos = -1,
    .sep = -1,
    .unknown = -1,
};
