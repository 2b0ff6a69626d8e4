#include "cli/parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/status.h"
#include "cli/files.h"

/* "-00001-of-00003.gguf": what the name of a part ends in. */
#define SUFFIX_LENGTH 20u

static bool read_digits(const char *text, uint32_t *number) {
  *number = 0;
  for (int i = 0; i < 5; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    *number = *number * 10 + (uint32_t)(text[i] - '0');
  }
  return true;
}

/* How many parts there are by the name of one of them; 1: it is no part. */
static uint32_t count_in_name(const char *path) {
  size_t len = strlen(path);
  uint32_t number, count;
  if (len < SUFFIX_LENGTH) return 1;
  const char *suffix = path + len - SUFFIX_LENGTH;
  if (suffix[0] != '-' || memcmp(suffix + 6, "-of-", 4) != 0 || strcmp(suffix + 15, ".gguf") != 0 ||
      !read_digits(suffix + 1, &number) || !read_digits(suffix + 10, &count)) {
    return 1;
  }
  return number >= 1 && number <= count ? count : 1;
}

static char *part_path(const char *path, uint32_t number, uint32_t count) {
  size_t size = strlen(path) + 1;
  char *name = malloc(size);
  if (!name) return NULL;
  memcpy(name, path, size);
  if (count > 1) {
    snprintf(name + size - 1 - SUFFIX_LENGTH, SUFFIX_LENGTH + 1, "-%05u-of-%05u.gguf",
             (unsigned)(number + 1) % 100000u, (unsigned)count % 100000u);
  }
  return name;
}

static bool find_part(model_part *part, uint32_t number, uint32_t count) {
  struct stat found;
  if (stat(part->path, &found) == 0) {
    part->size = (uint64_t)found.st_size;
    return true;
  }
  if (errno != ENOENT || count == 1) {
    report_file("open", part->path);
  } else {
    ink_error error;
    ink_fail(&error, INK_ERR_IO,
             "part %u of %u is missing: there is no '%s'; put all parts into one folder",
             (unsigned)number + 1, (unsigned)count, part->path);
    report(&error);
  }
  return false;
}

bool model_parts_find(model_parts *parts, const char *path) {
  uint32_t count = count_in_name(path);
  *parts = (model_parts){.parts = calloc(count, sizeof *parts->parts)};
  for (uint32_t i = 0; i < count; i++) {
    model_part *part = parts->parts ? &parts->parts[i] : NULL;
    if (part) part->path = part_path(path, i, count);
    if (!part || !part->path) {
      report(&(ink_error){INK_ERR_OUT_OF_MEMORY, "not enough memory for the files' names"});
      model_parts_free(parts);
      return false;
    }
    parts->n = i + 1;
    if (!find_part(part, i, count)) {
      model_parts_free(parts);
      return false;
    }
    parts->size += part->size;
  }
  return true;
}

void model_parts_free(model_parts *parts) {
  for (size_t i = 0; i < parts->n; i++) free(parts->parts[i].path);
  free(parts->parts);
  *parts = (model_parts){0};
}

ink_status model_parts_agree(const model_parts *parts, uint32_t count, ink_error *error) {
  if (parts->n == count) return INK_OK;
  return ink_fail(error, INK_ERR_BAD_MODEL,
                  "'%s' says that it is one of %u parts; they are found by names that end in "
                  "-00001-of-%05u.gguf",
                  parts->parts[0].path, (unsigned)count, (unsigned)count);
}

FILE *model_part_open(const model_part *part, ink_error *error) {
  if (part->size == 0) { /* 0 would mean "not known" to the readers */
    ink_fail(error, INK_ERR_NOT_GGUF, "the file '%s' is empty", part->path);
    return NULL;
  }
  FILE *file = fopen(part->path, "rb");
  if (!file) ink_fail(error, INK_ERR_IO, "can't open '%s': %s", part->path, strerror(errno));
  return file;
}

ink_status model_part_name(const model_part *part, ink_error *error) {
  ink_error found = *error;
  const char *path = part->path;
  size_t len = strlen(path);
  bool is_long = len > 160; /* its end is kept, and there is room for the rest */
  return ink_fail(error, found.code, "'%s%s': %s", is_long ? "..." : "",
                  is_long ? path + len - 160 : path, found.message);
}
