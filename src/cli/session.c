#include "cli/session.h"

#include "cli/files.h"

static double clock_ms(void *context) {
  (void)context;
  return now_ms();
}

static uint32_t most_threads(void) {
  uint32_t n = ink_processor_count();
  return n < 64 ? n : 64; /* ink_session_params.n_threads takes no more */
}

ink_session *open_session(const ink_model *model, const options *o, uint32_t n_ctx) {
  bool choose = o->n_threads == 0;
  ink_session_params params = {.n_ctx = n_ctx,
                               .n_threads = choose ? most_threads() : o->n_threads,
                               .kv_type = o->kv_type};
  ink_session *session;
  ink_error error;
  ink_status status = ink_session_create(&session, model, &params, &error);
  if (status == INK_ERR_OUT_OF_MEMORY && choose) { /* perhaps for the threads' sake */
    params.n_threads = 1;
    status = ink_session_create(&session, model, &params, &error);
  }
  if (status == INK_OK && choose) {
    status = ink_session_choose_threads(session, clock_ms, NULL, &error);
  }
  if (status == INK_OK) return session;
  ink_session_free(session);
  report(&error);
  return NULL;
}
