/* The public text functions of a model. */
#include <string.h>

#include "base/status.h"
#include "model/model.h"
#include "text/chat.h"
#include "text/tokenizer.h"

ink_status ink_tokenize(const ink_model *model, const char *text, size_t text_len, uint32_t flags,
                        ink_token *tokens, size_t capacity, size_t *n, ink_error *error) {
  return ink_vocab_tokenize(&model->vocab, text, text_len, flags, tokens, capacity, n, error);
}

ink_status ink_detokenize(const ink_model *model, const ink_token *tokens, size_t n_tokens,
                          char *text, size_t capacity, size_t *text_len, ink_error *error) {
  return ink_vocab_detokenize(&model->vocab, tokens, n_tokens, text, capacity, text_len, error);
}

ink_status ink_token_piece(const ink_model *model, ink_token token, const char **text,
                           size_t *text_len, ink_error *error) {
  if (token < 0 || (uint32_t)token >= model->vocab.n_tokens) {
    return ink_fail(error, INK_ERR_INVALID_ARGUMENT, "there is no token %d; the last is %u",
                    (int)token, (unsigned)model->vocab.n_tokens - 1);
  }
  *text = model->vocab.tokens[token].data;
  *text_len = model->vocab.tokens[token].len;
  return INK_OK;
}

bool ink_token_is_end(const ink_model *model, ink_token token) {
  return ink_vocab_is_end(&model->vocab, token);
}

static ink_str special_text(const ink_vocab *vocab, ink_token token) {
  return token >= 0 ? vocab->tokens[token] : (ink_str){NULL, 0};
}

/* What a model adds to a conversation. */
static void add_model(ink_chat *chat, const ink_model *model) {
  chat->allocator = &model->allocator;
  chat->bos = special_text(&model->vocab, model->vocab.bos);
  chat->eos = special_text(&model->vocab, model->vocab.eos);
  if (chat->chat_template.len == 0) chat->chat_template = model->vocab.chat_template;
}

ink_status ink_chat_format(const ink_model *model, const ink_message *messages, size_t n_messages,
                           bool add_generation_prompt, char *text, size_t capacity,
                           size_t *text_len, ink_error *error) {
  static const char *const json[] = {"{}", "{\"add_generation_prompt\":true}"};
  static const ink_message none;
  ink_template_params params = {.messages = n_messages > 0 ? messages : &none, .n_messages = n_messages};
  const char *variables = json[add_generation_prompt];
  return ink_apply_chat_template(model, &params, variables, strlen(variables), text, capacity,
                                 text_len, error);
}

ink_status ink_apply_chat_template(const ink_model *model, const ink_template_params *params,
                                   const char *json, size_t json_len, char *text, size_t capacity,
                                   size_t *text_len, ink_error *error) {
  ink_chat chat = {.json = {json, json_len}};
  if (params) {
    chat.chat_template = (ink_str){params->chat_template, params->chat_template_len};
    chat.now = params->now;
    chat.messages = params->messages;
    chat.n_messages = params->n_messages;
  }
  if (model) add_model(&chat, model);
  return ink_chat_render(&chat, text, capacity, text_len, error);
}
