/* Functions that templates find without being given them. */
#include <string.h>

#include "base/print.h"
#include "text/jinja.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

enum { MAX_RANGE = 100000 }; /* jinja2's sandbox allows no more */

static ink_value raise_exception(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *message;
  if (!ink_jinja_bind(in, args, "message", 1, &message)) return self;
  ink_value text = ink_to_text(in->task, *message);
  return ink_jinja_fail(in, "%.*s", (int)(text.len < 240 ? text.len : 240), text.as.text);
}

static ink_value range(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[3];
  int64_t bounds[3] = {0, 0, 1};
  if (!ink_jinja_bind(in, args, "start stop step", 1, given)) return self;
  for (int i = 0; i < 3; i++) {
    if (!given[i]) continue;
    if (!ink_is_whole(*given[i])) return ink_jinja_fail(in, "range() takes whole numbers");
    bounds[i] = ink_whole(*given[i]);
  }
  if (!given[1]) {
    bounds[1] = bounds[0];
    bounds[0] = 0;
  }
  if (bounds[2] == 0) return ink_jinja_fail(in, "range() with step 0");
  ink_value result = ink_list_new(in->task, INK_VALUE_RANGE);
  uint32_t n = 0;
  for (int64_t i = bounds[0]; bounds[2] > 0 ? i < bounds[1] : i > bounds[1];) {
    if (n++ == MAX_RANGE) return ink_jinja_fail(in, "range() gives at most %d numbers", MAX_RANGE);
    ink_list_push(in->task, result, ink_int(i));
    if (!ink_task_step(in->task, 1) || __builtin_add_overflow(i, bounds[2], &i)) break;
  }
  return result;
}

/* The entries of a dict, or pairs, if there is a positional argument; then the named ones. */
static ink_value make_dict(ink_jinja *in, ink_value_kind kind, const ink_jinja_args *args) {
  ink_value dict = ink_dict_new(in->task, kind);
  if (args->items.n > 1) return ink_jinja_fail(in, "at most one dict can be copied");
  if (args->items.n == 1 && args->items.items[0].kind == INK_VALUE_DICT) {
    const ink_dict *source = args->items.items[0].as.dict;
    for (uint32_t i = 0; i < source->n; i++)
      ink_dict_set(in->task, dict, source->entries[i].key, source->entries[i].value);
  } else if (args->items.n == 1) {
    const ink_list *pairs = ink_iterate(in->task, args->items.items[0]);
    for (uint32_t i = 0; pairs && i < pairs->n; i++) {
      const ink_list *pair = ink_iterate(in->task, pairs->items[i]);
      if (!pair || pair->n != 2) return ink_jinja_fail(in, "a dict is made from pairs");
      ink_dict_set(in->task, dict, pair->items[0], pair->items[1]);
    }
  }
  for (uint32_t i = 0; i < args->named.n; i++) {
    ink_dict_set(in->task, dict, args->named.entries[i].key, args->named.entries[i].value);
  }
  return dict;
}
static ink_value dict(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)self;
  return make_dict(in, INK_VALUE_DICT, args);
}
static ink_value new_namespace(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)self;
  return make_dict(in, INK_VALUE_NAMESPACE, args);
}

/* ---- Cyclers and joiners ---- */

static void set_entry(ink_jinja *in, ink_value dict, const char *name, ink_value value) {
  ink_dict_set(in->task, dict, ink_text_z(name), value);
}

static ink_value bound(ink_jinja *in, ink_value self, const ink_jinja_builtin *builtin) {
  ink_jinja_method *method = ink_task_allocate(in->task, sizeof *method);
  if (method) *method = (ink_jinja_method){self, builtin};
  return method ? ink_object(INK_VALUE_METHOD, method) : ink_none();
}

/* Makes the item at `place` the current one; returns the one that was. */
static ink_value go_to_item(ink_jinja *in, ink_value self, int64_t place) {
  const ink_value *items = ink_dict_get(in->task, self.as.dict, ink_text_z(" items"));
  const ink_value *current = ink_dict_get(in->task, self.as.dict, ink_text_z("current"));
  ink_value last = current ? *current : ink_none();
  if (!items) return last;
  set_entry(in, self, "current", items->as.list->items[place % items->as.list->n]);
  set_entry(in, self, " place", ink_int(place % items->as.list->n));
  return last;
}
static ink_value cycler_next(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  const ink_value *place = ink_dict_get(in->task, self.as.dict, ink_text_z(" place"));
  return place ? go_to_item(in, self, ink_whole(*place) + 1) : ink_none();
}
static ink_value cycler_reset(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  go_to_item(in, self, 0);
  return ink_none();
}

/* A namespace whose entries are what a cycler has; those that begin with a space no template can
 * name. */
static ink_value cycler(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  static const ink_jinja_builtin methods[] = {{"next", cycler_next}, {"reset", cycler_reset}};
  if (args->items.n == 0 || args->named.n > 0) return ink_jinja_fail(in, "cycler() takes items");
  ink_value made = ink_dict_new(in->task, INK_VALUE_NAMESPACE),
            items = ink_list_new(in->task, INK_VALUE_LIST);
  (void)self;
  for (uint32_t i = 0; i < args->items.n; i++) ink_list_push(in->task, items, args->items.items[i]);
  if (in->task->status != INK_OK) return made;
  set_entry(in, made, " items", items);
  for (size_t i = 0; i < COUNT(methods); i++)
    set_entry(in, made, methods[i].name, bound(in, made, &methods[i]));
  go_to_item(in, made, 0);
  return made;
}

/* `self`: a list of the separator, which an empty string hides the first time. */
static ink_value joiner_call(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  if (!ink_jinja_bind(in, args, "", 0, NULL)) return self;
  ink_list *parts = self.as.list;
  return parts->items[parts->n > 1 ? --parts->n : 0];
}
static ink_value joiner(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  static const ink_jinja_builtin method = {"joiner", joiner_call};
  const ink_value *separator;
  if (!ink_jinja_bind(in, args, "sep", 0, &separator)) return self;
  ink_value parts = ink_list_new(in->task, INK_VALUE_LIST);
  ink_list_push(in->task, parts, separator ? *separator : ink_text(", ", 2));
  ink_list_push(in->task, parts, ink_text("", 0));
  return bound(in, parts, &method);
}

INK_JINJA_NOT_SUPPORTED(lipsum, "lipsum")

/* ---- Time ---- */

typedef struct date {
  int64_t year;
  int month, day;           /* from 1 */
  int weekday, day_of_year; /* from Sunday and from January 1st, 0 */
  int hour, minute, second;
} date;

/* Days since 1970 to a date of the Gregorian calendar: Howard Hinnant, "chrono-Compatible Low-Level
 * Date Algorithms", civil_from_days(). Years there begin in March. */
static date date_of(int64_t seconds) {
  int64_t days = seconds / 86400 - (seconds % 86400 < 0), rest = seconds - days * 86400;
  int64_t shifted = days + 719468;
  int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  int64_t day_of_era = shifted - era * 146097;
  int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t month = (5 * day_of_year + 2) / 153;
  date d = {.year = year_of_era + era * 400 + (month >= 10),
            .day = (int)(day_of_year - (153 * month + 2) / 5 + 1)};
  d.month = (int)(month < 10 ? month + 3 : month - 9);
  bool leap = (d.year % 4 == 0 && d.year % 100 != 0) || d.year % 400 == 0;
  d.day_of_year = (int)(month < 10 ? day_of_year + 59 + leap : day_of_year - 306);
  d.weekday = (int)(((days + 4) % 7 + 7) % 7);
  d.hour = (int)(rest / 3600);
  d.minute = (int)(rest / 60 % 60);
  d.second = (int)(rest % 60);
  return d;
}

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};

static void put_format(ink_task *task, ink_task_buffer *out, const date *d, const char *format,
                       size_t len);

/* One directive of C's strftime() in its "C" locale. `pad`: without, numbers have no leading 0. */
static void put_directive(ink_task *task, ink_task_buffer *out, const date *d, char directive,
                          bool pad) {
  static const struct {
    char directive;
    const char *format;
  } composed[] = {
      {'c', "%a %b %e %H:%M:%S %Y"}, {'D', "%m/%d/%y"}, {'F', "%Y-%m-%d"}, {'R', "%H:%M"},
      {'r', "%I:%M:%S %p"},          {'T', "%H:%M:%S"}, {'X', "%H:%M:%S"}, {'x', "%m/%d/%y"}};
  for (size_t i = 0; i < COUNT(composed); i++) {
    if (composed[i].directive != directive) continue;
    put_format(task, out, d, composed[i].format, strlen(composed[i].format));
    return;
  }
  int width = 2;
  long long number = 0;
  switch (directive) {
  case 'B':
    ink_task_buffer_put_str(task, out, months[d->month - 1]);
    return;
  case 'b':
  case 'h':
    ink_task_buffer_put(task, out, months[d->month - 1], 3);
    return;
  case 'A':
    ink_task_buffer_put_str(task, out, weekdays[d->weekday]);
    return;
  case 'a':
    ink_task_buffer_put(task, out, weekdays[d->weekday], 3);
    return;
  case 'p':
    ink_task_buffer_put_str(task, out, d->hour < 12 ? "AM" : "PM");
    return;
  case '%':
    ink_task_buffer_put_char(task, out, '%');
    return;
  case 'n':
    ink_task_buffer_put_char(task, out, '\n');
    return;
  case 't':
    ink_task_buffer_put_char(task, out, '\t');
    return;
  case 'Z':
  case 'z':
    return; /* a time without a zone */
  case 'f':
    number = 0;
    width = 6;
    break;
  case 'Y':
    number = d->year;
    width = 4;
    break;
  case 'C':
    number = d->year / 100;
    break;
  case 'y':
    number = d->year % 100;
    break;
  case 'm':
    number = d->month;
    break;
  case 'd':
  case 'e':
    number = d->day;
    break;
  case 'j':
    number = d->day_of_year + 1;
    width = 3;
    break;
  case 'H':
    number = d->hour;
    break;
  case 'I':
    number = (d->hour + 11) % 12 + 1;
    break;
  case 'M':
    number = d->minute;
    break;
  case 'S':
    number = d->second;
    break;
  case 'w':
    number = d->weekday;
    width = 1;
    break;
  case 'u':
    number = d->weekday ? d->weekday : 7;
    width = 1;
    break;
  default:
    ink_task_buffer_put_char(task, out, '%');
    ink_task_buffer_put_char(task, out, directive);
    return;
  }
  char digits[24];
  ink_print(digits, sizeof digits, directive == 'e' ? "%*lld" : "%0*lld", pad ? width : 1, number);
  ink_task_buffer_put_str(task, out, digits);
}

static void put_format(ink_task *task, ink_task_buffer *out, const date *d, const char *format,
                       size_t len) {
  for (size_t i = 0; i < len && ink_task_step(task, 1); i++) {
    bool directive = format[i] == '%' && i + 1 < len;
    if (!directive) {
      ink_task_buffer_put_char(task, out, format[i]);
      continue;
    }
    bool no_pad = format[i + 1] == '-' && i + 2 < len;
    i += no_pad ? 2 : 1;
    put_directive(task, out, d, format[i], !no_pad);
  }
}

static ink_value strftime_now(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *format;
  if (!ink_jinja_bind(in, args, "format", 1, &format)) return self;
  if (format->kind != INK_VALUE_STRING) return ink_jinja_fail(in, "strftime_now() takes a string");
  ink_task_buffer out = {0};
  date d = date_of(in->now);
  put_format(in->task, &out, &d, format->as.text, format->len);
  return ink_task_buffer_value(&out);
}

static const ink_jinja_builtin globals[] = {
    {"cycler", cycler},
    {"dict", dict},
    {"joiner", joiner},
    {"lipsum", lipsum},
    {"namespace", new_namespace},
    {"raise_exception", raise_exception},
    {"range", range},
    {"strftime_now", strftime_now},
};

const ink_jinja_builtin *ink_jinja_find_global(const ink_jinja *in, ink_value name) {
  const ink_jinja_builtin *found = ink_jinja_find(globals, COUNT(globals), name);
  return found && found->call == strftime_now && in->now == 0 ? NULL : found;
}
