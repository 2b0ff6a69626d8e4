/* text: what is shown while text streams, and what is held back. */
#include "check.h"
#include "text/stream.h"

static char held[1024];
static char shown[1024];

/* Pushes pieces separated by '|', collecting what is shown; true when a stop string was met. */
static bool push_all(ink_text_stream *stream, const char *pieces) {
  shown[0] = '\0';
  while (*pieces) {
    const char *end = strchr(pieces, '|');
    size_t len = end ? (size_t)(end - pieces) : strlen(pieces);
    ink_str text;
    bool stopped = ink_text_stream_push(stream, (ink_str){pieces, len}, &text);
    strncat(shown, text.data, text.len);
    if (stopped) return true;
    pieces += end ? len + 1 : len;
  }
  return false;
}

static ink_text_stream new_stream(const char *stop) {
  ink_text_stream stream = {.held = held, .capacity = sizeof held};
  ink_text_stream_reset(&stream);
  if (stop) {
    stream.stops[0] = (ink_str){stop, strlen(stop)};
    stream.n_stops = 1;
  }
  return stream;
}

static const char *finish(ink_text_stream *stream) {
  static char rest[1024];
  ink_str text = ink_text_stream_finish(stream);
  memcpy(rest, text.data, text.len);
  rest[text.len] = '\0';
  return rest;
}

static void characters_stay_whole(void) {
  ink_text_stream stream = new_stream(NULL);
  push_all(&stream, "a\xED");
  CHECK(strcmp(shown, "a") == 0);
  push_all(&stream, "\x95");
  CHECK(strcmp(shown, "") == 0);
  push_all(&stream, "\x9C\xEA");
  CHECK(strcmp(shown, "한") == 0);
  CHECK(strcmp(finish(&stream), "") == 0);
}

static void bad_bytes_are_replaced(void) {
  ink_text_stream stream = new_stream(NULL);
  push_all(&stream, "\xFF|\xE2\x82|A\x80");
  CHECK(strcmp(shown, "\xEF\xBF\xBD\xEF\xBF\xBD" "A\xEF\xBF\xBD") == 0);
}

static void characters_cut_off_at_the_end_are_dropped(void) {
  static const char *const cut[] = {"\xC3", "\xED\x95", "\xF0\x9F\x99", "\xF0|\x9F|\x99"};
  for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
    ink_text_stream stream = new_stream("STOP");
    push_all(&stream, "한S");
    push_all(&stream, cut[i]);
    CHECK(strcmp(shown, "S") == 0); /* no stop string begins with what follows */
    CHECK(strcmp(finish(&stream), "") == 0);
    CHECK(strcmp(finish(&stream), "") == 0);
  }
}

/* What can't become a character is replaced at once, so that only the part after it is dropped. */
static void bad_bytes_before_the_end_are_kept(void) {
  ink_text_stream stream = new_stream(NULL);
  push_all(&stream, "\x80\xF0\x9F\xED");
  CHECK(strcmp(shown, "\xEF\xBF\xBD\xEF\xBF\xBD") == 0);
  CHECK(strcmp(finish(&stream), "") == 0);
}

static void stop_strings_end_the_text(void) {
  ink_text_stream stream = new_stream("STOP");
  CHECK(push_all(&stream, "go on S|T|OP never shown"));
  CHECK(strcmp(shown, "go on ") == 0);
  CHECK(strcmp(finish(&stream), "") == 0);
}

static void near_misses_are_shown(void) {
  ink_text_stream stream = new_stream("STOP");
  CHECK(!push_all(&stream, "S|S|T|"));
  CHECK(strcmp(shown, "S") == 0);
  CHECK(!push_all(&stream, "ART"));
  CHECK(strcmp(shown, "START") == 0);
  CHECK(!push_all(&stream, "STO"));
  CHECK(strcmp(finish(&stream), "STO") == 0);
}

/* An unfinished character already tells a stop string from something else. */
static void stop_strings_end_with_an_unfinished_character(void) {
  ink_text_stream stream = new_stream("끝!");
  CHECK(!push_all(&stream, "가끝\xEB"));
  CHECK(strcmp(shown, "가끝") == 0);
  stream = new_stream("끝났다");
  CHECK(!push_all(&stream, "가끝\xEB"));
  CHECK(strcmp(shown, "가") == 0);
  CHECK(push_all(&stream, "\x82\xAC다"));
  stream = new_stream("끝\xEF\xBF\xBD");
  CHECK(!push_all(&stream, "끝\xEB"));
  CHECK(strcmp(shown, "") == 0);
  CHECK(push_all(&stream, "\x82!"));
}

static void the_earliest_stop_wins(void) {
  ink_text_stream stream = new_stream("\n\n");
  stream.stops[1] = (ink_str){"끝", 3};
  stream.n_stops = 2;
  CHECK(push_all(&stream, "가나\xEB|\x81\x9D\n\n"));
  CHECK(strcmp(shown, "가나") == 0);
}

int main(void) {
  RUN(characters_stay_whole);
  RUN(bad_bytes_are_replaced);
  RUN(characters_cut_off_at_the_end_are_dropped);
  RUN(bad_bytes_before_the_end_are_kept);
  RUN(stop_strings_end_the_text);
  RUN(near_misses_are_shown);
  RUN(stop_strings_end_with_an_unfinished_character);
  RUN(the_earliest_stop_wins);
  return check_result();
}
