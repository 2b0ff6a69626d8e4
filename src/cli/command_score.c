/* score: log-likelihood and perplexity of a text. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/math.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/session.h"

#define DEFAULT_WINDOW 512u

typedef struct score {
  size_t n_tokens; /* of text */
  size_t n_scored;
  double nll;      /* their sum, nats */
} score;

/* One window: `n` text tokens at `text`, preceded by BOS if the model asks for it. */
static ink_status score_window(ink_session *session, ink_token bos, const ink_token *text, size_t n,
                               ink_token *window, score *total, ink_error *error) {
  size_t length = 0;
  if (bos >= 0) window[length++] = bos;
  for (size_t i = 0; i < n; i++) window[length++] = text[i];
  if (length < 2) return INK_OK; /* nothing is predicted */
  double nll;
  ink_status status = ink_session_score(session, window, length, &nll, error);
  total->n_tokens += n;
  total->n_scored += length - 1;
  total->nll += nll;
  return status;
}

static ink_token bos_of(const ink_model *model) {
  ink_token bos;
  size_t n;
  ink_error error;
  ink_status status = ink_tokenize(model, "", 0, INK_TOKENIZE_BOS, &bos, 1, &n, &error);
  return status == INK_OK && n == 1 ? bos : -1;
}

static int score_tokens(const ink_model *model, const options *o, const ink_token *tokens,
                        size_t n) {
  uint32_t window = o->n_ctx ? o->n_ctx : DEFAULT_WINDOW;
  open_session open;
  if (!begin_session(&open, model, o, window + 1)) {
    close_session(&open);
    return EXIT_FAILED;
  }
  ink_error error;
  ink_token *buffer = malloc(((size_t)window + 1) * sizeof *buffer);
  ink_token bos = bos_of(model);
  score total = {0};
  size_t n_windows = (n + window - 1) / window;
  if (o->windows && o->windows < n_windows) n_windows = o->windows;
  ink_status status = buffer ? INK_OK : INK_ERR_OUT_OF_MEMORY;
  if (!buffer) error = (ink_error){INK_ERR_OUT_OF_MEMORY, "not enough memory for a window"};
  for (size_t w = 0; w < n_windows && status == INK_OK; w++) {
    size_t first = w * window, count = n - first < window ? n - first : window;
    status = score_window(open.session, bos, tokens + first, count, buffer, &total, &error);
    if (isatty(STDERR_FILENO)) fprintf(stderr, "\rwindow %zu of %zu", w + 1, n_windows);
  }
  if (isatty(STDERR_FILENO)) fputc('\n', stderr);
  free(buffer);
  close_session(&open);
  if (status != INK_OK) return report(&error);
  if (total.n_scored == 0) {
    return report(&(ink_error){INK_ERR_INVALID_ARGUMENT, "the text is too short to score"});
  }
  double nll = total.nll / (double)total.n_scored;
  printf(o->json ? "{\"tokens\":%zu,\"scored\":%zu,\"nll\":%.6f,\"ppl\":%.4f}\n"
                 : "tokens %zu\nscored %zu\nnll    %.6f nats a token\nppl    %.4f\n",
         total.n_tokens, total.n_scored, nll, ink_exp(nll));
  return EXIT_DONE;
}

int command_score(const options *o) {
  int status = EXIT_FAILED;
  size_t len, n;
  char *text = read_text(o->file, &len);
  ink_model *model = text ? load_model(o) : NULL;
  ink_token *tokens = model ? tokenize_text(model, text, len, 0, &n) : NULL;
  if (tokens) status = score_tokens(model, o, tokens, n);
  free(tokens);
  ink_model_free(model);
  free(text);
  return status;
}
