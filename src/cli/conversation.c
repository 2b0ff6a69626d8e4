#include "cli/conversation.h"

#include <stdlib.h>
#include <string.h>

#include "cli/files.h"
#include "text/json.h"

static bool fail_memory(void) {
  report(&(ink_error){INK_ERR_OUT_OF_MEMORY, "not enough memory for the conversation"});
  return false;
}

bool conversation_add(conversation *c, const char *role, const char *content, size_t len) {
  if (c->n == c->capacity) {
    size_t capacity = c->capacity ? 2 * c->capacity : 16;
    ink_message *grown = realloc(c->messages, capacity * sizeof *grown);
    if (!grown) return fail_memory();
    c->messages = grown;
    c->capacity = capacity;
  }
  size_t role_size = strlen(role) + 1;
  char *copy = malloc(role_size + len); /* the role, and after its end the content */
  if (!copy) return fail_memory();
  memcpy(copy, role, role_size);
  if (len > 0) memcpy(copy + role_size, content, len);
  c->messages[c->n++] = (ink_message){copy, copy + role_size, len};
  return true;
}

void conversation_free(conversation *c) {
  for (size_t i = 0; i < c->n; i++) free((char *)(uintptr_t)c->messages[i].role);
  free(c->messages);
  *c = (conversation){0};
}

/* ---- Examples ---- */

static ink_value text_of(ink_task *task, ink_value object, const char *name) {
  const ink_value *found =
      object.kind == INK_VALUE_DICT ? ink_dict_get(task, object.as.dict, ink_text_z(name)) : NULL;
  if (found && found->kind == INK_VALUE_STRING) return *found;
  ink_task_fail(task, INK_ERR_INVALID_JSON, "each line has to be {\"role\":…,\"content\":…}, both strings");
  return ink_text("", 0);
}

static bool add_line(conversation *c, ink_str line, uint32_t number) {
  ink_task task;
  ink_error error;
  ink_task_begin(&task, NULL, "the examples", INK_ERR_INVALID_JSON, &error);
  task.memory += 16 * (uint64_t)line.len;
  task.line = number;
  ink_value message = ink_json_parse(&task, line);
  task.line = number;
  ink_value role = text_of(&task, message, "role"), content = text_of(&task, message, "content");
  ink_task_buffer role_z = {0};
  ink_task_buffer_put(&task, &role_z, role.as.text, role.len);
  ink_task_buffer_put_char(&task, &role_z, '\0');
  bool added = task.status == INK_OK && conversation_add(c, role_z.data, content.as.text, content.len);
  if (task.status != INK_OK) report(&error);
  ink_task_end(&task);
  return added;
}

bool conversation_read(conversation *c, const char *path) {
  size_t len;
  char *text = read_text(path, &len);
  bool fine = text != NULL;
  uint32_t number = 1;
  ink_str line;
  for (size_t at = 0; fine && text_line(text, len, &at, &line); number++) {
    fine = line.len == 0 || add_line(c, line, number);
  }
  free(text);
  return fine;
}

/* ---- Plain text ---- */

char *conversation_text(const conversation *c, size_t *len) {
  size_t size = 1, at = 0;
  for (size_t i = 0; i < c->n; i++) size += c->messages[i].content_len + 2;
  char *text = malloc(size);
  if (!text) {
    fail_memory();
    return NULL;
  }
  for (size_t i = 0; i < c->n; i++) {
    const ink_message *m = &c->messages[i];
    memcpy(text + at, m->content, m->content_len);
    at += m->content_len;
    text[at++] = '\n';
    if (strcmp(m->role, "user") != 0) text[at++] = '\n';
  }
  text[at] = '\0';
  *len = at;
  return text;
}
