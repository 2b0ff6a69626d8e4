/* template: a conversation as the prompt that a chat model sees. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/chat_template.h"
#include "cli/commands.h"
#include "cli/files.h"

int command_template(const options *o) {
  size_t json_len, len;
  char *json = read_text(NULL, &json_len), *text = NULL;
  chat_template template = {0};
  ink_model *model = NULL;
  bool ready = json && chat_template_open(&template, o);
  if (ready && o->model) ready = (model = load_model(o)) != NULL;
  if (ready) text = chat_template_apply(&template, model, json, json_len, &len);
  if (text) fwrite(text, 1, len, stdout);
  int status = text ? EXIT_DONE : EXIT_FAILED;
  free(text);
  ink_model_free(model);
  chat_template_close(&template);
  free(json);
  return status;
}
