#include "base/thread.h"

#if INK_HAS_PTHREADS
#include <unistd.h>
#endif

/* How often a thread looks before it sleeps: for 50 to 100 microseconds. Waking one takes about as
 * long through a browser; and with ten, decoding on two threads gains nothing there. A look is
 * longer where it pauses. */
#if defined(__x86_64__)
#define SPINS 5000
#else
#define SPINS 100000
#endif

static inline void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/* ---- Gates ---------------------------------------------------------------------------------- */

void ink_gate_init(ink_gate *gate, uint32_t value) {
  atomic_init(&gate->value, value);
  atomic_init(&gate->n_asleep, 0);
  atomic_init(&gate->broken, false);
#if INK_HAS_PTHREADS
  pthread_mutex_init(&gate->mutex, NULL);
  pthread_cond_init(&gate->changed, NULL);
#endif
}

void ink_gate_destroy(ink_gate *gate) {
#if INK_HAS_PTHREADS
  pthread_cond_destroy(&gate->changed);
  pthread_mutex_destroy(&gate->mutex);
#else
  (void)gate;
#endif
}

#if INK_HAS_PTHREADS

static void sleep_while(ink_gate *gate, uint32_t seen) {
  pthread_mutex_lock(&gate->mutex);
  atomic_fetch_add(&gate->n_asleep, 1);
  while (ink_gate_value(gate) == seen) pthread_cond_wait(&gate->changed, &gate->mutex);
  atomic_fetch_sub(&gate->n_asleep, 1);
  pthread_mutex_unlock(&gate->mutex);
}

static void wake_all(ink_gate *gate) {
  pthread_mutex_lock(&gate->mutex);
  pthread_cond_broadcast(&gate->changed);
  pthread_mutex_unlock(&gate->mutex);
}

#elif INK_HAS_THREADS

/* Atomics.wait(), by the host: returns when woken, now and then without a reason, and at once when
 * *word is not `seen`. The instruction for it is not used because V8 11.3 (Node.js 20, Chrome 113)
 * forgets a caller's variables across it, in its baseline compiler. */
__attribute__((import_module("env"), import_name("ink_thread_sleep"))) void
ink_thread_sleep(atomic_uint *word, uint32_t seen);

static void sleep_while(ink_gate *gate, uint32_t seen) {
  atomic_fetch_add(&gate->n_asleep, 1);
  while (ink_gate_value(gate) == seen) {
    if (atomic_load(&gate->broken)) __builtin_trap();
    ink_thread_sleep(&gate->value, seen);
  }
  atomic_fetch_sub(&gate->n_asleep, 1);
}

static void wake_all(ink_gate *gate) {
  __builtin_wasm_memory_atomic_notify((int *)&gate->value, UINT32_MAX);
}

#else

/* Nobody is there who could wait, or be waited for. */
static void sleep_while(ink_gate *gate, uint32_t seen) { (void)gate, (void)seen; }
static void wake_all(ink_gate *gate) { (void)gate; }

#endif

void ink_gate_set(ink_gate *gate, uint32_t value) {
  atomic_store(&gate->value, value);
  if (atomic_load(&gate->n_asleep) > 0) wake_all(gate);
}

uint32_t ink_gate_await(ink_gate *gate, uint32_t seen) {
  for (int i = 0; i < SPINS; i++) {
    if (ink_gate_value(gate) != seen) return ink_gate_value(gate);
    pause_briefly();
  }
  sleep_while(gate, seen);
  return ink_gate_value(gate);
}

/* ---- Threads -------------------------------------------------------------------------------- */

#if INK_HAS_PTHREADS

static void *enter(void *context) {
  ink_thread *thread = context;
  thread->run(thread->context);
  return NULL;
}

bool ink_thread_start(ink_thread *thread) {
  return pthread_create(&thread->handle, NULL, enter, thread) == 0;
}

void ink_thread_join(ink_thread *thread) { pthread_join(thread->handle, NULL); }

uint32_t ink_processor_count(void) {
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n > 1 ? (uint32_t)n : 1;
}

#elif INK_HAS_THREADS

/* The host has a worker set its stack pointer to `stack_top` and call ink_thread_enter(thread), at
 * once or later; 0: it has none left. */
__attribute__((import_module("env"), import_name("ink_thread_spawn"))) int
ink_thread_spawn(ink_thread *thread, void *stack_top);

__attribute__((export_name("ink_thread_enter"))) void ink_thread_enter(ink_thread *thread);
__attribute__((export_name("ink_thread_break"))) void ink_thread_break(ink_thread *thread);

/* Whoever joins may release *thread and the stack as soon as the gate is set. What is still done
 * here then only reads, and WebAssembly's memory never goes away. */
void ink_thread_enter(ink_thread *thread) {
  thread->run(thread->context);
  ink_gate_set(&thread->ended, 1);
}

/* The worker calls this when ink_thread_enter() trapped. */
void ink_thread_break(ink_thread *thread) {
  atomic_store(&thread->awaited->broken, true);
  wake_all(thread->awaited);
}

bool ink_thread_start(ink_thread *thread) {
  ink_gate_init(&thread->ended, 0);
  return ink_thread_spawn(thread, thread->stack + INK_THREAD_STACK) != 0;
}

void ink_thread_join(ink_thread *thread) {
  ink_gate_await(&thread->ended, 0);
  ink_gate_destroy(&thread->ended);
}

#else

bool ink_thread_start(ink_thread *thread) {
  (void)thread;
  return false;
}

void ink_thread_join(ink_thread *thread) { (void)thread; }

#endif

#if !INK_HAS_PTHREADS
uint32_t ink_processor_count(void) { return 1; } /* only the host knows */
#endif
