/* Byte-level byte-pair encoding, as GPT-2's (Radford et al., 2019): its spelling of bytes, its
 * merges, and its words. */
#include <string.h>

#include "base/print.h"
#include "base/utf8.h"
#include "text/family.h"
#include "text/unicode.h"

/* GPT-2 spells byte b as character b where that is printable, else as the next free one from U+0100
 * on: the inverse of its bytes_to_unicode(). Returns -1 for a character that spells no byte. */
static int byte_of_character(uint32_t c) {
  if ((c >= '!' && c <= '~') || (c >= 0xA1 && c <= 0xAC) || (c >= 0xAE && c <= 0xFF)) return (int)c;
  if (c >= 0x100 && c <= 0x120) return (int)(c - 0x100);        /* 0x00 .. 0x20 */
  if (c >= 0x121 && c <= 0x142) return (int)(c - 0x121 + 0x7F); /* 0x7F .. 0xA0 */
  return c == 0x143 ? 0xAD : -1;
}

/* What is not spelled by the rule stands for itself. `out` may be the text's own place. */
static ink_str decode_any(ink_str text, char *out) {
  size_t n = 0, keep;
  for (size_t i = 0; i < text.len; i += keep) {
    uint32_t c;
    int len = ink_utf8_decode(text.data + i, text.len - i, &c);
    int byte = len > 0 ? byte_of_character(c) : -1;
    keep = len > 0 ? (size_t)len : 1;
    if (byte >= 0) {
      out[n++] = (char)byte;
    } else {
      memmove(out + n, text.data + i, keep);
      n += keep;
    }
  }
  return (ink_str){out, n};
}

enum { N_SPELLING = 0x200 }; /* all that two bytes of UTF-8 with a lead of C0 .. C7 can be */

/* The byte that a spelling of two bytes of UTF-8 means; negative: none. */
static int decode_wide(uint32_t lead, uint32_t next, const int16_t byte_of[N_SPELLING]) {
  uint32_t c = (lead & 7) << 6 | (next & 0x3F);
  uint32_t is_wide = (lead >> 3 == 0xC0 >> 3) & (next >> 6 == 2) & (c >= 0x80);
  return byte_of[c] | -(int)(is_wide ^ 1);
}

/* In place, by a table of byte_of_character(). A spelling takes one byte of UTF-8, which stays, or
 * two. Runs of either are decoded eight bytes at a time; between them nothing branches on which it
 * is, for that can't be foreseen, nor on what is wrong until all has been looked at. */
static ink_str decode_byte_level(ink_str text, const int16_t byte_of[N_SPELLING]) {
  static const uint8_t wide_bits[8] = {0xC0, 0xC0, 0xC0, 0xC0, 0xC0, 0xC0, 0xC0, 0xC0};
  static const uint8_t wide[8] = {0xC0, 0x80, 0xC0, 0x80, 0xC0, 0x80, 0xC0, 0x80};
  char spelled[64];
  char *out = (char *)(uintptr_t)text.data;
  const uint8_t *in = (const uint8_t *)out;
  if (text.len > sizeof spelled) return decode_any(text, out);
  uint64_t eight, bits, pattern;
  memcpy(&bits, wide_bits, sizeof bits);
  memcpy(&pattern, wide, sizeof pattern);
  size_t n = 0, i = 0;
  int wrong = 0; /* negative: something is */
  while (i < text.len) {
    if (text.len - i >= sizeof eight) {
      memcpy(&eight, in + i, sizeof eight);
      if ((eight & 0x8080808080808080ull) == 0) {
        memcpy(spelled + n, &eight, sizeof eight);
        i += 8;
        n += 8;
        continue;
      }
      if ((eight & bits) == pattern) {
        for (const size_t end = i + 8; i < end; i += 2) {
          int byte = decode_wide(in[i], in[i + 1], byte_of);
          wrong |= byte;
          spelled[n++] = (char)byte;
        }
        continue;
      }
    }
    uint32_t is_wide = in[i] >> 7;
    int byte = decode_wide(in[i], in[i + (i + 1 < text.len)], byte_of);
    wrong |= byte & -(int)is_wide;
    spelled[n++] = (char)(is_wide ? byte : in[i]);
    i += 1 + is_wide;
  }
  if (wrong < 0) return decode_any(text, out);
  memcpy(out, spelled, n);
  return (ink_str){out, n};
}

/* Merges name tokens by their spelling in the file, so that is kept until they are read. */
static ink_str spell_bpe(ink_str text, uint8_t kind) {
  (void)kind;
  return text;
}

static void decode_tokens(ink_vocab *vocab) {
  int16_t byte_of[N_SPELLING];
  for (uint32_t c = 0; c < N_SPELLING; c++) byte_of[c] = (int16_t)byte_of_character(c);
  for (uint32_t i = 0; i < vocab->n_tokens; i++) {
    if (vocab->kinds[i] != INK_TOKEN_NORMAL) continue;
    vocab->tokens[i] = decode_byte_level(vocab->tokens[i], byte_of);
  }
}

/* ---- Merges ---- */

/* A user-defined token is not spelled in the byte alphabet, though merges that name it are. */
static uint32_t find_plain(const ink_vocab *vocab, ink_str spelled) {
  char plain[INK_PREFIX_MAX];
  if (spelled.len > sizeof plain) return INK_INDEX_NONE;
  return ink_index_find(&vocab->index, decode_any(spelled, plain));
}

static uint32_t find_piece(const ink_vocab *vocab, ink_str spelled, uint64_t hash) {
  uint32_t found = ink_index_find_hashed(&vocab->index, spelled, hash);
  return found == INK_INDEX_NONE ? find_plain(vocab, spelled) : found;
}

/* The token that a merge makes. It mostly is the one after the last merge's: tokenizers number them
 * as they are trained. Else the two are joined in place, where the left one is. */
static uint32_t find_result(const ink_vocab *vocab, ink_str left, ink_str right, uint32_t guess) {
  if (guess < vocab->n_tokens && ink_vocab_is_plain(vocab, guess)) {
    ink_str token = vocab->tokens[guess];
    if (token.len == left.len + right.len && memcmp(token.data, left.data, left.len) == 0 &&
        memcmp(token.data + left.len, right.data, right.len) == 0) {
      return guess;
    }
  }
  memmove((char *)(uintptr_t)left.data + left.len, right.data, right.len);
  ink_str joined = {left.data, left.len + right.len};
  return find_piece(vocab, joined, ink_hash_fast(joined.data, joined.len));
}

/* Merges are read some at a time, each step for all of them: almost all the time goes in waiting
 * for memory, and so the waits overlap. */
#define MERGES_AT_A_TIME 64u

typedef struct spelled_merge {
  ink_str left, right; /* empty: it was no merge */
  uint64_t left_hash, right_hash;
} spelled_merge;

static void read_spelling(const ink_vocab *vocab, ink_str text, spelled_merge *merge) {
  /* A token is never empty, and a space inside one is spelled otherwise. */
  const char *space = text.len > 1 ? memchr(text.data + 1, ' ', text.len - 1) : NULL;
  merge->left = merge->right = (ink_str){"", 0};
  if (space && space + 1 < text.data + text.len) {
    merge->left = (ink_str){text.data, (size_t)(space - text.data)};
    merge->right = (ink_str){space + 1, text.len - merge->left.len - 1};
  }
  merge->left_hash = ink_index_expect(&vocab->index, merge->left);
  merge->right_hash = ink_index_expect(&vocab->index, merge->right);
}

static void expect_tokens(const ink_vocab *vocab, const spelled_merge *spelled, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    ink_index_expect_entry(&vocab->index, spelled[i].left_hash);
    ink_index_expect_entry(&vocab->index, spelled[i].right_hash);
  }
  for (uint32_t i = 0; i < n; i++) {
    ink_index_expect_string(&vocab->index, spelled[i].left_hash);
    ink_index_expect_string(&vocab->index, spelled[i].right_hash);
  }
}

static bool resolve_merge(const ink_vocab *vocab, const spelled_merge *spelled, uint32_t *result,
                          ink_merge *merge) {
  uint32_t left = find_piece(vocab, spelled->left, spelled->left_hash);
  uint32_t right = find_piece(vocab, spelled->right, spelled->right_hash);
  if (left == INK_INDEX_NONE || right == INK_INDEX_NONE) return false;
  *result = find_result(vocab, spelled->left, spelled->right, *result + 1);
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
  for (uint32_t i = 0; i < n; i++) read_spelling(vocab, ink_gguf_next_string(cursor), &spelled[i]);
  expect_tokens(vocab, spelled, n);
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
  ink_print(vocab->name, sizeof vocab->name, "gpt2/%.*s", INK_STR_ARGS(pre));
  INK_TRY(ink_gguf_get_bool(gguf, "tokenizer.ggml.add_space_prefix", false,
                            &vocab->add_space_prefix, error));
  INK_TRY(ink_vocab_index(vocab, error));
  INK_TRY(read_merges(vocab, gguf, error));
  ink_index_free(&vocab->index, &vocab->allocator);
  decode_tokens(vocab);
  ink_vocab_find_bytes(vocab, INK_TOKEN_NORMAL);
  return vocab->pre.rule->ignore_merges ? ink_vocab_index(vocab, error) : INK_OK;
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
    INK_TRY(
        ink_word_encode(&encoder->words, &encoder->merger, text + start, end - start, out, error));
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
