/* A chat template, and after a NUL the conversation, which is a fixed one when there is no NUL. */
#include <stdlib.h>
#include <string.h>

#include "inkling.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char conversation[] =
    "{\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\",\"content\":\"안녕 hi\"},"
    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\",\"function\":"
    "{\"name\":\"f\",\"arguments\":{\"x\":[1,2.5,true,null]}}}]}],\"tools\":[{\"type\":\"function\",\"function\":"
    "{\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"string\"}}}}}],"
    "\"add_generation_prompt\":true,\"bos_token\":\"<s>\",\"eos_token\":\"</s>\"}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char text[1 << 16];
  const char *source = (const char *)data;
  const char *end = size ? memchr(source, '\0', size) : NULL;
  const char *json = end ? end + 1 : conversation;
  size_t json_len = end ? (size_t)(source + size - json) : sizeof conversation - 1, len;
  ink_template_params params = {.chat_template = source,
                                .chat_template_len = end ? (size_t)(end - source) : size,
                                .now = 1720278245};
  ink_error error;
  ink_status status =
      ink_apply_chat_template(NULL, &params, json, json_len, text, sizeof text, &len, &error);
  switch (status) {
  case INK_OK:
  case INK_ERR_TEMPLATE:
  case INK_ERR_INVALID_JSON:
  case INK_ERR_BUFFER_TOO_SMALL:
  case INK_ERR_UNSUPPORTED_CHAT_FORMAT: return 0;
  default: abort(); /* nothing else can be to blame */
  }
}
