/* A bounded piece of work on text that somebody else wrote: its memory, its budget of steps and of
 * nesting, and its first failure.
 *
 * Failure is sticky. Once `status` is set, every function that takes the task does nothing and
 * returns something empty, so that code which works on it looks at `status` only where it loops. */
#ifndef INK_BASE_TASK_H
#define INK_BASE_TASK_H

#include "base/memory.h"

typedef struct ink_task {
  ink_allocator allocator;
  ink_status status; /* of the first failure */
  ink_error *error;  /* the caller's, may be NULL */
  ink_status limit_status; /* what reaching one of the limits below is reported as */
  const char *subject; /* for messages: "the chat template" */
  uint32_t line;     /* of the subject, being worked on; 0: not known */
  uint32_t depth;    /* levels of nesting that may still be entered */
  uint64_t steps;    /* that may still be taken; a step is some ten nanoseconds of work */
  uint64_t memory;   /* bytes that may still be taken */
  void *chunks;      /* what was taken, newest first */
  uint8_t *free_begin, *free_end; /* the rest of the newest chunk */
} ink_task;

void ink_task_begin(ink_task *task, const ink_allocator *allocator, const char *subject,
                    ink_status limit_status, ink_error *error);

/* Releases everything that was allocated. */
void ink_task_end(ink_task *task);

/* Records a failure unless there was one before: "SUBJECT, line N: MESSAGE". */
void ink_task_fail(ink_task *task, ink_status status, const char *format, ...) INK_PRINTF(3, 4);

/* Memory that lives as long as the task, for any type, uninitialised. NULL after a failure. */
void *ink_task_allocate(ink_task *task, size_t size);

/* The block, grown to `size` bytes: in place when it is the newest, else copied. */
void *ink_task_resize(ink_task *task, void *block, size_t old_size, size_t size);

/* Counts work; false when the task has failed or just used up its steps. */
bool ink_task_step(ink_task *task, uint64_t steps);

/* Enters a level of nesting; false, with a failure, when there are too many. Else
 * ink_task_leave() has to follow. */
bool ink_task_enter(ink_task *task);
void ink_task_leave(ink_task *task);

/* Text that grows, in a task's memory. */
typedef struct ink_task_buffer {
  char *data;
  size_t len, capacity;
} ink_task_buffer;

void ink_task_buffer_put(ink_task *task, ink_task_buffer *buffer, const char *bytes, size_t n);
void ink_task_buffer_put_str(ink_task *task, ink_task_buffer *buffer, const char *text);
void ink_task_buffer_put_char(ink_task *task, ink_task_buffer *buffer, char c);
void ink_task_buffer_put_code_point(ink_task *task, ink_task_buffer *buffer, uint32_t code_point);

#endif
