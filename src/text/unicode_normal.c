/* Normal forms (Unicode Standard Annex 15; The Unicode Standard 3.11 and 3.12). The text is cut into
 * segments that can't influence each other; nearly all of it needs no work and is copied whole. */
#include <string.h>

#include "base/utf8.h"
#include "text/unicode.h"
#include "text/unicode_table.h"

/* Hangul syllables are composed by arithmetic. */
#define L_BASE 0x1100u
#define V_BASE 0x1161u
#define T_BASE 0x11A7u
#define S_BASE 0xAC00u
#define L_COUNT 19u
#define V_COUNT 21u
#define T_COUNT 28u
#define S_COUNT (L_COUNT * V_COUNT * T_COUNT)

static bool composes(ink_normal_form form) { return form == INK_NFC || form == INK_NFKC; }
static bool is_compatible(ink_normal_form form) { return form == INK_NFKC || form == INK_NFKD; }

/* ---- The tables ---- */

uint8_t ink_unicode_combining_class(uint32_t c) {
  return ink_unicode_combining[ink_unicode_class(c)];
}

static uint32_t take_value(const uint8_t **at) {
  uint32_t value = 0, bits = 0;
  uint8_t byte;
  do {
    byte = *(*at)++;
    value |= (byte & 0x7Fu) << bits;
    bits += 7;
  } while (byte & 0x80);
  return value;
}

/* A character's step of decomposition, as one walks along them. */
typedef struct step {
  const uint8_t *head, *value; /* of the next */
  uint32_t code;               /* the character */
  uint32_t to[INK_UNICODE_LONGEST];
  uint32_t n;
  bool canonical;
} step;

static void begin_block(step *s, size_t block) {
  memset(s, 0, sizeof *s);
  s->head = ink_unicode_heads + block * INK_UNICODE_BLOCK;
  s->value = ink_unicode_values + ink_unicode_block_at[block];
  s->code = ink_unicode_block_code[block] - 1;
  s->to[0] = UINT32_MAX; /* whose successor is 0 */
}

static void next_step(step *s) {
  uint8_t head = *s->head++;
  s->code += 1 + (head & 1 ? take_value(&s->value) : 0);
  s->canonical = head & 2;
  s->n = head >> 2;
  s->to[0]++;
  for (uint32_t i = 0; i < s->n; i++) {
    uint32_t value = take_value(&s->value);
    s->to[i] += value & 1 ? ~(value >> 1) : value >> 1;
  }
}

/* Of a character that has one, as its flags say. */
static void find_step(uint32_t c, step *s) {
  size_t low = 0, high = ink_unicode_n_blocks;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (ink_unicode_block_code[middle] <= c) {
      low = middle;
    } else {
      high = middle;
    }
  }
  begin_block(s, low);
  do next_step(s);
  while (s->code < c);
}

/* What NFC composes of two characters. The steps say it the other way round, so this is read from
 * them, once for a text that has such pairs. */
typedef struct composites {
  size_t n; /* 0: not read yet */
  uint32_t first[INK_UNICODE_MOST_COMPOSITES];
  uint32_t second[INK_UNICODE_MOST_COMPOSITES];
  uint32_t code[INK_UNICODE_MOST_COMPOSITES];
} composites;

static void read_composites(composites *all) {
  step s;
  for (size_t i = 0; i < ink_unicode_n_steps; i++) {
    if (i % INK_UNICODE_BLOCK == 0) begin_block(&s, i / INK_UNICODE_BLOCK);
    next_step(&s);
    if (!s.canonical || s.n != 2 || ink_unicode_flags_of(s.code) & INK_UNICODE_COMPOSES) continue;
    all->first[all->n] = s.to[0];
    all->second[all->n] = s.to[1];
    all->code[all->n++] = s.code;
  }
}

/* What NFC makes of two neighbours, or 0. */
static uint32_t compose_pair(composites *all, uint32_t first, uint32_t second) {
  if (first - L_BASE < L_COUNT && second - V_BASE < V_COUNT) {
    return S_BASE + ((first - L_BASE) * V_COUNT + (second - V_BASE)) * T_COUNT;
  }
  if (first - S_BASE < S_COUNT && (first - S_BASE) % T_COUNT == 0 &&
      second - (T_BASE + 1) < T_COUNT - 1) {
    return first + (second - T_BASE);
  }
  if (!(ink_unicode_flags_of(second) & INK_UNICODE_COMPOSES)) return 0;
  if (all->n == 0) read_composites(all);
  for (size_t i = 0; i < all->n; i++) {
    if (all->first[i] == first && all->second[i] == second) return all->code[i];
  }
  return 0;
}

/* ---- One segment ---- */

/* A character with its combining class in the top byte. */
#define CODE(character) ((character) & 0x1FFFFFu)
#define CLASS(character) ((character) >> 24)

typedef struct segment {
  const ink_allocator *allocator;
  ink_normal_form form;
  composites *composites;
  uint32_t *characters; /* [capacity] */
  uint32_t *sorted;     /* [capacity] scratch of order_marks() */
  size_t n;
  size_t capacity;
  uint32_t fixed[2][64]; /* what the two point to while that suffices */
} segment;

static void free_segment(segment *s) {
  if (s->characters != s->fixed[0]) {
    ink_release(s->allocator, s->characters, 2 * s->capacity * sizeof *s->characters);
  }
}

static ink_status push_character(segment *s, uint32_t c, ink_error *error) {
  if (s->n == s->capacity) {
    size_t capacity = s->capacity * 2;
    uint32_t *grown;
    INK_TRY(ink_allocate(s->allocator, (uint64_t)capacity * 2 * sizeof *grown, "normalisation",
                         &grown, error));
    memcpy(grown, s->characters, s->n * sizeof *grown);
    free_segment(s);
    s->characters = grown;
    s->sorted = grown + capacity;
    s->capacity = capacity;
  }
  s->characters[s->n++] = c | (uint32_t)ink_unicode_combining_class(c) << 24;
  return INK_OK;
}

/* Full decomposition. It ends: each step leads to characters whose own steps are fewer. */
static ink_status push_decomposed(segment *s, uint32_t c, ink_error *error) {
  if (c - S_BASE < S_COUNT) {
    uint32_t i = c - S_BASE;
    INK_TRY(push_character(s, L_BASE + i / (V_COUNT * T_COUNT), error));
    INK_TRY(push_character(s, V_BASE + i % (V_COUNT * T_COUNT) / T_COUNT, error));
    return i % T_COUNT ? push_character(s, T_BASE + i % T_COUNT, error) : INK_OK;
  }
  if (ink_unicode_flags_of(c) & INK_UNICODE_DECOMPOSES) {
    step found;
    find_step(c, &found);
    if (is_compatible(s->form) || found.canonical) {
      for (uint32_t i = 0; i < found.n; i++) INK_TRY(push_decomposed(s, found.to[i], error));
      return INK_OK;
    }
  }
  return push_character(s, c, error);
}

/* Sorts the marks from `start` to `end` by class, those of a class in the order they came: a
 * counting sort, because a hostile text has a million marks in a row. */
static void order_marks(segment *s, size_t start, size_t end) {
  bool ordered = true;
  for (size_t i = start + 1; i < end; i++) {
    ordered &= CLASS(s->characters[i - 1]) <= CLASS(s->characters[i]);
  }
  if (ordered) return;
  uint32_t places[257] = {0};
  for (size_t i = start; i < end; i++) places[CLASS(s->characters[i]) + 1]++;
  for (size_t i = 1; i < 257; i++) places[i] += places[i - 1];
  for (size_t i = start; i < end; i++) {
    s->sorted[places[CLASS(s->characters[i])]++] = s->characters[i];
  }
  memcpy(s->characters + start, s->sorted, (end - start) * sizeof *s->characters);
}

static void order_segment(segment *s) {
  for (size_t i = 0; i < s->n;) {
    size_t end = i + 1;
    if (CLASS(s->characters[i])) {
      while (end < s->n && CLASS(s->characters[end])) end++;
      order_marks(s, i, end);
    }
    i = end;
  }
}

static void compose_segment(segment *s) {
  size_t n = 0, starter = SIZE_MAX;
  uint32_t last_class = 0; /* of what was kept after the starter; 0: nothing */
  for (size_t i = 0; i < s->n; i++) {
    uint32_t character = s->characters[i], class = CLASS(character);
    bool blocked = n > starter + 1 && (last_class == 0 || last_class >= class);
    if (starter != SIZE_MAX && !blocked) {
      uint32_t first = CODE(s->characters[starter]);
      uint32_t composite = compose_pair(s->composites, first, CODE(character));
      if (composite) {
        s->characters[starter] = composite; /* all composites are starters */
        continue;
      }
    }
    if (class == 0) starter = n;
    last_class = class;
    s->characters[n++] = character;
  }
  s->n = n;
}

static ink_status flush_segment(segment *s, ink_buffer *out, ink_error *error) {
  order_segment(s);
  if (composes(s->form)) compose_segment(s);
  for (size_t i = 0; i < s->n; i++) {
    INK_TRY(ink_buffer_append_code_point(out, CODE(s->characters[i]), error));
  }
  s->n = 0;
  return INK_OK;
}

/* ---- The text ---- */

/* The form leaves the character alone, whatever its neighbours: it is a starter, and a segment may
 * begin with it. */
static bool is_inert(ink_normal_form form, uint32_t c) {
  if (c < 0xA0) return true;
  uint8_t flags = ink_unicode_flags_of(c);
  if (form == INK_NFC) return !(flags & INK_UNICODE_COMPOSES);
  if (flags & (INK_UNICODE_COMPOSES | INK_UNICODE_DECOMPOSES)) return false;
  return form == INK_NFKC || c - S_BASE >= S_COUNT;
}

/* Skips inert characters; *last is where the last of them begins. Bytes that are not UTF-8 stay as
 * they are, and nothing joins them. */
static size_t skip_inert(ink_normal_form form, const char *text, size_t len, size_t at,
                         size_t *last) {
  *last = at;
  while (at < len) {
    uint32_t c = (uint8_t)text[at];
    int bytes = c < 0x80 ? 1 : ink_utf8_decode(text + at, len - at, &c);
    if (bytes > 0 && !is_inert(form, c)) break;
    *last = bytes > 0 ? at : at + 1;
    at += bytes > 0 ? (size_t)bytes : 1;
  }
  return at;
}

size_t ink_unicode_normal_prefix(ink_normal_form form, const char *text, size_t len) {
  size_t last;
  size_t end = skip_inert(form, text, len, 0, &last);
  return end == len || !composes(form) ? end : last;
}

ink_status ink_unicode_normalize(ink_normal_form form, const char *text, size_t len,
                                 ink_buffer *out, ink_error *error) {
  composites known;
  known.n = 0;
  segment s = {.allocator = out->allocator, .form = form, .composites = &known, .capacity = 64};
  s.characters = s.fixed[0];
  s.sorted = s.fixed[1];
  ink_status status = INK_OK;
  for (size_t at = 0; at < len && status == INK_OK;) {
    size_t last;
    size_t end = skip_inert(form, text, len, at, &last);
    if (end == len || !composes(form)) last = end;
    status = ink_buffer_append(out, text + at, last - at, error);
    /* The segment: in composing forms the inert character that marks may join, then what is not
     * inert. */
    at = last;
    while (at < len && status == INK_OK) {
      uint32_t c;
      int bytes = ink_utf8_decode(text + at, len - at, &c);
      if (bytes <= 0 || (at >= end && is_inert(form, c))) break;
      status = push_decomposed(&s, c, error);
      at += (size_t)bytes;
    }
    if (status == INK_OK) status = flush_segment(&s, out, error);
  }
  free_segment(&s);
  return status;
}
