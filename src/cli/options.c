#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
  const char *name;
  command command;
} commands[] = {
    {"run", COMMAND_RUN},           {"chat", COMMAND_CHAT},   {"tokenize", COMMAND_TOKENIZE},
    {"detokenize", COMMAND_DETOKENIZE}, {"score", COMMAND_SCORE}, {"bench", COMMAND_BENCH},
    {"embed", COMMAND_EMBED},
    {"template", COMMAND_TEMPLATE}, {"info", COMMAND_INFO},   {"quantize", COMMAND_QUANTIZE},
    {"merge", COMMAND_MERGE},       {"version", COMMAND_VERSION}, {"help", COMMAND_HELP},
};

static const struct {
  const char *name;
  ink_kv_type type;
} kv_types[] = {{"f32", INK_KV_F32}, {"f16", INK_KV_F16}, {"bf16", INK_KV_BF16}, {"q8_0", INK_KV_Q8_0}};

enum {
  FLAG_TEMPERATURE = 256,
  FLAG_TOP_K,
  FLAG_TOP_P,
  FLAG_MIN_P,
  FLAG_REPEAT_PENALTY,
  FLAG_REPEAT_LAST_N,
  FLAG_SEED,
  FLAG_STOP,
  FLAG_CHAT_TEMPLATE,
  FLAG_TEMPLATE,
  FLAG_EXAMPLES,
  FLAG_CONTEXT_SHIFT,
  FLAG_KEEP,
  FLAG_DRAFT,
  FLAG_KERNELS,
  FLAG_CACHE_TYPE,
  FLAG_JSON,
  FLAG_SPECIAL,
  FLAG_PIECES,
  FLAG_TOKENS,
  FLAG_METADATA,
  FLAG_TENSORS,
  FLAG_WINDOWS,
  FLAG_POOLING,
  FLAG_PREFILL,
  FLAG_DECODE,
  FLAG_DEPTH,
  FLAG_REPETITIONS,
  FLAG_IMPORTANCE,
  FLAG_PURE,
  FLAG_LORA,
};

#define ON(command) (1u << COMMAND_##command)
#define GENERATE (ON(RUN) | ON(CHAT))
#define COMPUTE (GENERATE | ON(SCORE) | ON(BENCH) | ON(EMBED))

static const struct {
  int flag; /* a character is its short form */
  const char *name;
  int argument;
  unsigned commands;
} flags[] = {
    {'m', "model", required_argument, COMPUTE | ON(TOKENIZE) | ON(DETOKENIZE) | ON(TEMPLATE) | ON(INFO)},
    {FLAG_LORA, "lora", required_argument, COMPUTE | ON(MERGE)},
    {'p', "prompt", required_argument, GENERATE | ON(EMBED)},
    {'f', "file", required_argument, ON(RUN) | ON(SCORE) | ON(EMBED)},
    {'s', "system", required_argument, ON(CHAT)},
    {FLAG_CHAT_TEMPLATE, "chat-template", required_argument, ON(CHAT) | ON(TEMPLATE)},
    {FLAG_TEMPLATE, "template", required_argument, ON(TEMPLATE)},
    {FLAG_EXAMPLES, "examples", required_argument, GENERATE},
    {'n', "n-predict", required_argument, GENERATE},
    {'c', "ctx", required_argument, COMPUTE | ON(INFO)},
    {'t', "threads", required_argument, COMPUTE | ON(INFO) | ON(QUANTIZE) | ON(MERGE)},
    {FLAG_TEMPERATURE, "temp", required_argument, GENERATE},
    {FLAG_TOP_K, "top-k", required_argument, GENERATE},
    {FLAG_TOP_P, "top-p", required_argument, GENERATE},
    {FLAG_MIN_P, "min-p", required_argument, GENERATE},
    {FLAG_REPEAT_PENALTY, "repeat-penalty", required_argument, GENERATE},
    {FLAG_REPEAT_LAST_N, "repeat-last-n", required_argument, GENERATE},
    {FLAG_SEED, "seed", required_argument, GENERATE},
    {FLAG_STOP, "stop", required_argument, GENERATE},
    {FLAG_CONTEXT_SHIFT, "context-shift", no_argument, GENERATE},
    {FLAG_KEEP, "keep", required_argument, GENERATE},
    {FLAG_DRAFT, "draft", required_argument, GENERATE},
    {FLAG_KERNELS, "kernels", required_argument, COMPUTE},
    {FLAG_CACHE_TYPE, "cache-type", required_argument, COMPUTE | ON(INFO)},
    {FLAG_JSON, "json", no_argument, COMPUTE | ON(INFO)},
    {FLAG_SPECIAL, "special", no_argument, ON(TOKENIZE)},
    {FLAG_PIECES, "pieces", no_argument, ON(TOKENIZE)},
    {FLAG_TOKENS, "tokens", no_argument, ON(TEMPLATE)},
    {FLAG_METADATA, "metadata", no_argument, ON(INFO)},
    {FLAG_TENSORS, "tensors", no_argument, ON(INFO)},
    {FLAG_WINDOWS, "windows", required_argument, ON(SCORE)},
    {FLAG_POOLING, "pooling", required_argument, ON(EMBED)},
    {FLAG_PREFILL, "pp", required_argument, ON(BENCH)},
    {FLAG_DECODE, "tg", required_argument, ON(BENCH)},
    {FLAG_DEPTH, "depth", required_argument, ON(BENCH)},
    {FLAG_REPETITIONS, "reps", required_argument, ON(BENCH)},
    {FLAG_IMPORTANCE, "imatrix", required_argument, ON(QUANTIZE)},
    {FLAG_PURE, "pure", no_argument, ON(QUANTIZE)},
};
#define N_FLAGS (sizeof flags / sizeof flags[0])

void options_print_help(void) {
  fputs("inkling " INK_VERSION ": small language models on the CPU\n"
        "\n"
        "  inkling [run]      -m MODEL [-p PROMPT | -f FILE | stdin] [-n N]\n"
        "  inkling chat       -m MODEL [-s SYSTEM] [-p MESSAGE]\n"
        "  inkling tokenize   -m MODEL [--special] [--pieces]      text on stdin -> token ids\n"
        "  inkling detokenize -m MODEL                             token ids on stdin -> text\n"
        "  inkling template   -m MODEL | --template FILE           conversation as JSON on stdin -> prompt\n"
        "  inkling template   -m MODEL --tokens                    one conversation a line -> token ids\n"
        "  inkling score      -m MODEL -f FILE [--ctx N] [--windows K] [--json]\n"
        "  inkling embed      -m MODEL [-p TEXT | -f FILE | stdin] [--pooling P] [--json]  a vector a line\n"
        "  inkling bench      -m MODEL [--pp 128] [--tg 64] [--depth 0] [-t 1] [--reps 5] [--json]\n"
        "  inkling info       -m MODEL [--ctx N] [--cache-type T] [--metadata] [--tensors] [--json]\n"
        "  inkling quantize   [-t N] [--imatrix FILE] [--pure] IN.gguf OUT.gguf TYPE\n"
        "  inkling merge      [-t N] --lora FILE[:SCALE] IN.gguf OUT.gguf [TYPE]\n"
        "  inkling version\n"
        "\n"
        "Generating: -n/--n-predict N   new tokens at most (default: until the model ends)\n"
        "            --temp 0.8  --top-k 40  --top-p 0.95  --min-p 0.05    --temp 0 is greedy\n"
        "            --repeat-penalty 1.0  --repeat-last-n 64\n"
        "            --seed N           same seed, same text (default: the time)\n"
        "            --stop TEXT        end before TEXT; may be given several times\n"
        "            --examples FILE    few-shot: {\"role\":…,\"content\":…} a line, put before the prompt\n"
        "            --context-shift    when the context is full, drop the older half of it and go on\n"
        "            --keep N           tokens at the beginning that stay then (default: 4)\n"
        "            --draft N          tokens to evaluate ahead where the text repeats itself, at most 15;\n"
        "                               0: off, auto (default): when it pays; the text stays the same\n"
        "Chat:       --chat-template T  chatml, llama3, llama2, gemma, phi3, mistral, zephyr, alpaca or\n"
        "                               a file (default: the model's own)\n"
        "Computing:  -c/--ctx N         context in tokens (default: the model's, at most 4096)\n"
        "            -t/--threads N     threads; auto or 0: what a short try finds fastest\n"
        "                               (default: auto, but 1 for bench; 1 in WebAssembly)\n"
        "            --cache-type T     what keys and values are held as: f32, f16, bf16, q8_0 (default)\n"
        "            --kernels NAME     auto, simd or a name that `inkling version` lists\n"
        "            --lora FILE[:SCALE]  an adapter, as GGUF, at that scale (default: 1); may be given several\n"
        "                               times\n"
        "            --json             the result as JSON\n"
        "Embedding:  --pooling P        mean or last (default: as the model's file says)\n"
        "Quantising: TYPE               f32, f16, bf16, q8_0, q6_k, q5_0, q5_1, q5_k_s, q5_k_m, q4_0, q4_1,\n"
        "                               q4_k_s or q4_k_m, the mixes of llama.cpp's names\n"
        "            --imatrix FILE     importance weights, as GGUF, from llama-imatrix\n"
        "            --pure             TYPE for all matrices, no mix\n"
        "Merging:    --lora FILE[:SCALE]  what is added to the model's matrices, as when computing\n"
        "            TYPE               as for quantize (default: each tensor keeps its own)\n"
        "\n"
        "Text goes to stdout as it is generated, everything else to stderr.\n"
        "Exit status: 0 done, 1 failed, 2 bad usage.\n",
        stdout);
}

static int usage_error(const char *what, const char *value) {
  fprintf(stderr, "inkling: %s%s%s%s; see inkling help\n", what, value ? " '" : "",
          value ? value : "", value ? "'" : "");
  return EXIT_USAGE;
}

static bool parse_whole(const char *text, uint64_t max, uint64_t *out) {
  char *end;
  if (*text < '0' || *text > '9') return false;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (errno || *end || value > max) return false;
  *out = value;
  return true;
}

static bool parse_u32(const char *text, uint32_t min, uint32_t *out) {
  uint64_t value;
  if (!parse_whole(text, UINT32_MAX, &value) || value < min) return false;
  *out = (uint32_t)value;
  return true;
}

static bool parse_float(const char *text, float *out) {
  char *end;
  *out = strtof(text, &end);
  return end != text && !*end && isfinite(*out);
}

/* llama.cpp spells "no limit" as -1. */
static bool parse_max_tokens(const char *text, uint64_t *out) {
  if (strcmp(text, "-1") != 0) return parse_whole(text, UINT32_MAX, out);
  *out = UINT64_MAX;
  return true;
}

static bool parse_threads(const char *text, uint32_t *out) {
  if (strcmp(text, "auto") != 0) return parse_u32(text, 0, out);
  *out = 0;
  return true;
}

/* llama.cpp spells "all of the prompt" as -1; the engine keeps half of the context at most. */
static bool parse_keep(const char *text, uint32_t *out) {
  if (strcmp(text, "-1") != 0) return parse_u32(text, 0, out);
  *out = UINT32_MAX;
  return true;
}

/* As many as the engine takes at most; 0 is off, as in llama.cpp. */
static bool parse_draft(const char *text, int32_t *out) {
  uint64_t value;
  if (strcmp(text, "auto") == 0) *out = INK_DRAFT_AUTO;
  else if (!parse_whole(text, INT32_MAX, &value)) return false;
  else *out = value ? (int32_t)value : INK_DRAFT_OFF;
  return true;
}

static bool parse_pooling(const char *text, ink_pooling *out) {
  *out = strcmp(text, "mean") == 0 ? INK_POOLING_MEAN : INK_POOLING_LAST;
  return *out == INK_POOLING_MEAN || strcmp(text, "last") == 0;
}

static bool parse_kv_type(const char *text, ink_kv_type *out) {
  for (size_t i = 0; i < sizeof kv_types / sizeof kv_types[0]; i++) {
    if (strcmp(kv_types[i].name, text) != 0) continue;
    *out = kv_types[i].type;
    return true;
  }
  return false;
}

/* FILE or FILE:SCALE; what stands behind the last colon may be part of the name. Cuts the value there. */
static bool add_adapter(options *o, char *value) {
  if (o->n_adapters == INK_MAX_ADAPTERS || !*value) return false;
  adapter_option *adapter = &o->adapters[o->n_adapters++];
  *adapter = (adapter_option){value, 1.0f};
  char *colon = strrchr(value, ':');
  if (colon && parse_float(colon + 1, &adapter->scale)) *colon = '\0';
  else adapter->scale = 1.0f;
  return true;
}

static bool set_flag(options *o, int flag, char *value) {
  switch (flag) {
  case 'm': o->model = value; return true;
  case 'p': o->prompt = value; return true;
  case 'f': o->file = value; return true;
  case 's': o->system = value; return true;
  case 'n': return parse_max_tokens(value, &o->max_tokens);
  case 'c': return parse_u32(value, o->command == COMMAND_SCORE ? 2 : 1, &o->n_ctx);
  case 't': return parse_threads(value, &o->n_threads);
  case FLAG_TEMPERATURE: return parse_float(value, &o->sampling.temperature);
  case FLAG_TOP_K: return parse_u32(value, 0, &o->sampling.top_k);
  case FLAG_TOP_P: return parse_float(value, &o->sampling.top_p);
  case FLAG_MIN_P: return parse_float(value, &o->sampling.min_p);
  case FLAG_REPEAT_PENALTY: return parse_float(value, &o->sampling.repeat_penalty);
  case FLAG_REPEAT_LAST_N: return parse_u32(value, 0, &o->sampling.repeat_last_n);
  case FLAG_SEED: return parse_whole(value, UINT64_MAX, &o->sampling.seed);
  case FLAG_STOP:
    if (o->n_stops == INK_MAX_STOPS || !*value) return false;
    o->stops[o->n_stops++] = value;
    return true;
  case FLAG_CHAT_TEMPLATE: o->chat_template = value; return true;
  case FLAG_TEMPLATE: o->template_file = value; return true;
  case FLAG_EXAMPLES: o->examples = value; return true;
  case FLAG_CONTEXT_SHIFT: o->context_shift = true; return true;
  case FLAG_KEEP: return parse_keep(value, &o->n_keep);
  case FLAG_DRAFT: return parse_draft(value, &o->draft);
  case FLAG_KERNELS: o->kernels = value; return true;
  case FLAG_CACHE_TYPE: return parse_kv_type(value, &o->kv_type);
  case FLAG_JSON: o->json = true; return true;
  case FLAG_SPECIAL: o->special = true; return true;
  case FLAG_PIECES: o->pieces = true; return true;
  case FLAG_TOKENS: o->tokens = true; return true;
  case FLAG_METADATA: o->metadata = true; return true;
  case FLAG_TENSORS: o->tensors = true; return true;
  case FLAG_WINDOWS: return parse_u32(value, 1, &o->windows);
  case FLAG_POOLING: return parse_pooling(value, &o->pooling);
  case FLAG_PREFILL: return parse_u32(value, 0, &o->bench_prefill);
  case FLAG_DECODE: return parse_u32(value, 0, &o->bench_decode);
  case FLAG_DEPTH: return parse_u32(value, 0, &o->bench_depth);
  case FLAG_REPETITIONS: return parse_u32(value, 1, &o->repetitions);
  case FLAG_IMPORTANCE: o->importance = value; return true;
  case FLAG_PURE: o->pure = true; return true;
  case FLAG_LORA: return add_adapter(o, value);
  default: return false;
  }
}

static bool parse_command(const char *name, command *out) {
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    if (strcmp(commands[i].name, name) != 0) continue;
    *out = commands[i].command;
    return true;
  }
  return false;
}

static int check(const options *o) {
  if (o->command == COMMAND_VERSION || o->command == COMMAND_HELP) return EXIT_DONE;
  if (o->command == COMMAND_TEMPLATE) {
    if (o->chat_template && o->template_file) {
      return usage_error("--chat-template and --template can't be used together", NULL);
    }
    if (o->tokens && !o->model) return usage_error("--tokens needs -m MODEL", NULL);
    if (o->model || o->chat_template || o->template_file) return EXIT_DONE;
    return usage_error("-m MODEL or --template FILE is missing", NULL);
  }
  if (o->command == COMMAND_QUANTIZE) {
    return o->operands[2] ? EXIT_DONE : usage_error("quantize takes IN.gguf OUT.gguf TYPE", NULL);
  }
  if (o->command == COMMAND_MERGE) {
    bool whole = o->operands[1] && o->n_adapters > 0;
    if (whole) return EXIT_DONE;
    return usage_error("merge takes --lora FILE, and IN.gguf OUT.gguf [TYPE]", NULL);
  }
  if (!o->model) return usage_error("-m MODEL is missing", NULL);
  if (o->command == COMMAND_BENCH && !o->bench_prefill && !o->bench_decode) {
    return usage_error("--pp and --tg can't both be 0", NULL);
  }
  if (o->command == COMMAND_SCORE && !o->file) return usage_error("-f FILE is missing", NULL);
  if (o->prompt && o->file) return usage_error("-p and -f can't be used together", NULL);
  return EXIT_DONE;
}

int options_parse(options *o, int argc, char **argv) {
  *o = (options){.command = COMMAND_RUN,
                 .max_tokens = UINT64_MAX,
                 .sampling = ink_sampling_default(),
                 .pooling = INK_POOLING_UNSPECIFIED,
                 .bench_prefill = 128,
                 .bench_decode = 64,
                 .repetitions = 5};
  struct timespec now;
  timespec_get(&now, TIME_UTC);
  o->sampling.seed = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
  if (argc < 2) {
    options_print_help();
    return usage_error("nothing to do: a command or -m MODEL is needed", NULL);
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) o->command = COMMAND_HELP;
  if (strcmp(argv[1], "--version") == 0) o->command = COMMAND_VERSION;
  if (o->command != COMMAND_RUN) return EXIT_DONE;
  if (argv[1][0] != '-') {
    if (!parse_command(argv[1], &o->command)) return usage_error("unknown command", argv[1]);
    argc--;
    argv++;
  }

  if (o->command == COMMAND_BENCH) o->n_threads = 1; /* no figures that hang on a choice */

  struct option long_flags[N_FLAGS + 1] = {{0}};
  char short_flags[2 * N_FLAGS + 2] = ":";
  size_t n_long = 0, n_short = 1;
  for (size_t i = 0; i < N_FLAGS; i++) {
    if (!(flags[i].commands & 1u << o->command)) continue;
    long_flags[n_long++] = (struct option){flags[i].name, flags[i].argument, NULL, flags[i].flag};
    if (flags[i].flag >= 256) continue;
    short_flags[n_short++] = (char)flags[i].flag;
    short_flags[n_short++] = ':';
  }
  opterr = 0;
  for (;;) {
    int at = optind;
    int flag = getopt_long(argc, argv, short_flags, long_flags, NULL);
    if (flag == -1) break;
    const char *given = argv[at < argc ? at : argc - 1];
    if (flag == ':') return usage_error("a value is missing after", given);
    if (flag == '?') return usage_error("this command has no flag", given);
    if (!set_flag(o, flag, optarg)) {
      char what[256];
      snprintf(what, sizeof what, "'%.99s' can't be the value of", optarg);
      return usage_error(what, given);
    }
  }
  size_t max_operands = o->command == COMMAND_QUANTIZE || o->command == COMMAND_MERGE ? 3 : 0;
  for (size_t i = 0; optind < argc && i < max_operands; i++) o->operands[i] = argv[optind++];
  if (optind < argc) return usage_error("unexpected argument", argv[optind]);
  return check(o);
}
