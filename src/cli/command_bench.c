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

/* The prompt in one call, then tokens one by one after it. Tokenising and sampling are not timed. */
static ink_status repeat(ink_session *session, const options *o, const ink_token *tokens,
                         double *prefill_rate, double *decode_rate, ink_error *error) {
  ink_session_truncate(session, 0);
  double start = now_ms();
  ink_status status = ink_session_eval(session, tokens, o->bench_prefill, error);
  double middle = now_ms();
  for (uint32_t i = 0; i < o->bench_decode && status == INK_OK; i++) {
    status = ink_session_eval(session, tokens + o->bench_prefill + i, 1, error);
  }
  double end = now_ms();
  *prefill_rate = o->bench_prefill / (middle - start) * 1e3;
  *decode_rate = o->bench_decode / (end - middle) * 1e3;
  return status;
}

static void print_row(const options *o, const ink_model_info *info, row *r, bool last) {
  qsort(r->rates, o->repetitions, sizeof *r->rates, ascending);
  double low = r->rates[0], high = r->rates[o->repetitions - 1];
  uint32_t half = o->repetitions / 2;
  double median =
      o->repetitions % 2 ? r->rates[half] : (r->rates[half - 1] + r->rates[half]) / 2.0;
  if (!o->json) {
    printf("%-8s %4u tokens  %8.1f tokens/s  (%.1f to %.1f)\n", r->test, (unsigned)r->n_tokens,
           median, low, high);
    return;
  }
  printf("  {\"test\":\"%s\",\"n_tokens\":%u,\"model\":", r->test, (unsigned)r->n_tokens);
  json_string(o->model, strlen(o->model));
  printf(",\"quantization\":\"%s\",\"kernels\":\"%s\",\"threads\":%u,\"repetitions\":%u,"
         "\"tokens_per_second\":{\"median\":%.2f,\"min\":%.2f,\"max\":%.2f}}%s\n",
         info->quantization, info->kernels, (unsigned)r->n_threads,
         (unsigned)o->repetitions, median, low, high, last ? "" : ",");
}

static int bench(const ink_model *model, const options *o) {
  const ink_model_info *info = ink_model_get_info(model);
  uint64_t n = (uint64_t)o->bench_prefill + o->bench_decode;
  ink_error error = {INK_ERR_OUT_OF_MEMORY, "not enough memory for the benchmark"};
  if (n > UINT32_MAX) return report(&(ink_error){INK_ERR_INVALID_ARGUMENT, "too many tokens"});
  ink_session *session = open_session(model, o, o->n_ctx > n ? o->n_ctx : (uint32_t)n);
  if (!session) return EXIT_FAILED;
  ink_token *tokens = malloc((size_t)n * sizeof *tokens);
  double *rates = malloc(2 * (size_t)o->repetitions * sizeof *rates);
  ink_status status = tokens && rates ? INK_OK : INK_ERR_OUT_OF_MEMORY;
  if (status == INK_OK) {
    double *decode_rates = rates + o->repetitions, warm_up;
    fill(tokens, (size_t)n, info->n_vocab);
    status = repeat(session, o, tokens, &warm_up, &warm_up, &error);
    for (uint32_t i = 0; i < o->repetitions && status == INK_OK; i++) {
      status = repeat(session, o, tokens, &rates[i], &decode_rates[i], &error);
    }
    uint32_t n_threads = ink_session_threads(session);
    row prefill = {"prefill", o->bench_prefill, n_threads, rates};
    row decode = {"decode", o->bench_decode, n_threads, decode_rates};
    if (status == INK_OK) {
      if (o->json) puts("[");
      print_row(o, info, &prefill, false);
      print_row(o, info, &decode, true);
      if (o->json) puts("]");
    }
  }
  ink_session_free(session);
  free(rates);
  free(tokens);
  return status == INK_OK ? EXIT_DONE : report(&error);
}

int command_bench(const options *o) {
  ink_model *model = load_model(o);
  int status = model ? bench(model, o) : EXIT_FAILED;
  ink_model_free(model);
  return status;
}
