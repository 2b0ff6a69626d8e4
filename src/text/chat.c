#include "text/chat.h"

#include <string.h>

/* ChatML, the format of SmolLM2, Qwen2 and many others:
 *   <|im_start|>ROLE\nCONTENT<|im_end|>\n
 * Templates of that family may begin with a system message of their own when the conversation has
 * none; it stands in the template as literal text. */

static const char *find(ink_str in, const char *text) {
  size_t n = strlen(text);
  for (size_t i = 0; i + n <= in.len; i++) {
    if (memcmp(in.data + i, text, n) == 0) return in.data + i;
  }
  return NULL;
}

bool ink_chat_is_known(ink_str chat_template) {
  return find(chat_template, "<|im_start|>") && find(chat_template, "<|im_end|>");
}

/* Empty when the template has none. */
static ink_str default_system(ink_str chat_template) {
  /* The line break may be one, or be escaped in Jinja. */
  static const char *const openings[] = {"<|im_start|>system\n", "<|im_start|>system\\n"};
  for (size_t i = 0; i < 2; i++) {
    const char *opening = find(chat_template, openings[i]);
    if (!opening) continue;
    const char *start = opening + strlen(openings[i]);
    ink_str rest = {start, (size_t)(chat_template.data + chat_template.len - start)};
    const char *end = find(rest, "<|im_end|>");
    if (!end) continue;
    ink_str literal = {start, (size_t)(end - start)};
    if (!find(literal, "'") && !find(literal, "\"") && !find(literal, "{")) return literal;
  }
  return (ink_str){"", 0};
}

typedef struct writer {
  char *text;
  size_t capacity;
  size_t len;
} writer;

static void put(writer *w, const char *bytes, size_t n) {
  if (w->len + n <= w->capacity) memcpy(w->text + w->len, bytes, n);
  w->len += n;
}

static void put_message(writer *w, const char *role, const char *content, size_t len) {
  put(w, "<|im_start|>", 12);
  put(w, role, strlen(role));
  put(w, "\n", 1);
  put(w, content, len);
  put(w, "<|im_end|>\n", 11);
}

ink_status ink_chat_render(ink_str chat_template, const ink_message *messages, size_t n_messages,
                           bool add_generation_prompt, char *text, size_t capacity, size_t *len,
                           ink_error *error) {
  *len = 0;
  if (!ink_chat_is_known(chat_template)) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_CHAT_FORMAT,
                    chat_template.len
                        ? "the model's chat template is not ChatML, the only one understood yet; "
                          "use plain completion"
                        : "the model has no chat template; use plain completion");
  }
  writer w = {text, capacity, 0};
  ink_str system = default_system(chat_template);
  bool has_system = n_messages > 0 && strcmp(messages[0].role, "system") == 0;
  if (!has_system && system.len > 0) put_message(&w, "system", system.data, system.len);
  for (size_t i = 0; i < n_messages; i++) {
    put_message(&w, messages[i].role, messages[i].content, messages[i].content_len);
  }
  if (add_generation_prompt) put(&w, "<|im_start|>assistant\n", 22);
  *len = w.len;
  if (w.len > capacity) {
    return ink_fail(error, INK_ERR_BUFFER_TOO_SMALL, "a buffer for %llu bytes is needed, not %llu",
                    (unsigned long long)w.len, (unsigned long long)capacity);
  }
  return INK_OK;
}
