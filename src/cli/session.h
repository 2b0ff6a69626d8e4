/* A session as the options ask for it. */
#ifndef INK_CLI_SESSION_H
#define INK_CLI_SESSION_H

#include "cli/options.h"

/* NULL after report(). n_ctx in tokens, 0: the default. */
ink_session *open_session(const ink_model *model, const options *options, uint32_t n_ctx);

#endif
