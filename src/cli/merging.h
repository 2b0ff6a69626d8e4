/* What adapters add to a model's tensors, for good. */
#ifndef INK_CLI_MERGING_H
#define INK_CLI_MERGING_H

#include "cli/options.h"
#include "format/requantize.h"

/* Initialise with {0}. */
typedef struct merging {
  ink_loader *base; /* of the model, which it has only described */
  ink_adapter *adapters[INK_MAX_ADAPTERS]; /* [n] */
  float scales[INK_MAX_ADAPTERS];
  size_t n;
  ink_low_rank terms[INK_MAX_ADAPTERS]; /* [n_terms] of one tensor, owned */
  size_t n_terms;
} merging;

/* The adapters that the options name, for the model in that file. False after report(). */
bool merging_open(merging *m, const options *options, const char *model);
void merging_close(merging *m);

/* Whether an adapter changes the tensor of that name. */
bool merging_changes(const merging *m, ink_str name);

/* m->terms become what is added to it; valid until the next call. */
ink_status merging_read(merging *m, ink_str name, ink_error *error);

#endif
