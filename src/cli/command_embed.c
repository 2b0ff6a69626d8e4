/* embed: each line of a text as one vector. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/session.h"

/* 9 digits tell every float from the next. */
static void print_embedding(const options *o, const float *values, uint32_t n, bool is_first) {
  const char *separator = o->json ? "," : " ";
  if (o->json) fputs(is_first ? "[" : ",\n[", stdout);
  for (uint32_t i = 0; i < n; i++) printf("%s%.9g", i ? separator : "", (double)values[i]);
  fputs(o->json ? "]" : "\n", stdout);
}

/* Prints the embedding and adds to *n_tokens. False after report(). */
static bool embed_line(ink_session *session, const ink_model *model, const options *o, ink_str line,
                       float *embedding, size_t *n_tokens) {
  size_t n;
  ink_error error;
  uint32_t flags = INK_TOKENIZE_SPECIAL | INK_TOKENIZE_BOS;
  ink_token *tokens = tokenize_text(model, line.data, line.len, flags, &n);
  if (!tokens) return false;
  ink_status status = ink_session_embed(session, tokens, n, o->pooling, true, embedding, &error);
  free(tokens);
  if (status != INK_OK) return report(&error) == EXIT_DONE;
  print_embedding(o, embedding, ink_model_get_info(model)->n_embd, *n_tokens == 0);
  *n_tokens += n;
  return true;
}

static bool embed_lines(ink_session *session, const ink_model *model, const options *o,
                        const char *text, size_t len, float *embedding) {
  size_t at = 0, n_lines = 0, n_tokens = 0;
  ink_str line;
  ink_error error = {.code = INK_ERR_INVALID_ARGUMENT};
  if (o->json) fputs("{\"embeddings\":[", stdout);
  while (text_line(text, len, &at, &line)) {
    n_lines++;
    if (line.len == 0) {
      snprintf(error.message, sizeof error.message, "line %zu is empty: there is nothing to embed",
               n_lines);
      return report(&error) == EXIT_DONE;
    }
    if (line.data[line.len - 1] == '\r') line.len--;
    if (!embed_line(session, model, o, line, embedding, &n_tokens)) return false;
  }
  if (o->json) printf("],\"n_embd\":%u,\"tokens\":%zu}\n",
                      (unsigned)ink_model_get_info(model)->n_embd, n_tokens);
  if (n_lines > 0) return true;
  snprintf(error.message, sizeof error.message, "the text is empty: there is nothing to embed");
  return report(&error) == EXIT_DONE;
}

int command_embed(const options *o) {
  bool done = false;
  size_t len = 0;
  char *read = o->prompt ? NULL : read_text(o->file, &len);
  const char *text = o->prompt ? o->prompt : read;
  if (o->prompt) len = strlen(o->prompt);
  ink_model *model = text ? load_model(o) : NULL;
  open_session open = {0};
  if (model && begin_session(&open, model, o, o->n_ctx)) {
    float *embedding = malloc(ink_model_get_info(model)->n_embd * sizeof *embedding);
    if (embedding) done = embed_lines(open.session, model, o, text, len, embedding);
    else report(&(ink_error){INK_ERR_OUT_OF_MEMORY, "not enough memory for an embedding"});
    free(embedding);
  }
  close_session(&open);
  ink_model_free(model);
  free(read);
  return done ? EXIT_DONE : EXIT_FAILED;
}
