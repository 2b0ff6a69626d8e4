/* text: JSON in and out. */
#include "check.h"
#include "text/json.h"

/* What a text becomes when it is read and written again; "!" after a failure. */
static const char *again(const char *text) {
  static char result[4096];
  ink_task task;
  ink_task_buffer out = {0};
  ink_json_style style = ink_json_style_default();
  ink_task_begin(&task, NULL, "JSON", INK_ERR_INVALID_JSON, NULL);
  ink_value value = ink_json_parse(&task, (ink_str){text, strlen(text)});
  if (task.status == INK_OK) ink_json_put(&task, &out, value, &style);
  snprintf(result, sizeof result, "%.*s", (int)out.len, out.data ? out.data : "");
  if (task.status != INK_OK) snprintf(result, sizeof result, "!");
  ink_task_end(&task);
  return result;
}

#define CHECK_AGAIN(text, expected)                                                                \
  do {                                                                                             \
    const char *found = again(text);                                                               \
    CHECK(strcmp(found, expected) == 0);                                                           \
    if (strcmp(found, expected) != 0) printf("  %s gives %s, expected %s\n", text, found, expected); \
  } while (0)

static void values_survive(void) {
  CHECK_AGAIN(" null ", "null");
  CHECK_AGAIN("[true,false]", "[true, false]");
  CHECK_AGAIN("{\"a\":{},\"b\":[]}", "{\"a\": {}, \"b\": []}");
  CHECK_AGAIN("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\": 3, \"b\": 2}");
  CHECK_AGAIN("\"안녕 \\ud55c\\uae00 \\ud83d\\ude00 \\/ \\u0001\"", "\"안녕 한글 😀 / \\u0001\"");
  CHECK_AGAIN("\"\\\"\\\\\\b\\f\\n\\r\\t\"", "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
  CHECK_AGAIN("\"\\u0000\"", "\"\\u0000\"");
}

static void numbers_as_python_writes_them(void) {
  CHECK_AGAIN("[0,-0,1,-17,9223372036854775807,-9223372036854775807]",
              "[0, 0, 1, -17, 9223372036854775807, -9223372036854775807]");
  CHECK_AGAIN("[9223372036854775808,-123456789012345678901234567890]",
              "[9223372036854775808, -123456789012345678901234567890]");
  CHECK_AGAIN("[0.1,1e2,1E+16,-2.50,1e-5,0.0001,123456789.125,5e-324,1.7976931348623157e308]",
              "[0.1, 100.0, 1e+16, -2.5, 1e-05, 0.0001, 123456789.125, 5e-324, 1.7976931348623157e+308]");
}

static void what_is_not_json(void) {
  static const char *const wrong[] = {
      "",       " ",        "[",       "]",         "[1,]",     "[,1]",      "[1 2]",  "{",        "{\"a\"}",
      "{a:1}",  "{\"a\":}", "{1:2}",   "{\"a\":1,}", "01",      "-",         "1.",     ".5",       "1e",
      "+1",     "0x1",      "NaN",     "Infinity",  "nul",      "True",      "'a'",    "\"a",      "\"\\x\"",
      "\"\n\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\xFF\"", "1 2", "[1]x", "\"\t\"",
      "\"\\ud83d\"", "/* a */ 1", "{\"a\":1 \"b\":2}", "\xEF\xBB\xBF{}"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) CHECK_AGAIN(wrong[i], "!");
}

static void nesting_and_size_are_bounded(void) {
  static char deep[400001];
  memset(deep, '[', sizeof deep - 1);
  CHECK_AGAIN(deep, "!");
  for (size_t i = 0; i + 5 < sizeof deep; i += 5) memcpy(deep + i, "{\"a\":", 5);
  CHECK_AGAIN(deep, "!");
  ink_task task;
  ink_error error;
  ink_task_begin(&task, NULL, "JSON", INK_ERR_INVALID_JSON, &error);
  ink_json_parse(&task, (ink_str){"[1,\n\n2,,", 8});
  CHECK_STATUS(task.status, INK_ERR_INVALID_JSON);
  CHECK(strstr(error.message, "JSON, line 3: "));
  ink_task_end(&task);
}

static void many_keys(void) {
  static char text[200000];
  size_t n = 0;
  ink_task task;
  text[n++] = '{';
  for (int i = 0; i < 10000; i++) n += (size_t)snprintf(text + n, sizeof text - n, "%s\"k%d\":%d", i ? "," : "", i, i);
  text[n++] = '}';
  ink_task_begin(&task, NULL, "JSON", INK_ERR_INVALID_JSON, NULL);
  ink_value dict = ink_json_parse(&task, (ink_str){text, n});
  CHECK_STATUS(task.status, INK_OK);
  CHECK_EQ(dict.as.dict->n, 10000);
  for (int i = 0; i < 10000; i += 7) {
    char key[16];
    snprintf(key, sizeof key, "k%d", i);
    const ink_value *found = ink_dict_get(&task, dict.as.dict, ink_text_z(key));
    CHECK(found && found->as.integer == i);
  }
  CHECK(!ink_dict_get(&task, dict.as.dict, ink_text_z("k10000")));
  ink_task_end(&task);
}

int main(void) {
  RUN(values_survive);
  RUN(numbers_as_python_writes_them);
  RUN(what_is_not_json);
  RUN(nesting_and_size_are_bounded);
  RUN(many_keys);
  return check_result();
}
