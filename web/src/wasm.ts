/** Getting the WebAssembly module: its exports as declared in exports.h, and its instantiation. */
import { InklingError, reasonOf } from './errors.js';

/** Pointers and sizes come as signed 32-bit numbers: make them unsigned with `>>> 0` before use. */
export interface WasmExports {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  inkjs_allocate(size: number): number;
  inkjs_release(pointer: number): void;
  inkjs_model_create(): number;
  inkjs_model_destroy(model: number): void;
  inkjs_session_create(model: number, nCtx: number, kvType: number): number;
  inkjs_session_destroy(session: number): void;
  inkjs_error_code(handle: number): number;
  inkjs_error_message(handle: number): number;
  inkjs_load_begin(model: number, kernels: number, size: number, vocabularyOnly: number): number;
  inkjs_load_buffer(model: number): number;
  inkjs_buffer(model: number): number;
  inkjs_buffer_size(model: number): number;
  inkjs_load_commit(model: number, n: number): number;
  inkjs_load_is_complete(model: number): number;
  inkjs_load_n_parts(model: number): number;
  inkjs_load_part_is_complete(model: number): number;
  inkjs_load_next_part(model: number, size: number): number;
  inkjs_load_finish(model: number): number;
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
  inkjs_session_length(session: number): number;
  inkjs_session_capacity(session: number): number;
  inkjs_score_begin(session: number, tokens: number, n: number): number;
  inkjs_score_step(session: number, maxTokens: number): number;
  inkjs_score_done(session: number): number;
  inkjs_score_nll(session: number): number;
}

/** A function that runs one SIMD instruction: (func (result v128) i32.const 0 i8x16.splat i8x16.popcnt). */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/** What is used of node:fs. */
interface NodeFiles {
  readFileSync(url: URL): Uint8Array<ArrayBuffer>;
  openAsBlob(url: URL): Promise<Blob>;
}

/** Node's file reading, where there is Node; reached in a way that no bundler takes for an import. */
export function nodeFiles(): NodeFiles | undefined {
  type Process = { getBuiltinModule?: (name: string) => unknown };
  return (globalThis as { process?: Process }).process?.getBuiltinModule?.('node:fs') as NodeFiles | undefined;
}

/** The engine's module, freshly instantiated. Rejects with an InklingError. */
export async function instantiate(): Promise<WasmExports> {
  if (typeof WebAssembly !== 'object' || !WebAssembly.validate(SIMD_PROBE)) {
    throw new InklingError(
      'INK_ERR_UNSUPPORTED_HOST',
      'This browser has no WebAssembly SIMD, which the engine needs. Chrome and Edge have it from version 91, ' +
        'Firefox from 89, Safari from 16.4.',
    );
  }
  // Called after each growth; views are made anew from `memory.buffer` at each use, so there is nothing to do.
  const imports = { env: { emscripten_notify_memory_growth: () => {} } };
  const { instance } = await compile(new URL('./inkling.wasm', import.meta.url), imports);
  const exports = instance.exports as unknown as WasmExports;
  exports._initialize();
  return exports;
}

async function compile(url: URL, imports: WebAssembly.Imports): Promise<WebAssembly.WebAssemblyInstantiatedSource> {
  const files = url.protocol === 'file:' ? nodeFiles() : undefined;
  if (files) return WebAssembly.instantiate(files.readFileSync(url), imports);
  const response = await fetchWasm(url);
  try {
    // Streaming refuses other content types, which some static servers send.
    return response.headers.get('content-type')?.startsWith('application/wasm')
      ? await WebAssembly.instantiateStreaming(response, imports)
      : await WebAssembly.instantiate(await response.arrayBuffer(), imports);
  } catch (cause) {
    const code = cause instanceof RangeError ? 'INK_ERR_OUT_OF_MEMORY' : 'INK_ERR_CRASHED';
    throw new InklingError(code, `The engine's module could not be started: ${reasonOf(cause)}`, { cause });
  }
}

async function fetchWasm(url: URL): Promise<Response> {
  let response;
  try {
    response = await fetch(url, { credentials: 'same-origin' });
  } catch (cause) {
    throw new InklingError('INK_ERR_IO', `The engine's module could not be fetched from ${url}: ${reasonOf(cause)}`, { cause });
  }
  if (!response.ok) {
    throw new InklingError('INK_ERR_IO', `The engine's module could not be fetched: ${url} answered ${response.status}`, {
      httpStatus: response.status,
    });
  }
  return response;
}
