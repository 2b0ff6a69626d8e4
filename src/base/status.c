#include "base/status.h"

#include <string.h>

#include "base/print.h"
#include "base/utf8.h"

bool ink_str_is(ink_str str, const char *text) {
  return str.len == strlen(text) && memcmp(str.data, text, str.len) == 0;
}

const char *ink_status_name(ink_status status) {
  static const char *const names[INK_STATUS_COUNT] = {
      [INK_OK] = "INK_OK",
      [INK_ERR_INVALID_ARGUMENT] = "INK_ERR_INVALID_ARGUMENT",
      [INK_ERR_OUT_OF_MEMORY] = "INK_ERR_OUT_OF_MEMORY",
      [INK_ERR_IO] = "INK_ERR_IO",
      [INK_ERR_NOT_GGUF] = "INK_ERR_NOT_GGUF",
      [INK_ERR_UNSUPPORTED_VERSION] = "INK_ERR_UNSUPPORTED_VERSION",
      [INK_ERR_TRUNCATED] = "INK_ERR_TRUNCATED",
      [INK_ERR_CORRUPT] = "INK_ERR_CORRUPT",
      [INK_ERR_UNSUPPORTED_ARCHITECTURE] = "INK_ERR_UNSUPPORTED_ARCHITECTURE",
      [INK_ERR_UNSUPPORTED_TYPE] = "INK_ERR_UNSUPPORTED_TYPE",
      [INK_ERR_UNSUPPORTED_TOKENIZER] = "INK_ERR_UNSUPPORTED_TOKENIZER",
      [INK_ERR_UNSUPPORTED_CHAT_FORMAT] = "INK_ERR_UNSUPPORTED_CHAT_FORMAT",
      [INK_ERR_BAD_MODEL] = "INK_ERR_BAD_MODEL",
      [INK_ERR_CONTEXT_FULL] = "INK_ERR_CONTEXT_FULL",
      [INK_ERR_INVALID_UTF8] = "INK_ERR_INVALID_UTF8",
      [INK_ERR_BUFFER_TOO_SMALL] = "INK_ERR_BUFFER_TOO_SMALL",
      [INK_ERR_WRONG_STATE] = "INK_ERR_WRONG_STATE",
      [INK_ERR_UNSUPPORTED_HOST] = "INK_ERR_UNSUPPORTED_HOST",
      [INK_ERR_CRASHED] = "INK_ERR_CRASHED",
      [INK_ERR_TEMPLATE] = "INK_ERR_TEMPLATE",
      [INK_ERR_INVALID_JSON] = "INK_ERR_INVALID_JSON",
      [INK_ERR_CHECKSUM] = "INK_ERR_CHECKSUM",
      [INK_ERR_QUOTA] = "INK_ERR_QUOTA",
      [INK_ERR_BAD_ADAPTER] = "INK_ERR_BAD_ADAPTER",
      [INK_ERR_UNSUPPORTED_EMBEDDINGS] = "INK_ERR_UNSUPPORTED_EMBEDDINGS",
  };
  if (status < 0 || status >= INK_STATUS_COUNT) return "INK_ERR_UNKNOWN";
  return names[status];
}

/* Messages are shown to people and passed to JS as UTF-8, whatever a file's strings held. */
static void make_utf8(char *text) {
  size_t len = 0;
  while (text[len]) len++;
  for (size_t i = 0; i < len;) {
    uint32_t code_point;
    int n = ink_utf8_decode(text + i, len - i, &code_point);
    if (n > 0) {
      i += (size_t)n;
    } else if (n == 0) {
      text[i] = '\0'; /* cut inside a character for want of space */
      return;
    } else {
      text[i++] = '?';
    }
  }
}

ink_status ink_fail(ink_error *error, ink_status code, const char *format, ...) {
  if (!error) return code;
  error->code = code;
  va_list args;
  va_start(args, format);
  ink_print_list(error->message, sizeof error->message, format, args);
  va_end(args);
  make_utf8(error->message);
  return code;
}

ink_status ink_fail_memory(ink_error *error, uint64_t size, const char *what) {
  return ink_fail(error, INK_ERR_OUT_OF_MEMORY,
                  "not enough memory: %llu bytes for %s were refused; use a smaller model or a "
                  "shorter context",
                  (unsigned long long)size, what);
}
