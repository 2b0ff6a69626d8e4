/* What may stand after `is`. */
#include "text/jinja.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static ink_value is_kind(ink_jinja *in, const ink_jinja_args *args, bool holds) {
  ink_jinja_bind(in, args, "", 0, NULL);
  return ink_bool(holds);
}

#define TEST(name, condition)                                                                      \
  static ink_value name(ink_jinja *in, ink_value self, const ink_jinja_args *args) {               \
    (void)self;                                                                                    \
    return is_kind(in, args, condition);                                                           \
  }
TEST(is_defined, self.kind != INK_VALUE_UNDEFINED)
TEST(is_undefined, self.kind == INK_VALUE_UNDEFINED)
TEST(is_none, self.kind == INK_VALUE_NONE)
TEST(is_boolean, self.kind == INK_VALUE_BOOL)
TEST(is_true, self.kind == INK_VALUE_BOOL && self.as.boolean)
TEST(is_false, self.kind == INK_VALUE_BOOL && !self.as.boolean)
TEST(is_integer, self.kind == INK_VALUE_INT || self.kind == INK_VALUE_BIG_INT)
TEST(is_float, self.kind == INK_VALUE_FLOAT)
TEST(is_number, ink_is_number(self))
TEST(is_string, self.kind == INK_VALUE_STRING)
TEST(is_mapping, self.kind == INK_VALUE_DICT)
TEST(is_callable, self.kind >= INK_VALUE_MACRO)
TEST(is_iterable, self.kind == INK_VALUE_UNDEFINED || self.kind == INK_VALUE_STRING ||
                      ink_is_sequence(self) || self.kind == INK_VALUE_DICT ||
                      self.kind == INK_VALUE_LOOP)
/* What has a length and items by index. */
TEST(is_sequence, self.kind == INK_VALUE_UNDEFINED || self.kind == INK_VALUE_STRING ||
                      (self.kind >= INK_VALUE_LIST && self.kind <= INK_VALUE_RANGE) ||
                      self.kind == INK_VALUE_DICT)
TEST(is_escaped, false)
#undef TEST

static ink_value case_test(ink_jinja *in, ink_value self, const ink_jinja_args *args,
                           const char *method) {
  ink_value text = ink_to_text(in->task, self);
  const ink_jinja_builtin *found = ink_jinja_find_method(text, ink_text_z(method));
  return found->call(in, text, args);
}
static ink_value is_lower(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return case_test(in, self, args, "islower");
}
static ink_value is_upper(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return case_test(in, self, args, "isupper");
}

static ink_value remainder_is(ink_jinja *in, ink_value self, ink_value divisor, int64_t wanted) {
  return ink_bool(ink_equal(in->task, ink_jinja_binary(in, '%', self, divisor), ink_int(wanted)));
}
static ink_value is_even(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return remainder_is(in, self, ink_int(2), 0);
}
static ink_value is_odd(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return remainder_is(in, self, ink_int(2), 1);
}
static ink_value is_divisible(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *by;
  return ink_jinja_bind(in, args, "num", 1, &by) ? remainder_is(in, self, *by, 0) : self;
}

static ink_value compare(ink_jinja *in, ink_value self, const ink_jinja_args *args, int op) {
  const ink_value *other;
  return ink_jinja_bind(in, args, "other", 1, &other)
             ? ink_bool(ink_jinja_compare(in, op, self, *other))
             : self;
}
#define COMPARISON(name, op)                                                                       \
  static ink_value name(ink_jinja *in, ink_value self, const ink_jinja_args *args) {               \
    return compare(in, self, args, op);                                                            \
  }
COMPARISON(is_equal, INK_OP2('=', '='))
COMPARISON(is_not_equal, INK_OP2('!', '='))
COMPARISON(is_less, '<')
COMPARISON(is_at_most, INK_OP2('<', '='))
COMPARISON(is_greater, '>')
COMPARISON(is_at_least, INK_OP2('>', '='))
COMPARISON(is_in, INK_JINJA_OP_IN)
#undef COMPARISON

/* The same object; values without identity here are compared. */
static ink_value is_same(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *other;
  if (!ink_jinja_bind(in, args, "other", 1, &other)) return self;
  if (self.kind != other->kind) return ink_bool(false);
  return ink_bool(self.kind > INK_VALUE_STRING ? self.as.object == other->as.object
                                               : ink_equal(in->task, self, *other));
}

static ink_value is_filter(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return ink_bool(ink_jinja_find_filter(ink_to_text(in->task, self)) != NULL);
}
static ink_value is_test(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return ink_bool(ink_jinja_find_test(ink_to_text(in->task, self)) != NULL);
}

static const ink_jinja_builtin tests[] = {
    {"defined", is_defined},
    {"undefined", is_undefined},
    {"none", is_none},
    {"string", is_string},
    {"number", is_number},
    {"mapping", is_mapping},
    {"sequence", is_sequence},
    {"iterable", is_iterable},
    {"boolean", is_boolean},
    {"true", is_true},
    {"false", is_false},
    {"integer", is_integer},
    {"float", is_float},
    {"callable", is_callable},
    {"escaped", is_escaped},
    {"lower", is_lower},
    {"upper", is_upper},
    {"even", is_even},
    {"odd", is_odd},
    {"divisibleby", is_divisible},
    {"sameas", is_same},
    {"in", is_in},
    {"filter", is_filter},
    {"test", is_test},
    {"==", is_equal},
    {"eq", is_equal},
    {"equalto", is_equal},
    {"!=", is_not_equal},
    {"ne", is_not_equal},
    {"<", is_less},
    {"lt", is_less},
    {"lessthan", is_less},
    {"<=", is_at_most},
    {"le", is_at_most},
    {">", is_greater},
    {"gt", is_greater},
    {"greaterthan", is_greater},
    {">=", is_at_least},
    {"ge", is_at_least},
};

const ink_jinja_builtin *ink_jinja_find_test(ink_value name) {
  return ink_jinja_find(tests, COUNT(tests), name);
}
