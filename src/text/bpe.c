/* Byte-level byte-pair encoding, as GPT-2's (Radford et al., 2019): its spelling of bytes, its
 * merges, and its words. */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "text/family.h"

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

static uint32_t *merge_slot(const ink_vocab *vocab, ink_token left, ink_token right) {
  uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
  /* Fibonacci hashing (Knuth, The Art of Computer Programming, 6.4). */
  uint32_t at = (uint32_t)((key ^ key >> 29) * 0x9E3779B97F4A7C15ull >> 32);
  for (;; at++) {
    uint32_t *slot = &vocab->merge_slots[at & (vocab->n_merge_slots - 1)];
    if (!*slot) return slot;
    const ink_merge *merge = &vocab->merges[*slot - 1];
    if (merge->left == left && merge->right == right) return slot;
  }
}

int64_t ink_vocab_find_merge(const ink_vocab *vocab, ink_token left, ink_token right,
                             ink_token *result) {
  if (left < 0 || right < 0 || !vocab->n_merges) return -1;
  uint32_t slot = *merge_slot(vocab, left, right);
  if (!slot) return -1;
  *result = vocab->merges[slot - 1].result;
  return slot - 1;
}

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
      vocab->merges[rank] = (ink_merge){(ink_token)left_id, (ink_token)right_id, (ink_token)id};
      uint32_t *slot = merge_slot(vocab, (ink_token)left_id, (ink_token)right_id);
      if (!*slot) *slot = rank + 1;
      return INK_OK;
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
  uint32_t n_slots = 8;
  while (n_slots < n * 2) n_slots *= 2;
  INK_TRY(ink_allocate(&vocab->allocator, (uint64_t)n * sizeof *vocab->merges, "merges",
                       &vocab->merges, error));
  vocab->n_merges = n;
  INK_TRY(ink_allocate(&vocab->allocator, (uint64_t)n_slots * sizeof *vocab->merge_slots, "merges",
                       &vocab->merge_slots, error));
  vocab->n_merge_slots = n_slots;
  memset(vocab->merge_slots, 0, n_slots * sizeof *vocab->merge_slots);
  vocab->n_bytes += merges->n_bytes + (uint64_t)n * sizeof *vocab->merges +
                    (uint64_t)n_slots * sizeof *vocab->merge_slots;
  const uint8_t *cursor = merges->data;
  for (uint32_t rank = 0; rank < n; rank++) {
    INK_TRY(read_merge(vocab, ink_gguf_next_string(&cursor), rank, error));
  }
  return INK_OK;
}

static ink_status read_bpe(ink_vocab *vocab, const ink_gguf *gguf, ink_error *error) {
  ink_str pre;
  INK_TRY(ink_gguf_get_str(gguf, "tokenizer.ggml.pre", "gpt-2", &pre, error));
  vocab->pre = ink_pretokenizer_find(pre);
  if (!vocab->pre) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_TOKENIZER,
                    "tokenizer.ggml.pre is '%.*s'; this engine knows 'gpt-2' and 'smollm'",
                    INK_STR_ARGS(pre));
  }
  snprintf(vocab->name, sizeof vocab->name, "gpt2/%s", vocab->pre->name);
  INK_TRY(ink_vocab_index(vocab, error));
  ink_vocab_find_bytes(vocab, INK_TOKEN_NORMAL);
  INK_TRY(ink_gguf_get_bool(gguf, "tokenizer.ggml.add_space_prefix", false,
                            &vocab->add_space_prefix, error));
  return read_merges(vocab, gguf, error);
}

/* ---- Text to tokens and back ---- */

static ink_status encode_bpe(ink_encoder *encoder, const char *text, size_t len, bool starts,
                             ink_token_list *out, ink_error *error) {
  (void)starts;
  for (size_t at = 0; at < len;) {
    size_t end = ink_pretokenize_next(encoder->vocab->pre, text, len, at);
    INK_TRY(ink_merger_encode(&encoder->merger, text + at, end - at, out, error));
    at = end;
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
