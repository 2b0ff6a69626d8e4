#include "text/pretokenize.h"

#include <string.h>

static bool has_name(const char *names, ink_str name) {
  if (name.len == 0 || memchr(name.data, ' ', name.len)) return false;
  for (const char *at = names; *at; at += *at == ' ') {
    size_t len = strcspn(at, " ");
    if (len == name.len && memcmp(at, name.data, len) == 0) return true;
    at += len;
  }
  return false;
}

ink_status ink_pretokenizer_create(ink_pretokenizer *pre, const ink_allocator *allocator,
                                   ink_str name, ink_error *error) {
  *pre = (ink_pretokenizer){0};
  for (size_t i = 0; i < ink_n_pretokenizer_rules && !pre->rule; i++) {
    if (has_name(ink_pretokenizer_rules[i].names, name)) pre->rule = &ink_pretokenizer_rules[i];
  }
  if (!pre->rule) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_TOKENIZER,
                    "tokenizer.ggml.pre is '%.*s', which this engine does not know; convert the "
                    "model again, or set it to the name of a tokenizer with the same rules",
                    INK_STR_ARGS(name));
  }
  for (size_t i = 0; i < INK_MAX_SPLITS && pre->rule->splits[i]; i++) {
    ink_status status =
        ink_pattern_create(&pre->patterns[i], allocator, pre->rule->splits[i], error);
    if (status != INK_OK) {
      ink_pretokenizer_free(pre, allocator);
      return status;
    }
    pre->patterns[i].reads_bytes = pre->rule->bytes_split && i + 1 >= pre->rule->bytes_split;
    pre->n_splits++;
  }
  return INK_OK;
}

void ink_pretokenizer_free(ink_pretokenizer *pre, const ink_allocator *allocator) {
  for (uint32_t i = 0; i < pre->n_splits; i++) ink_pattern_free(&pre->patterns[i], allocator);
  *pre = (ink_pretokenizer){0};
}

/* ---- Words ---- */

static void enter(ink_word_cursor *cursor, uint32_t depth, size_t start, size_t end) {
  cursor->depth = depth;
  cursor->levels[depth].at = start;
  cursor->levels[depth].end = end;
  cursor->levels[depth].match_start = cursor->levels[depth].match_end = start;
  cursor->levels[depth].memory = (ink_pattern_memory){0};
}

ink_word_cursor ink_words(const ink_pretokenizer *pre, const char *text, size_t len) {
  ink_word_cursor cursor = {.pre = pre, .text = text};
  enter(&cursor, 0, 0, len);
  return cursor;
}

static size_t skip_character(const char *text, size_t at, size_t end) {
  do at++;
  while (at < end && ((uint8_t)text[at] & 0xC0u) == 0x80u);
  return at;
}

static size_t count_characters(const char *text, size_t at, size_t end) {
  size_t n = 0;
  for (; at < end; at++) n += ((uint8_t)text[at] & 0xC0u) != 0x80u;
  return n;
}

/* Finds the next match at or after `at`; at the piece's end when there is none. */
static void find_match(ink_word_cursor *cursor, uint32_t depth) {
  size_t at = cursor->levels[depth].at, end = cursor->levels[depth].end;
  size_t match_end = INK_PATTERN_NONE;
  const ink_pattern *pattern = &cursor->pre->patterns[depth];
  while (at < end) {
    match_end = ink_pattern_match(pattern, &cursor->levels[depth].memory, cursor->text, end, at);
    if (match_end != INK_PATTERN_NONE && match_end > at) break;
    at = pattern->reads_bytes ? at + 1 : skip_character(cursor->text, at, end);
  }
  cursor->levels[depth].match_start = at;
  cursor->levels[depth].match_end = at < end ? match_end : end;
  if (cursor->pre->rule->grouped_split == depth + 1) {
    cursor->levels[depth].digits =
        count_characters(cursor->text, at, cursor->levels[depth].match_end);
  }
}

/* The end of the next piece of a level that is not done. */
static size_t next_piece(ink_word_cursor *cursor, uint32_t depth) {
  size_t at = cursor->levels[depth].at;
  if (cursor->levels[depth].match_end <= at) find_match(cursor, depth);
  if (cursor->levels[depth].match_start > at) return cursor->levels[depth].match_start;
  size_t match_end = cursor->levels[depth].match_end;
  if (cursor->pre->rule->grouped_split != depth + 1) return match_end;
  size_t group = cursor->levels[depth].digits % 3 ? cursor->levels[depth].digits % 3 : 3;
  cursor->levels[depth].digits -= group;
  size_t end = at;
  while (group-- > 0) end = skip_character(cursor->text, end, match_end);
  cursor->levels[depth].match_start = end;
  return end;
}

bool ink_next_word(ink_word_cursor *cursor, size_t *start, size_t *end) {
  for (;;) {
    uint32_t depth = cursor->depth;
    size_t at = cursor->levels[depth].at;
    if (at == cursor->levels[depth].end) {
      if (depth == 0) return false;
      cursor->depth--;
      continue;
    }
    size_t piece_end = next_piece(cursor, depth);
    cursor->levels[depth].at = piece_end;
    if (depth + 1 == cursor->pre->n_splits) {
      *start = at;
      *end = piece_end;
      return true;
    }
    enter(cursor, depth + 1, at, piece_end);
  }
}
