/* A session as the options ask for it, and the adapters that it uses. */
#ifndef INK_CLI_SESSION_H
#define INK_CLI_SESSION_H

#include "cli/options.h"

/* Initialise with {0}; close_session() is fine whatever became of it. */
typedef struct open_session {
  ink_session *session;
  ink_adapter *adapters[INK_MAX_ADAPTERS]; /* [n_adapters] */
  size_t n_adapters;
} open_session;

/* n_ctx in tokens, 0: the default. False after report(). */
bool begin_session(open_session *open, const ink_model *model, const options *options,
                   uint32_t n_ctx);
void close_session(open_session *open);

#endif
