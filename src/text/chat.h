/* Conversations as the text that a chat model was trained on. */
#ifndef INK_TEXT_CHAT_H
#define INK_TEXT_CHAT_H

#include "base/memory.h"

/* A conversation and what a template is told besides. */
typedef struct ink_chat {
  const ink_allocator *allocator; /* NULL: malloc and free */
  ink_str chat_template;
  ink_str bos, eos;               /* text of these tokens; data == NULL: there is none */
  int64_t now;                    /* as in ink_template_params */
  ink_str json;                   /* data == NULL: none */
  const ink_message *messages;    /* [n_messages] instead of the JSON's; NULL: none */
  size_t n_messages;
} ink_chat;

/* As ink_apply_chat_template() and ink_chat_format(). */
ink_status ink_chat_render(const ink_chat *chat, char *text, size_t capacity, size_t *len,
                           ink_error *error);

/* Whether a template can be read; fails only when memory is refused. */
ink_status ink_chat_check(const ink_allocator *allocator, ink_str chat_template, bool *understood,
                          ink_error *error);

#endif
