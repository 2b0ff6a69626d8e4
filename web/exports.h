/* The core as JavaScript sees it: flat functions that take and return numbers and pointers only.
 *
 * No struct layout is known outside this folder's C. Two handles: an inkjs_model loads, then holds, one
 * model; an inkjs_session generates with it. Adapters are the core's own. A function that can fail returns an ink_status (or NULL),
 * and the handle it was called on keeps the code and the message until its next failure. Fields are read
 * and options written one at a time, by the enums below; scripts/constants.mjs turns these and the core's
 * into src/constants.ts. Counts and sizes that may pass 32 bits travel as double, exact to 2^53. */
#ifndef INKJS_EXPORTS_H
#define INKJS_EXPORTS_H

#include <emscripten.h>

#include "inkling.h"

#define INKJS_EXPORT EMSCRIPTEN_KEEPALIVE

typedef struct inkjs_model inkjs_model;
typedef struct inkjs_session inkjs_session;

/* ---- Arguments' memory ---------------------------------------------------------------------------- */

/* Room for an argument; NULL when there is no memory. */
INKJS_EXPORT void *inkjs_allocate(size_t size);
INKJS_EXPORT void inkjs_release(void *pointer);

/* ---- Handles and errors --------------------------------------------------------------------------- */

/* NULL when there is no memory. It lives as long as the module's instance. */
INKJS_EXPORT inkjs_model *inkjs_model_create(void);

enum { INKJS_MAX_THREADS = 64 };

/* Tokens of context where none are asked for, or as many as the model was trained for if these are fewer. */
enum { INKJS_DEFAULT_CTX = 4096 };

/* NULL on failure, which `model` then describes. n_ctx in tokens, 0: the core's default. n_threads: in a
 * build with threads the host must have workers ready for all but one of them; else there is one.
 * threads_of: NULL, or the session whose threads compute for this one too. */
INKJS_EXPORT inkjs_session *inkjs_session_create(inkjs_model *model, uint32_t n_ctx,
                                                 ink_kv_type kv_type, uint32_t n_threads,
                                                 const inkjs_session *threads_of);
/* As ink_session_copy(); `to` describes a failure. */
INKJS_EXPORT ink_status inkjs_session_copy(inkjs_session *to, const inkjs_session *from);
/* As ink_session_choose_threads(), with the imported clock. */
INKJS_EXPORT ink_status inkjs_session_choose_threads(inkjs_session *session);
INKJS_EXPORT uint32_t inkjs_session_threads(const inkjs_session *session);
INKJS_EXPORT ink_kv_type inkjs_session_kv_type(const inkjs_session *session);
INKJS_EXPORT void inkjs_session_destroy(inkjs_session *session);

/* The last failure on a handle of either kind: an ink_status, and a NUL-terminated message. */
INKJS_EXPORT ink_status inkjs_error_code(const void *handle);
INKJS_EXPORT const char *inkjs_error_message(const void *handle);

/* ---- Loading: begin, then (buffer, commit) until complete, then finish ----------------------------- */

/* How much is to be read; see vocabulary_only and description_only in ink_load_params. */
typedef enum inkjs_load_extent {
  INKJS_LOAD_ALL = 0,
  INKJS_LOAD_VOCABULARY, /* no session can be created */
  INKJS_LOAD_DESCRIPTION /* there is nothing to finish */
} inkjs_load_extent;

/* kernels: NUL-terminated, or NULL for the fastest. size in bytes, 0 when not known. */
INKJS_EXPORT ink_status inkjs_load_begin(inkjs_model *model, const char *kernels, double size,
                                         inkjs_load_extent extent);

/* Finds out where the next bytes go: inkjs_buffer_size() > 0 bytes at inkjs_buffer(). */
INKJS_EXPORT ink_status inkjs_load_buffer(inkjs_model *model);
INKJS_EXPORT uint8_t *inkjs_buffer(const inkjs_model *model);
INKJS_EXPORT size_t inkjs_buffer_size(const inkjs_model *model);

/* n bytes were written there; 0: the file has ended. */
INKJS_EXPORT ink_status inkjs_load_commit(inkjs_model *model, size_t n);
INKJS_EXPORT bool inkjs_load_is_complete(const inkjs_model *model);

/* Of a model in several files: how many, 0 until that is known; and after each but the last one's end, the
 * next one begins. size in bytes, 0 when not known. */
INKJS_EXPORT uint32_t inkjs_load_n_parts(const inkjs_model *model);
INKJS_EXPORT bool inkjs_load_part_is_complete(const inkjs_model *model);
INKJS_EXPORT ink_status inkjs_load_next_part(inkjs_model *model, double size);

INKJS_EXPORT ink_status inkjs_load_finish(inkjs_model *model);

/* ---- Adapters: begin, then (buffer, commit) until complete as for models, then finish ------------ */

/* After the model has been loaded. Gives up what was begun before and is not finished. */
INKJS_EXPORT ink_status inkjs_adapter_begin(inkjs_model *model, double size);
/* NULL on failure, which `model` then describes, and when nothing was begun. */
INKJS_EXPORT ink_adapter *inkjs_adapter_finish(inkjs_model *model);
INKJS_EXPORT void inkjs_adapter_destroy(ink_adapter *adapter);

typedef enum inkjs_adapter_number {
  INKJS_ADAPTER_N_PARAMS = 0,
  INKJS_ADAPTER_BYTES,
  INKJS_ADAPTER_N_MATRICES,
  INKJS_ADAPTER_RANK,
  INKJS_ADAPTER_ALPHA
} inkjs_adapter_number;

INKJS_EXPORT double inkjs_adapter_info(const ink_adapter *adapter, inkjs_adapter_number field);

/* As ink_session_set_adapters(), with n adapters and as many scales. */
INKJS_EXPORT ink_status inkjs_session_set_adapters(inkjs_session *session,
                                                   const ink_adapter *const *adapters,
                                                   const float *scales, size_t n);

/* SHA-256 of bytes in pieces, one file at a time; finish gives 32 bytes at inkjs_result(). */
INKJS_EXPORT void inkjs_sha256_begin(inkjs_model *model);
INKJS_EXPORT void inkjs_sha256_update(inkjs_model *model, const uint8_t *bytes, size_t n);
INKJS_EXPORT ink_status inkjs_sha256_finish(inkjs_model *model);

/* ---- What is known of the model; once inkjs_has_info() -------------------------------------------- */

typedef enum inkjs_string {
  INKJS_STRING_ARCHITECTURE = 0,
  INKJS_STRING_NAME,
  INKJS_STRING_TOKENIZER,
  INKJS_STRING_QUANTIZATION,
  INKJS_STRING_KERNELS
} inkjs_string;

typedef enum inkjs_number {
  INKJS_NUMBER_N_PARAMS = 0,
  INKJS_NUMBER_WEIGHT_BYTES,
  INKJS_NUMBER_N_VOCAB,
  INKJS_NUMBER_N_CTX_TRAIN,
  INKJS_NUMBER_N_EMBD,
  INKJS_NUMBER_N_LAYER,
  INKJS_NUMBER_N_HEAD,
  INKJS_NUMBER_N_HEAD_KV,
  INKJS_NUMBER_N_FF,
  INKJS_NUMBER_ADD_BOS,
  INKJS_NUMBER_HAS_CHAT_FORMAT,
  INKJS_NUMBER_POOLING /* ink_pooling, or a number that is none */
} inkjs_number;

/* True from soon after the load began, when the file's header has been read. */
INKJS_EXPORT bool inkjs_has_info(const inkjs_model *model);
INKJS_EXPORT const char *inkjs_info_string(const inkjs_model *model, inkjs_string field);
INKJS_EXPORT double inkjs_info_number(const inkjs_model *model, inkjs_number field);

/* Bytes that the model and a session of n_ctx tokens (0: the default) take, from ink_memory. */
INKJS_EXPORT double inkjs_memory_needed(const inkjs_model *model, uint32_t n_ctx,
                                        ink_kv_type kv_type);

/* ---- Text and tokens; each result lies at inkjs_result() until the model's next call -------------- */

/* The last result, and its length in tokens or bytes. */
INKJS_EXPORT const void *inkjs_result(const inkjs_model *model);
INKJS_EXPORT size_t inkjs_result_length(const inkjs_model *model);

/* Result: tokens. flags as for ink_tokenize(). */
INKJS_EXPORT ink_status inkjs_tokenize(inkjs_model *model, const char *text, size_t len,
                                       uint32_t flags);
/* Result: bytes, whole characters only if the tokens are. */
INKJS_EXPORT ink_status inkjs_detokenize(inkjs_model *model, const ink_token *tokens, size_t n);

/* Result: each token's length in bytes as a uint32_t, then their bytes one after another. Its length is that
 * of all in bytes. */
INKJS_EXPORT ink_status inkjs_token_pieces(inkjs_model *model, const ink_token *tokens, size_t n);

/* Result: the prompt's text. chat_template: a built-in one's name or Jinja, chat_template_len bytes and a NUL;
 * 0 bytes: the model's own. json as for ink_apply_chat_template(). now: local time in seconds since 1970-01-01
 * 00:00, for templates that name the date. */
INKJS_EXPORT ink_status inkjs_apply_chat_template(inkjs_model *model, const char *chat_template,
                                                  size_t chat_template_len, const char *json,
                                                  size_t json_len, double now);

/* ---- Generating: reset, set and add what differs from the defaults, begin, then step --------------- */

typedef enum inkjs_option {
  INKJS_OPTION_TEMPERATURE = 0,
  INKJS_OPTION_TOP_K,
  INKJS_OPTION_TOP_P,
  INKJS_OPTION_MIN_P,
  INKJS_OPTION_REPEAT_PENALTY,
  INKJS_OPTION_SEED,
  INKJS_OPTION_MAX_TOKENS,
  INKJS_OPTION_CONTEXT_SHIFT, /* 0 or 1 */
  INKJS_OPTION_KEEP_TOKENS,
  INKJS_OPTION_DRAFT /* as in ink_generation */
} inkjs_option;

typedef enum inkjs_step_field {
  INKJS_STEP_FIELD_KIND = 0,
  INKJS_STEP_FIELD_FINISH,
  INKJS_STEP_FIELD_TOKEN,
  INKJS_STEP_FIELD_TEXT_LEN,
  INKJS_STEP_FIELD_PROMPT_DONE,
  INKJS_STEP_FIELD_PROMPT_TOTAL,
  INKJS_STEP_FIELD_N_GENERATED,
  INKJS_STEP_FIELD_N_DRAFTED,
  INKJS_STEP_FIELD_N_ACCEPTED
} inkjs_step_field;

/* The core's default sampling, no stop strings, and tokens until the context is full. */
INKJS_EXPORT void inkjs_generation_reset(inkjs_session *session);
/* INK_ERR_INVALID_ARGUMENT when the field's type can't hold `value`; ranges are the core's to check. */
INKJS_EXPORT ink_status inkjs_generation_set(inkjs_session *session, inkjs_option option,
                                             double value);
/* `stop` is NUL-terminated and copied. */
INKJS_EXPORT ink_status inkjs_generation_add_stop(inkjs_session *session, const char *stop);
INKJS_EXPORT ink_status inkjs_generation_begin(inkjs_session *session, const ink_token *prompt,
                                               size_t n_prompt);

/* As ink_generation_step(), of one layer at most; the step's fields can be read until the next call. Of an
 * embedding, if that was begun last: those are the kind, INK_STEP_PREFILL or _DONE, and how much is done. */
INKJS_EXPORT ink_status inkjs_generation_step(inkjs_session *session, uint32_t max_prefill);
INKJS_EXPORT int32_t inkjs_step_number(const inkjs_session *session, inkjs_step_field field);
INKJS_EXPORT const char *inkjs_step_text(const inkjs_session *session);

/* How many tokens the session's context holds: after beginning, those of the prompt that it need not read. */
INKJS_EXPORT size_t inkjs_session_length(const inkjs_session *session);

/* ---- Embeddings: begin, then inkjs_generation_step() until it is done -------------------------------- */

/* As ink_embed_begin(). */
INKJS_EXPORT ink_status inkjs_embed_begin(inkjs_session *session, const ink_token *tokens, size_t n,
                                          ink_pooling pooling, bool normalize);
/* INKJS_NUMBER_N_EMBD values, until the session's next call. */
INKJS_EXPORT const float *inkjs_embedding(const inkjs_session *session);

/* ---- Scoring -------------------------------------------------------------------------------------- */

/* How many tokens the session's context can hold. */
INKJS_EXPORT size_t inkjs_session_capacity(const inkjs_session *session);
/* As ink_score_begin() and ink_score_step(); then how many tokens are done, and the sum in nats. */
INKJS_EXPORT ink_status inkjs_score_begin(inkjs_session *session, const ink_token *tokens,
                                          size_t n);
INKJS_EXPORT ink_status inkjs_score_step(inkjs_session *session, uint32_t max_tokens);
INKJS_EXPORT size_t inkjs_score_done(const inkjs_session *session);
INKJS_EXPORT double inkjs_score_nll(const inkjs_session *session);

#endif
