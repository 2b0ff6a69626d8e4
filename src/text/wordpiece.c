/* WordPiece as BERT has it (Devlin et al., 2018): words of the cleaned text, each cut into the longest
 * pieces from its start on.
 *
 * In a GGUF file a piece that begins a word starts with U+2581, and one that goes on with a word has
 * lost its ##. Here the mark is a space. */
#include <string.h>

#include "base/utf8.h"
#include "text/bert_classes.h"
#include "text/family.h"
#include "text/unicode.h"

#define MAX_WORD 100u /* characters; a longer word is unknown */

static ink_str spell_wordpiece(ink_str text, uint8_t kind) {
  char *out = (char *)(uintptr_t)text.data;
  if (kind == INK_TOKEN_CONTROL || text.len <= 3 || memcmp(out, "\xE2\x96\x81", 3) != 0) return text;
  out[2] = ' ';
  return (ink_str){out + 2, text.len - 2};
}

static ink_status read_wordpiece(ink_vocab *vocab, const ink_gguf *gguf, ink_error *error) {
  INK_TRY(ink_gguf_get_bool(gguf, "tokenizer.ggml.normalizer.lowercase", true, &vocab->lower_case,
                            error));
  INK_TRY(ink_gguf_get_bool(gguf, "tokenizer.ggml.normalizer.strip_accents", vocab->lower_case,
                            &vocab->strip_accents, error));
  if (vocab->unknown < 0) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "a WordPiece vocabulary needs tokenizer.ggml.unknown_token_id");
  }
  return ink_vocab_index_prefixes(vocab, error);
}

/* ---- Words ---- */

/* A word being put together, with the space that marks its beginning. */
typedef struct ink_word {
  size_t n; /* characters; those past MAX_WORD are not kept */
  size_t len;
  char text[1 + (MAX_WORD + 1) * 4];
} ink_word;

static void add_character(ink_word *word, uint32_t c) {
  if (word->n == 0) {
    word->text[0] = ' ';
    word->len = 1;
  }
  if (word->n <= MAX_WORD) word->len += ink_utf8_encode(c, word->text + word->len);
  word->n++;
}

/* Appends the word's pieces, or the unknown token, and empties it. */
static void end_word(const ink_vocab *vocab, ink_word *word, ink_token_list *out) {
  if (word->n == 0) return;
  size_t before = out->n, at = 0;
  while (at < word->len && word->n <= MAX_WORD) {
    ink_prefix_walk walk = ink_prefix_start(word->text + at, word->len - at);
    int64_t found, longest = -1;
    size_t size = 0;
    while ((found = ink_prefix_next(&vocab->pieces, &walk)) >= 0) {
      longest = found;
      size = walk.len;
    }
    if (longest < 0) break;
    ink_token_list_push(out, (ink_token)longest);
    at += size;
  }
  if (at < word->len) {
    out->n = before;
    ink_token_list_push(out, vocab->unknown);
  }
  word->n = 0;
}

/* ---- BERT's basic tokenizer ---- */

static ink_bert_class rule_of_bert(uint32_t c) {
  if (c == '\t' || c == '\n' || c == '\r') return INK_BERT_SPACE;
  uint32_t category = 1u << ink_unicode_category(c);
  if (category & (INK_MASK(CC) | INK_MASK(CF) | INK_MASK(CO))) return INK_BERT_REMOVED;
  if (category & INK_MASK(ZS)) return INK_BERT_SPACE;
  if (category & (c < 0x80 ? INK_MASK_P | INK_MASK_S : INK_MASK_P)) return INK_BERT_PUNCTUATION;
  return category & INK_MASK(MN) ? INK_BERT_MARK : INK_BERT_OTHER;
}

ink_bert_class ink_bert_class_of(uint32_t c) {
  size_t low = 0, high = ink_bert_n_runs; /* the last run that begins at or before c is low - 1 */
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (ink_bert_runs[middle].first <= c) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low > 0 && c <= (ink_bert_runs[low - 1].last & 0xFFFFFFu)) {
    return (ink_bert_class)(ink_bert_runs[low - 1].last >> 24);
  }
  return rule_of_bert(c);
}

/* Control characters go, white space is a space, and ideographs stand apart. */
static ink_status clean(const char *text, size_t len, ink_buffer *out, ink_error *error) {
  uint32_t c;
  int n;
  out->len = 0;
  for (size_t at = 0; at < len; at += (size_t)n) {
    n = ink_utf8_decode(text + at, len - at, &c);
    ink_bert_class class = ink_bert_class_of(c);
    if (class == INK_BERT_REMOVED) continue;
    bool apart = class == INK_BERT_CJK;
    if (class == INK_BERT_SPACE || apart) INK_TRY(ink_buffer_append(out, " ", 1, error));
    if (class == INK_BERT_SPACE) continue;
    INK_TRY(ink_buffer_append(out, text + at, (size_t)n, error));
    if (apart) INK_TRY(ink_buffer_append(out, " ", 1, error));
  }
  return INK_OK;
}

static void push_character(const ink_vocab *vocab, uint32_t c, ink_word *word,
                           ink_token_list *out) {
  ink_bert_class class = ink_bert_class_of(c);
  bool apart = class == INK_BERT_PUNCTUATION;
  if (class == INK_BERT_SPACE || apart) end_word(vocab, word, out);
  if (class == INK_BERT_SPACE) return;
  add_character(word, c);
  if (apart) end_word(vocab, word, out);
}

static ink_status encode_wordpiece(ink_encoder *encoder, const char *text, size_t len, bool starts,
                                   ink_token_list *out, ink_error *error) {
  (void)starts;
  const ink_vocab *vocab = encoder->vocab;
  ink_buffer *words = &encoder->normal;
  INK_TRY(clean(text, len, words, error));
  if (vocab->strip_accents) {
    encoder->scratch.len = 0;
    INK_TRY(ink_unicode_normalize(INK_NFD, words->data, words->len, &encoder->scratch, error));
    words = &encoder->scratch;
  }
  ink_word word = {0};
  uint32_t c, lower[3];
  int n;
  for (size_t at = 0; at < words->len; at += (size_t)n) {
    n = ink_utf8_decode(words->data + at, words->len - at, &c);
    if (vocab->strip_accents && ink_bert_class_of(c) == INK_BERT_MARK) continue;
    size_t n_lower = 1;
    lower[0] = c;
    if (vocab->lower_case) n_lower = ink_unicode_lower(c, lower);
    for (size_t i = 0; i < n_lower; i++) push_character(vocab, lower[i], &word, out);
  }
  end_word(vocab, &word, out);
  return INK_OK;
}

/* ---- Tokens to text ---- */

/* Hugging Face's clean-up: these are not set apart from the word before. */
static bool is_tight(ink_str text) {
  static const char *const tight[] = {".", "?", "!", ",", "n't", "'m", "'s", "'ve", "'re"};
  for (size_t i = 0; i < sizeof tight / sizeof tight[0]; i++) {
    size_t n = strlen(tight[i]);
    if (n <= text.len && memcmp(text.data, tight[i], n) == 0) return true;
  }
  return false;
}

/* Words are set apart by one space: what stood there in the text is not known any more. */
static ink_joint join_wordpiece(const ink_vocab *vocab, ink_token token, bool *starts) {
  ink_str text = ink_vocab_text(vocab, token);
  if (text.len == 0) return (ink_joint){false, text};
  bool begins = text.data[0] == ' ';
  if (begins) text = (ink_str){text.data + 1, text.len - 1};
  bool is_name = text.len > 2 && text.data[0] == '[' && text.data[text.len - 1] == ']';
  bool space = (begins || is_name) && !*starts && !is_tight(text);
  *starts = false;
  return (ink_joint){space, text};
}

const ink_family ink_family_wordpiece = {
    .model = "bert",
    .spell = spell_wordpiece,
    .read = read_wordpiece,
    .encode = encode_wordpiece,
    .join = join_wordpiece,
    .bos = 101,
    .eos = -1,
    .sep = 102,
    .unknown = 100,
    .add_bos = true,
    .add_sep = true,
};
