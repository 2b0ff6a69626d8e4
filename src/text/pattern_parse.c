/* From a pattern's text to instructions. */
#include <string.h>

#include "base/utf8.h"
#include "text/pattern_program.h"
#include "text/unicode.h"

typedef struct parser {
  ink_program *program;
  const char *source;
  size_t len, at;
  bool ignore_case;
  bool skipping; /* the text is only walked over, to see what follows an atom */
  bool failed;
} parser;

static void parse_alternatives(parser *p);

static bool more(const parser *p) { return !p->failed && p->at < p->len; }
static char peek(const parser *p) { return p->at < p->len ? p->source[p->at] : '\0'; }

static bool accept(parser *p, const char *text) {
  size_t n = strlen(text);
  if (n > p->len - p->at || memcmp(p->source + p->at, text, n) != 0) return false;
  p->at += n;
  return true;
}

static void expect(parser *p, const char *text) {
  if (!accept(p, text)) p->failed = true;
}

static uint16_t emit(parser *p, ink_instruction_kind kind, size_t x, size_t y) {
  ink_program *program = p->program;
  if (p->skipping) return 0;
  if (program->n == INK_PATTERN_MAX_INSTRUCTIONS) {
    p->failed = true;
    return 0;
  }
  program->instructions[program->n] = (ink_instruction){(uint8_t)kind, (uint16_t)x, (uint16_t)y};
  return (uint16_t)program->n++;
}

/* ---- Sets ---- */

static void add_range(parser *p, ink_character_set *set, uint32_t first, uint32_t last) {
  ink_program *program = p->program;
  if (program->n_ranges == INK_PATTERN_MAX_RANGES) {
    p->failed = true;
    return;
  }
  program->ranges[program->n_ranges++] = (ink_range){first, last};
  set->n_ranges++;
}

static void add_character(parser *p, ink_character_set *set, uint32_t c) {
  add_range(p, set, c, c);
  uint32_t other = c | 0x20;
  if (!p->ignore_case || other < 'a' || other > 'z') return;
  add_range(p, set, c ^ 0x20, c ^ 0x20);
  if (other == 's') add_range(p, set, 0x17F, 0x17F); /* long s folds to s */
}

static ink_character_set begin_set(const parser *p) {
  return (ink_character_set){.first_range = (uint16_t)p->program->n_ranges, .within = -1};
}

static bool same_set(const ink_program *program, const ink_character_set *a,
                     const ink_character_set *b) {
  return a->categories == b->categories && a->n_ranges == b->n_ranges &&
         a->negated == b->negated && a->within == b->within &&
         memcmp(program->ranges + a->first_range, program->ranges + b->first_range,
                a->n_ranges * sizeof(ink_range)) == 0;
}

/* The number of the set; ranges of one that is there already are given back. */
static uint32_t end_set(parser *p, const ink_character_set *set) {
  ink_program *program = p->program;
  for (uint32_t i = 0; i < program->n_sets; i++) {
    if (!same_set(program, &program->sets[i], set)) continue;
    program->n_ranges = set->first_range;
    return i;
  }
  if (program->n_sets == INK_PATTERN_MAX_SETS) {
    p->failed = true;
    return 0;
  }
  program->sets[program->n_sets] = *set;
  return program->n_sets++;
}

/* {Lu}, {L}, {Han} after \p. */
static void add_property(parser *p, ink_character_set *set) {
  static const struct {
    const char *name;
    uint32_t mask;
  } properties[] = {
      {"{L}", INK_MASK_L},      {"{M}", INK_MASK_M},      {"{N}", INK_MASK_N},
      {"{P}", INK_MASK_P},      {"{S}", INK_MASK_S},      {"{Z}", INK_MASK_Z},
      {"{Lu}", INK_MASK(LU)},   {"{Ll}", INK_MASK(LL)},   {"{Lt}", INK_MASK(LT)},
      {"{Lm}", INK_MASK(LM)},   {"{Lo}", INK_MASK(LO)},   {"{Nd}", INK_MASK(ND)},
      {"{Pc}", INK_MASK(PC)}};
  if (accept(p, "{Han}")) {
    size_t n;
    const uint32_t(*runs)[2] = ink_unicode_han_runs(&n);
    for (size_t i = 0; i < n; i++) add_range(p, set, runs[i][0], runs[i][1]);
    return;
  }
  for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++) {
    if (accept(p, properties[i].name)) {
      set->categories |= properties[i].mask;
      return;
    }
  }
  p->failed = true;
}

static void add_space(parser *p, ink_character_set *set) {
  set->categories |= INK_MASK_Z;
  add_range(p, set, '\t', '\r');
  add_range(p, set, 0x85, 0x85);
}

/* {1F7D} after \x. */
static uint32_t parse_code_point(parser *p) {
  uint32_t c = 0;
  expect(p, "{");
  while (more(p) && peek(p) != '}') {
    const char *digits = "0123456789ABCDEF", *digit = strchr(digits, p->source[p->at++]);
    if (!digit || c > 0x10FFFF) p->failed = true;
    c = c * 16 + (digit ? (uint32_t)(digit - digits) : 0);
  }
  expect(p, "}");
  return c;
}

/* After a backslash. Returns true when it was one character, in *c. */
static bool parse_escape(parser *p, ink_character_set *set, uint32_t *c) {
  char name = peek(p);
  p->at++;
  switch (name) {
  case 'r': *c = '\r'; return true;
  case 'n': *c = '\n'; return true;
  case 't': *c = '\t'; return true;
  case 's': add_space(p, set); return false;
  case 'd': set->categories |= INK_MASK(ND); return false;
  case 'w': set->categories |= INK_MASK_L | INK_MASK_M | INK_MASK(ND) | INK_MASK(PC); return false;
  case 'p': add_property(p, set); return false;
  case 'x': *c = parse_code_point(p); return true;
  default:
    if ((name >= 'A' && name <= 'Z') || (name >= 'a' && name <= 'z')) p->failed = true;
    *c = (uint8_t)name;
    return true;
  }
}

static uint32_t parse_character(parser *p) {
  uint32_t c = 0;
  int n = ink_utf8_decode(p->source + p->at, p->len - p->at, &c);
  if (n <= 0) {
    p->failed = true;
    return 0;
  }
  p->at += (size_t)n;
  return c;
}

/* After "[". */
static uint32_t parse_class(parser *p) {
  ink_character_set set = begin_set(p);
  set.negated = accept(p, "^");
  while (more(p) && peek(p) != ']') {
    uint32_t first;
    if (accept(p, "&&[")) {
      /* The inner class's ranges would come among this one's. */
      if (set.n_ranges > 0) p->failed = true;
      set.within = (int16_t)parse_class(p);
      set.first_range = (uint16_t)p->program->n_ranges;
      continue;
    }
    if (!accept(p, "\\")) {
      first = parse_character(p);
    } else if (!parse_escape(p, &set, &first)) {
      continue;
    }
    if (peek(p) == '-' && p->at + 1 < p->len && p->source[p->at + 1] != ']') {
      p->at++;
      uint32_t last = 0;
      if (!accept(p, "\\")) {
        last = parse_character(p);
      } else if (!parse_escape(p, &set, &last)) {
        p->failed = true;
      }
      add_range(p, &set, first, last);
    } else {
      add_character(p, &set, first);
    }
  }
  expect(p, "]");
  return end_set(p, &set);
}

/* One character or class. */
static uint32_t parse_set(parser *p) {
  if (accept(p, "[")) return parse_class(p);
  ink_character_set set = begin_set(p);
  uint32_t c;
  if (accept(p, "\\S")) {
    add_space(p, &set);
    set.negated = true;
  } else if (!accept(p, "\\")) {
    add_character(p, &set, parse_character(p));
  } else if (parse_escape(p, &set, &c)) {
    add_character(p, &set, c);
  }
  return end_set(p, &set);
}

/* ---- Atoms, quantifiers, alternatives ---- */

static void parse_atom(parser *p) {
  if (accept(p, "(?!") || accept(p, "(?=")) {
    bool negative = p->source[p->at - 1] == '!';
    emit(p, negative ? INK_NOT_BEFORE : INK_BEFORE, parse_set(p), 0);
    expect(p, ")");
  } else if (accept(p, "(")) {
    bool outer = p->ignore_case;
    if (accept(p, "?i:")) {
      p->ignore_case = true;
    } else {
      accept(p, "?:");
    }
    parse_alternatives(p);
    p->ignore_case = outer;
    expect(p, ")");
  } else if (accept(p, "$")) {
    emit(p, INK_AT_END, 0, 0);
  } else {
    emit(p, INK_SET, parse_set(p), 0);
  }
}

static unsigned parse_number(parser *p) {
  unsigned n = 0;
  if (peek(p) < '0' || peek(p) > '9') p->failed = true;
  while (peek(p) >= '0' && peek(p) <= '9' && n < 1000) n = n * 10 + (unsigned)(p->source[p->at++] - '0');
  return n;
}

#define UNLIMITED UINT32_MAX

static void parse_quantifier(parser *p, unsigned *min, unsigned *max) {
  *min = *max = 1;
  if (accept(p, "?")) {
    *min = 0;
  } else if (accept(p, "*")) {
    *min = 0, *max = UNLIMITED;
  } else if (accept(p, "+")) {
    *max = UNLIMITED;
  } else if (accept(p, "{")) {
    *min = *max = parse_number(p);
    if (accept(p, ",")) *max = peek(p) == '}' ? UNLIMITED : parse_number(p);
    expect(p, "}");
    return;
  } else {
    return;
  }
  accept(p, "+"); /* possessive */
}

/* Emits the atom again, from its text. */
static void repeat_atom(parser *p, size_t start) {
  p->at = start;
  parse_atom(p);
}

static void parse_piece(parser *p) {
  size_t start = p->at;
  bool outer = p->skipping;
  unsigned min, max;
  p->skipping = true;
  parse_atom(p);
  parse_quantifier(p, &min, &max);
  size_t end = p->at;
  p->skipping = outer;
  if (outer || p->failed) return;

  uint32_t last = p->program->n;
  for (unsigned i = 0; i < min && !p->failed; i++) {
    last = p->program->n;
    repeat_atom(p, start);
  }
  if (max == UNLIMITED && min > 0) {
    emit(p, INK_SPLIT, last, p->program->n + 1);
  } else if (max == UNLIMITED) {
    uint16_t split = emit(p, INK_SPLIT, last + 1, 0);
    repeat_atom(p, start);
    emit(p, INK_JUMP, split, 0);
    p->program->instructions[split].y = (uint16_t)p->program->n;
  } else {
    /* (x(x(x)?)?)?, where each "not" leads behind the last. */
    uint32_t first = p->program->n;
    for (unsigned i = min; i < max && !p->failed; i++) {
      emit(p, INK_SPLIT, p->program->n + 1, UINT16_MAX);
      repeat_atom(p, start);
    }
    for (uint32_t i = first; i < p->program->n; i++) {
      ink_instruction *instruction = &p->program->instructions[i];
      if (instruction->kind == INK_SPLIT && instruction->y == UINT16_MAX) {
        instruction->y = (uint16_t)p->program->n;
      }
    }
  }
  p->at = end;
}

static void parse_alternatives(parser *p) {
  uint32_t first = p->program->n;
  for (;;) {
    uint16_t split = emit(p, INK_SPLIT, p->program->n + 1, 0);
    while (more(p) && peek(p) != '|' && peek(p) != ')') parse_piece(p);
    if (!accept(p, "|")) {
      /* The last one: nothing to split off. */
      if (!p->skipping) p->program->instructions[split] = (ink_instruction){INK_JUMP, split + 1u, 0};
      break;
    }
    emit(p, INK_JUMP, UINT16_MAX, 0);
    if (!p->skipping) p->program->instructions[split].y = (uint16_t)p->program->n;
  }
  if (p->skipping) return;
  for (uint32_t i = first; i < p->program->n; i++) {
    ink_instruction *instruction = &p->program->instructions[i];
    if (instruction->kind == INK_JUMP && instruction->x == UINT16_MAX) {
      instruction->x = (uint16_t)p->program->n;
    }
  }
}

ink_status ink_program_parse(ink_program *program, const char *source, ink_error *error) {
  parser p = {.program = program, .source = source, .len = strlen(source)};
  program->n = program->n_sets = program->n_ranges = 0;
  parse_alternatives(&p);
  emit(&p, INK_MATCH, 0, 0);
  if (p.failed || p.at != p.len) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_TOKENIZER,
                    "a pre-tokenizer's pattern is not understood at byte %llu: %.200s",
                    (unsigned long long)p.at, source);
  }
  return INK_OK;
}

bool ink_program_set_has(const ink_program *program, uint32_t set, uint32_t code_point,
                         uint32_t category) {
  const ink_character_set *s = &program->sets[set];
  bool has = s->categories >> category & 1u;
  for (uint32_t i = 0; i < s->n_ranges && !has; i++) {
    const ink_range *range = &program->ranges[s->first_range + i];
    has = code_point >= range->first && code_point <= range->last;
  }
  if (has == s->negated) return false;
  return s->within < 0 || ink_program_set_has(program, (uint32_t)s->within, code_point, category);
}
