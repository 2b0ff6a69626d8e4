/* SentencePiece's BPE: the pair of neighbours whose token has the best score is joined first; what no
 * token covers becomes bytes. */
#include <string.h>

#include "text/sentencepiece.h"

/* Phi-3's special tokens take in the white space that follows them; only the model's name tells. */
static ink_status read_phi3(ink_vocab *vocab, const ink_gguf *gguf, ink_error *error) {
  ink_str architecture;
  INK_TRY(ink_gguf_get_str(gguf, "general.architecture", "", &architecture, error));
  vocab->strip_after_special = ink_str_is(architecture, "phi3");
  return INK_OK;
}

/* A word begins with a space, or the text does. */
static bool is_word_start(ink_str text, size_t at) {
  return text.data[at] == ' ' && text.data[at - 1] != ' ';
}

static bool reaches_into_a_word(ink_str token) {
  for (size_t at = 1; at < token.len; at++) {
    if (is_word_start(token, at)) return true;
  }
  return false;
}

/* Then words can be encoded one by one: only neighbours that make a token are ever joined. Without
 * tokens for bytes, unknown characters beside each other become one, whatever words they are of. */
static bool words_stand_alone(const ink_vocab *vocab) {
  for (uint32_t i = 0; i < vocab->n_tokens; i++) {
    bool is_joined = vocab->kinds[i] == INK_TOKEN_NORMAL;
    if (is_joined && reaches_into_a_word(vocab->tokens[i])) return false;
  }
  return vocab->has_byte_tokens;
}

static ink_status read_spm(ink_vocab *vocab, const ink_gguf *gguf, ink_error *error) {
  INK_TRY(ink_sentencepiece_check_scores(vocab, error));
  INK_TRY(ink_sentencepiece_read(vocab, gguf, error));
  INK_TRY(read_phi3(vocab, gguf, error));
  vocab->fold_space_marks = !vocab->remove_extra_whitespaces; /* marks are not joined */
  ink_vocab_find_bytes(vocab, INK_TOKEN_BYTE);
  vocab->words_stand_alone = words_stand_alone(vocab);
  return ink_vocab_index(vocab, error);
}

/* Between user-defined tokens. */
static ink_status encode_words(ink_encoder *encoder, ink_str text, ink_token_list *out,
                               ink_error *error) {
  if (!encoder->vocab->words_stand_alone) {
    return ink_merger_encode(&encoder->merger, text.data, text.len, out, error);
  }
  for (size_t start = 0, end; start < text.len; start = end) {
    end = start + 1;
    while (end < text.len && !is_word_start(text, end)) end++;
    INK_TRY(ink_word_encode(&encoder->words, &encoder->merger, text.data + start, end - start, out,
                            error));
  }
  return INK_OK;
}

static ink_status encode_spm(ink_encoder *encoder, const char *text, size_t len, bool starts,
                             ink_token_list *out, ink_error *error) {
  const ink_vocab *vocab = encoder->vocab;
  INK_TRY(ink_sentencepiece_normalize(vocab, text, len, vocab->add_space_prefix && starts,
                                      &encoder->normal, error));
  ink_word_encoder_prepare(&encoder->words, vocab, len);
  const char *normal = encoder->normal.data;
  size_t n = encoder->normal.len, start = 0, at = 0;
  while (start < n) { /* user-defined tokens are never joined with what stands beside them */
    ink_token token = -1;
    while (at < n && (token = ink_sentencepiece_token_at(vocab, normal, n, at)) < 0) at++;
    INK_TRY(encode_words(encoder, (ink_str){normal + start, at - start}, out, error));
    if (token >= 0) {
      ink_token_list_push(out, token);
      at += vocab->tokens[token].len;
    }
    start = at;
  }
  return INK_OK;
}

const ink_family ink_family_spm = {
    .model = "llama",
    .spell = ink_sentencepiece_spell,
    .read = read_spm,
    .encode = encode_spm,
    .join = ink_sentencepiece_join,
    .bos = 1,
    .eos = 2,
    .sep = -1,
    .unknown = 0,
    .add_bos = true,
    .has_in_text_tokens = true,
};
