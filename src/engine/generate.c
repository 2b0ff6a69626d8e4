/* Generation as a state machine: prefill in pieces, then a token at a time.
 *
 * Drafts stay out of sight: a batch may hold tokens behind the next one, but each token is sampled
 * from its own logits in its own step, as if it were alone, and if it is the draft, the step after it
 * has nothing to evaluate. So limits, stop strings, penalties and seeds know nothing of them. */
#include <string.h>

#include "engine/context_shift.h"
#include "text/tokenizer.h"

static ink_status set_stops(ink_generation_run *run, const ink_generation *params,
                            ink_error *error) {
  if (params->n_stops > INK_MAX_STOPS) {
    return ink_fail(error, INK_ERR_INVALID_ARGUMENT, "%llu stop strings are too many; at most %u",
                    (unsigned long long)params->n_stops, (unsigned)INK_MAX_STOPS);
  }
  for (size_t i = 0; i < params->n_stops; i++) {
    size_t len = strlen(params->stops[i]);
    if (len == 0 || len > INK_MAX_STOP_BYTES) {
      return ink_fail(error, INK_ERR_INVALID_ARGUMENT,
                      "stop string %llu has %llu bytes; it must have 1 to %u",
                      (unsigned long long)i + 1, (unsigned long long)len,
                      (unsigned)INK_MAX_STOP_BYTES);
    }
    char *copy = run->stop_bytes + i * INK_MAX_STOP_BYTES;
    memcpy(copy, params->stops[i], len);
    run->stream.stops[i] = (ink_str){copy, len};
  }
  run->stream.n_stops = params->n_stops;
  return INK_OK;
}

/* Leaves in the context what the prompt begins with and need not be evaluated again. */
static void keep_common_prefix(ink_session *session, const ink_token *prompt, size_t n) {
  size_t i = 0;
  while (i < n && i < session->n_exact && session->tokens[i] == prompt[i]) i++;
  ink_session_truncate(session, i);
  ink_session_truncate(session, session->n_cached);
}

ink_status ink_generation_begin(ink_session *session, const ink_generation *params,
                                const ink_token *prompt, size_t n_prompt, ink_error *error) {
  ink_generation_run *run = &session->run;
  run->state = INK_GENERATION_NONE;
  if (n_prompt == 0) {
    return ink_fail(error, INK_ERR_INVALID_ARGUMENT, "the prompt is empty: it has no tokens");
  }
  uint32_t keep = ink_context_shift_keep(params->n_keep, session->n_ctx);
  size_t excess = 0;
  if (params->context_shift && session->n_ctx > 1) {
    excess = ink_context_shift_excess(n_prompt, keep, session->n_ctx);
  }
  if (n_prompt - excess >= session->n_ctx) {
    return ink_fail(error, INK_ERR_CONTEXT_FULL,
                    "the prompt has %llu tokens, which leaves no room in a context of %u; shorten "
                    "it or make the context longer",
                    (unsigned long long)n_prompt, (unsigned)session->n_ctx);
  }
  if (params->draft < INK_DRAFT_OFF) {
    return ink_fail(error, INK_ERR_INVALID_ARGUMENT,
                    "draft is %d; it must be a number of tokens, 0 (auto) or -1 (off)",
                    (int)params->draft);
  }
  INK_TRY(ink_sampler_begin(&session->sampler, &params->sampling, error));
  ink_text_stream_reset(&run->stream);
  INK_TRY(set_stops(run, params, error));
  run->params = *params;
  run->n_prompt = n_prompt - excess;
  run->n_keep = keep;
  if (excess == 0) keep = 0;
  memcpy(run->prompt, prompt, keep * sizeof *prompt);
  memcpy(run->prompt + keep, prompt + keep + excess, (run->n_prompt - keep) * sizeof *prompt);
  run->n_generated = 0;
  run->n_drafted = 0;
  run->n_accepted = 0;
  run->pending = -1;
  /* At least one token is evaluated, for its logits. */
  keep_common_prefix(session, run->prompt, run->n_prompt - 1);
  ink_lookup_clear(&session->lookup);
  ink_lookup_forget_rates(&session->lookup);
  run->state = INK_GENERATION_PREFILL;
  return INK_OK;
}

static ink_status prefill(ink_session *session, uint32_t max_prefill, ink_error *error) {
  ink_generation_run *run = &session->run;
  size_t n = session->n_tokens;
  if (n < run->n_prompt) {
    INK_TRY(ink_session_check_tokens(session, run->prompt + n, run->n_prompt - n, error));
    memcpy(session->tokens + n, run->prompt + n, (run->n_prompt - n) * sizeof *run->prompt);
    session->n_tokens = run->n_prompt;
  }
  if (!ink_session_catch_up(session, max_prefill, run->params.max_layers)) return INK_OK;
  if (run->params.draft != INK_DRAFT_OFF) {
    ink_lookup_add(&session->lookup, session->tokens, session->n_tokens, false);
  }
  run->state = INK_GENERATION_DECODE;
  return INK_OK;
}

static void finish(ink_session *session, ink_finish why, ink_str text, ink_step *step) {
  session->run.state = INK_GENERATION_DONE;
  step->kind = INK_STEP_DONE;
  step->finish = why;
  step->text = text.data;
  step->text_len = text.len;
}

/* A batch's tokens mostly use different experts, and share the rest of the model. */
static const ink_batch_cost cost_of_experts = {0.2f, 3.2f, 0.8f};

/* How many drafts to evaluate behind the pending token. */
static uint32_t choose_draft(const ink_session *session, uint32_t max_batch) {
  const ink_generation_run *run = &session->run;
  uint64_t room = session->n_ctx - session->n_tokens - 1;
  uint64_t wanted = run->params.max_tokens - run->n_generated - 1;
  uint32_t most = run->params.draft ? (uint32_t)run->params.draft : INK_MAX_DRAFT;
  if (most > INK_MAX_DRAFT) most = INK_MAX_DRAFT;
  if (max_batch && most > max_batch - 1) most = max_batch - 1;
  if (most > room) most = (uint32_t)room;
  if (most > wanted) most = (uint32_t)wanted;
  if (run->params.draft) return most;
  const ink_model *model = session->model;
  ink_batch_cost cost = model->hparams.n_expert ? cost_of_experts : model->kernels->batch_cost;
  return ink_lookup_worthwhile(&session->lookup, cost, most);
}

/* Makes the pending token the context's last, which has room for it, but for what is left to evaluate. */
static void take_pending(ink_session *session, uint32_t max_batch) {
  ink_generation_run *run = &session->run;
  ink_token *tokens = session->tokens, token = run->pending;
  size_t n = session->n_tokens;
  run->pending = -1;
  if (run->params.draft == INK_DRAFT_OFF || session->n_cached < n) {
    ink_session_append(session, token);
    return;
  }
  bool was_drafted = ink_session_take_ahead(session, token);
  tokens[n++] = token;
  ink_lookup_add(&session->lookup, tokens, n, true);
  run->n_accepted += was_drafted;
  if (was_drafted) return;
  uint32_t n_drafts = choose_draft(session, max_batch);
  n_drafts = ink_lookup_draft(&session->lookup, tokens, n, n_drafts, tokens + n);
  ink_session_append_drafted(session, n_drafts);
  run->n_drafted += n_drafts;
}

static ink_status decode(ink_session *session, uint32_t max_batch, ink_step *step,
                         ink_error *error) {
  ink_generation_run *run = &session->run;
  const ink_vocab *vocab = &session->model->vocab;
  if (run->n_generated >= run->params.max_tokens) {
    finish(session, INK_FINISH_LENGTH, ink_text_stream_finish(&run->stream), step);
    return INK_OK;
  }
  if (run->pending >= 0) {
    if (session->n_tokens == session->n_ctx && run->params.context_shift) {
      ink_context_shift_begin(session, run->n_keep);
      ink_lookup_clear(&session->lookup);
      run->state = INK_GENERATION_SHIFT;
      return INK_OK;
    }
    if (session->n_tokens == session->n_ctx) {
      finish(session, INK_FINISH_CONTEXT, ink_text_stream_finish(&run->stream), step);
      return INK_OK;
    }
    take_pending(session, max_batch);
  }
  if (!ink_session_catch_up(session, max_batch, run->params.max_layers)) return INK_OK;
  ink_token token;
  INK_TRY(ink_sampler_choose(&session->sampler, ink_session_logits(session), vocab->n_tokens,
                             session->tokens, session->n_tokens, &token, error));
  if (ink_vocab_is_end(vocab, token) && !run->params.ignore_end) {
    finish(session, INK_FINISH_END, ink_text_stream_finish(&run->stream), step);
    return INK_OK;
  }
  step->token = token;
  run->pending = token;
  run->n_generated++;
  ink_str text;
  if (ink_text_stream_push(&run->stream, ink_vocab_text(vocab, token), &text)) {
    finish(session, INK_FINISH_STOP, text, step);
    return INK_OK;
  }
  step->kind = INK_STEP_TOKEN;
  step->text = text.data;
  step->text_len = text.len;
  return INK_OK;
}

ink_status ink_generation_step(ink_session *session, uint32_t max_prefill, ink_step *step,
                               ink_error *error) {
  ink_generation_run *run = &session->run;
  *step = (ink_step){.kind = INK_STEP_PREFILL, .token = -1, .text = ""};
  switch (run->state) {
  case INK_GENERATION_PREFILL: INK_TRY(prefill(session, max_prefill, error)); break;
  case INK_GENERATION_DECODE: INK_TRY(decode(session, max_prefill, step, error)); break;
  case INK_GENERATION_SHIFT:
    if (ink_context_shift_step(session, max_prefill, run->params.max_layers)) run->state = INK_GENERATION_DECODE;
    break;
  case INK_GENERATION_NONE:
  case INK_GENERATION_DONE:
    return ink_fail(error, INK_ERR_WRONG_STATE, "no generation is under way; begin one first");
  }
  step->prompt_done = run->state == INK_GENERATION_PREFILL ? session->n_cached : run->n_prompt;
  step->prompt_total = run->n_prompt;
  step->n_generated = run->n_generated;
  step->n_drafted = run->n_drafted;
  step->n_accepted = run->n_accepted;
  return INK_OK;
}
