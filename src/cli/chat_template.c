#include "cli/chat_template.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/files.h"

/* Seconds since 1970 of the clock on the wall: UTC and the zone's distance from it. */
static int64_t local_time(void) {
  time_t now = time(NULL);
  struct tm local;
  if (!localtime_r(&now, &local)) return (int64_t)now;
  return (int64_t)now + local.tm_gmtoff;
}

bool chat_template_open(chat_template *t, const options *o) {
  *t = (chat_template){.params.now = local_time()};
  const char *builtin = o->chat_template ? ink_builtin_chat_template(o->chat_template) : NULL;
  const char *path = o->template_file ? o->template_file : builtin ? NULL : o->chat_template;
  if (builtin) {
    t->params.chat_template = builtin;
    t->params.chat_template_len = strlen(builtin);
  } else if (path) {
    t->params.chat_template = t->owned = read_text(path, &t->params.chat_template_len);
    return t->owned != NULL;
  }
  return true;
}

void chat_template_close(chat_template *t) { free(t->owned); }

char *chat_template_apply(const chat_template *t, const ink_model *model, const char *json,
                          size_t json_len, size_t *len, ink_error *error) {
  *error = (ink_error){INK_ERR_OUT_OF_MEMORY, "not enough memory for the prompt"};
  char *text = NULL;
  ink_status status =
      ink_apply_chat_template(model, &t->params, json, json_len, NULL, 0, len, error);
  if (status == INK_OK || status == INK_ERR_BUFFER_TOO_SMALL) {
    text = malloc(*len + 1);
    status = text ? ink_apply_chat_template(model, &t->params, json, json_len, text, *len, len,
                                            error)
                  : INK_ERR_OUT_OF_MEMORY;
  }
  if (status == INK_OK) return text;
  free(text);
  return NULL;
}
