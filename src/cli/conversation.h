/* Messages that the command collects: a chat's, or few-shot examples. */
#ifndef INK_CLI_CONVERSATION_H
#define INK_CLI_CONVERSATION_H

#include "inkling.h"

typedef struct conversation {
  ink_message *messages; /* roles and contents are owned */
  size_t n, capacity;
} conversation;

/* Adds a copy of a message. False after report(). */
bool conversation_add(conversation *conversation, const char *role, const char *content, size_t len);

/* Adds the messages of a JSON Lines file, {"role":…,"content":…} on each line; empty lines don't
 * count. False after report(), which names the line. */
bool conversation_read(conversation *conversation, const char *path);

/* The messages as plain text, for models that know no chat format: each text on lines of its own,
 * an empty line after the system's and the assistant's. The caller frees it; NULL after report(). */
char *conversation_text(const conversation *conversation, size_t *len);

void conversation_free(conversation *conversation);

#endif
