#include "base/task.h"

#include <stdarg.h>
#include <string.h>

#include "base/print.h"
#include "base/utf8.h"

enum {
  TASK_DEPTH = 500,          /* a level takes up to 1 KB, and Wasmtime's stack is 512 KB */
  TASK_STEPS = 40 * 1000000, /* about a second */
  TASK_MEMORY = 64 << 20,
  CHUNK_SIZE = 1 << 15,
  BLOCK_ALIGNMENT = 16,
};

typedef struct chunk {
  struct chunk *next;
  size_t size;
} chunk;

void ink_task_begin(ink_task *task, const ink_allocator *allocator, const char *subject,
                    ink_status limit_status, ink_error *error) {
  *task = (ink_task){.allocator = ink_allocator_or_default(allocator),
                     .error = error,
                     .limit_status = limit_status,
                     .subject = subject,
                     .depth = TASK_DEPTH,
                     .steps = TASK_STEPS,
                     .memory = TASK_MEMORY};
}

void ink_task_end(ink_task *task) {
  for (chunk *c = task->chunks; c;) {
    chunk *next = c->next;
    ink_release(&task->allocator, c, c->size);
    c = next;
  }
  task->chunks = NULL;
  task->free_begin = task->free_end = NULL;
}

void ink_task_fail(ink_task *task, ink_status status, const char *format, ...) {
  if (task->status != INK_OK) return;
  task->status = status;
  char message[320];
  va_list args;
  va_start(args, format);
  ink_print_list(message, sizeof message, format, args);
  va_end(args);
  if (task->line) {
    ink_fail(task->error, status, "%s, line %u: %s", task->subject, (unsigned)task->line, message);
  } else {
    ink_fail(task->error, status, "%s: %s", task->subject, message);
  }
}

static bool add_chunk(ink_task *task, size_t size) {
  size_t wanted = size > CHUNK_SIZE - BLOCK_ALIGNMENT ? size + BLOCK_ALIGNMENT : CHUNK_SIZE;
  if (wanted > task->memory) {
    ink_task_fail(task, task->limit_status, "takes too much memory");
    return false;
  }
  chunk *c;
  task->status = ink_allocate(&task->allocator, wanted, task->subject, &c, task->error);
  if (task->status != INK_OK) return false;
  *c = (chunk){task->chunks, wanted};
  task->chunks = c;
  task->memory -= wanted;
  task->free_begin = (uint8_t *)c + BLOCK_ALIGNMENT;
  task->free_end = (uint8_t *)c + wanted;
  return true;
}

static size_t round_up(size_t size) {
  return (size + BLOCK_ALIGNMENT - 1) & ~(size_t)(BLOCK_ALIGNMENT - 1);
}

void *ink_task_allocate(ink_task *task, size_t size) {
  _Static_assert(sizeof(chunk) <= BLOCK_ALIGNMENT, "a chunk's first block follows its header");
  if (task->status != INK_OK) return NULL;
  size = size > SIZE_MAX / 2 ? SIZE_MAX / 2 + 1 : round_up(size ? size : 1); /* too much stays too much */
  if ((size_t)(task->free_end - task->free_begin) < size && !add_chunk(task, size)) return NULL;
  void *block = task->free_begin;
  task->free_begin += size;
  return block;
}

void *ink_task_resize(ink_task *task, void *block, size_t old_size, size_t size) {
  if (task->status != INK_OK) return NULL;
  size_t old_rounded = round_up(old_size);
  if (size <= old_rounded && block) return block;
  uint8_t *end = block ? (uint8_t *)block + old_rounded : NULL;
  if (end && end == task->free_begin &&
      size - old_rounded <= (size_t)(task->free_end - task->free_begin)) {
    task->free_begin += round_up(size - old_rounded);
    return block;
  }
  void *grown = ink_task_allocate(task, size);
  if (grown && old_size) memcpy(grown, block, old_size);
  return grown;
}

bool ink_task_step(ink_task *task, uint64_t steps) {
  if (task->status != INK_OK) return false;
  if (steps > task->steps) {
    ink_task_fail(task, task->limit_status, "does not end: %d million steps were not enough",
                  TASK_STEPS / 1000000);
    return false;
  }
  task->steps -= steps;
  return true;
}

bool ink_task_enter(ink_task *task) {
  if (task->status != INK_OK) return false;
  if (task->depth == 0) {
    ink_task_fail(task, task->limit_status, "is nested or recurses too deeply");
    return false;
  }
  task->depth--;
  return true;
}

void ink_task_leave(ink_task *task) { task->depth++; }

void ink_task_buffer_put(ink_task *task, ink_task_buffer *buffer, const char *bytes, size_t n) {
  if (n == 0) return;
  size_t needed = buffer->len + n;
  if (needed > buffer->capacity) {
    size_t capacity = needed < 32 ? 64 : needed * 2;
    char *grown = ink_task_resize(task, buffer->data, buffer->capacity, capacity);
    if (!grown) return;
    buffer->data = grown;
    buffer->capacity = capacity;
  }
  memcpy(buffer->data + buffer->len, bytes, n);
  buffer->len = needed;
}

void ink_task_buffer_put_str(ink_task *task, ink_task_buffer *buffer, const char *text) {
  ink_task_buffer_put(task, buffer, text, strlen(text));
}

void ink_task_buffer_put_char(ink_task *task, ink_task_buffer *buffer, char c) {
  ink_task_buffer_put(task, buffer, &c, 1);
}

void ink_task_buffer_put_code_point(ink_task *task, ink_task_buffer *buffer, uint32_t code_point) {
  char bytes[4];
  ink_task_buffer_put(task, buffer, bytes, ink_utf8_encode(code_point, bytes));
}
