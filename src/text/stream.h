/* From tokens' bytes to text that can be shown: whole characters, and nothing of a stop string.
 *
 * Bytes are held back only while they may be the beginning of a character or of a stop string.
 * What turns out not to be UTF-8 is replaced by U+FFFD, one for each maximal ill-formed part
 * (Unicode 3.9, as the Encoding Standard's decoders do). A character that is still incomplete when the
 * text ends is dropped: it was cut off, not wrong. */
#ifndef INK_TEXT_STREAM_H
#define INK_TEXT_STREAM_H

#include "base/memory.h"

typedef struct ink_text_stream {
  char *held;      /* [capacity] bytes not yet shown, and after push or finish those to show now */
  size_t capacity;
  size_t n_shown;  /* at the start of `held`: given out by the last call, dropped by the next */
  size_t n_held;   /* after them */
  char partial[4];  /* bytes of a character that is not complete */
  size_t n_partial;
  ink_str stops[INK_MAX_STOPS];
  size_t n_stops;
} ink_text_stream;

/* Bytes of `held` that suffice for pieces of at most max_piece bytes. */
size_t ink_text_stream_capacity(size_t max_piece);

/* Forgets everything; the stop strings' bytes stay the caller's and must live on. */
void ink_text_stream_reset(ink_text_stream *stream);

/* Adds a piece of at most max_piece bytes. *text is what can be shown now, valid until the next
 * call. Returns true when a stop string is complete: *text is then the rest of what came before. */
bool ink_text_stream_push(ink_text_stream *stream, ink_str piece, ink_str *text);

/* The generation is over: gives out all that was held back. */
ink_str ink_text_stream_finish(ink_text_stream *stream);

#endif
