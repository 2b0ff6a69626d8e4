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
    if (text.data[i] >= '!' && text.data[i] <= '~') { /* most of them */
      out[n++] = text.data[i++];
      continue;
    }
    uint8_t lead = (uint8_t)text.data[i], next = i + 1 < text.len ? (uint8_t)text.data[i + 1] : 0;
    int len = 2; /* what spells a byte, and is not ASCII, has two */
    if (lead >= 0xC2 && lead <= 0xC5 && (next & 0xC0u) == 0x80u) {
      c = (lead & 0x1Fu) << 6 | (next & 0x3Fu);
    } else {
      len = ink_utf8_decode(text.data + i, text.len - i, &c);
    }
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

static bool same(ink_str a, ink_str b) {
  return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* The token that a merge makes. It mostly is the one after the last merge's: tokenizers number them
 * as they are trained. */
static uint32_t find_result(const ink_vocab *vocab, ink_str text, uint32_t guess) {
  if (guess < vocab->n_tokens && ink_vocab_is_plain(vocab, guess) &&
      same(vocab->tokens[guess], text)) {
    return guess;
  }
  return ink_index_find(&vocab->index, text);
}

/* Merges are read some at a time, each step for all of them: almost all the time goes in waiting for
 * memory, and so the waits overlap. */
#define MERGES_AT_A_TIME 32u

typedef struct spelled_merge {
  ink_str left, right; /* empty: it was no merge */
} spelled_merge;

static spelled_merge read_spelling(const ink_vocab *vocab, ink_str text) {
  size_t space = 1; /* a token is never empty, and a space inside one is spelled otherwise */
  while (space < text.len && text.data[space] != ' ') space++;
  if (space + 1 >= text.len) return (spelled_merge){{"", 0}, {"", 0}};
  spelled_merge merge = {
      decode_byte_level((ink_str){text.data, space}),
      decode_byte_level((ink_str){text.data + space + 1, text.len - space - 1})};
  ink_index_expect(&vocab->index, merge.left);
  ink_index_expect(&vocab->index, merge.right);
  return merge;
}

/* Joins the two in place, where the left one is. */
static bool resolve_merge(const ink_vocab *vocab, const spelled_merge *spelled, uint32_t *result,
                          ink_merge *merge) {
  uint32_t left = ink_index_find(&vocab->index, spelled->left);
  uint32_t right = ink_index_find(&vocab->index, spelled->right);
  if (left == INK_INDEX_NONE || right == INK_INDEX_NONE) return false;
  char *both = (char *)(uintptr_t)spelled->left.data;
  memmove(both + spelled->left.len, spelled->right.data, spelled->right.len);
  ink_str joined = {both, spelled->left.len + spelled->right.len};
  *result = find_result(vocab, joined, *result + 1);
  merge->left = (ink_token)left;
  merge->right = (ink_token)right;
  merge->result = (ink_token)*result;
  ink_merge_table_expect(&vocab->merges, merge->left, merge->right);
  return *result != INK_INDEX_NONE;
}

static ink_status add_merges(ink_vocab *vocab, const uint8_t **cursor, uint32_t first_rank,
                             uint32_t n, uint32_t *result, ink_error *error) {
  spelled_merge spelled[MERGES_AT_A_TIME];
  ink_merge merges[MERGES_AT_A_TIME];
  for (uint32_t i = 0; i < n; i++) {
    spelled[i] = read_spelling(vocab, ink_gguf_next_string(cursor));
  }
  for (uint32_t i = 0; i < n; i++) {
    ink_index_expect_string(&vocab->index, spelled[i].left);
    ink_index_expect_string(&vocab->index, spelled[i].right);
  }
  for (uint32_t i = 0; i < n; i++) {
    merges[i].rank = first_rank + i;
    if (resolve_merge(vocab, &spelled[i], result, &merges[i])) continue;
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "merge %u of tokenizer.ggml.merges does not join two tokens to a third",
                    (unsigned)merges[i].rank);
  }
  for (uint32_t i = 0; i < n; i++) {
    if (ink_merge_table_add(&vocab->merges, merges[i])) continue;
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "the merges of tokenizer.ggml.merges are made to clash in a hash index");
  }
  return INK_OK;
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
  uint32_t result = 0;
  for (uint32_t rank = 0; rank < n; rank += MERGES_AT_A_TIME) {
    uint32_t some = n - rank < MERGES_AT_A_TIME ? n - rank : MERGES_AT_A_TIME;
    INK_TRY(add_merges(vocab, &cursor, rank, some, &result, error));
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
