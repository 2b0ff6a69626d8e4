/* inkling: the command, native and for WASI. */
#include "cli/commands.h"

#include "cli/files.h"

static int dispatch(const options *o) {
  switch (o->command) {
  case COMMAND_RUN: return command_run(o);
  case COMMAND_CHAT: return command_chat(o);
  case COMMAND_TOKENIZE: return command_tokenize(o);
  case COMMAND_DETOKENIZE: return command_detokenize(o);
  case COMMAND_TEMPLATE: return command_template(o);
  case COMMAND_SCORE: return command_score(o);
  case COMMAND_EMBED: return command_embed(o);
  case COMMAND_BENCH: return command_bench(o);
  case COMMAND_INFO: return command_info(o);
  case COMMAND_QUANTIZE:
  case COMMAND_MERGE: return command_quantize(o);
  case COMMAND_VERSION: return command_version();
  case COMMAND_HELP: break;
  }
  options_print_help();
  return EXIT_DONE;
}

int main(int argc, char **argv) {
  options o;
  int status = options_parse(&o, argc, argv);
  if (status != EXIT_DONE) return status;
  status = dispatch(&o);
  ink_error error;
  return status == EXIT_DONE && !flush_output(&error) ? report(&error) : status;
}
