/* bench: how fast prompts are read (prefill) and tokens generated (decode). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/session.h"

typedef struct row {
  const char *test; /* "prefill" or "decode" */
  uint32_t n_tokens;
  uint32_t n_threads;
  double *rates;    /* [repetitions] tokens a second */
} row;

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* Any tokens do: the work does not depend on which they are. */
static void fill(ink_token *tokens, size_t n, uint32_t n_vocab) {
  uint32_t state = 1;
  for (size_t i = 0; i < n; i++) {
    state = state * 1664525u + 1013904223u;
    tokens[i] = (ink_token)((state >> 8) % n_vocab);
  }
}

/* Back to a context of `depth` tokens, from as many or more. Its last token is evaluated anew: what
 * a sliding window has dropped is computed again at the next evaluation, which should not be a timed
 * one. */
static ink_status rewind_to(ink_session *session, const ink_token *tokens, uint32_t depth,
                            ink_error *error) {
  ink_session_truncate(session, depth ? depth - 1 : 0);
  return depth ? ink_session_eval(session, tokens + depth - 1, 1, error) : INK_OK;
}

/* Either test begins after the first `bench_depth` tokens: a prompt in one call, and tokens one by one.
 * Tokenising and sampling are not timed. */
static ink_status repeat(ink_session *session, const options *o, const ink_token *tokens,
                         double *prefill_rate, double *decode_rate, ink_error *error) {
  const ink_token *next = tokens + o->bench_depth;
  ink_status status = rewind_to(session, tokens, o->bench_depth, error);
  double start = now_ms();
  if (status == INK_OK && o->bench_prefill) {
    status = ink_session_eval(session, next, o->bench_prefill, error);
  }
  *prefill_rate = o->bench_prefill / (now_ms() - start) * 1e3;
  if (status == INK_OK) status = rewind_to(session, tokens, o->bench_depth, error);
  start = now_ms();
  for (uint32_t i = 0; i < o->bench_decode && status == INK_OK; i++) {
    status = ink_session_eval(session, next + i, 1, error);
  }
  *decode_rate = o->bench_decode / (now_ms() - start) * 1e3;
  return status;
}

static void print_row(const options *o, const ink_model_info *info, double load_ms, row *r,
                      bool last) {
  qsort(r->rates, o->repetitions, sizeof *r->rates, ascending);
  double low = r->rates[0], high = r->rates[o->repetitions - 1];
  uint32_t half = o->repetitions / 2;
  double median =
      o->repetitions % 2 ? r->rates[half] : (r->rates[half - 1] + r->rates[half]) / 2.0;
  if (!o->json) {
    printf("%-8s %4u tokens at depth %-5u %8.1f tokens/s  (%.1f to %.1f)\n", r->test,
           (unsigned)r->n_tokens, (unsigned)o->bench_depth, median, low, high);
    return;
  }
  printf("  {\"test\":\"%s\",\"n_tokens\":%u,\"depth\":%u,\"model\":", r->test,
         (unsigned)r->n_tokens, (unsigned)o->bench_depth);
  json_string(o->model, strlen(o->model));
  printf(",\"quantization\":\"%s\",\"kernels\":\"%s\",\"threads\":%u,\"repetitions\":%u,"
         "\"load_ms\":%.1f,"
         "\"tokens_per_second\":{\"median\":%.2f,\"min\":%.2f,\"max\":%.2f}}%s\n",
         info->quantization, info->kernels, (unsigned)r->n_threads, (unsigned)o->repetitions,
         load_ms, median, low, high, last ? "" : ",");
}

static int bench(const ink_model *model, double load_ms, const options *o) {
  const ink_model_info *info = ink_model_get_info(model);
  uint32_t longer = o->bench_prefill > o->bench_decode ? o->bench_prefill : o->bench_decode;
  uint64_t n = (uint64_t)o->bench_depth + longer;
  ink_error error = {INK_ERR_OUT_OF_MEMORY, "not enough memory for the benchmark"};
  if (n > UINT32_MAX) return report(&(ink_error){INK_ERR_INVALID_ARGUMENT, "too many tokens"});
  open_session open;
  if (!begin_session(&open, model, o, o->n_ctx > n ? o->n_ctx : (uint32_t)n)) {
    close_session(&open);
    return EXIT_FAILED;
  }
  ink_session *session = open.session;
  ink_token *tokens = malloc((size_t)n * sizeof *tokens);
  double *rates = malloc(2 * (size_t)o->repetitions * sizeof *rates);
  ink_status status = tokens && rates ? INK_OK : INK_ERR_OUT_OF_MEMORY;
  if (status == INK_OK) {
    double *decode_rates = rates + o->repetitions, warm_up;
    fill(tokens, (size_t)n, info->n_vocab);
    if (o->bench_depth) status = ink_session_eval(session, tokens, o->bench_depth, &error);
    if (status == INK_OK) status = repeat(session, o, tokens, &warm_up, &warm_up, &error);
    for (uint32_t i = 0; i < o->repetitions && status == INK_OK; i++) {
      status = repeat(session, o, tokens, &rates[i], &decode_rates[i], &error);
    }
    uint32_t n_threads = ink_session_threads(session);
    row prefill = {"prefill", o->bench_prefill, n_threads, rates};
    row decode = {"decode", o->bench_decode, n_threads, decode_rates};
    if (status == INK_OK) {
      if (o->json) puts("[");
      if (o->bench_prefill) print_row(o, info, load_ms, &prefill, !o->bench_decode);
      if (o->bench_decode) print_row(o, info, load_ms, &decode, true);
      if (o->json) puts("]");
    }
  }
  close_session(&open);
  free(rates);
  free(tokens);
  return status == INK_OK ? EXIT_DONE : report(&error);
}

int command_bench(const options *o) {
  double start = now_ms();
  ink_model *model = load_model(o);
  int status = model ? bench(model, now_ms() - start, o) : EXIT_FAILED;
  ink_model_free(model);
  return status;
}
