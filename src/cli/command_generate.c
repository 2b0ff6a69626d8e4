/* run and chat. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/chat_template.h"
#include "cli/commands.h"
#include "cli/conversation.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/session.h"

/* What one generation gave; text and tokens grow. */
typedef struct result {
  char *text;
  size_t text_len, text_capacity;
  ink_token *tokens;
  size_t n_tokens, token_capacity;
  size_t n_prompt;
  size_t n_drafted, n_accepted;
  ink_finish finish;
  double prefill_ms, decode_ms;
} result;

static bool grow(void *block, size_t *capacity, size_t needed, size_t size) {
  if (needed <= *capacity) return true;
  size_t wanted = needed < 512 ? 1024 : needed * 2;
  void *old, *grown;
  memcpy(&old, block, sizeof old);
  grown = realloc(old, wanted * size);
  if (!grown) return false;
  memcpy(block, &grown, sizeof grown);
  *capacity = wanted;
  return true;
}

static bool add_step(result *r, const ink_step *step) {
  if (step->text_len > 0) {
    if (!grow(&r->text, &r->text_capacity, r->text_len + step->text_len, 1)) return false;
    memcpy(r->text + r->text_len, step->text, step->text_len);
    r->text_len += step->text_len;
  }
  if (step->token < 0) return true;
  if (!grow(&r->tokens, &r->token_capacity, r->n_tokens + 1, sizeof *r->tokens)) return false;
  r->tokens[r->n_tokens++] = step->token;
  return true;
}

static const char *finish_name(ink_finish finish) {
  switch (finish) {
  case INK_FINISH_END: return "end";
  case INK_FINISH_STOP: return "stop";
  case INK_FINISH_LENGTH: return "length";
  case INK_FINISH_CONTEXT: return "context";
  case INK_FINISH_NONE: break;
  }
  return "none";
}

static void print_json(const result *r) {
  fputs("{\"text\":", stdout);
  json_string(r->text, r->text_len);
  fputs(",\"tokens\":[", stdout);
  for (size_t i = 0; i < r->n_tokens; i++) printf("%s%d", i ? "," : "", (int)r->tokens[i]);
  printf("],\"finish_reason\":\"%s\",\"usage\":{\"prompt_tokens\":%zu,\"completion_tokens\":%zu,"
         "\"drafted_tokens\":%zu,\"accepted_tokens\":%zu},\"timings\":{\"prefill_ms\":%.1f,\"decode_ms\":%.1f}}\n",
         finish_name(r->finish), r->n_prompt, r->n_tokens, r->n_drafted, r->n_accepted,
         r->prefill_ms, r->decode_ms);
}

/* Text is shown as it comes, unless the result is wanted as JSON. */
static ink_status generate(ink_session *session, const options *o, const ink_token *prompt,
                           size_t n_prompt, result *r, ink_error *error) {
  ink_generation params = {.sampling = o->sampling,
                           .max_tokens = o->max_tokens,
                           .stops = o->stops,
                           .n_stops = o->n_stops,
                           .context_shift = o->context_shift,
                           .n_keep = o->n_keep,
                           .draft = o->draft};
  ink_status status = ink_generation_begin(session, &params, prompt, n_prompt, error);
  r->n_prompt = n_prompt;
  double start = now_ms();
  ink_step step = {0};
  while (status == INK_OK && step.kind != INK_STEP_DONE) {
    status = ink_generation_step(session, 0, &step, error);
    if (status != INK_OK) break;
    if (step.n_generated == 1 && step.kind == INK_STEP_TOKEN) {
      r->prefill_ms = now_ms() - start;
      start = now_ms();
    }
    if (!add_step(r, &step)) {
      error->code = INK_ERR_OUT_OF_MEMORY;
      snprintf(error->message, sizeof error->message, "not enough memory for the text");
      return error->code;
    }
    if (!o->json && step.text_len > 0) {
      fwrite(step.text, 1, step.text_len, stdout);
      if (!flush_output(error)) return error->code; /* nobody reads on */
    }
  }
  r->decode_ms = now_ms() - start;
  r->finish = step.finish;
  r->n_drafted = step.n_drafted;
  r->n_accepted = step.n_accepted;
  return status;
}

static void free_result(result *r) {
  free(r->text);
  free(r->tokens);
  *r = (result){0};
}

/* Generates after `text` and leaves what came in *r, for free_result(). */
static int answer(const ink_model *model, ink_session *session, const options *o, const char *text,
                  size_t len, uint32_t flags, result *r) {
  ink_error error;
  size_t n_prompt;
  ink_token *prompt = tokenize_text(model, text, len, flags, &n_prompt);
  if (!prompt) return EXIT_FAILED;
  ink_status status = generate(session, o, prompt, n_prompt, r, &error);
  free(prompt);
  if (status != INK_OK) {
    if (!o->json && r->text_len > 0) putchar('\n');
    fflush(stdout);
    return report(&error);
  }
  if (o->json) print_json(r);
  else if (isatty(STDOUT_FILENO)) putchar('\n');
  return flush_output(&error) ? EXIT_DONE : report(&error);
}

/* The examples' texts and the prompt, as conversation_text() lays them out. Frees `text`, which is
 * the prompt unless the options hold it. NULL after report(). */
static char *put_examples_before(const options *o, char *text, size_t *len) {
  conversation c = {0};
  char *whole = NULL;
  if (conversation_read(&c, o->examples) && conversation_add(&c, "user", text ? text : o->prompt, *len)) {
    whole = conversation_text(&c, len);
  }
  conversation_free(&c);
  free(text);
  return whole;
}

int command_run(const options *o) {
  size_t len = o->prompt ? strlen(o->prompt) : 0;
  char *text = o->prompt ? NULL : read_text(o->file, &len);
  if (!o->prompt && !text) return EXIT_FAILED;
  if (o->examples && !(text = put_examples_before(o, text, &len))) return EXIT_FAILED;
  int status = EXIT_FAILED;
  ink_model *model = load_model(o);
  open_session open = {0};
  if (model && begin_session(&open, model, o, o->n_ctx)) {
    result r = {0};
    status = answer(model, open.session, o, text ? text : o->prompt, len,
                    INK_TOKENIZE_SPECIAL | INK_TOKENIZE_BOS, &r);
    free_result(&r);
  }
  close_session(&open);
  ink_model_free(model);
  free(text);
  return status;
}

/* ---- Chat ---- */

/* What stays the same over a chat, and the conversation so far. */
typedef struct chat {
  const ink_model *model;
  ink_session *session;
  const options *options;
  chat_template template;
  conversation conversation;
} chat;

/* Adds the user's message and the model's answer to the conversation. */
static int take_turn(chat *c, const char *message, size_t len) {
  static const char variables[] = "{\"add_generation_prompt\":true}";
  size_t size;
  ink_error error;
  if (!conversation_add(&c->conversation, "user", message, len)) return EXIT_FAILED;
  c->template.params.messages = c->conversation.messages;
  c->template.params.n_messages = c->conversation.n;
  char *text = chat_template_apply(&c->template, c->model, variables, sizeof variables - 1, &size,
                                   &error);
  if (!text) return report(&error);
  result r = {0};
  int status = answer(c->model, c->session, c->options, text, size,
                      INK_TOKENIZE_SPECIAL | INK_TOKENIZE_BOS, &r);
  free(text);
  if (status == EXIT_DONE &&
      !conversation_add(&c->conversation, "assistant", r.text ? r.text : "", r.text_len)) {
    status = EXIT_FAILED;
  }
  free_result(&r);
  return status;
}

/* A line without its end, or NULL when the input is over. */
static char *read_line(void) {
  char *line = NULL;
  size_t len = 0, capacity = 0;
  for (int c; (c = getchar()) != EOF && c != '\n';) {
    if (!grow(&line, &capacity, len + 2, 1)) break;
    line[len++] = (char)c;
  }
  if (!line && !feof(stdin)) line = calloc(1, 1);
  else if (line) line[len] = '\0';
  return line;
}

static int chat_loop(chat *c) {
  fputs("Type a message; an empty line ends.\n", stderr);
  int status = EXIT_DONE;
  while (status == EXIT_DONE) {
    fputs("> ", stderr);
    char *line = read_line();
    if (!line || !*line) {
      free(line);
      break;
    }
    status = take_turn(c, line, strlen(line));
    free(line);
  }
  return status;
}

static int chat_with(chat *c) {
  const options *o = c->options;
  if (o->prompt) return take_turn(c, o->prompt, strlen(o->prompt));
  if (isatty(STDIN_FILENO)) return chat_loop(c);
  size_t len;
  char *text = read_text(NULL, &len);
  int status = text ? take_turn(c, text, len) : EXIT_FAILED;
  free(text);
  return status;
}

int command_chat(const options *o) {
  chat c = {.options = o};
  int status = EXIT_FAILED;
  ink_model *model = NULL;
  open_session open = {0};
  bool ready = chat_template_open(&c.template, o) &&
               (!o->system || conversation_add(&c.conversation, "system", o->system, strlen(o->system))) &&
               (!o->examples || conversation_read(&c.conversation, o->examples)) &&
               (model = load_model(o)) != NULL;
  if (ready && begin_session(&open, model, o, o->n_ctx)) {
    c.model = model;
    c.session = open.session;
    status = chat_with(&c);
  }
  conversation_free(&c.conversation);
  close_session(&open);
  ink_model_free(model);
  chat_template_close(&c.template);
  return status;
}
