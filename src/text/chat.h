/* Conversations as the text that a chat model was trained on. */
#ifndef INK_TEXT_CHAT_H
#define INK_TEXT_CHAT_H

#include "base/status.h"

/* True when `chat_template` is of a format that ink_chat_render() writes. */
bool ink_chat_is_known(ink_str chat_template);

/* As ink_chat_format(). */
ink_status ink_chat_render(ink_str chat_template, const ink_message *messages, size_t n_messages,
                           bool add_generation_prompt, char *text, size_t capacity, size_t *len,
                           ink_error *error);

#endif
