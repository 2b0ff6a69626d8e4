/** Getting the WebAssembly module: its exports as declared in exports.h, and its instantiation. */
import { InklingError, reasonOf } from './errors.js';
import type { Level } from './level.js';
import { nodeModule } from './node.js';
import type { OpenThread } from './open-thread.js';
import { sleepOn } from './thread-protocol.js';
import { Threads } from './threads.js';

/** The end of a 32-bit address space: no instance can have more. */
const MAX_MEMORY_BYTES = 2 ** 32;

/** Pointers and sizes come as signed 32-bit numbers: make them unsigned with `>>> 0` before use. */
export interface WasmExports {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  inkjs_allocate(size: number): number;
  inkjs_release(pointer: number): void;
  inkjs_model_create(): number;
  inkjs_session_create(model: number, nCtx: number, kvType: number, nThreads: number, threadsOf: number): number;
  inkjs_session_copy(to: number, from: number): number;
  inkjs_session_choose_threads(session: number): number;
  inkjs_session_threads(session: number): number;
  inkjs_session_kv_type(session: number): number;
  inkjs_session_destroy(session: number): void;
  inkjs_error_code(handle: number): number;
  inkjs_error_message(handle: number): number;
  inkjs_load_begin(model: number, kernels: number, size: number, extent: number): number;
  inkjs_load_buffer(model: number): number;
  inkjs_buffer(model: number): number;
  inkjs_buffer_size(model: number): number;
  inkjs_load_commit(model: number, n: number): number;
  inkjs_load_is_complete(model: number): number;
  inkjs_load_n_parts(model: number): number;
  inkjs_load_part_is_complete(model: number): number;
  inkjs_load_next_part(model: number, size: number): number;
  inkjs_load_finish(model: number): number;
  inkjs_adapter_begin(model: number, size: number): number;
  inkjs_adapter_finish(model: number): number;
  inkjs_adapter_destroy(adapter: number): void;
  inkjs_adapter_info(adapter: number, field: number): number;
  inkjs_session_set_adapters(session: number, adapters: number, scales: number, n: number): number;
  inkjs_sha256_begin(model: number): void;
  inkjs_sha256_update(model: number, bytes: number, n: number): void;
  inkjs_sha256_finish(model: number): number;
  inkjs_has_info(model: number): number;
  inkjs_info_string(model: number, field: number): number;
  inkjs_info_number(model: number, field: number): number;
  inkjs_memory_needed(model: number, nCtx: number, kvType: number): number;
  inkjs_result(model: number): number;
  inkjs_result_length(model: number): number;
  inkjs_tokenize(model: number, text: number, length: number, flags: number): number;
  inkjs_detokenize(model: number, tokens: number, n: number): number;
  inkjs_token_pieces(model: number, tokens: number, n: number): number;
  inkjs_apply_chat_template(
    model: number, chatTemplate: number, chatTemplateLength: number, json: number, jsonLength: number, now: number,
  ): number;
  inkjs_generation_reset(session: number): void;
  inkjs_generation_set(session: number, option: number, value: number): number;
  inkjs_generation_add_stop(session: number, stop: number): number;
  inkjs_generation_begin(session: number, prompt: number, n: number): number;
  inkjs_generation_step(session: number, maxPrefill: number): number;
  inkjs_step_number(session: number, field: number): number;
  inkjs_step_text(session: number): number;
  inkjs_embed_begin(session: number, tokens: number, n: number, pooling: number, normalize: boolean): number;
  inkjs_embedding(session: number): number;
  inkjs_session_length(session: number): number;
  inkjs_session_capacity(session: number): number;
  inkjs_score_begin(session: number, tokens: number, n: number): number;
  inkjs_score_step(session: number, maxTokens: number): number;
  inkjs_score_done(session: number): number;
  inkjs_score_nll(session: number): number;
}

/** What is used of node:fs. */
interface NodeFiles {
  readFileSync(url: URL): Uint8Array<ArrayBuffer>;
  openAsBlob(url: URL): Promise<Blob>;
}

/** Node's file reading, where there is Node. */
export function nodeFiles(): NodeFiles | undefined {
  return nodeModule('fs');
}

/** An instance, and the threads that go with it. */
export interface Instance {
  exports: WasmExports;
  /** Bytes that its memory may grow to. */
  memoryLimit: number;
  /** They wait for start() if there are to be any. */
  threads: Threads | undefined;
  startThreads: () => void;
  /** Why there is only one thread; '' when there may be more. */
  whyOneThread: string;
}

/** The level's module, freshly instantiated. nThreads: 0 for what may be of use. Rejects with an InklingError. */
export async function instantiate(level: Level, nThreads: number, openThread?: OpenThread): Promise<Instance> {
  const plan = Threads.plan(nThreads, openThread);
  if (typeof plan === 'string') return instantiateAlone(level, plan);
  let module;
  try {
    module = await compile(level.threads);
  } catch (error) {
    return instantiateAlone(level, `the module with threads is not to be had: ${reasonOf(error)}`);
  }
  const env = {
    memory: plan.memory,
    ink_thread_sleep: sleepOn(plan.memory),
    ink_thread_spawn: (thread: number, stackTop: number) => plan.spawn(thread, stackTop),
    inkjs_now: () => performance.now(),
  };
  const exports = { ...(await start(module, env)), memory: plan.memory };
  return { exports, memoryLimit: plan.memoryLimit, threads: plan, startThreads: () => plan.start(module), whyOneThread: '' };
}

async function instantiateAlone(level: Level, whyOneThread: string): Promise<Instance> {
  const exports = await start(await compile(level.single), {});
  return { exports, memoryLimit: MAX_MEMORY_BYTES, threads: undefined, startThreads: () => {}, whyOneThread };
}

async function start(module: WebAssembly.Module, env: WebAssembly.ModuleImports): Promise<WasmExports> {
  // Called after each growth; views are made anew from `memory.buffer` at each use, so there is nothing to do.
  const emscripten_notify_memory_growth = () => {};
  const instance = await WebAssembly.instantiate(module, { env: { ...env, emscripten_notify_memory_growth } }).catch(startFailed);
  const exports = instance.exports as unknown as WasmExports;
  exports._initialize();
  return exports;
}

function startFailed(cause: unknown): never {
  const code = cause instanceof RangeError ? 'INK_ERR_OUT_OF_MEMORY' : 'INK_ERR_CRASHED';
  throw new InklingError(code, `The engine's module could not be started: ${reasonOf(cause)}`, { cause });
}

/**
 * Compiles all at once. Firefox (140) never ends a streaming compilation whose worker is terminated while the module comes,
 * and until the tab's process ends no other one there either, but those that their thread waits for; of modules of this
 * size, compiling while they come gains nothing.
 */
async function compile(url: URL): Promise<WebAssembly.Module> {
  const files = url.protocol === 'file:' ? nodeFiles() : undefined;
  const bytes = files ? files.readFileSync(url) : await fetchWasm(url);
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    return startFailed(cause);
  }
}

async function fetchWasm(url: URL): Promise<ArrayBuffer> {
  let response;
  let bytes;
  try {
    response = await fetch(url, { credentials: 'same-origin' });
    bytes = await response.arrayBuffer();
  } catch (cause) {
    throw new InklingError('INK_ERR_IO', `The engine's module could not be fetched from ${url}: ${reasonOf(cause)}`, { cause });
  }
  if (!response.ok) {
    throw new InklingError('INK_ERR_IO', `The engine's module could not be fetched: ${url} answered ${response.status}`, {
      httpStatus: response.status,
    });
  }
  return bytes;
}
