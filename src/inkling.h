/* Inkling: small language models in a web page, in an edge sandbox, and natively.
 *
 * The one public header. It reads from simple to explicit:
 *   1. status and errors       2. loading a model        3. text and tokens
 *   4. generating text         5. evaluating by hand     6. memory and kernels
 *
 * Conventions. A fallible call returns an ink_status and, when `error` is not NULL, fills it.
 * Nothing here prints, exits or aborts because of its input. There is no global state: a model is
 * immutable once loaded and may be shared between threads; a session belongs to one thread at a
 * time. Text is UTF-8 with an explicit length in bytes, not NUL-terminated unless said so. */
#ifndef INKLING_H
#define INKLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define INK_VERSION "0.1.0"

/* ---- 1. Status and errors ------------------------------------------------------------------ */

/* Stable numbers: new codes are appended, none is ever renumbered. */
typedef enum ink_status {
  INK_OK = 0,
  INK_ERR_INVALID_ARGUMENT = 1,          /* a parameter is out of its range */
  INK_ERR_OUT_OF_MEMORY = 2,             /* the allocator refused; nothing is leaked */
  INK_ERR_IO = 3,                        /* the caller's read function failed */
  INK_ERR_NOT_GGUF = 4,                  /* the magic number is not GGUF's, or the file is empty */
  INK_ERR_UNSUPPORTED_VERSION = 5,       /* GGUF, but not version 2 or 3, little-endian */
  INK_ERR_TRUNCATED = 6,                 /* the bytes end before the file does */
  INK_ERR_CORRUPT = 7,                   /* a count, offset or length that cannot be true */
  INK_ERR_UNSUPPORTED_ARCHITECTURE = 8,  /* `general.architecture`, or a feature of it */
  INK_ERR_UNSUPPORTED_TYPE = 9,          /* a tensor's block type */
  INK_ERR_UNSUPPORTED_TOKENIZER = 10,    /* the tokenizer or its pre-tokenizer */
  INK_ERR_UNSUPPORTED_CHAT_FORMAT = 11,  /* the model has no chat template that is understood */
  INK_ERR_BAD_MODEL = 12,                /* readable, but its parts contradict each other */
  INK_ERR_CONTEXT_FULL = 13,             /* the tokens do not fit the session's context */
  INK_ERR_INVALID_UTF8 = 14,             /* the text is not UTF-8; the message says where */
  INK_ERR_BUFFER_TOO_SMALL = 15,         /* the needed size is returned; call again */
  INK_ERR_WRONG_STATE = 16,              /* calls in an order that makes no sense */
  INK_ERR_UNSUPPORTED_HOST = 17,         /* from bindings: this browser or runtime lacks a feature */
  INK_ERR_CRASHED = 18,                  /* from bindings: the engine stopped working, a bug */
  INK_ERR_TEMPLATE = 19,                 /* a chat template that is wrong, refuses, or does not end */
  INK_ERR_INVALID_JSON = 20,             /* text that is not the JSON that was asked for */
  INK_ERR_CHECKSUM = 21,                 /* from bindings: a file's SHA-256 is not the one asked for */
  INK_ERR_QUOTA = 22,                    /* from bindings: the browser gives no more room for storage */
  INK_ERR_BAD_ADAPTER = 23,              /* a file that is no adapter, or none that fits its model */
  INK_ERR_UNSUPPORTED_EMBEDDINGS = 24,   /* the model does not say how to pool, or in a way not known */
  INK_STATUS_COUNT
} ink_status;

typedef struct ink_error {
  ink_status code;
  char message[384]; /* NUL-terminated, valid UTF-8: what, where, and what to do */
} ink_error;

/* The code's stable name, e.g. "INK_ERR_TRUNCATED". Static storage. */
const char *ink_status_name(ink_status status);

/* ---- 2. Loading a model -------------------------------------------------------------------- */

typedef struct ink_model ink_model;
typedef struct ink_adapter ink_adapter;
typedef struct ink_loader ink_loader;

/* Every byte that Inkling takes comes from here. `allocate` returns memory aligned to at least
 * `alignment` (a power of two), or NULL. */
typedef struct ink_allocator {
  void *context;
  void *(*allocate)(void *context, size_t size, size_t alignment);
  void (*release)(void *context, void *pointer, size_t size);
} ink_allocator;

typedef struct ink_load_params {
  const ink_allocator *allocator; /* NULL: malloc and free; copied */
  const char *kernels;            /* NULL or "auto", or a name from ink_kernels_name() */
  bool vocabulary_only;           /* read the tokenizer and the chat template of any model, and no
                                     weights: for section 3 below; sessions are refused */
  bool description_only;          /* read headers alone, for ink_loader_info(): each file is complete
                                     after its header, and there is nothing to finish */
  const ink_model *adapter_for;   /* the file is an adapter for that model: see below. The rest of
                                     these is the model's then */
} ink_load_params;

/* How the vectors of a text's tokens become the text's one: `<architecture>.pooling_type`, numbered as in
 * files and llama.cpp. */
typedef enum ink_pooling {
  INK_POOLING_UNSPECIFIED = -1, /* as the model says */
  INK_POOLING_NONE = 0,         /* they don't, or the file does not say: it was not made for embeddings */
  INK_POOLING_MEAN = 1,
  INK_POOLING_CLS = 2,          /* the first one's, in encoders; not computed */
  INK_POOLING_LAST = 3,
  INK_POOLING_RANK = 4          /* a classifier's score of a text; not computed */
} ink_pooling;

typedef struct ink_model_info {
  const char *architecture;   /* strings live as long as the loader or model they came from */
  const char *name;           /* "" when the file has none */
  const char *tokenizer;      /* e.g. "gpt2/smollm" */
  const char *quantization;   /* the block type that holds most of the bytes, e.g. "Q4_1" */
  const char *kernels;        /* the kernel table in use */
  uint64_t n_params;          /* scalars over all tensors */
  uint64_t weight_bytes;      /* tensor bytes, as in the file and as in memory */
  uint64_t vocabulary_bytes;  /* tokens, merges and their indexes */
  uint32_t n_tensors;
  uint32_t n_vocab;
  uint32_t longest_token;     /* bytes */
  uint32_t n_ctx_train;       /* the context the model was trained for, tokens */
  uint32_t n_embd;
  uint32_t n_layer;
  uint32_t n_head;
  uint32_t n_head_kv;
  uint32_t n_embd_head;       /* width of a head */
  uint32_t n_ff;
  bool add_bos;               /* the model asks for BOS before a text */
  bool has_chat_format;       /* ink_chat_format() will work */
  ink_pooling pooling;        /* of embeddings, each [n_embd]; as in the file, so perhaps none of the enum's */
  const struct ink_hparams *hparams; /* for ink_memory_needed(); NULL without weights */
} ink_model_info;

/* Push-style loading: ask for a buffer, fill some of it, commit, repeat. The loader hands out the
 * tensors' final places, so the weights are in memory once, while loading too.
 *
 *   ink_loader_begin(&loader, params, size, &error);
 *   while (!ink_loader_complete(loader)) {
 *     ink_loader_buffer(loader, &ptr, &len, &error);
 *     n = read up to len bytes to ptr;                    // n == 0: the file ended
 *     ink_loader_commit(loader, n, &error);
 *   }
 *   ink_loader_finish(loader, &model, &error);
 *
 * After any failure only ink_loader_free() makes sense. */

/* size: the file's size in bytes, or 0 when it is not known. Of a model in several files
 * (NAME-00001-of-00003.gguf): the first one's. */
ink_status ink_loader_begin(ink_loader **loader, const ink_load_params *params, uint64_t size,
                            ink_error *error);

/* Where the next bytes of the file go: *len > 0 bytes at *ptr, valid until the next commit. */
ink_status ink_loader_buffer(ink_loader *loader, uint8_t **ptr, size_t *len, ink_error *error);

/* n <= len bytes were written. n == 0 means the file has ended, which is INK_ERR_TRUNCATED here:
 * a file that ended in time is complete. */
ink_status ink_loader_commit(ink_loader *loader, size_t n, ink_error *error);

/* All bytes that the model needs have been committed; what may follow in the file is ignored. */
bool ink_loader_complete(const ink_loader *loader);

/* Models in several files: whenever a part is complete and the model is not, ink_loader_next_part()
 * begins the next one, of `size` bytes or 0. A file that is no part of the model, or not the one whose
 * turn it is, is INK_ERR_BAD_MODEL once its header has been read. n_parts: 1 for a model in one file,
 * 0 until that is known. */
uint32_t ink_loader_n_parts(const ink_loader *loader);
bool ink_loader_part_complete(const ink_loader *loader);
ink_status ink_loader_next_part(ink_loader *loader, uint64_t size, ink_error *error);

/* NULL until the metadata has been read, which happens long before the weights: time to check
 * ink_memory_needed() and stop. Valid until the loader is finished or freed. Of a model in several
 * files, it counts the tensors of the parts so far. */
const ink_model_info *ink_loader_info(const ink_loader *loader);

/* Turns a complete loader into a model and frees the loader, also on failure. */
ink_status ink_loader_finish(ink_loader *loader, ink_model **model, ink_error *error);

/* Abandons a load at any point. NULL is fine. */
void ink_loader_free(ink_loader *loader);

/* The same in one call, for a model in one file: `read` fills up to `len` bytes and returns how many, 0 at the end of the
 * file, -1 on failure (INK_ERR_IO). It is asked for at most 16 MiB at a time. */
typedef int64_t (*ink_read_fn)(void *context, uint8_t *ptr, size_t len);
ink_status ink_model_load(ink_model **model, const ink_load_params *params, uint64_t size,
                          ink_read_fn read, void *read_context, ink_error *error);

/* Sessions of the model must have been freed before. NULL is fine. */
void ink_model_free(ink_model *model);

const ink_model_info *ink_model_get_info(const ink_model *model);

/* Adapters: a model's matrices W become W + scale * (alpha / rank) * B A, with A and B of few rows and
 * columns (LoRA: Hu et al., 2021), while the weights stay as they are. Files are llama.cpp's: GGUF with
 * general.type "adapter", adapter.type "lora", adapter.lora.alpha (missing or 0: the factor is `scale`
 * alone) and the tensors NAME.lora_a and NAME.lora_b of any block type, where NAME is the matrix's in the
 * model's file. Of token_embd.weight the lookup is changed, not the output that it may serve as, too.
 *
 * An adapter loads as a model does, with adapter_for, or in one call. It is immutable, and fits that one
 * model, which must outlive it; sessions use it by ink_session_set_adapters(). INK_ERR_BAD_ADAPTER: the
 * file is something else, for another architecture or shape, or lacks one of a pair;
 * INK_ERR_UNSUPPORTED_ARCHITECTURE: it changes experts, or asks for more than LoRA. Messages name the
 * tensor. Other errors as of models. */
typedef struct ink_adapter_info {
  uint64_t n_params;   /* scalars over all tensors */
  uint64_t bytes;      /* in memory: 16-bit types as they are, others as floats */
  uint32_t n_matrices; /* that it changes */
  uint32_t rank;       /* the largest */
  float alpha;         /* 0: none is given */
} ink_adapter_info;

/* ink_loader_finish() for a loader that was begun with adapter_for. */
ink_status ink_loader_finish_adapter(ink_loader *loader, ink_adapter **adapter, ink_error *error);

/* As ink_model_load(). */
ink_status ink_adapter_load(ink_adapter **adapter, const ink_model *model, uint64_t size,
                            ink_read_fn read, void *read_context, ink_error *error);

/* No session may use it any more. NULL is fine. */
void ink_adapter_free(ink_adapter *adapter);

const ink_adapter_info *ink_adapter_get_info(const ink_adapter *adapter);

/* ---- 3. Text and tokens -------------------------------------------------------------------- */

typedef int32_t ink_token;

enum {
  INK_TOKENIZE_SPECIAL = 1, /* the text of control tokens (<|im_start|>) becomes those tokens */
  INK_TOKENIZE_BOS = 2      /* put around the text what the model asks for: BOS before a Llama's, CLS
                               and SEP around a BERT's, EOS after a T5's; no BOS where a special
                               token's text at the beginning is it already, as in many chat formats */
};

/* Writes up to `capacity` tokens and sets *n to how many there are in all; when that is more than
 * `capacity`: INK_ERR_BUFFER_TOO_SMALL. A text of L bytes has at most L + 3 tokens, but where a
 * SentencePiece model normalises it, some characters become up to 18: then ask again with *n.
 * INK_ERR_INVALID_UTF8 names the offset of the first bad byte. */
ink_status ink_tokenize(const ink_model *model, const char *text, size_t text_len, uint32_t flags,
                        ink_token *tokens, size_t capacity, size_t *n, ink_error *error);

/* The text of the tokens, byte for byte (it may be cut inside a character if the tokens are).
 * Control tokens and the unknown token have no text. Sizes as in ink_tokenize().
 *
 * It is what was tokenized for byte-level BPE, and for SentencePiece BPE but for U+2581, which is a
 * space there. A Unigram model gives the normalised text, without what it has no token for. WordPiece
 * gives words set apart by one space, none before . ? ! and , (Hugging Face's clean-up). */
ink_status ink_detokenize(const ink_model *model, const ink_token *tokens, size_t n_tokens,
                          char *text, size_t capacity, size_t *text_len, ink_error *error);

/* One token's bytes as they stand in the vocabulary, control tokens too (for display).
 * INK_ERR_INVALID_ARGUMENT when there is no such token. */
ink_status ink_token_piece(const ink_model *model, ink_token token, const char **text,
                           size_t *text_len, ink_error *error);

/* The token ends a turn or a text (EOS, EOT). */
bool ink_token_is_end(const ink_model *model, ink_token token);

typedef struct ink_message {
  const char *role; /* "system", "user" or "assistant", NUL-terminated */
  const char *content;
  size_t content_len;
} ink_message;

/* Renders a conversation by the model's own chat template, followed by the header of the assistant's
 * turn when `add_generation_prompt`. Tokenize the result with INK_TOKENIZE_SPECIAL.
 * INK_ERR_UNSUPPORTED_CHAT_FORMAT when the model has none, INK_ERR_TEMPLATE when it can't be run or
 * refuses the conversation (the message says why, and at which line), INK_ERR_INVALID_UTF8 for a
 * message that isn't. Sizes as in ink_tokenize(). Templates find no date here: see below. */
ink_status ink_chat_format(const ink_model *model, const ink_message *messages, size_t n_messages,
                           bool add_generation_prompt, char *text, size_t capacity,
                           size_t *text_len, ink_error *error);

typedef struct ink_template_params {
  const char *chat_template; /* Jinja, as in Hugging Face's tokenizers; NULL: the model's own */
  size_t chat_template_len;
  int64_t now; /* local time in seconds since 1970-01-01 00:00, for strftime_now(); 0: not known, and
                * templates that insist on a date fail */
  const ink_message *messages; /* instead of those in the JSON; NULL: there are none */
  size_t n_messages;
} ink_template_params;

/* The same with everything that a template may ask for. `json` is an object with a list "messages"
 * and, as the template uses them, "tools", "documents", "add_generation_prompt" and any other
 * variables; NULL where params->messages are all there is. "bos_token" and "eos_token" are the model's unless they are given. The result equals
 * that of apply_chat_template() in Hugging Face's transformers. `params` may be NULL, and `model`
 * too if there is a chat_template. Takes at most 64 MB plus 16 times the input, and about a second.
 * Errors as of ink_chat_format(), and INK_ERR_INVALID_JSON, which names the line. */
ink_status ink_apply_chat_template(const ink_model *model, const ink_template_params *params,
                                   const char *json, size_t json_len, char *text, size_t capacity,
                                   size_t *text_len, ink_error *error);

/* A chat template for models whose file has none: chatml, llama3, llama2, gemma, phi3, mistral,
 * zephyr or alpaca. Static, NUL-terminated; NULL when there is none of that name. */
const char *ink_builtin_chat_template(const char *name);

/* Their names: index 0.. until NULL. */
const char *ink_builtin_chat_template_name(size_t index);

/* ---- 4. Generating text -------------------------------------------------------------------- */

typedef struct ink_session ink_session;

/* How keys and values of the context are held. */
typedef enum ink_kv_type {
  INK_KV_DEFAULT = 0, /* INK_KV_Q8_0 */
  INK_KV_F32 = 1,     /* exact; 4 bytes an element */
  INK_KV_F16 = 2,     /* IEEE binary16 */
  INK_KV_BF16 = 3,    /* the upper half of a float */
  INK_KV_Q8_0 = 4     /* 8 bits, and 16 more for every 32 elements of a head, or its last ones */
} ink_kv_type;

typedef struct ink_session_params {
  uint32_t n_ctx;     /* context in tokens; 0: min(n_ctx_train, INK_DEFAULT_CTX) */
  uint32_t n_threads; /* that compute, at most 64; 0: 1. Where there are no threads it is always 1.
                         Results don't depend on it. */
  ink_kv_type kv_type;
  const ink_session *threads_of; /* compute with that session's threads instead; it must outlive this
                                    one, and the two are never used at the same time */
} ink_session_params;

#define INK_DEFAULT_CTX 4096u

/* Allocates everything the session will ever use. params may be NULL. The model must outlive it. */
ink_status ink_session_create(ink_session **session, const ink_model *model,
                              const ink_session_params *params, ink_error *error);
void ink_session_free(ink_session *session);

/* Makes the context of `to` that of `from`, which stays as it is: to go on from there in two ways. Both
 * must have one model, n_ctx and kv_type, else INK_ERR_INVALID_ARGUMENT. `to` gets the adapters too. */
ink_status ink_session_copy(ink_session *to, const ink_session *from, ink_error *error);

typedef struct ink_adapter_use {
  const ink_adapter *adapter;
  float scale; /* 1: as it was trained; 0: it does nothing; below 0: its opposite */
} ink_adapter_use;

#define INK_MAX_ADAPTERS 8u

/* From now on the session computes with these n adapters, added up in this order, in place of those it
 * had; n == 0: with the model alone. They must outlive that use. Allocates nothing.
 * INK_ERR_INVALID_ARGUMENT: more than INK_MAX_ADAPTERS, an adapter of another model, or a scale that is not finite.
 *
 * Unless the list is what it was, a generation or score under way is given up, and there are no logits.
 * The context keeps its tokens, but what was computed of them is forgotten: the next evaluation begins
 * with them, as for a prompt of that length. So results are those of a new session. */
ink_status ink_session_set_adapters(ink_session *session, const ink_adapter_use *uses, size_t n,
                                    ink_error *error);

/* Processors of this machine, 1 where that is not known: as many threads can be of use at most. */
uint32_t ink_processor_count(void);

/* Tries how fast tokens are computed by 1, 2, 4, ... and by all of the threads that the session was
 * made with, and leaves it with the fewest that are about as fast as can be; the others sleep. Takes
 * some 20 ms for each number tried. `now_ms` is a clock in milliseconds. INK_ERR_WRONG_STATE when the
 * session holds tokens. */
ink_status ink_session_choose_threads(ink_session *session, double (*now_ms)(void *context),
                                      void *clock_context, ink_error *error);

/* Threads that compute. */
uint32_t ink_session_threads(const ink_session *session);

typedef struct ink_sampling {
  float temperature;      /* 0: greedy, the rest is ignored */
  uint32_t top_k;         /* 0: off */
  float top_p;            /* 1: off */
  float min_p;            /* 0: off */
  float repeat_penalty;   /* 1: off; applied to the last `repeat_last_n` tokens, greedy too */
  uint32_t repeat_last_n; /* at most INK_MAX_REPEAT_LAST_N */
  uint64_t seed;
} ink_sampling;

#define INK_MAX_REPEAT_LAST_N 1024u

/* temperature 0.8, top_k 40, top_p 0.95, min_p 0.05, repeat_penalty 1 over 64 tokens, seed 0. */
ink_sampling ink_sampling_default(void);

typedef struct ink_generation {
  ink_sampling sampling;
  uint64_t max_tokens;      /* stop after this many new tokens */
  const char *const *stops; /* NUL-terminated stop strings; copied; never part of the output */
  size_t n_stops;           /* at most INK_MAX_STOPS, each at most INK_MAX_STOP_BYTES long */
  bool ignore_end;          /* go on past end tokens (benchmarks) */
  bool context_shift;       /* when the context is full, drop the older half of it and go on, rather
                               than end with INK_FINISH_CONTEXT; see below */
  uint32_t n_keep;          /* tokens at the beginning that are never dropped: at least 4 stay, and at
                               most half of the context */
  int32_t draft;            /* INK_DRAFT_AUTO, INK_DRAFT_OFF, or a number of tokens; see below */
  uint32_t max_layers;      /* a step ends after this many of the model's layers at the latest, which
                               keeps it short without making batches small; 0: no bound */
} ink_generation;

enum {
  INK_DRAFT_OFF = -1,
  INK_DRAFT_AUTO = 0 /* as many as pay, by how often they have been right so far */
};

#define INK_MAX_DRAFT 15u

/* Drafts: where the latest tokens have occurred before, those that followed them there are evaluated in
 * one batch with the next token, in advance (Saxena, "Prompt Lookup Decoding", 2023). What the model
 * would not have chosen itself is dropped, so that the text is the same, token for token, greedy or with
 * a seed; texts that quote, edit or repeat come sooner. With a number, so many are tried whenever there
 * is such a place, at most INK_MAX_DRAFT. */

#define INK_MAX_STOPS 16u
#define INK_MAX_STOP_BYTES 256u

/* The context shift keeps the first tokens, which attention leans on whatever they say, and of the
 * others the newer half (attention sinks: Xiao et al., "StreamingLLM", 2023). What stays moves to the
 * beginning; its keys are rotated by the difference, or its tokens evaluated again where that can't be:
 * in models with learned positions, and where a sliding window would reach back to the first tokens. The
 * model forgets what was dropped, and results differ from those of a longer context. A prompt that is too
 * long loses tokens in the same place. What comes after the kept tokens is not reused for other prompts. */

typedef enum ink_step_kind {
  INK_STEP_PREFILL = 0, /* part of the prompt was read, or of a context shift done, or with max_layers
                           of a token; nothing to show */
  INK_STEP_TOKEN = 1,   /* one token was generated; `text` may be empty for now */
  INK_STEP_DONE = 2     /* `finish` says why; `text` holds what was still held back */
} ink_step_kind;

typedef enum ink_finish {
  INK_FINISH_NONE = 0,
  INK_FINISH_END = 1,     /* the model ended its turn */
  INK_FINISH_STOP = 2,    /* a stop string appeared */
  INK_FINISH_LENGTH = 3,  /* max_tokens */
  INK_FINISH_CONTEXT = 4  /* the context is full, and context_shift off */
} ink_finish;

typedef struct ink_step {
  ink_step_kind kind;
  ink_finish finish;
  ink_token token;     /* the new token, also that which completed a stop string; else -1 */
  const char *text;    /* whole UTF-8 characters; valid until the session's next call */
  size_t text_len;
  size_t prompt_done;  /* prompt tokens already in the context, of prompt_total */
  size_t prompt_total;
  size_t n_generated;  /* tokens generated so far, this one included */
  size_t n_drafted;    /* tokens evaluated in advance so far */
  size_t n_accepted;   /* of these, tokens that were generated indeed */
} ink_step;

/* The text of a generation is its tokens' bytes as UTF-8 that is always well-formed: bytes that can't
 * be part of a character become U+FFFD, one for each maximal ill-formed part (Unicode, section 3.9).
 * Bytes that begin a character wait for the next token. When there is none, because of max_tokens,
 * a full context, or the end of the turn, they are dropped: what was cut off is not wrong. So a text
 * may be up to three bytes shorter than what ink_detokenize() makes of its tokens. */

/* Starts generating after `prompt` (n_prompt >= 1 tokens, copied). Tokens that the session already
 * holds as a common prefix are not evaluated again. INK_ERR_CONTEXT_FULL when the prompt leaves no
 * room for a new token, but for context_shift. Abandoning a generation halfway is fine: just begin another. */
ink_status ink_generation_begin(ink_session *session, const ink_generation *params,
                                const ink_token *prompt, size_t n_prompt, ink_error *error);

/* One bounded piece of work, so that the caller can show progress or stop: evaluates up to
 * `max_prefill` tokens of the prompt or for a context shift (0: no bound), or generates one token; with
 * its drafts that is a batch of no more than `max_prefill` either. With max_layers it is a part of that. After INK_STEP_DONE:
 * INK_ERR_WRONG_STATE. */
ink_status ink_generation_step(ink_session *session, uint32_t max_prefill, ink_step *step,
                               ink_error *error);

/* ---- 5. Evaluating by hand ----------------------------------------------------------------- */

/* Appends tokens to the context. INK_ERR_CONTEXT_FULL leaves the session as it was. Results do not
 * depend on how a text is cut into calls. */
ink_status ink_session_eval(ink_session *session, const ink_token *tokens, size_t n,
                            ink_error *error);

/* [n_vocab] for the last token evaluated; NULL if there is none. Owned by the session. */
const float *ink_session_logits(const ink_session *session);

/* How many tokens the context holds and can hold; and forget all but the first n.
 *
 * Where layers have a sliding window, they keep keys and values of little more than it. After a
 * truncation to where these have been lost, the next evaluation begins by computing the context's
 * tokens again from the first: results are right, and the time is as for a prompt of that length. */
size_t ink_session_length(const ink_session *session);
size_t ink_session_capacity(const ink_session *session);
void ink_session_truncate(ink_session *session, size_t n);

/* Forgets the session's context, evaluates `tokens` from position 0 and adds up
 * -ln p(tokens[i] | tokens[0..i-1]) over i >= 1 into *nll (nats). n >= 2. */
ink_status ink_session_score(ink_session *session, const ink_token *tokens, size_t n, double *nll,
                             ink_error *error);

typedef struct ink_score {
  size_t n_done;  /* tokens evaluated, of n_total; all: the score is complete */
  size_t n_total;
  double nll;     /* of those that the evaluated ones predict, nats */
} ink_score;

/* The same in bounded pieces, so that the caller can show progress or stop: begin, then step until
 * all is done. A step evaluates up to max_tokens tokens (0: no bound); the sum does not depend on it.
 * INK_ERR_WRONG_STATE when nothing is being scored: not begun, complete, or given up by another use
 * of the session, which is fine at any point. */
ink_status ink_score_begin(ink_session *session, const ink_token *tokens, size_t n,
                           ink_error *error);
ink_status ink_score_step(ink_session *session, uint32_t max_tokens, ink_score *score,
                          ink_error *error);

/* The embedding of a text: the residual stream of its tokens behind the last layer and the model's last
 * norm, pooled, and divided by its Euclidean length if `normalize`. Tokens are the text's with
 * INK_TOKENIZE_SPECIAL and INK_TOKENIZE_BOS, which adds the EOS that models with pooling by the last token
 * end in. Forgets the session's context; bits depend on nothing but the tokens and the session's kv_type.
 *
 * INK_ERR_UNSUPPORTED_EMBEDDINGS when `pooling` is neither mean nor last: INK_POOLING_UNSPECIFIED asks for
 * the model's. INK_ERR_INVALID_ARGUMENT: there are no tokens. INK_ERR_CONTEXT_FULL: there are too many.
 * embedding: [n_embd], the caller's. */
ink_status ink_session_embed(ink_session *session, const ink_token *tokens, size_t n,
                             ink_pooling pooling, bool normalize, float *embedding,
                             ink_error *error);

typedef struct ink_embedding {
  size_t n_done;       /* tokens evaluated, of n_total */
  size_t n_total;
  const float *values; /* [n_embd] when all are, NULL before; the session's, until its next call */
} ink_embedding;

/* The same in bounded pieces. A step evaluates up to max_tokens tokens (0: no bound), with max_layers > 0
 * one batch through so many of the model's layers at most. INK_ERR_WRONG_STATE as in ink_score_step(). */
ink_status ink_embed_begin(ink_session *session, const ink_token *tokens, size_t n,
                           ink_pooling pooling, bool normalize, ink_error *error);
ink_status ink_embed_step(ink_session *session, uint32_t max_tokens, uint32_t max_layers,
                          ink_embedding *embedding, ink_error *error);

/* ---- 6. Memory and kernels ----------------------------------------------------------------- */

typedef struct ink_memory {
  uint64_t weights;    /* tensors */
  uint64_t vocabulary; /* tokens, merges and their indexes */
  uint64_t kv_cache;   /* grows with the context; layers with a sliding window stop at that */
  uint64_t scratch;    /* what else a session takes */
  uint64_t total;
} ink_memory;

/* What a model and one session take: the session exactly, as it will ask the allocator for it, the
 * model to within 2 %. params as for ink_session_create(); no session is counted for those that it
 * refuses, nor for a model that was loaded with vocabulary_only. Threads' stacks are the system's. */
ink_memory ink_memory_needed(const ink_model_info *info, const ink_session_params *params);

/* The kernel tables that this build has and this processor can run: index 0.. until NULL. The last
 * is the fastest and is what "auto" means. */
const char *ink_kernels_name(size_t index);

#ifdef __cplusplus
}
#endif
#endif
