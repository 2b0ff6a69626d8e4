/* tokenize and detokenize. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/json.h"

static void print_tokens(const ink_model *model, const options *o, const ink_token *tokens,
                         size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (!o->pieces) {
      printf("%s%d", i ? " " : "", (int)tokens[i]);
      continue;
    }
    const char *piece;
    size_t len;
    ink_error error;
    if (ink_token_piece(model, tokens[i], &piece, &len, &error) != INK_OK) continue;
    printf("%d\t", (int)tokens[i]);
    json_string(piece, len);
    putchar('\n');
  }
  if (!o->pieces) putchar('\n');
}

int command_tokenize(const options *o) {
  size_t len, n;
  char *text = read_text(NULL, &len);
  ink_model *model = text ? load_vocabulary(o) : NULL;
  uint32_t flags = o->special ? INK_TOKENIZE_SPECIAL : 0;
  ink_token *tokens = model ? tokenize_text(model, text, len, flags, &n) : NULL;
  if (tokens) print_tokens(model, o, tokens, n);
  int status = tokens ? EXIT_DONE : EXIT_FAILED;
  free(tokens);
  ink_model_free(model);
  free(text);
  return status;
}

/* Whole numbers separated by white space; returns how many, or -1 after report(). */
static long parse_ids(const char *text, size_t len, ink_token *ids) {
  long n = 0;
  const char *end = text + len;
  for (;;) {
    while (text < end && (*text == ' ' || *text == '\n' || *text == '\t' || *text == '\r')) text++;
    if (text == end) return n;
    char *after;
    errno = 0;
    long id = strtol(text, &after, 10);
    if (errno || after == text || id < 0 || id > INT32_MAX) {
      ink_error error = {.code = INK_ERR_INVALID_ARGUMENT};
      int word = (int)strcspn(text, " \n\t\r");
      snprintf(error.message, sizeof error.message, "'%.*s' is not a token id",
               word < 20 ? word : 20, text);
      report(&error);
      return -1;
    }
    ids[n++] = (ink_token)id;
    text = after;
  }
}

int command_detokenize(const options *o) {
  int status = EXIT_FAILED;
  size_t len, size = 0;
  char *input = read_text(NULL, &len);
  ink_model *model = input ? load_vocabulary(o) : NULL;
  ink_token *ids = model ? malloc((len / 2 + 1) * sizeof *ids) : NULL;
  long n = ids ? parse_ids(input, len, ids) : -1;
  if (n >= 0) {
    ink_error error = {INK_ERR_OUT_OF_MEMORY, "not enough memory for the text"};
    ink_status needed = ink_detokenize(model, ids, (size_t)n, NULL, 0, &size, &error);
    char *text = malloc(size + 1);
    if (needed == INK_OK || needed == INK_ERR_BUFFER_TOO_SMALL) {
      needed = text ? ink_detokenize(model, ids, (size_t)n, text, size, &size, &error)
                    : INK_ERR_OUT_OF_MEMORY;
    }
    if (needed == INK_OK) {
      fwrite(text, 1, size, stdout);
      status = EXIT_DONE;
    } else {
      report(&error);
    }
    free(text);
  }
  free(ids);
  ink_model_free(model);
  free(input);
  return status;
}
