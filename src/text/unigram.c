/* SentencePiece's Unigram model (Kudo, 2018): of all ways to cut a text into pieces, the one whose
 * scores' sum is largest, found by Viterbi's algorithm in time linear in the text. */
#include <string.h>

#include "text/sentencepiece.h"

#define UNKNOWN_PENALTY 10.0f /* below the worst piece's score */

/* The best way to cut the text up to some byte. */
typedef struct ink_cut {
  float score;
  ink_token token;  /* the last piece; NO_CUT: none ends there */
  uint32_t start;   /* of it */
} ink_cut;

#define NO_CUT (-2)
#define MAX_TEXT (UINT32_MAX / (uint32_t)sizeof(ink_cut) - 1)

static float score_of(const ink_vocab *vocab, uint32_t token) {
  return ink_gguf_element_f32(&vocab->scores, token);
}

static void find_unknown_score(ink_vocab *vocab) {
  float worst = 0.0f;
  bool any = false;
  for (uint32_t i = 0; i < vocab->n_tokens; i++) {
    if (vocab->kinds[i] != INK_TOKEN_NORMAL) continue;
    float score = score_of(vocab, i);
    if (!any || score < worst) worst = score;
    any = true;
  }
  vocab->unknown_score = worst - UNKNOWN_PENALTY;
}

static ink_status read_unigram(ink_vocab *vocab, const ink_gguf *gguf, ink_error *error) {
  INK_TRY(ink_sentencepiece_read(vocab, gguf, error));
  INK_TRY(ink_sentencepiece_check_scores(vocab, error));
  find_unknown_score(vocab);
  INK_TRY(ink_vocab_index_prefixes(vocab, error));
  ink_vocab_find_bytes(vocab, INK_TOKEN_BYTE);
  if (vocab->unknown < 0) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "a Unigram vocabulary needs tokenizer.ggml.unknown_token_id");
  }
  return INK_OK;
}

/* Of equals the first stays. Sums are in single precision, as SentencePiece's: near ties come out as
 * they do there. */
static void offer(ink_cut *cut, float score, ink_token token, size_t start) {
  if (cut->token != NO_CUT && score <= cut->score) return;
  *cut = (ink_cut){score, token, (uint32_t)start};
}

/* A user-defined token is worth more than the pieces it is made of. */
static float piece_score(const ink_vocab *vocab, uint32_t token) {
  return vocab->kinds[token] == INK_TOKEN_USER_DEFINED ? -0.1f : score_of(vocab, token);
}

static size_t character_len(const char *text, size_t len, size_t at) {
  size_t end = at + 1;
  while (end < len && ((uint8_t)text[end] & 0xC0u) == 0x80u) end++;
  return end - at;
}

/* Fills cuts[0..len]. */
static void find_cuts(const ink_vocab *vocab, const char *text, size_t len, ink_cut *cuts) {
  for (size_t i = 0; i <= len; i++) cuts[i].token = NO_CUT;
  cuts[0].score = 0.0f;
  size_t size;
  for (size_t at = 0; at < len; at += size) {
    float here = cuts[at].score;
    bool covered = false;
    size = character_len(text, len, at);
    ink_prefix_walk walk = ink_prefix_start(text + at, len - at);
    int64_t token;
    while ((token = ink_prefix_next(&vocab->pieces, &walk)) >= 0) {
      offer(&cuts[at + walk.len], piece_score(vocab, (uint32_t)token) + here,
            (ink_token)token, at);
      covered |= walk.len == size;
    }
    if (!covered) offer(&cuts[at + size], vocab->unknown_score + here, vocab->unknown, at);
  }
}

/* Turns the links, which lead backwards, around: where a piece of the best way begins, `token` becomes
 * that piece, and `start` its end. */
static void turn_around(ink_cut *cuts, size_t len) {
  ink_cut piece = cuts[len];
  for (size_t end = len; end > 0;) {
    size_t start = piece.start;
    ink_cut before = cuts[start];
    cuts[start] = (ink_cut){0.0f, piece.token, (uint32_t)end};
    piece = before;
    end = start;
  }
}

static ink_status encode_unigram(ink_encoder *encoder, const char *text, size_t len, bool starts,
                                 ink_token_list *out, ink_error *error) {
  const ink_vocab *vocab = encoder->vocab;
  ink_buffer *normal = &encoder->normal, *scratch = &encoder->scratch;
  INK_TRY(ink_sentencepiece_normalize(vocab, text, len, vocab->add_space_prefix && starts, normal,
                                      error));
  if (normal->len == 0) return INK_OK;
  if (normal->len > MAX_TEXT) {
    return ink_fail(error, INK_ERR_INVALID_ARGUMENT, "a text of %llu bytes is too long to tokenize",
                    (unsigned long long)len);
  }
  scratch->len = 0;
  INK_TRY(ink_buffer_reserve(scratch, (normal->len + 1) * sizeof(ink_cut), error));
  ink_cut *cuts = (ink_cut *)(void *)scratch->data; /* blocks are aligned for any type */
  find_cuts(vocab, normal->data, normal->len, cuts);
  turn_around(cuts, normal->len);
  bool after_unknown = false;
  for (size_t at = 0; at < normal->len; at = cuts[at].start) {
    bool is_unknown = cuts[at].token == vocab->unknown;
    if (!is_unknown) {
      ink_token_list_push(out, cuts[at].token);
    } else if (vocab->has_byte_tokens || !after_unknown) { /* neighbours become one */
      ink_sentencepiece_push_unknown(vocab, normal->data + at, cuts[at].start - at, out);
    }
    after_unknown = is_unknown;
  }
  return INK_OK;
}

const ink_family ink_family_unigram = {
    .model = "t5",
    .spell = ink_sentencepiece_spell,
    .read = read_unigram,
    .encode = encode_unigram,
    .join = ink_sentencepiece_join,
    .bos = -1,
    .eos = 1,
    .sep = -1,
    .unknown = 2,
    .add_eos = true,
    .has_in_text_tokens = true,
};
