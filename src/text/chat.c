#include "text/chat.h"

#include <string.h>

#include "base/utf8.h"
#include "text/jinja.h"
#include "text/jinja_parser.h"
#include "text/json.h"

enum { MAX_INPUT = 256 << 20, MEMORY_FACTOR = 16 };

static const char subject[] = "the chat template";

static bool is_utf8(ink_str text) { return ink_utf8_valid_prefix(text.data, text.len) == text.len; }

ink_status ink_chat_understands(const ink_allocator *allocator, ink_str chat_template,
                                bool *understood, ink_error *error) {
  ink_task task;
  *understood = false;
  if (chat_template.len == 0 || chat_template.len > MAX_INPUT || !is_utf8(chat_template)) return INK_OK;
  ink_task_begin(&task, allocator, subject, INK_ERR_TEMPLATE, error);
  ink_jinja_parse(&task, chat_template);
  ink_task_end(&task);
  *understood = task.status == INK_OK;
  return task.status == INK_ERR_OUT_OF_MEMORY ? task.status : INK_OK;
}

static void set(ink_task *task, ink_value dict, const char *name, ink_value value) {
  ink_dict_set(task, dict, ink_text_z(name), value);
}

static void set_if_absent(ink_task *task, ink_value dict, const char *name, ink_value value) {
  if (!ink_dict_get(task, dict.as.dict, ink_text_z(name))) set(task, dict, name, value);
}

static ink_value list_of(ink_task *task, const ink_message *messages, size_t n_messages) {
  ink_value list = ink_list_new(task, INK_VALUE_LIST);
  for (size_t i = 0; i < n_messages && task->status == INK_OK; i++) {
    const ink_message *m = &messages[i];
    ink_str role = {m->role, strlen(m->role)}, content = {m->content, m->content_len};
    if (!is_utf8(role) || !is_utf8(content)) {
      ink_task_fail(task, INK_ERR_INVALID_UTF8, "message %llu is not UTF-8", (unsigned long long)i + 1);
    }
    ink_value message = ink_dict_new(task, INK_VALUE_DICT);
    set(task, message, "role", ink_text(role.data, role.len));
    set(task, message, "content", ink_text(content.data, content.len));
    ink_list_push(task, list, message);
  }
  return list;
}

static ink_value parse_variables(ink_task *task, const ink_chat *chat) {
  if (!chat->json.data) return ink_dict_new(task, INK_VALUE_DICT);
  task->subject = "the conversation's JSON";
  task->limit_status = INK_ERR_INVALID_JSON;
  ink_value variables = ink_json_parse(task, chat->json);
  if (variables.kind != INK_VALUE_DICT) ink_task_fail(task, INK_ERR_INVALID_JSON, "it has to be an object");
  task->subject = subject;
  task->limit_status = INK_ERR_TEMPLATE;
  return variables;
}

static void set_messages(ink_task *task, ink_value variables, const ink_chat *chat) {
  if (chat->messages) set(task, variables, "messages", list_of(task, chat->messages, chat->n_messages));
  if (task->status != INK_OK) return;
  const ink_value *messages = ink_dict_get(task, variables.as.dict, ink_text_z("messages"));
  if (messages && messages->kind == INK_VALUE_LIST) return;
  ink_task_fail(task, INK_ERR_INVALID_JSON, "the conversation's JSON has no list \"messages\"");
}

/* What transformers' apply_chat_template() defines when it isn't given. */
static void set_defaults(ink_task *task, ink_value variables, const ink_chat *chat) {
  set_if_absent(task, variables, "tools", ink_none());
  set_if_absent(task, variables, "documents", ink_none());
  set_if_absent(task, variables, "add_generation_prompt", ink_bool(false));
  if (chat->bos.data && is_utf8(chat->bos)) {
    set_if_absent(task, variables, "bos_token", ink_text(chat->bos.data, chat->bos.len));
  }
  if (chat->eos.data && is_utf8(chat->eos)) {
    set_if_absent(task, variables, "eos_token", ink_text(chat->eos.data, chat->eos.len));
  }
}

/* Everything that can go wrong with what was given, before memory is taken for it. */
static ink_status check(const ink_chat *chat, uint64_t *input_size, ink_error *error) {
  *input_size = (uint64_t)chat->chat_template.len + chat->json.len;
  for (size_t i = 0; chat->messages && i < chat->n_messages; i++) *input_size += chat->messages[i].content_len;
  if (chat->chat_template.len == 0) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_CHAT_FORMAT,
                    "the model has no chat template; use plain completion or name a template");
  }
  if (*input_size > MAX_INPUT) {
    return ink_fail(error, INK_ERR_INVALID_ARGUMENT, "a conversation of more than %d MB", MAX_INPUT >> 20);
  }
  if (!is_utf8(chat->chat_template)) return ink_fail(error, INK_ERR_TEMPLATE, "the chat template is not UTF-8");
  return INK_OK;
}

ink_status ink_chat_render(const ink_chat *chat, char *text, size_t capacity, size_t *len,
                           ink_error *error) {
  uint64_t input_size;
  *len = 0;
  INK_TRY(check(chat, &input_size, error));
  ink_task task;
  ink_buffer out = {0};
  ink_task_begin(&task, chat->allocator, subject, INK_ERR_TEMPLATE, error);
  task.memory += MEMORY_FACTOR * input_size;
  task.steps += MEMORY_FACTOR * input_size;
  ink_value variables = parse_variables(&task, chat);
  if (task.status == INK_OK) set_messages(&task, variables, chat);
  if (task.status == INK_OK) set_defaults(&task, variables, chat);
  if (task.status == INK_OK) ink_jinja_render(&task, chat->chat_template, variables, chat->now, &out);
  if (task.status == INK_OK) {
    *len = out.len;
    if (out.len > 0 && out.len <= capacity) memcpy(text, out.data, out.len);
  }
  ink_task_end(&task);
  if (task.status == INK_OK && *len > capacity) {
    return ink_fail(error, INK_ERR_BUFFER_TOO_SMALL, "a buffer for %llu bytes is needed, not %llu",
                    (unsigned long long)*len, (unsigned long long)capacity);
  }
  return task.status;
}
