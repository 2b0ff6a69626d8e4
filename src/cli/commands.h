/* One function a command; each returns the exit status. */
#ifndef INK_CLI_COMMANDS_H
#define INK_CLI_COMMANDS_H

#include "cli/options.h"

int command_run(const options *options);
int command_chat(const options *options);
int command_tokenize(const options *options);
int command_detokenize(const options *options);
int command_template(const options *options);
int command_score(const options *options);
int command_embed(const options *options);
int command_bench(const options *options);
int command_info(const options *options);
int command_quantize(const options *options); /* merge too */
int command_version(void);

#endif
