/* From instructions to an automaton, and running it. */
#include "text/pattern.h"

#include <string.h>

#include "base/index.h"
#include "text/pattern_program.h"
#include "text/unicode.h"

#define N_CATEGORIES 30u
#define MAX_CLASSES 255u
#define MAX_STATES 4096u
#define MAX_THREADS 65536u /* over all states */
#define MAX_CUTS (2 * INK_PATTERN_MAX_RANGES)

/* Everything that is needed only while compiling. */
typedef struct compiler {
  ink_program program;
  const ink_allocator *allocator;
  ink_pattern *pattern;
  uint64_t signatures[MAX_CLASSES]; /* by class: the sets its characters are in */
  uint32_t cuts[MAX_CUTS];
  uint32_t n_cuts;
  uint8_t by_category[(MAX_CUTS + 1) * N_CATEGORIES];

  /* A state is a list of instructions that wait for a character, best first. */
  uint16_t threads[MAX_THREADS];
  uint32_t first_thread[MAX_STATES + 1];
  uint64_t hashes[MAX_STATES]; /* of their lists */
  uint32_t n_states;
  uint16_t visited[INK_PATTERN_MAX_INSTRUCTIONS]; /* == mark: seen in this step */
  uint16_t mark;
  bool too_big;
} compiler;

/* ---- Classes of characters that no set tells apart ---- */

static uint8_t class_of(compiler *c, uint32_t code_point, uint32_t category) {
  uint64_t signature = 0;
  for (uint32_t i = 0; i < c->program.n_sets; i++) {
    if (ink_program_set_has(&c->program, i, code_point, category)) signature |= 1ull << i;
  }
  uint32_t n = 0;
  while (n < c->pattern->n_classes && c->signatures[n] != signature) n++;
  if (n == c->pattern->n_classes) {
    if (n == MAX_CLASSES) {
      c->too_big = true;
      return 0;
    }
    c->signatures[n] = signature;
    c->pattern->n_classes++;
  }
  return (uint8_t)n;
}

/* Keeps `cuts` sorted and each there once. */
static void add_cut(compiler *c, uint32_t code_point) {
  if (code_point < 0x80) code_point = 0x80;
  uint32_t at = c->n_cuts;
  while (at > 0 && c->cuts[at - 1] > code_point) at--;
  if (at > 0 && c->cuts[at - 1] == code_point) return;
  memmove(c->cuts + at + 1, c->cuts + at, (c->n_cuts - at) * sizeof *c->cuts);
  c->cuts[at] = code_point;
  c->n_cuts++;
}

static ink_status make_classes(compiler *c, ink_error *error) {
  ink_pattern *pattern = c->pattern;
  for (uint32_t i = 0; i < 128; i++) pattern->ascii[i] = class_of(c, i, ink_unicode_category(i));
  add_cut(c, 0x80);
  for (uint32_t i = 0; i < c->program.n_ranges; i++) {
    add_cut(c, c->program.ranges[i].first);
    add_cut(c, c->program.ranges[i].last + 1);
  }
  uint32_t n_segments = c->n_cuts, n_rows = 0;
  pattern->n_cuts = n_segments - 1;
  INK_TRY(ink_allocate(c->allocator, pattern->n_cuts * sizeof *pattern->cuts, "a pattern",
                       &pattern->cuts, error));
  if (pattern->n_cuts) memcpy(pattern->cuts, c->cuts + 1, pattern->n_cuts * sizeof *pattern->cuts);
  INK_TRY(ink_allocate(c->allocator, n_segments * sizeof *pattern->segments, "a pattern",
                       &pattern->segments, error));
  for (uint32_t s = 0; s < n_segments; s++) {
    uint8_t *row = c->by_category + n_rows * N_CATEGORIES;
    for (uint32_t k = 0; k < N_CATEGORIES; k++) row[k] = class_of(c, c->cuts[s], k);
    uint32_t same = 0;
    while (memcmp(c->by_category + same * N_CATEGORIES, row, N_CATEGORIES) != 0) same++;
    pattern->segments[s] = (uint16_t)(same * N_CATEGORIES);
    if (same == n_rows) n_rows++;
  }
  pattern->n_classes_by_category = n_rows * N_CATEGORIES;
  INK_TRY(ink_allocate(c->allocator, pattern->n_classes_by_category, "a pattern",
                       &pattern->classes, error));
  memcpy(pattern->classes, c->by_category, pattern->n_classes_by_category);
  return INK_OK;
}

/* ---- States ---- */

/* What the next character is: a class, or n_classes for none. */
static bool next_is_in(const compiler *c, uint32_t class, uint32_t set) {
  return class < c->pattern->n_classes && (c->signatures[class] >> set & 1u);
}

/* Follows an instruction without taking a character, given what the next one is. Threads that can
 * take it are put on the list, where they go. Returns true when the pattern matches here: then
 * what is of lower priority no longer counts. */
static bool follow(compiler *c, uint16_t at, uint32_t class, uint32_t *n_threads) {
  for (;;) {
    if (c->visited[at] == c->mark) return false;
    c->visited[at] = c->mark;
    const ink_instruction *instruction = &c->program.instructions[at];
    switch (instruction->kind) {
    case INK_MATCH: return true;
    case INK_SPLIT:
      if (follow(c, instruction->x, class, n_threads)) return true;
      at = instruction->y;
      continue;
    case INK_JUMP: at = instruction->x; continue;
    case INK_AT_END:
      if (class != c->pattern->n_classes) return false;
      break;
    case INK_BEFORE:
      if (!next_is_in(c, class, instruction->x)) return false;
      break;
    case INK_NOT_BEFORE:
      if (next_is_in(c, class, instruction->x)) return false;
      break;
    default: /* INK_SET */
      if (!next_is_in(c, class, instruction->x)) return false;
      if (*n_threads == MAX_THREADS) {
        c->too_big = true;
        return false;
      }
      c->threads[(*n_threads)++] = (uint16_t)(at + 1);
      return false;
    }
    at++;
  }
}

/* The number of the state whose threads end the list, added unless it is there. */
static uint32_t find_state(compiler *c, uint32_t end) {
  uint32_t start = c->first_thread[c->n_states], n = end - start;
  uint64_t hash = ink_hash_fast(c->threads + start, n * sizeof *c->threads);
  for (uint32_t s = 0; s < c->n_states; s++) {
    if (c->hashes[s] == hash && c->first_thread[s + 1] - c->first_thread[s] == n &&
        memcmp(c->threads + c->first_thread[s], c->threads + start, n * sizeof *c->threads) == 0) {
      return s;
    }
  }
  if (c->n_states == MAX_STATES) {
    c->too_big = true;
    return 0;
  }
  c->hashes[c->n_states] = hash;
  c->first_thread[++c->n_states] = end;
  return c->n_states - 1;
}

static uint16_t make_transition(compiler *c, uint32_t state, uint32_t class) {
  bool match = false;
  uint32_t end = c->first_thread[c->n_states];
  if (++c->mark == 0) {
    memset(c->visited, 0, sizeof c->visited);
    c->mark = 1;
  }
  for (uint32_t i = c->first_thread[state]; i < c->first_thread[state + 1] && !match; i++) {
    match = follow(c, c->threads[i], class, &end);
  }
  return (uint16_t)(find_state(c, end) << 1 | match);
}

static ink_status make_table(compiler *c, uint16_t **table, uint32_t *capacity, ink_error *error) {
  ink_pattern *pattern = c->pattern;
  uint32_t width = pattern->n_classes + 1;
  c->threads[0] = 0; /* state 0 has no threads, state 1 the program's start */
  c->first_thread[2] = 1;
  c->n_states = 2;
  c->hashes[0] = ink_hash_fast(NULL, 0);
  c->hashes[1] = ink_hash_fast(c->threads, sizeof *c->threads);
  for (uint32_t s = 0; s < c->n_states && !c->too_big; s++) {
    if ((s + 1) * width > *capacity) {
      uint32_t grown_capacity = *capacity * 2 + 16 * width;
      uint16_t *grown;
      INK_TRY(ink_allocate(c->allocator, grown_capacity * sizeof *grown, "a pattern", &grown, error));
      if (*table) memcpy(grown, *table, s * width * sizeof *grown);
      if (*table) ink_release(c->allocator, *table, *capacity * sizeof *grown);
      *table = grown;
      *capacity = grown_capacity;
    }
    for (uint32_t k = 0; k < width; k++) (*table)[s * width + k] = make_transition(c, s, k);
  }
  if (c->too_big) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_TOKENIZER, "a pre-tokenizer's pattern is too big");
  }
  pattern->n_states = c->n_states;
  uint64_t bytes = (uint64_t)c->n_states * width * sizeof **table;
  INK_TRY(ink_allocate(c->allocator, bytes, "a pattern", &pattern->table, error));
  memcpy(pattern->table, *table, (size_t)bytes);
  return INK_OK;
}

ink_status ink_pattern_create(ink_pattern *pattern, const ink_allocator *allocator,
                              const char *source, ink_error *error) {
  *pattern = (ink_pattern){0};
  compiler *c;
  INK_TRY(ink_allocate(allocator, sizeof *c, "compiling a pattern", &c, error));
  memset(c, 0, sizeof *c);
  c->allocator = allocator;
  c->pattern = pattern;
  uint16_t *table = NULL;
  uint32_t capacity = 0;
  ink_status status = ink_program_parse(&c->program, source, error);
  if (status == INK_OK) status = make_classes(c, error);
  if (status == INK_OK) status = make_table(c, &table, &capacity, error);
  if (table) ink_release(allocator, table, capacity * sizeof *table);
  ink_release(allocator, c, sizeof *c);
  if (status != INK_OK) ink_pattern_free(pattern, allocator);
  return status;
}

static uint64_t table_bytes(const ink_pattern *pattern) {
  return (uint64_t)pattern->n_states * (pattern->n_classes + 1) * sizeof *pattern->table;
}

void ink_pattern_free(ink_pattern *pattern, const ink_allocator *allocator) {
  ink_release(allocator, pattern->cuts, pattern->n_cuts * sizeof *pattern->cuts);
  ink_release(allocator, pattern->segments, (pattern->n_cuts + 1) * sizeof *pattern->segments);
  ink_release(allocator, pattern->classes, pattern->n_classes_by_category);
  ink_release(allocator, pattern->table, (size_t)table_bytes(pattern));
  *pattern = (ink_pattern){0};
}

uint64_t ink_pattern_bytes(const ink_pattern *pattern) {
  return pattern->n_cuts * sizeof *pattern->cuts +
         (pattern->n_cuts + 1) * sizeof *pattern->segments + pattern->n_classes_by_category +
         table_bytes(pattern);
}

/* ---- Running ---- */

/* The inner loop's parts, which a compiler for size would call. */
#define INLINE __attribute__((always_inline)) static inline

INLINE uint8_t class_beyond_ascii(const ink_pattern *pattern, uint32_t code_point) {
  uint32_t low = 0, high = pattern->n_cuts; /* how many cuts lie at or before it */
  if (high > 0 && code_point >= pattern->cuts[high - 1]) low = high;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (pattern->cuts[middle] <= code_point) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return pattern->classes[pattern->segments[low] + ink_unicode_category(code_point)];
}

/* The character at text[at], known to be well-formed and not ASCII. */
INLINE size_t decode_valid(const char *text, uint32_t *code_point) {
  const unsigned char *s = (const unsigned char *)text;
  if (s[0] < 0xE0) {
    *code_point = (s[0] & 0x1Fu) << 6 | (s[1] & 0x3Fu);
    return 2;
  }
  if (s[0] < 0xF0) {
    *code_point = (s[0] & 0xFu) << 12 | (s[1] & 0x3Fu) << 6 | (s[2] & 0x3Fu);
    return 3;
  }
  *code_point = (s[0] & 7u) << 18 | (s[1] & 0x3Fu) << 12 | (s[2] & 0x3Fu) << 6 | (s[3] & 0x3Fu);
  return 4;
}

size_t ink_pattern_match(const ink_pattern *pattern, ink_pattern_memory *memory, const char *text,
                         size_t len, size_t at) {
  uint32_t width = pattern->n_classes + 1, state = 1;
  size_t match = INK_PATTERN_NONE;
  size_t since = at; /* the state has been the same from here on */
  for (;;) {
    if (state == memory->state && at >= memory->from && at < memory->to) return match;
    uint32_t class = pattern->n_classes;
    size_t n = 0;
    if (at < len) {
      uint32_t c = (uint8_t)text[at];
      n = 1;
      if (c < 0x80) {
        class = pattern->ascii[c];
      } else {
        if (!pattern->reads_bytes) n = decode_valid(text + at, &c);
        else if (c <= 0xA0 || c == 0xAD) c += 0x100;
        class = class_beyond_ascii(pattern, c);
      }
    }
    uint16_t transition = pattern->table[state * width + class];
    if (transition & 1u) match = at;
    uint32_t next = transition >> 1;
    if (next == 0 || n == 0) break;
    at += n;
    if (next != state) since = at;
    state = next;
  }
  if (match == INK_PATTERN_NONE || match < since) {
    *memory = (ink_pattern_memory){state, since, at};
  }
  return match;
}
