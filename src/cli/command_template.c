/* template: a conversation as the prompt that a chat model sees, or as the prompt's tokens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/chat_template.h"
#include "cli/commands.h"
#include "cli/files.h"

static bool print_prompt(const chat_template *template, const ink_model *model, const char *json,
                         size_t json_len) {
  size_t len;
  ink_error error;
  char *text = chat_template_apply(template, model, json, json_len, &len, &error);
  if (text) fwrite(text, 1, len, stdout);
  else report(&error);
  free(text);
  return text != NULL;
}

/* The ids that `chat` would evaluate, BOS included, on a line. `number` is the conversation's line. */
static bool print_prompt_tokens(const chat_template *template, const ink_model *model, ink_str json,
                                size_t number) {
  size_t len, n;
  ink_error error;
  char *text = chat_template_apply(template, model, json.data, json.len, &len, &error);
  if (!text) {
    ink_error found = error;
    ink_fail(&error, found.code, "the conversation on line %zu: %s", number, found.message);
    report(&error);
    return false;
  }
  ink_token *tokens =
      tokenize_text(model, text, len, INK_TOKENIZE_SPECIAL | INK_TOKENIZE_BOS, &n);
  free(text);
  if (!tokens) return false;
  for (size_t i = 0; i < n; i++) printf("%s%d", i ? " " : "", (int)tokens[i]);
  putchar('\n');
  free(tokens);
  return true;
}

/* Lines without a conversation are left out, as elsewhere in JSON Lines. */
static bool print_tokens_of_lines(const chat_template *template, const ink_model *model,
                                  const char *text, size_t len) {
  size_t number = 1;
  ink_str line;
  for (size_t at = 0; text_line(text, len, &at, &line); number++) {
    if (line.len > 0 && !print_prompt_tokens(template, model, line, number)) return false;
  }
  return true;
}

int command_template(const options *o) {
  size_t len;
  char *json = read_text(NULL, &len);
  chat_template template = {0};
  ink_model *model = NULL;
  bool done = json && chat_template_open(&template, o);
  if (done && o->model) done = (model = load_vocabulary(o)) != NULL;
  if (done) {
    done = o->tokens ? print_tokens_of_lines(&template, model, json, len)
                     : print_prompt(&template, model, json, len);
  }
  ink_model_free(model);
  chat_template_close(&template);
  free(json);
  return done ? EXIT_DONE : EXIT_FAILED;
}
