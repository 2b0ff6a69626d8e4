/* text: chat templates against jinja2's answers, and hostile ones. */
#include "base/index.h"
#include "check.h"
#include "fixtures.h"
#include "text/jinja.h"
#include "text/json.h"

enum { MAX_LINES = 1024, CAPACITY = 1 << 20 };

static char output[CAPACITY];
static ink_error error;

/* A file's lines, which point into *bytes. */
static size_t read_lines(const char *name, uint8_t **bytes, ink_str lines[MAX_LINES]) {
  size_t len, n = 0;
  *bytes = read_file(name, &len);
  for (char *at = (char *)*bytes, *end = at + len; at < end && n < MAX_LINES; n++) {
    char *stop = memchr(at, '\n', (size_t)(end - at));
    if (!stop) stop = end;
    lines[n] = (ink_str){at, (size_t)(stop - at)};
    at = stop + 1;
  }
  return n;
}

static ink_status apply(ink_str source, ink_str json, int64_t now, size_t *len) {
  ink_template_params params = {.chat_template = source.data, .chat_template_len = source.len, .now = now};
  error.message[0] = '\0';
  return ink_apply_chat_template(NULL, &params, json.data, json.len, output, sizeof output, len, &error);
}

/* templates.txt: each of its rows, in the order of the file. */
static void prompts_equal_jinja2s(void) {
  uint8_t *bytes, *golden_bytes, *source = NULL;
  ink_str conversations[MAX_LINES];
  size_t n_conversations = read_lines("golden/conversations.jsonl", &bytes, conversations), source_len = 0, size;
  golden_bytes = read_file("golden/templates.txt", &size);
  const char *at = (const char *)golden_bytes;
  while (*at == '#') at = strchr(at, '\n') + 1;
  char *end, open[128] = "";
  int64_t now = strtoll(at, &end, 10);
  int n_rows = 0;
  for (at = end + 1; *at; at = strchr(at, '\n') + 1, n_rows++) {
    char name[128], path[160], expected[64], found[64];
    unsigned number;
    if (sscanf(at, "%127s %u %63[^\n]", name, &number, expected) != 3 || number >= n_conversations) {
      CHECK_FAILED("templates.txt is not as expected");
      break;
    }
    if (strcmp(name, open) != 0) {
      free(source);
      snprintf(path, sizeof path, "templates/%s.jinja", name);
      source = read_file(path, &source_len);
      snprintf(open, sizeof open, "%s", name);
    }
    size_t len;
    ink_status status = apply((ink_str){(char *)source, source_len}, conversations[number], now, &len);
    snprintf(found, sizeof found, "error");
    if (status == INK_OK) {
      snprintf(found, sizeof found, "%llu %016llx", (unsigned long long)len, (unsigned long long)ink_hash(output, len));
    }
    CHECK(strcmp(found, expected) == 0);
    if (strcmp(found, expected) != 0) printf("  %s, conversation %u: %s (%s)\n", name, number, found, error.message);
    if (status != INK_OK) CHECK_STATUS(status, INK_ERR_TEMPLATE);
  }
  CHECK(n_rows > 1000);
  free(source);
  free(golden_bytes);
  free(bytes);
}

/* jinja.jsonl: variables, then templates and what they give. */
static void features_equal_jinja2s(void) {
  uint8_t *bytes;
  ink_str lines[MAX_LINES];
  size_t n = read_lines("golden/jinja.jsonl", &bytes, lines);
  CHECK(n > 200);
  for (size_t i = 1; i < n; i++) {
    ink_task task;
    ink_task_begin(&task, NULL, "the template", INK_ERR_TEMPLATE, &error);
    ink_value variables = ink_json_parse(&task, lines[0]), row = ink_json_parse(&task, lines[i]);
    const ink_value *source = ink_dict_get(&task, row.as.dict, ink_text_z("template"));
    const ink_value *expected = ink_dict_get(&task, row.as.dict, ink_text_z("text"));
    ink_task_buffer out = {0};
    ink_jinja_render(&task, (ink_str){source->as.text, source->len}, variables, 1720278245, &out);
    bool equal = task.status == INK_OK ? ink_equal(&task, *expected, ink_task_buffer_value(&out))
                                       : expected->kind == INK_VALUE_NONE;
    CHECK(equal);
    if (!equal) {
      printf("  %.*s\n  gives %.*s %s\n  not   %.*s\n", (int)source->len, source->as.text, (int)out.len,
             out.data ? out.data : "", task.status ? error.message : "", (int)expected->len,
             expected->len ? expected->as.text : "an error");
    }
    ink_task_end(&task);
  }
  free(bytes);
}

static const ink_str no_messages = {"{\"messages\":[]}", 15};

static ink_status apply_text(const char *source) {
  size_t len;
  return apply((ink_str){source, strlen(source)}, no_messages, 0, &len);
}

/* Whether `source` fails with a message that contains `what`. */
static void check_fails(const char *source, const char *what) {
  ink_status status = apply_text(source);
  CHECK_STATUS(status, INK_ERR_TEMPLATE);
  CHECK(strstr(error.message, what));
  if (status != INK_ERR_TEMPLATE || !strstr(error.message, what)) printf("  %.80s: %s\n", source, error.message);
}

static void errors_name_the_line(void) {
  check_fails("a\n\n{{ missing.x }}", "the chat template, line 3: 'missing' is undefined");
  check_fails("\r\n{% if yes %}\r\n", "line 2: the template ends where {% elif %} is missing");
  check_fails("{% macro f() %}\n{{ 1 + 'a' }}\n{% endmacro %}\n\n{{ f() }}", "line 2: '+' can't take a int and a string");
  check_fails("x\n{{ raise_exception('역할이 틀렸어요') }}", "line 2: 역할이 틀렸어요");
  check_fails("\n{% include 'x' %}", "line 2: 'include' needs another template");
  check_fails("{% set x = 1 %}\n{% extends 'x' %}", "line 2: 'extends' needs another template");
  check_fails("\n\n{{ 'a b'|wordwrap(1) }}", "line 3: 'wordwrap' is not supported");
  check_fails("\n{{ 'a'.encode() }}", "line 2: 'encode' is not supported");
  check_fails("\n{{ '%d' % 'x' }}", "line 2: %d needs a whole number, not a string");
  check_fails("\n{{ '{:d}'.format('x') }}", "line 2: a string can't be formatted with type 'd'");
  check_fails("{% for x in [1] %}\n{{ loop([]) }}{% endfor %}", "line 2: only a loop marked 'recursive'");
  check_fails("{{ x|frobnicate }}", "there is no filter 'frobnicate'");
  check_fails("{{ strftime_now('%Y') }}", "'strftime_now' is undefined");
  check_fails("\xFF", "not UTF-8");
}

/* Time and memory are bounded: each of these would not end, or would take everything. */
static void hostile_templates_end(void) {
  static const char *const sources[] = {
      "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
      "{% for x in [1, 2] recursive %}{{ loop([1, 2]) }}{% endfor %}",
      "{{ '%99999999999d' % 1 }}",
      "{{ '%*d' % (9999999999999999999, 1) }}",
      "{% for i in range(99999) %}{{ '%1000000d' % i }}{% endfor %}",
      "{{ '{:99999999999}'.format(1) }}",
      "{{ '{:.99999999}'.format(1.5) }}",
      "{% for i in range(9999) %}{% for j in range(9999) %}{{ '{:.1000f}'.format(1e300) }}{% endfor %}{% endfor %}",
      "{{ range(99999)|batch(999999999999999999, 1)|list }}",
      "{{ 'a'.ljust(99999999999) }}{{ 'a\\t'.expandtabs(999999999) }}",
      "{{ range(3)|slice(9999999999999)|list }}",
      "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}",
      "{% set l = range(9999) %}{% for a in l %}{% for b in l %}{% for c in l %}{% endfor %}{% endfor %}{% endfor %}",
      "{% set n = namespace(s='ab') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
      "{% set n = namespace(l=[1]) %}{% for i in range(99) %}{% set n.l = n.l + n.l %}{% endfor %}",
      "{% set n = namespace(l=[1]) %}{% for i in range(99) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l }}",
      "{% set n = namespace(l=[1]) %}{% for i in range(99) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l == n.l[1:] }}{{ n.l|tojson }}",
      "{% set n = namespace(l=[1], m=[1]) %}{% for i in range(99) %}{% set n.l = [n.l, n.l] %}{% set n.m = [n.m, n.m] %}{% endfor %}{{ n.l == n.m }}",
      "{% set n = namespace(l=[1]) %}{% for i in range(5000) %}{% set n.l = [n.l] %}{% endfor %}{{ n.l }}",
      "{% set n = namespace(l=[1]) %}{% for i in range(5000) %}{% set n.l = [n.l] %}{% endfor %}{{ n.l|tojson }}",
      "{% set n = namespace() %}{% set n.n = n %}{{ n }}",
      "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
      "{% macro f() %}{% call g() %}{{ f() }}{% endcall %}{% endmacro %}{% macro g() %}{{ caller() }}{% endmacro %}{{ f() }}",
      "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(0) }}",
      "{{ 'a' * 1000000000000 }}", "{{ [1] * 1000000000000 }}", "{{ 9999999999 ** 9999999999 }}", "{{ 'x'|indent(99999999999) }}",
      "{{ ('a' * 9999999)|replace('', 'aaaaaaaaaaaaaaaaaaaaaaaaa') }}", "{{ {'a': 1}|tojson(indent=9999999999) }}",
      "{{ (('a' * 2000000) ~ 'b') in ('a' * 4000000) }}{% for i in range(9999) %}{{ ('a' * 2000 ~ 'b') in 'a' * 400000 }}{% endfor %}",
      "{% for i in range(99999) %}{{ 'a' * 10000 }}{% endfor %}", "{{ 99999999999999999999 }}", "{{ -9223372036854775807 - 2 }}",
      "{{ (-9223372036854775807 - 1) // -1 }}", "{{ range(0, 9223372036854775807, 1)|length }}", "{{ 1.5 ** 99999|string * 99999999 }}",
  };
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
    ink_status status = apply_text(sources[i]);
    CHECK_STATUS(status, INK_ERR_TEMPLATE);
    if (status != INK_ERR_TEMPLATE) printf("  %s\n", sources[i]);
  }
}

/* `head` and `tail` that many times around `middle`: renders, or fails as a template. */
static ink_status nested(const char *head, const char *middle, const char *tail, int depth) {
  static char source[1 << 20];
  size_t n = 0;
  for (int i = 0; i < depth; i++) n += (size_t)snprintf(source + n, sizeof source - n, "%s", head);
  n += (size_t)snprintf(source + n, sizeof source - n, "%s", middle);
  for (int i = 0; i < depth; i++) n += (size_t)snprintf(source + n, sizeof source - n, "%s", tail);
  ink_status status = apply_text(source);
  CHECK(status == INK_OK || status == INK_ERR_TEMPLATE);
  return status;
}

static void deep_nesting(void) {
  static const char *const parts[][3] = {
      {"(", "1", ")"},       {"[", "1", "]"},        {"{'a':", "1", "}"},     {"f(", "1", ")"},   {"a[", "1", "]"},
      {"-", "1", ""},        {"not ", "1", ""},      {"1 if ", "1", " else 2"}, {"1 + ", "1", ""}, {"1 ~ (", "1", ")"},
      {"", "a", ".b"},       {"", "1", "|string"},   {"", "1", "|default(1"},   {"a is in ", "1", ""}, {"2 ** ", "1", ""}};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    char head[64];
    nested(parts[i][0], parts[i][1], parts[i][2], 20000);
    snprintf(head, sizeof head, "{{ %s", parts[i][0]);
    nested(parts[i][0], parts[i][1], parts[i][2], 900);
    nested(head, parts[i][1], " }}", 900);
  }
  CHECK_STATUS(nested("{% if true %}", "x", "{% endif %}", 300), INK_OK);
  CHECK_STATUS(nested("{% if true %}", "x", "{% endif %}", 2000), INK_ERR_TEMPLATE);
  CHECK_STATUS(nested("{% for i in [1] %}", "x", "{% endfor %}", 2000), INK_ERR_TEMPLATE);
  CHECK_STATUS(nested("{% macro f() %}", "x", "{% endmacro %}", 2000), INK_ERR_TEMPLATE);
  CHECK_STATUS(nested("{% set x %}", "x", "{% endset %}", 2000), INK_ERR_TEMPLATE);
  CHECK_STATUS(nested("{% filter upper %}", "x", "{% endfilter %}", 2000), INK_ERR_TEMPLATE);
}

/* Nested expressions of every form, inside of one tag. */
static void deep_expressions(void) {
  static const char *const parts[][3] = {
      {"(", "1", ")"}, {"[", "1", "]"}, {"{'a':", "1", "}"}, {"dict(a=", "1", ")"}, {"-", "1", ""}, {"not ", "1", ""},
      {"1 + ", "1", ""}, {"1 ~ (", "1", ")"}, {"", "messages", "|list"}, {"", "messages", "[:]"}, {"1 if 1 else ", "1", ""},
      {"1 or ", "1", ""}, {"1 < ", "1", ""}, {"[1][", "0", "]"}, {"'a' in ", "'a'", ""}, {"1 ** ", "1", ""}};
  static char source[1 << 20];
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    for (int depth = 50; depth <= 50000; depth *= 10) {
      size_t n = (size_t)snprintf(source, sizeof source, "{{ ");
      for (int k = 0; k < depth; k++) n += (size_t)snprintf(source + n, sizeof source - n, "%s", parts[i][0]);
      n += (size_t)snprintf(source + n, sizeof source - n, "%s", parts[i][1]);
      for (int k = 0; k < depth; k++) n += (size_t)snprintf(source + n, sizeof source - n, "%s", parts[i][2]);
      snprintf(source + n, sizeof source - n, " }}");
      ink_status status = apply_text(source);
      CHECK(status == INK_OK || status == INK_ERR_TEMPLATE);
      if (depth == 50) CHECK_STATUS(status, INK_OK);
    }
  }
}

/* Every template, cut off anywhere: renders or fails as a template, and reads nothing beyond. */
static void templates_cut_short(void) {
  static const char *const names[] = {"templates/meta-llama-llama-3.1-8b-instruct.jinja", "templates/qwen-qwen3-0.6b.jinja"};
  static const char json[] = "{\"messages\":[{\"role\":\"user\",\"content\":\"안녕\"}],\"add_generation_prompt\":true}";
  for (int i = 0; i < 2; i++) {
    size_t len, out;
    uint8_t *source = read_file(names[i], &len);
    for (size_t n = 1; n < len; n += 3) {
      char *copy = malloc(n);
      memcpy(copy, source, n);
      ink_status status = apply((ink_str){copy, n}, (ink_str){json, sizeof json - 1}, 1, &out);
      CHECK(status == INK_OK || status == INK_ERR_TEMPLATE);
      free(copy);
    }
    free(source);
  }
}

/* ---- The public functions ---- */

static void a_models_own_template(void) {
  static const ink_message messages[] = {{"user", "안녕", 6}, {"assistant", "Hi", 2}, {"user", "1\n2", 3}};
  static const char expected[] = "<|im_start|>user\n안녕<|im_end|>\n<|im_start|>assistant\nHi<|im_end|>\n"
                                 "<|im_start|>user\n1\n2<|im_end|>\n<|im_start|>assistant\n";
  ink_model *model = load_fixture("tiny-q.gguf", NULL), *stories = load_fixture("stories260K.gguf", NULL);
  size_t len, needed;
  CHECK(ink_model_get_info(model)->has_chat_format);
  CHECK(!ink_model_get_info(stories)->has_chat_format);
  CHECK_STATUS(ink_chat_format(model, messages, 3, true, NULL, 0, &needed, &error), INK_ERR_BUFFER_TOO_SMALL);
  CHECK_EQ(needed, sizeof expected - 1);
  CHECK_STATUS(ink_chat_format(model, messages, 3, true, output, needed, &len, &error), INK_OK);
  CHECK(len == needed && memcmp(output, expected, len) == 0);
  CHECK_STATUS(ink_chat_format(model, messages, 3, true, output, needed - 1, &len, &error), INK_ERR_BUFFER_TOO_SMALL);
  CHECK_STATUS(ink_chat_format(model, messages, 0, false, output, sizeof output, &len, &error), INK_OK);
  CHECK_STATUS(ink_chat_format(stories, messages, 1, true, output, sizeof output, &len, &error),
               INK_ERR_UNSUPPORTED_CHAT_FORMAT);
  ink_message bad = {"user", "\xFF", 1};
  CHECK_STATUS(ink_chat_format(model, &bad, 1, true, output, sizeof output, &len, &error), INK_ERR_INVALID_UTF8);
  /* the model's own tokens, unless others are given */
  static const char both[] = "{{ bos_token }}{{ eos_token }}", json[] = "{\"messages\":[],\"eos_token\":\"E\"}";
  ink_template_params params = {.chat_template = both, .chat_template_len = sizeof both - 1};
  CHECK_STATUS(ink_apply_chat_template(stories, &params, json, sizeof json - 1, output, sizeof output, &len, &error), INK_OK);
  CHECK(len == 4 && memcmp(output, "<s>E", 4) == 0);
  /* BOS that a template has written is not put first once more */
  ink_token tokens[8];
  size_t n;
  for (uint32_t flags = INK_TOKENIZE_BOS; flags <= (INK_TOKENIZE_BOS | INK_TOKENIZE_SPECIAL); flags++) {
    CHECK_STATUS(ink_tokenize(stories, "<s>a", 4, flags, tokens, 8, &n, &error), INK_OK);
    bool special = flags & INK_TOKENIZE_SPECIAL;
    CHECK(tokens[0] == 1 && (tokens[1] == 1) == false && (n == 2) == special);
  }
  ink_model_free(model);
  ink_model_free(stories);
}

static void built_in_templates(void) {
  static const ink_message messages[] = {{"system", "Be brief.", 9}, {"user", "안녕", 6}, {"assistant", "Hi", 2}, {"user", "x", 1}};
  static const char json[] = "{\"bos_token\":\"<s>\",\"eos_token\":\"</s>\",\"add_generation_prompt\":true}";
  static const char *const expected[][2] = {
      {"chatml", "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n안녕<|im_end|>\n<|im_start|>assistant\n"
                 "Hi<|im_end|>\n<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\n"},
      {"llama3", "<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>"
                 "\n\n안녕<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>user"
                 "<|end_header_id|>\n\nx<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"},
      {"llama2", "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\n안녕 [/INST] Hi </s><s>[INST] x [/INST]"},
      {"gemma", "<s><start_of_turn>user\nBe brief.\n\n안녕<end_of_turn>\n<start_of_turn>model\nHi<end_of_turn>\n"
                "<start_of_turn>user\nx<end_of_turn>\n<start_of_turn>model\n"},
      {"phi3", "<|system|>\nBe brief.<|end|>\n<|user|>\n안녕<|end|>\n<|assistant|>\nHi<|end|>\n<|user|>\nx<|end|>\n<|assistant|>\n"},
      {"mistral", "<s>[INST] Be brief.\n\n안녕 [/INST] Hi</s>[INST] x [/INST]"},
      {"zephyr", "<|system|>\nBe brief.</s>\n<|user|>\n안녕</s>\n<|assistant|>\nHi</s>\n<|user|>\nx</s>\n<|assistant|>\n"},
      {"alpaca", "Be brief.\n\n### Instruction:\n안녕\n\n### Response:\nHi</s>\n\n### Instruction:\nx\n\n### Response:\n"}};
  size_t i = 0;
  for (const char *name; (name = ink_builtin_chat_template_name(i)) != NULL; i++) {
    const char *source = ink_builtin_chat_template(name);
    ink_template_params params = {.chat_template = source, .chat_template_len = strlen(source), .messages = messages, .n_messages = 4};
    size_t len;
    CHECK_STATUS(ink_apply_chat_template(NULL, &params, json, sizeof json - 1, output, sizeof output, &len, &error), INK_OK);
    CHECK(strcmp(name, expected[i][0]) == 0);
    CHECK(len == strlen(expected[i][1]) && memcmp(output, expected[i][1], len) == 0);
    if (len != strlen(expected[i][1])) printf("  %s: %.*s\n", name, (int)len, output);
    params.messages = NULL;
    CHECK_STATUS(ink_apply_chat_template(NULL, &params, "{\"messages\":[]}", 15, output, sizeof output, &len, &error), INK_OK);
  }
  CHECK_EQ(i, 8);
  CHECK(!ink_builtin_chat_template("nobody"));
}

static void what_is_no_conversation(void) {
  static const char *const wrong[] = {"", "[]", "{}", "{\"messages\":{}}", "{\"messages\":[}", "{\"messages\":[]} x"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    size_t len;
    CHECK_STATUS(apply((ink_str){"x", 1}, (ink_str){wrong[i], strlen(wrong[i])}, 0, &len), INK_ERR_INVALID_JSON);
  }
  size_t len;
  CHECK_STATUS(apply((ink_str){"", 0}, no_messages, 0, &len), INK_ERR_UNSUPPORTED_CHAT_FORMAT);
}

/* The allocator's refusal at any point is reported, and nothing is leaked. */
typedef struct limited {
  int left, open;
} limited;

static void *allocate_limited(void *context, size_t size, size_t alignment) {
  limited *l = context;
  if (l->left-- <= 0) return NULL;
  l->open++;
  return aligned_alloc(alignment, size);
}

static void release_limited(void *context, void *pointer, size_t size) {
  limited *l = context;
  (void)size;
  l->open--;
  free(pointer);
}

static void memory_refused(void) {
  size_t len;
  uint8_t *source = read_file("templates/qwen-qwen3-0.6b.jinja", &len);
  for (int n = 0; n < 12; n++) {
    limited l = {n, 0};
    ink_allocator allocator = {&l, allocate_limited, release_limited};
    ink_task task;
    ink_task_buffer out = {0};
    ink_task_begin(&task, &allocator, "the template", INK_ERR_TEMPLATE, &error);
    ink_value variables = ink_json_parse(&task, (ink_str){"{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", 44});
    if (task.status == INK_OK) ink_jinja_render(&task, (ink_str){(char *)source, len}, variables, 0, &out);
    ink_task_end(&task);
    CHECK(task.status == INK_OK || task.status == INK_ERR_OUT_OF_MEMORY);
    CHECK_EQ(l.open, 0);
    if (n == 0) CHECK_STATUS(task.status, INK_ERR_OUT_OF_MEMORY);
    if (n == 11) CHECK_STATUS(task.status, INK_OK);
  }
  free(source);
}

int main(void) {
  RUN(prompts_equal_jinja2s);
  RUN(features_equal_jinja2s);
  RUN(errors_name_the_line);
  RUN(hostile_templates_end);
  RUN(deep_nesting);
  RUN(deep_expressions);
  RUN(templates_cut_short);
  RUN(a_models_own_template);
  RUN(built_in_templates);
  RUN(what_is_no_conversation);
  RUN(memory_refused);
  return check_result();
}
