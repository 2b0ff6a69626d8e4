#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static void *default_allocate(void *context, size_t size, size_t alignment) {
  (void)context;
  return aligned_alloc(alignment, size); /* ink_allocate() makes size a multiple of alignment */
}

static void default_release(void *context, void *pointer, size_t size) {
  (void)context;
  (void)size;
  free(pointer);
}

ink_allocator ink_allocator_or_default(const ink_allocator *allocator) {
  if (allocator) return *allocator;
  return (ink_allocator){NULL, default_allocate, default_release};
}

uint64_t ink_align_up(uint64_t size) {
  uint64_t mask = INK_ALIGNMENT - 1;
  return size > UINT64_MAX - mask ? UINT64_MAX : (size + mask) & ~mask;
}

ink_status ink_allocate(const ink_allocator *allocator, uint64_t size, const char *what,
                        void *pointer_out, ink_error *error) {
  uint64_t rounded = ink_align_up(size ? size : 1);
  void *pointer = NULL;
  /* Some allocators misbehave near the end of the address space. */
  if (rounded <= SIZE_MAX - (SIZE_MAX >> 8)) {
    pointer = allocator->allocate(allocator->context, (size_t)rounded, INK_ALIGNMENT);
  }
  memcpy(pointer_out, &pointer, sizeof pointer);
  return pointer ? INK_OK : ink_fail_memory(error, size, what);
}

void ink_release(const ink_allocator *allocator, void *pointer, size_t size) {
  if (pointer) {
    allocator->release(allocator->context, pointer, (size_t)ink_align_up(size ? size : 1));
  }
}

void *ink_carve(ink_arena *arena, uint64_t count, uint64_t size) {
  uint64_t bytes = size && count > UINT64_MAX / size ? UINT64_MAX : ink_align_up(count * size);
  void *result = arena->base ? arena->base + arena->used : NULL;
  arena->used = bytes > UINT64_MAX - arena->used ? UINT64_MAX : arena->used + bytes;
  return result;
}
