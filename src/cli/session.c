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

static ink_session *create(const ink_model *model, const options *o, uint32_t n_ctx) {
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

/* As the options name them. */
static bool use_adapters(open_session *open, const ink_model *model, const options *o) {
  ink_adapter_use uses[INK_MAX_ADAPTERS];
  for (; open->n_adapters < o->n_adapters; open->n_adapters++) {
    const adapter_option *option = &o->adapters[open->n_adapters];
    ink_adapter *adapter = load_adapter(model, option->path);
    if (!adapter) return false;
    open->adapters[open->n_adapters] = adapter;
    uses[open->n_adapters] = (ink_adapter_use){adapter, option->scale};
  }
  ink_error error;
  if (ink_session_set_adapters(open->session, uses, open->n_adapters, &error) == INK_OK) return true;
  report(&error);
  return false;
}

bool begin_session(open_session *open, const ink_model *model, const options *o, uint32_t n_ctx) {
  *open = (open_session){.session = create(model, o, n_ctx)};
  return open->session && use_adapters(open, model, o);
}

void close_session(open_session *open) {
  ink_session_free(open->session);
  for (size_t i = 0; i < open->n_adapters; i++) ink_adapter_free(open->adapters[i]);
  *open = (open_session){0};
}
