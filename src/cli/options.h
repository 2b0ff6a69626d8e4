/* The command line: which flags each command takes, and their values. */
#ifndef INK_CLI_OPTIONS_H
#define INK_CLI_OPTIONS_H

#include "inkling.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

typedef enum command {
  COMMAND_RUN,
  COMMAND_CHAT,
  COMMAND_TOKENIZE,
  COMMAND_DETOKENIZE,
  COMMAND_TEMPLATE,
  COMMAND_SCORE,
  COMMAND_EMBED,
  COMMAND_BENCH,
  COMMAND_INFO,
  COMMAND_QUANTIZE,
  COMMAND_MERGE,
  COMMAND_VERSION,
  COMMAND_HELP,
} command;

typedef struct adapter_option {
  const char *path;
  float scale;
} adapter_option;

typedef struct options {
  command command;
  const char *model;
  adapter_option adapters[INK_MAX_ADAPTERS];
  size_t n_adapters;
  const char *prompt;
  const char *file;
  const char *system;
  const char *chat_template; /* a built-in one's name, or a file */
  const char *template_file;
  const char *examples;      /* a file of JSON Lines */
  const char *kernels;
  uint32_t n_ctx;      /* 0: the default */
  uint32_t n_threads;  /* 0: to be chosen by trying */
  ink_kv_type kv_type;
  bool context_shift;
  uint32_t n_keep;
  int32_t draft; /* as in ink_generation */
  uint64_t max_tokens;
  ink_sampling sampling;
  const char *stops[INK_MAX_STOPS];
  size_t n_stops;
  bool json;
  bool special;
  bool pieces;
  bool tokens;
  bool metadata;
  bool tensors;
  uint32_t windows;    /* 0: all */
  ink_pooling pooling;
  uint32_t bench_prefill;
  uint32_t bench_decode;
  uint32_t bench_depth; /* tokens in the context before either */
  uint32_t repetitions;
  const char *importance; /* a file of llama-imatrix */
  bool pure;
  const char *operands[3]; /* of quantize and merge: the input, the output, the type */
} options;

/* EXIT_DONE, or EXIT_USAGE after one line on stderr. */
int options_parse(options *options, int argc, char **argv);

void options_print_help(void);

#endif
