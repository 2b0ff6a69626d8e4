/* Threads, and gates for them to wait at. Natively these are the system's. In WebAssembly a thread
 * is a worker of the host's that runs the same module on the same memory, where the build allows
 * for it. */
#ifndef INK_BASE_THREAD_H
#define INK_BASE_THREAD_H

#include <stdatomic.h>

#include "base/memory.h"

#if defined(__wasm__) && !defined(__wasm_atomics__)
#define INK_HAS_THREADS 0 /* the functions below are there, and no thread can be started */
#else
#define INK_HAS_THREADS 1
#endif
#if !defined(__wasm__)
#define INK_HAS_PTHREADS 1
#include <pthread.h>
#else
#define INK_HAS_PTHREADS 0
#endif

/* ---- Gates ---------------------------------------------------------------------------------- */

/* A number, and the threads that wait for it to change: awake for some 50 microseconds, then
 * asleep. */
typedef struct ink_gate {
  atomic_uint value;
  atomic_uint n_asleep;
  atomic_bool broken; /* a thread that should have set it is dead; see ink_thread */
#if INK_HAS_PTHREADS
  pthread_mutex_t mutex;
  pthread_cond_t changed;
#endif
} ink_gate;

void ink_gate_init(ink_gate *gate, uint32_t value);
void ink_gate_destroy(ink_gate *gate); /* nobody waits at it any more */

static inline uint32_t ink_gate_value(ink_gate *gate) { return atomic_load(&gate->value); }

/* What the setting thread wrote before, those that see the value see too. */
void ink_gate_set(ink_gate *gate, uint32_t value);

/* Returns a value other than `seen`, as soon as there is one. */
uint32_t ink_gate_await(ink_gate *gate, uint32_t seen);

/* ---- Threads -------------------------------------------------------------------------------- */

/* Bytes of a thread's stack that whoever starts it must provide; 0: the system does. */
#if defined(__wasm_atomics__)
#define INK_THREAD_STACK (256u << 10)
#else
#define INK_THREAD_STACK 0u
#endif

typedef struct ink_thread {
  void (*run)(void *context);
  void *context;
  /* Where others wait for what the thread does. In WebAssembly a thread that traps dies alone: then
   * those who wait there trap as well, rather than wait for ever. */
  ink_gate *awaited;
  uint8_t *stack; /* [INK_THREAD_STACK], in use until joined */
#if INK_HAS_PTHREADS
  pthread_t handle;
#else
  ink_gate ended; /* 1: it has */
#endif
} ink_thread;

/* False when no thread is to be had. *thread, filled in but for the last field, stays where it is
 * until joined. */
bool ink_thread_start(ink_thread *thread);
void ink_thread_join(ink_thread *thread);

#endif
