#include "text/vocab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

static ink_str token_text(const void *tokens, uint32_t i) { return ((const ink_str *)tokens)[i]; }

/* ---- Turning a file's spelling of a token into its bytes; never longer, so done in place ---- */

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

/* SentencePiece writes a space as U+2581. */
static ink_str decode_spaces(ink_str text) {
  char *out = (char *)(uintptr_t)text.data;
  size_t n = 0;
  for (size_t i = 0; i < text.len;) {
    if (text.len - i >= 3 && memcmp(text.data + i, "\xE2\x96\x81", 3) == 0) {
      out[n++] = ' ';
      i += 3;
    } else {
      out[n++] = text.data[i++];
    }
  }
  return (ink_str){out, n};
}

/* "<0x41>" -> "A". */
static ink_str decode_byte_token(ink_str text) {
  unsigned byte;
  char spelled[7] = {0};
  if (text.len != 6) return text;
  memcpy(spelled, text.data, 6);
  if (sscanf(spelled, "<0x%2X>", &byte) != 1) return text;
  *(char *)(uintptr_t)text.data = (char)byte;
  return (ink_str){text.data, 1};
}

static ink_str decode_token(const ink_vocab *vocab, ink_str text, uint8_t kind) {
  if (kind == INK_TOKEN_BYTE) return decode_byte_token(text);
  if (vocab->family == INK_VOCAB_SPM) return decode_spaces(text);
  return kind == INK_TOKEN_NORMAL ? decode_byte_level(text) : text;
}

/* ---- Reading ---- */

static ink_status read_family(ink_vocab *vocab, const ink_gguf *gguf, ink_error *error) {
  ink_str model, pre;
  INK_TRY(ink_gguf_get_str(gguf, "tokenizer.ggml.model", "", &model, error));
  INK_TRY(ink_gguf_get_str(gguf, "tokenizer.ggml.pre", "gpt-2", &pre, error));
  if (model.len == 5 && memcmp(model.data, "llama", 5) == 0) {
    vocab->family = INK_VOCAB_SPM;
    snprintf(vocab->name, sizeof vocab->name, "llama");
    return INK_OK;
  }
  vocab->family = INK_VOCAB_BPE;
  vocab->pre = ink_pretokenizer_find(pre);
  if (model.len != 4 || memcmp(model.data, "gpt2", 4) != 0) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_TOKENIZER,
                    "tokenizer.ggml.model is '%.*s'; this engine reads 'gpt2' and 'llama'",
                    INK_STR_ARGS(model));
  }
  if (!vocab->pre) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_TOKENIZER,
                    "tokenizer.ggml.pre is '%.*s'; this engine knows 'gpt-2' and 'smollm'",
                    INK_STR_ARGS(pre));
  }
  snprintf(vocab->name, sizeof vocab->name, "gpt2/%s", vocab->pre->name);
  return INK_OK;
}

static ink_status read_tokens(ink_vocab *vocab, const ink_gguf *gguf, ink_error *error) {
  const ink_gguf_value *tokens, *kinds, *scores;
  INK_TRY(ink_gguf_get_array(gguf, "tokenizer.ggml.tokens", INK_GGUF_STRING, &tokens, error));
  INK_TRY(ink_gguf_get_array(gguf, "tokenizer.ggml.token_type", INK_GGUF_I32, &kinds, error));
  INK_TRY(ink_gguf_get_array(gguf, "tokenizer.ggml.scores", INK_GGUF_F32, &scores, error));
  if (!tokens || tokens->count == 0 || tokens->count > INT32_MAX) {
    return ink_fail(error, INK_ERR_BAD_MODEL, "the model has no vocabulary (tokenizer.ggml.tokens)");
  }
  if ((kinds && kinds->count != tokens->count) ||
      (scores && scores->count != tokens->count) ||
      (vocab->family == INK_VOCAB_SPM && (!kinds || !scores))) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "tokenizer.ggml.token_type and scores must be as many as the %llu tokens",
                    (unsigned long long)tokens->count);
  }
  if (scores) vocab->scores = *scores; /* a copy: `gguf` itself does not outlive the load */
  vocab->n_tokens = (uint32_t)tokens->count;
  INK_TRY(ink_allocate(&vocab->allocator, vocab->n_tokens * sizeof *vocab->tokens, "the vocabulary",
                       &vocab->tokens, error));
  INK_TRY(ink_allocate(&vocab->allocator, vocab->n_tokens, "the vocabulary", &vocab->kinds, error));
  const uint8_t *cursor = tokens->data;
  for (uint32_t i = 0; i < vocab->n_tokens; i++) {
    int32_t kind = kinds ? ink_gguf_element_i32(kinds, i) : INK_TOKEN_NORMAL;
    if (kind < INK_TOKEN_NORMAL || kind > INK_TOKEN_BYTE) kind = INK_TOKEN_NORMAL;
    vocab->kinds[i] = (uint8_t)kind;
    vocab->tokens[i] = decode_token(vocab, ink_gguf_next_string(&cursor), (uint8_t)kind);
  }
  vocab->n_bytes = tokens->n_bytes + vocab->n_tokens * (sizeof *vocab->tokens + 1);
  return INK_OK;
}

/* Normal tokens first, so that in a clash of spelling they win over user-defined ones. */
static ink_status index_tokens(ink_vocab *vocab, ink_error *error) {
  INK_TRY(ink_index_create(&vocab->index, &vocab->allocator, vocab->n_tokens, vocab->tokens,
                           token_text, error));
  for (int i = 0; i < 256; i++) vocab->byte_tokens[i] = -1;
  static const uint8_t passes[] = {INK_TOKEN_NORMAL, INK_TOKEN_USER_DEFINED};
  for (size_t pass = 0; pass < sizeof passes; pass++) {
    for (uint32_t i = 0; i < vocab->n_tokens; i++) {
      if (vocab->kinds[i] == passes[pass]) ink_index_add(&vocab->index, i);
    }
  }
  for (uint32_t i = 0; i < vocab->n_tokens; i++) {
    uint8_t wanted = vocab->family == INK_VOCAB_SPM ? INK_TOKEN_BYTE : INK_TOKEN_NORMAL;
    ink_str text = vocab->tokens[i];
    if (text.len == 1 && vocab->kinds[i] == wanted && vocab->byte_tokens[(uint8_t)*text.data] < 0) {
      vocab->byte_tokens[(uint8_t)*text.data] = (ink_token)i;
    }
  }
  vocab->n_bytes += vocab->index.n_slots * sizeof *vocab->index.slots;
  return INK_OK;
}

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
  if (vocab->family != INK_VOCAB_BPE) return INK_OK;
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

static ink_status read_id(const ink_vocab *vocab, const ink_gguf *gguf, const char *key,
                          ink_token *token, ink_error *error) {
  uint32_t id;
  INK_TRY(ink_gguf_get_u32(gguf, key, UINT32_MAX, &id, error));
  *token = id == UINT32_MAX ? -1 : (ink_token)id;
  if (id != UINT32_MAX && id >= vocab->n_tokens) {
    return ink_fail(error, INK_ERR_BAD_MODEL, "%s is %u, but the vocabulary has %u tokens", key,
                    (unsigned)id, (unsigned)vocab->n_tokens);
  }
  return INK_OK;
}

/* Longest first; among equals the lower id, so that the order never depends on qsort(). */
typedef struct special {
  size_t len;
  ink_token token;
} special;

static int longest_first(const void *a, const void *b) {
  const special *x = a, *y = b;
  if (x->len != y->len) return x->len > y->len ? -1 : 1;
  return x->token < y->token ? -1 : 1;
}

static bool is_special(uint8_t kind) {
  return kind == INK_TOKEN_CONTROL || kind == INK_TOKEN_USER_DEFINED || kind == INK_TOKEN_UNKNOWN;
}

static ink_status list_specials(ink_vocab *vocab, ink_error *error) {
  uint32_t capacity = 0, n = 0;
  for (uint32_t i = 0; i < vocab->n_tokens; i++) capacity += is_special(vocab->kinds[i]);
  special *list;
  INK_TRY(
      ink_allocate(&vocab->allocator, capacity * sizeof *list, "special tokens", &list, error));
  for (uint32_t i = 0; i < vocab->n_tokens; i++) {
    if (!is_special(vocab->kinds[i]) || vocab->tokens[i].len == 0) continue;
    list[n++] = (special){vocab->tokens[i].len, (ink_token)i};
    vocab->special_lead[(uint8_t)vocab->tokens[i].data[0]] = true;
  }
  qsort(list, n, sizeof *list, longest_first);
  ink_status status = ink_allocate(&vocab->allocator, n * sizeof *vocab->specials, "special tokens",
                                   &vocab->specials, error);
  for (uint32_t i = 0; status == INK_OK && i < n; i++) vocab->specials[i] = list[i].token;
  vocab->n_specials = status == INK_OK ? n : 0;
  ink_release(&vocab->allocator, list, capacity * sizeof *list);
  return status;
}

static ink_status read_vocab(ink_vocab *vocab, const ink_gguf *gguf, ink_error *error) {
  INK_TRY(read_family(vocab, gguf, error));
  INK_TRY(read_tokens(vocab, gguf, error));
  INK_TRY(index_tokens(vocab, error));
  INK_TRY(read_merges(vocab, gguf, error));
  INK_TRY(list_specials(vocab, error));
  INK_TRY(read_id(vocab, gguf, "tokenizer.ggml.bos_token_id", &vocab->bos, error));
  INK_TRY(read_id(vocab, gguf, "tokenizer.ggml.eos_token_id", &vocab->eos, error));
  INK_TRY(read_id(vocab, gguf, "tokenizer.ggml.eot_token_id", &vocab->eot, error));
  INK_TRY(read_id(vocab, gguf, "tokenizer.ggml.unknown_token_id", &vocab->unknown, error));
  bool is_spm = vocab->family == INK_VOCAB_SPM;
  INK_TRY(ink_gguf_get_bool(gguf, "tokenizer.ggml.add_bos_token", is_spm, &vocab->add_bos, error));
  INK_TRY(ink_gguf_get_bool(gguf, "tokenizer.ggml.add_space_prefix", is_spm,
                            &vocab->add_space_prefix, error));
  INK_TRY(ink_gguf_get_str(gguf, "tokenizer.chat_template", "", &vocab->chat_template, error));
  vocab->add_bos = vocab->add_bos && vocab->bos >= 0;
  return INK_OK;
}

ink_status ink_vocab_create(ink_vocab *vocab, const ink_allocator *allocator, const ink_gguf *gguf,
                            ink_error *error) {
  *vocab = (ink_vocab){.allocator = *allocator, .bos = -1, .eos = -1, .eot = -1, .unknown = -1};
  ink_status status = read_vocab(vocab, gguf, error);
  if (status != INK_OK) ink_vocab_free(vocab);
  return status;
}

void ink_vocab_free(ink_vocab *vocab) {
  const ink_allocator *a = &vocab->allocator;
  if (!a->release) return;
  ink_release(a, vocab->tokens, vocab->n_tokens * sizeof *vocab->tokens);
  ink_release(a, vocab->kinds, vocab->n_tokens);
  ink_release(a, vocab->merges, vocab->n_merges * sizeof *vocab->merges);
  ink_release(a, vocab->merge_slots, vocab->n_merge_slots * sizeof *vocab->merge_slots);
  ink_release(a, vocab->specials, vocab->n_specials * sizeof *vocab->specials);
  ink_index_free(&vocab->index, a);
  *vocab = (ink_vocab){0};
}

/* Besides the file's own ids, control tokens that models in the field end a turn with though their
 * files do not say so. */
bool ink_vocab_is_end(const ink_vocab *vocab, ink_token token) {
  static const char *const endings[] = {"<|im_end|>",     "<|endoftext|>", "<|eot_id|>",
                                        "<|end|>",        "<end_of_turn>", "<|end_of_text|>",
                                        "<|end_of_turn|>"};
  if (token < 0 || (uint32_t)token >= vocab->n_tokens) return false;
  if (token == vocab->eos || token == vocab->eot) return true;
  if (vocab->kinds[token] != INK_TOKEN_CONTROL) return false;
  ink_str text = vocab->tokens[token];
  for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
    if (strlen(endings[i]) == text.len && memcmp(endings[i], text.data, text.len) == 0) return true;
  }
  return false;
}
