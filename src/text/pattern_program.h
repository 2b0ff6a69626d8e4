/* A pattern between its text and its automaton: instructions of a nondeterministic machine (Pike's,
 * as in Cox, "Regular Expression Matching: the Virtual Machine Approach"). For pattern*.c alone. */
#ifndef INK_TEXT_PATTERN_PROGRAM_H
#define INK_TEXT_PATTERN_PROGRAM_H

#include "text/pattern.h"

#define INK_PATTERN_MAX_INSTRUCTIONS 2048u
#define INK_PATTERN_MAX_SETS 64u /* one bit each in a class's signature */
#define INK_PATTERN_MAX_RANGES 512u

typedef enum ink_instruction_kind {
  INK_MATCH,
  INK_SET,        /* a character of set `x`, then on */
  INK_NOT_BEFORE, /* the next character, if any, is not in set `x` */
  INK_BEFORE,     /* there is a next character, and it is in set `x` */
  INK_AT_END,
  INK_JUMP,       /* to x */
  INK_SPLIT,      /* to x, else to y */
} ink_instruction_kind;

typedef struct ink_instruction {
  uint8_t kind;
  uint16_t x, y;
} ink_instruction;

typedef struct ink_range {
  uint32_t first, last;
} ink_range;

/* A set of characters: those of the categories or the ranges, turned round if `negated`; and of
 * these only those in set `within`. */
typedef struct ink_character_set {
  uint32_t categories;
  uint16_t first_range, n_ranges;
  bool negated;
  int16_t within; /* -1: no such limit */
} ink_character_set;

typedef struct ink_program {
  ink_instruction instructions[INK_PATTERN_MAX_INSTRUCTIONS];
  uint32_t n;
  ink_character_set sets[INK_PATTERN_MAX_SETS];
  uint32_t n_sets;
  ink_range ranges[INK_PATTERN_MAX_RANGES];
  uint32_t n_ranges;
} ink_program;

ink_status ink_program_parse(ink_program *program, const char *source, ink_error *error);

/* Whether a character is in set `set`; its category is given, to ask for others than its own. */
bool ink_program_set_has(const ink_program *program, uint32_t set, uint32_t code_point,
                         uint32_t category);

#endif
