#include "text/vocab.h"

#include <string.h>

#include "base/print.h"
#include "text/family.h"

/* ---- Reading ---- */

static ink_status find_family(ink_vocab *vocab, const ink_gguf *gguf, ink_error *error) {
  static const ink_family *const families[] = {&ink_family_bpe, &ink_family_spm,
                                               &ink_family_unigram, &ink_family_wordpiece};
  ink_str model;
  INK_TRY(ink_gguf_get_str(gguf, "tokenizer.ggml.model", "", &model, error));
  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
    const char *name = families[i]->model;
    if (!ink_str_is(model, name)) continue;
    vocab->family = families[i];
    ink_print(vocab->name, sizeof vocab->name, "%s", name);
    return INK_OK;
  }
  return ink_fail(error, INK_ERR_UNSUPPORTED_TOKENIZER,
                  "tokenizer.ggml.model is '%.*s'; this engine reads 'gpt2', 'llama', 't5' and "
                  "'bert'",
                  INK_STR_ARGS(model));
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
      (scores && scores->count != tokens->count)) {
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
    ink_str text = ink_gguf_next_string(&cursor);
    vocab->tokens[i] = vocab->family->spell(text, (uint8_t)kind);
  }
  return INK_OK;
}

bool ink_vocab_is_plain(const ink_vocab *vocab, uint32_t token) {
  uint8_t kind = vocab->kinds[token];
  return (kind == INK_TOKEN_NORMAL || kind == INK_TOKEN_USER_DEFINED) &&
         vocab->tokens[token].len > 0;
}

bool ink_vocab_is_in_text(const ink_vocab *vocab, uint32_t token) {
  return vocab->family->has_in_text_tokens && vocab->kinds[token] == INK_TOKEN_USER_DEFINED &&
         ink_gguf_element_f32(&vocab->scores, token) == 0.0f;
}

static ink_status twice(const ink_vocab *vocab, uint32_t first, uint32_t second, ink_error *error) {
  return ink_fail(error, INK_ERR_BAD_MODEL, "tokens %u and %u are the same, '%.*s'",
                  (unsigned)first, (unsigned)second, INK_STR_ARGS(vocab->tokens[second]));
}

/* Adds the tokens of one kind; their slots are fetched some tokens ahead. */
static ink_status index_kind(ink_vocab *vocab, ink_token_kind kind, ink_error *error) {
  enum { AHEAD = 16 };
  uint64_t hashes[AHEAD];
  for (uint32_t i = 0, ahead = 0; i < vocab->n_tokens; i++) {
    for (; ahead < vocab->n_tokens && ahead < i + AHEAD; ahead++) {
      if (vocab->kinds[ahead] != kind) continue;
      hashes[ahead % AHEAD] = ink_index_expect(&vocab->index, vocab->tokens[ahead]);
    }
    if (vocab->kinds[i] != kind) continue;
    uint32_t first = ink_index_add_hashed(&vocab->index, i, hashes[i % AHEAD]);
    if (first == INK_INDEX_NONE || vocab->kinds[first] != kind) continue;
    return twice(vocab, first, i, error);
  }
  return INK_OK;
}

/* Normal tokens first, so that in a clash of spelling they win over user-defined ones. */
ink_status ink_vocab_index(ink_vocab *vocab, ink_error *error) {
  INK_TRY(ink_index_create(&vocab->index, &vocab->allocator, vocab->n_tokens, vocab->tokens,
                           sizeof *vocab->tokens, error));
  INK_TRY(index_kind(vocab, INK_TOKEN_NORMAL, error));
  if (memchr(vocab->kinds, INK_TOKEN_USER_DEFINED, vocab->n_tokens)) {
    INK_TRY(index_kind(vocab, INK_TOKEN_USER_DEFINED, error));
  }
  if (!vocab->index.is_slow) return INK_OK;
  return ink_fail(error, INK_ERR_BAD_MODEL,
                  "the tokens of tokenizer.ggml.tokens are made to clash in a hash index");
}

ink_status ink_vocab_index_prefixes(ink_vocab *vocab, ink_error *error) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < vocab->n_tokens; i++) n += ink_vocab_is_plain(vocab, i);
  INK_TRY(ink_prefix_set_create(&vocab->pieces, &vocab->allocator, vocab->tokens, n, error));
  for (uint32_t i = 0; i < vocab->n_tokens; i++) {
    if (!ink_vocab_is_plain(vocab, i)) continue;
    INK_TRY(ink_prefix_set_add(&vocab->pieces, i, error));
  }
  return INK_OK;
}

void ink_vocab_find_bytes(ink_vocab *vocab, ink_token_kind kind) {
  for (uint32_t i = 0; i < vocab->n_tokens; i++) {
    ink_str text = vocab->tokens[i];
    if (text.len != 1 || vocab->kinds[i] != kind) continue;
    ink_token *token = &vocab->byte_tokens[(uint8_t)*text.data];
    if (*token < 0) *token = (ink_token)i;
    vocab->has_byte_tokens = true;
  }
}

static bool is_special(const ink_vocab *vocab, uint32_t token) {
  uint8_t kind = vocab->kinds[token];
  return (kind == INK_TOKEN_CONTROL || kind == INK_TOKEN_USER_DEFINED ||
          kind == INK_TOKEN_UNKNOWN) &&
         vocab->tokens[token].len > 0;
}

static ink_status index_specials(ink_vocab *vocab, ink_error *error) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < vocab->n_tokens; i++) n += is_special(vocab, i);
  INK_TRY(ink_prefix_set_create(&vocab->specials, &vocab->allocator, vocab->tokens, n, error));
  for (uint32_t i = 0; i < vocab->n_tokens; i++) {
    if (!is_special(vocab, i)) continue;
    vocab->special_lead[(uint8_t)vocab->tokens[i].data[0]] = true;
    INK_TRY(ink_prefix_set_add(&vocab->specials, i, error));
  }
  return INK_OK;
}

/* A key's id; without the key, the one that such files mean, if it is a special token there. */
static ink_status read_id(const ink_vocab *vocab, const ink_gguf *gguf, const char *key,
                          ink_token usual, ink_token *token, ink_error *error) {
  uint32_t id;
  INK_TRY(ink_gguf_get_u32(gguf, key, UINT32_MAX, &id, error));
  if (id == UINT32_MAX) {
    bool is_there = usual >= 0 && (uint32_t)usual < vocab->n_tokens &&
                    vocab->kinds[usual] != INK_TOKEN_NORMAL;
    *token = is_there ? usual : -1;
    return INK_OK;
  }
  if (id >= vocab->n_tokens) {
    return ink_fail(error, INK_ERR_BAD_MODEL, "%s is %u, but the vocabulary has %u tokens", key,
                    (unsigned)id, (unsigned)vocab->n_tokens);
  }
  *token = (ink_token)id;
  return INK_OK;
}

static ink_status read_ids(ink_vocab *vocab, const ink_gguf *gguf, ink_error *error) {
  const ink_family *family = vocab->family;
  ink_token cls = -1;
  INK_TRY(read_id(vocab, gguf, "tokenizer.ggml.cls_token_id", family->bos, &cls, error));
  INK_TRY(read_id(vocab, gguf, "tokenizer.ggml.bos_token_id", cls, &vocab->bos, error));
  INK_TRY(read_id(vocab, gguf, "tokenizer.ggml.eos_token_id", family->eos, &vocab->eos, error));
  INK_TRY(read_id(vocab, gguf, "tokenizer.ggml.eot_token_id", -1, &vocab->eot, error));
  INK_TRY(read_id(vocab, gguf, "tokenizer.ggml.seperator_token_id" /* sic */, family->sep,
                  &vocab->sep, error));
  ink_token unknown = family->unknown;
  for (uint32_t i = 0; i < vocab->n_tokens; i++) {
    if (vocab->kinds[i] == INK_TOKEN_UNKNOWN) {
      unknown = (ink_token)i;
      break;
    }
  }
  return read_id(vocab, gguf, "tokenizer.ggml.unknown_token_id", unknown, &vocab->unknown, error);
}

/* What the model asks for around a text. */
static ink_status read_surroundings(ink_vocab *vocab, const ink_gguf *gguf, ink_error *error) {
  const ink_family *family = vocab->family;
  bool add_eos, add_sep;
  INK_TRY(ink_gguf_get_bool(gguf, "tokenizer.ggml.add_bos_token", family->add_bos, &vocab->add_bos,
                            error));
  INK_TRY(ink_gguf_get_bool(gguf, "tokenizer.ggml.add_eos_token", family->add_eos, &add_eos,
                            error));
  INK_TRY(ink_gguf_get_bool(gguf, "tokenizer.ggml.add_sep_token", family->add_sep, &add_sep,
                            error));
  vocab->add_bos = vocab->add_bos && vocab->bos >= 0;
  vocab->last = add_sep && vocab->sep >= 0 ? vocab->sep : add_eos ? vocab->eos : -1;
  return ink_gguf_get_str(gguf, "tokenizer.chat_template", "", &vocab->chat_template, error);
}

/* Copies what is in the file's header, most of which is lengths, spellings, merges and types that
 * nobody asks for again: it can go. */
static ink_status own_strings(ink_vocab *vocab, ink_error *error) {
  const void **const parts[] = {(const void **)&vocab->scores.data,
                                (const void **)&vocab->charsmap.units,
                                (const void **)&vocab->charsmap.replacements,
                                (const void **)&vocab->chat_template.data};
  const size_t sizes[] = {vocab->scores.n_bytes, vocab->charsmap.n_units * 4,
                          vocab->charsmap.n_replacements, vocab->chat_template.len};
  for (size_t i = 0; i < 4; i++) vocab->n_owned += sizes[i];
  for (uint32_t i = 0; i < vocab->n_tokens; i++) vocab->n_owned += vocab->tokens[i].len;
  INK_TRY(ink_allocate(&vocab->allocator, vocab->n_owned, "the vocabulary", &vocab->owned, error));
  uint8_t *at = vocab->owned;
  for (size_t i = 0; i < 4; i++) {
    if (sizes[i] > 0) memcpy(at, *parts[i], sizes[i]);
    *parts[i] = at;
    at += sizes[i];
  }
  for (uint32_t i = 0; i < vocab->n_tokens; i++) {
    ink_str *token = &vocab->tokens[i];
    if (token->len > 0) memcpy(at, token->data, token->len);
    token->data = (const char *)at;
    at += token->len;
  }
  return INK_OK;
}

static uint64_t count_bytes(const ink_vocab *vocab) {
  uint64_t n = vocab->n_owned + vocab->n_tokens * (sizeof *vocab->tokens + sizeof *vocab->kinds) +
               vocab->index.n_slots * sizeof *vocab->index.slots +
               vocab->merges.n_slots * sizeof *vocab->merges.slots;
  if (vocab->pieces.n_slots) n += ink_prefix_set_bytes(&vocab->pieces);
  if (vocab->specials.n_slots) n += ink_prefix_set_bytes(&vocab->specials);
  for (uint32_t i = 0; i < vocab->pre.n_splits; i++) n += ink_pattern_bytes(&vocab->pre.patterns[i]);
  return n;
}

static ink_status read_vocab(ink_vocab *vocab, const ink_gguf *gguf, ink_error *error) {
  INK_TRY(find_family(vocab, gguf, error));
  INK_TRY(read_tokens(vocab, gguf, error));
  INK_TRY(read_ids(vocab, gguf, error));
  INK_TRY(vocab->family->read(vocab, gguf, error));
  INK_TRY(index_specials(vocab, error));
  INK_TRY(read_surroundings(vocab, gguf, error));
  INK_TRY(own_strings(vocab, error));
  vocab->n_bytes = count_bytes(vocab);
  return INK_OK;
}

ink_status ink_vocab_create(ink_vocab *vocab, const ink_allocator *allocator, const ink_gguf *gguf,
                            ink_error *error) {
  *vocab = (ink_vocab){.allocator = *allocator};
  for (int i = 0; i < 256; i++) vocab->byte_tokens[i] = -1;
  ink_status status = read_vocab(vocab, gguf, error);
  if (status != INK_OK) ink_vocab_free(vocab);
  return status;
}

void ink_vocab_free(ink_vocab *vocab) {
  const ink_allocator *a = &vocab->allocator;
  if (!a->release) return;
  ink_release(a, vocab->tokens, vocab->n_tokens * sizeof *vocab->tokens);
  ink_release(a, vocab->kinds, vocab->n_tokens);
  ink_release(a, vocab->owned, (size_t)vocab->n_owned);
  ink_merge_table_free(&vocab->merges, a);
  ink_pretokenizer_free(&vocab->pre, a);
  ink_prefix_set_free(&vocab->specials, a);
  ink_prefix_set_free(&vocab->pieces, a);
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
    if (ink_str_is(text, endings[i])) return true;
  }
  return false;
}
