#include "text/charsmap.h"

#include <string.h>

#include "base/utf8.h"

static uint32_t load_u32(const uint8_t *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
         (uint32_t)bytes[3] << 24;
}

static ink_status check_replacements(const ink_charsmap *map, ink_error *error) {
  for (size_t start = 0; start < map->n_replacements;) {
    size_t len = strlen(map->replacements + start); /* the map's last byte is a NUL */
    if (len > INK_CHARSMAP_MAX || ink_utf8_valid_prefix(map->replacements + start, len) != len) {
      return ink_fail(error, INK_ERR_BAD_MODEL,
                      "tokenizer.ggml.precompiled_charsmap: the replacement at %llu is not UTF-8 or "
                      "longer than %u bytes",
                      (unsigned long long)start, INK_CHARSMAP_MAX);
    }
    start += len + 1;
  }
  return INK_OK;
}

ink_status ink_charsmap_read(ink_charsmap *map, const uint8_t *bytes, size_t len,
                             ink_error *error) {
  *map = (ink_charsmap){0};
  if (len == 0) return INK_OK;
  size_t size = len < 4 ? 0 : load_u32(bytes);
  if (len < 4 || size % 4 || size == 0 || size >= len - 4 || bytes[len - 1] != 0) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "tokenizer.ggml.precompiled_charsmap is damaged: a table of %llu bytes does not "
                    "fit its %llu, or the last is not 0",
                    (unsigned long long)size, (unsigned long long)len);
  }
  *map = (ink_charsmap){bytes + 4, size / 4, (const char *)bytes + 4 + size, len - 4 - size};
  return check_replacements(map, error);
}

static bool unit_at(const ink_charsmap *map, size_t at, uint32_t *unit) {
  if (at >= map->n_units) return false;
  *unit = load_u32(map->units + 4 * at);
  return true;
}

static size_t offset_of(uint32_t unit) { return (size_t)(unit >> 10) << ((unit & 0x200u) >> 6); }

static bool starts_character(const char *text, size_t len, size_t at) {
  return at >= len || ((uint8_t)text[at] & 0xC0u) != 0x80u;
}

/* Whether a value is a replacement's place, not one inside a character. */
static bool read_replacement(const ink_charsmap *map, uint32_t value, ink_str *replacement) {
  value &= 0x7FFFFFFFu;
  if (!starts_character(map->replacements, map->n_replacements, value)) return false;
  if (value >= map->n_replacements) return false;
  *replacement = (ink_str){map->replacements + value, strlen(map->replacements + value)};
  return true;
}

size_t ink_charsmap_match(const ink_charsmap *map, const char *text, size_t len,
                          ink_str *replacement) {
  uint32_t unit;
  size_t best = 0;
  if (!unit_at(map, 0, &unit)) return 0;
  size_t node = offset_of(unit);
  for (size_t i = 0; i < len && i < INK_CHARSMAP_MAX && text[i] != 0; i++) { /* keys hold no NUL */
    uint8_t byte = (uint8_t)text[i];
    node ^= byte;
    if (!unit_at(map, node, &unit) || (unit & 0x800000FFu) != byte) break;
    node ^= offset_of(unit);
    uint32_t leaf;
    if ((unit & 0x100u) && starts_character(text, len, i + 1) && unit_at(map, node, &leaf) &&
        read_replacement(map, leaf, replacement)) {
      best = i + 1;
    }
  }
  return best;
}
