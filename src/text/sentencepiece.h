/* What SentencePiece does to a text before any of its models sees it, and after: the rules of Kudo
 * and Richardson (2018) that its BPE and Unigram models share. */
#ifndef INK_TEXT_SENTENCEPIECE_H
#define INK_TEXT_SENTENCEPIECE_H

#include "text/family.h"

/* A token's bytes, from its spelling: U+2581 is a space, <0x41> a byte. In place. */
ink_str ink_sentencepiece_spell(ink_str text, uint8_t kind);

/* Reads add_space_prefix, remove_extra_whitespaces and precompiled_charsmap. */
ink_status ink_sentencepiece_read(ink_vocab *vocab, const ink_gguf *gguf, ink_error *error);

/* INK_ERR_BAD_MODEL unless each token has a score, and a finite one. */
ink_status ink_sentencepiece_check_scores(const ink_vocab *vocab, ink_error *error);

/* The longest user-defined in-text token that the text at `at` begins with, or -1. */
ink_token ink_sentencepiece_token_at(const ink_vocab *vocab, const char *text, size_t len,
                                     size_t at);

/* The text with each U+2581 turned into a space: to the models they are the same. *out is used if there
 * is one, and must then live on. */
ink_status ink_sentencepiece_fold(const char *text, size_t len, ink_buffer *out, ink_str *folded,
                                  ink_error *error);

/* Replaces *out by the normalised text: rules of the character map applied, U+2581 turned into a
 * space, spaces trimmed and joined if the model asks for it, one put first when `prefix`. */
ink_status ink_sentencepiece_normalize(const ink_vocab *vocab, const char *text, size_t len,
                                       bool prefix, ink_buffer *out, ink_error *error);

/* Appends the token of each byte, or the unknown token (once for neighbours) if one is missing. */
void ink_sentencepiece_push_unknown(const ink_vocab *vocab, const char *text, size_t len,
                                    ink_token_list *out);

/* Drops the space that encoding put first. */
ink_joint ink_sentencepiece_join(const ink_vocab *vocab, ink_token token, bool *starts);

#endif
