#include "text/stream.h"

#include <string.h>

#include "base/utf8.h"

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

size_t ink_text_stream_capacity(size_t max_piece) {
  /* Each byte can become a U+FFFD of 3; held over: the start of a stop string, and of a character. */
  return 3 * (max_piece + 4) + INK_MAX_STOP_BYTES;
}

void ink_text_stream_reset(ink_text_stream *stream) {
  stream->n_shown = stream->n_held = stream->n_partial = stream->n_stops = 0;
}

static void drop_shown(ink_text_stream *stream) {
  memmove(stream->held, stream->held + stream->n_shown, stream->n_held);
  stream->n_shown = 0;
}

static void hold(ink_text_stream *stream, const char *bytes, size_t n) {
  memcpy(stream->held + stream->n_held, bytes, n);
  stream->n_held += n;
}

/* Moves bytes to `held` by whole characters. */
static void decode(ink_text_stream *stream, ink_str piece) {
  for (size_t i = 0; i < piece.len; i++) {
    stream->partial[stream->n_partial++] = piece.data[i];
    for (;;) {
      uint32_t code_point;
      int n = ink_utf8_decode(stream->partial, stream->n_partial, &code_point);
      if (n == 0) break;
      size_t used = (size_t)(n > 0 ? n : -n);
      if (n > 0) {
        hold(stream, stream->partial, used);
      } else {
        hold(stream, replacement, 3);
      }
      stream->n_partial -= used;
      memmove(stream->partial, stream->partial + used, stream->n_partial);
    }
  }
}

static bool find_stop(const ink_text_stream *stream, size_t *at) {
  for (size_t i = 0; i < stream->n_held; i++) {
    for (size_t s = 0; s < stream->n_stops; s++) {
      ink_str stop = stream->stops[s];
      if (stop.len <= stream->n_held - i && memcmp(stream->held + i, stop.data, stop.len) == 0) {
        *at = i;
        return true;
      }
    }
  }
  return false;
}

/* Whether a stop string may go on with `rest` after what is held: with the bytes of the unfinished
 * character, or with U+FFFD, which it becomes if it is never finished. */
static bool may_go_on(const ink_text_stream *stream, ink_str rest) {
  size_t n = stream->n_partial < rest.len ? stream->n_partial : rest.len;
  if (memcmp(rest.data, stream->partial, n) == 0) return true;
  return rest.len >= 3 && memcmp(rest.data, replacement, 3) == 0;
}

/* Where the first unfinished stop string may begin, or n_held. */
static size_t find_stop_start(const ink_text_stream *stream) {
  for (size_t i = 0; i < stream->n_held; i++) {
    size_t n = stream->n_held - i;
    for (size_t s = 0; s < stream->n_stops; s++) {
      ink_str stop = stream->stops[s];
      if (n >= stop.len || memcmp(stream->held + i, stop.data, n) != 0) continue;
      if (may_go_on(stream, (ink_str){stop.data + n, stop.len - n})) return i;
    }
  }
  return stream->n_held;
}

static ink_str show(ink_text_stream *stream, size_t n) {
  stream->n_shown = n;
  stream->n_held -= n;
  return (ink_str){stream->held, n};
}

bool ink_text_stream_push(ink_text_stream *stream, ink_str piece, ink_str *text) {
  drop_shown(stream);
  decode(stream, piece);
  size_t at;
  if (find_stop(stream, &at)) {
    *text = show(stream, at);
    stream->n_held = stream->n_partial = 0;
    return true;
  }
  *text = show(stream, find_stop_start(stream));
  return false;
}

ink_str ink_text_stream_finish(ink_text_stream *stream) {
  drop_shown(stream);
  stream->n_partial = 0;
  return show(stream, stream->n_held);
}
