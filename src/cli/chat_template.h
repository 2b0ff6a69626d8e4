/* The chat template that a command line asks for, and its use. */
#ifndef INK_CLI_CHAT_TEMPLATE_H
#define INK_CLI_CHAT_TEMPLATE_H

#include "cli/options.h"

typedef struct chat_template {
  ink_template_params params;
  char *owned; /* the text, when it was read from a file */
} chat_template;

/* --chat-template NAME|FILE or --template FILE; neither: the model's own. False after report(). */
bool chat_template_open(chat_template *template, const options *options);
void chat_template_close(chat_template *template);

/* The rendered conversation of template->params and `json`, which the caller frees; NULL with an
 * error. `model` may be NULL. */
char *chat_template_apply(const chat_template *template, const ink_model *model, const char *json,
                          size_t json_len, size_t *len, ink_error *error);

#endif
