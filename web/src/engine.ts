/** One model and its sessions in one WebAssembly instance, behind methods that speak JavaScript. */
import * as c from './constants.js';
import { InklingError } from './errors.js';
import type { ChosenLevel } from './level.js';
import type { OpenThread } from './open-thread.js';
import { type AdapterUses, type ChatInput, MAIN_SESSION, type Results, type Sampling, type SessionInfo, type TextInput } from './protocol.js';
import type { AdapterInfo, ModelInfo } from './types.js';
import { type Instance, type WasmExports, instantiate } from './wasm.js';

const OPTIONS = [
  ['temperature', c.INKJS_OPTION_TEMPERATURE],
  ['topK', c.INKJS_OPTION_TOP_K],
  ['topP', c.INKJS_OPTION_TOP_P],
  ['minP', c.INKJS_OPTION_MIN_P],
  ['repeatPenalty', c.INKJS_OPTION_REPEAT_PENALTY],
  ['seed', c.INKJS_OPTION_SEED],
  ['maxTokens', c.INKJS_OPTION_MAX_TOKENS],
  ['contextShift', c.INKJS_OPTION_CONTEXT_SHIFT],
  ['keepTokens', c.INKJS_OPTION_KEEP_TOKENS],
  ['draft', c.INKJS_OPTION_DRAFT],
] as const;

/** By ink_pooling. */
const POOLINGS = ['none', 'mean', 'cls', 'last', 'rank'] as const;

/** What one step of a generation gave; see ink_step in inkling.h. */
export interface Step {
  kind: number;
  finish: number;
  /** -1 when there is none. */
  token: number;
  /** Whole characters. */
  text: string;
  promptDone: number;
  promptTotal: number;
  generated: number;
  drafted: number;
  accepted: number;
}

/** A step with nothing to show. */
const NOTHING_YET: Step = {
  kind: c.INK_STEP_PREFILL, finish: 0, token: -1, text: '', promptDone: 0, promptTotal: 0, generated: 0, drafted: 0, accepted: 0,
};

/**
 * Every method is synchronous and may throw an InklingError; anything else that it throws means that the
 * instance is broken. There is no way to free one but its threads: drop all references and it is collected.
 */
export class Engine {
  readonly #instance: Instance;
  readonly #wasm: WasmExports;
  /** As asked for; 0: what is fastest. */
  readonly #askedThreads: number;
  #whyOneThread: string;
  readonly #model: number;
  /** Their handles, by the numbers that the page knows; none with `vocabularyOnly`. */
  readonly #sessions = new Map<number, number>();
  /** Likewise, those that are disposed of but in use too. */
  readonly #adapters = new Map<number, number>();
  readonly #disposedAdapters = new Set<number>();
  /** What each session uses. */
  readonly #uses = new Map<number, AdapterUses>();
  /** Of the main session: INK_KV_… */
  #kvType = 0;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  private constructor(instance: Instance, nThreads: number) {
    this.#instance = instance;
    this.#wasm = instance.exports;
    this.#whyOneThread = instance.whyOneThread;
    this.#askedThreads = nThreads;
    this.#model = this.#wasm.inkjs_model_create() >>> 0;
    if (this.#model === 0) throw outOfMemory();
  }

  /** nThreads: 0 for as many as are fastest. */
  static async create({ level, spare }: ChosenLevel, nThreads: number, openThread?: OpenThread): Promise<Engine> {
    const instance = await instantiate(level, nThreads, openThread).catch((error: unknown) => {
      if (!spare || (error as InklingError).code !== 'INK_ERR_IO') throw error;
      return instantiate(spare, nThreads, openThread).catch(() => {
        throw error;
      });
    });
    return new Engine(instance, nThreads);
  }

  /** Ends its threads; there must be no call afterwards. */
  close(): void {
    this.#instance.threads?.close();
  }

  // ---- Loading ----

  /** kernels: '' for the fastest. size in bytes, 0 when not known. extent: INKJS_LOAD_… */
  beginLoad(kernels: string, size: number, extent: number): void {
    this.#withText(`${kernels}\0`, (text) => {
      const name = kernels ? text : 0;
      this.#check(this.#model, this.#wasm.inkjs_load_begin(this.#model, name, size, extent));
    });
  }

  /** How many files the model is in; 0 until the first one's header has been read. */
  partCount(): number {
    return this.#wasm.inkjs_load_n_parts(this.#model) >>> 0;
  }

  /** After a part's end. size in bytes, 0 when not known. */
  nextPart(size: number): void {
    this.#check(this.#model, this.#wasm.inkjs_load_next_part(this.#model, size));
  }

  /**
   * Copies the file's next bytes straight to the places where they stay. True: the model needs no more of it. hash: they
   * count for the hash that was begun, those that are not needed too.
   */
  write(bytes: Uint8Array, hash: boolean): boolean {
    let offset = 0;
    while (offset < bytes.length && !this.#isPartComplete()) {
      this.#check(this.#model, this.#wasm.inkjs_load_buffer(this.#model));
      const room = this.#wasm.inkjs_buffer_size(this.#model) >>> 0;
      const n = Math.min(room, bytes.length - offset);
      const place = this.#wasm.inkjs_buffer(this.#model);
      this.#bytes(place, n).set(bytes.subarray(offset, offset + n));
      if (hash) this.#wasm.inkjs_sha256_update(this.#model, place, n);
      this.#check(this.#model, this.#wasm.inkjs_load_commit(this.#model, n));
      offset += n;
    }
    if (hash && offset < bytes.length) {
      const rest = bytes.subarray(offset);
      this.#withBytes(rest, (place) => this.#wasm.inkjs_sha256_update(this.#model, place, rest.length));
    }
    return this.#isPartComplete();
  }

  /** Of the bytes that are written from now on. */
  beginHash(): void {
    this.#wasm.inkjs_sha256_begin(this.#model);
  }

  /** Their SHA-256 in lower-case hexadecimal. */
  finishHash(): string {
    this.#check(this.#model, this.#wasm.inkjs_sha256_finish(this.#model));
    const digest = this.#bytes(this.#wasm.inkjs_result(this.#model), this.#resultLength());
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  /**
   * Throws INK_ERR_OUT_OF_MEMORY when the model can't ever fit with that context, which is known once its header
   * has been read: better than at the end of a long download.
   */
  checkMemory(contextLength: number, kvType: number): void {
    if (!this.knowsModel()) return;
    const limit = this.#instance.memoryLimit;
    const needed = this.memoryNeeded(contextLength, kvType);
    if (needed <= limit) return;
    const gib = (bytes: number) => Number((bytes / 2 ** 30).toFixed(1));
    throw new InklingError(
      'INK_ERR_OUT_OF_MEMORY',
      `The model with its context needs ${gib(needed)} GiB; WebAssembly has ${gib(limit)}. Use a shorter context or a smaller model` +
        `${limit < 2 ** 32 ? ', or one thread, for which there may be more memory' : ''}.`,
    );
  }

  /** Bytes, of the model with its context; once its header has been read. */
  memoryNeeded(contextLength: number, kvType: number): number {
    return this.#wasm.inkjs_memory_needed(this.#model, contextLength, kvType);
  }

  /** All of the instance's memory, in bytes. */
  get memoryBytes(): number {
    return this.#wasm.memory.buffer.byteLength;
  }

  /** Bytes that there is address space for. */
  get memoryLimit(): number {
    return this.#instance.memoryLimit;
  }

  /** The file's header has been read. */
  knowsModel(): boolean {
    return this.#wasm.inkjs_has_info(this.#model) !== 0;
  }

  /** Once it is likely that they will be needed: workers take a while to start. */
  startThreads(): void {
    this.#instance.startThreads();
  }

  /** After a source's last byte. True: the model needs no more. */
  endPart(): boolean {
    if (!this.#isPartComplete()) {
      this.#check(this.#model, this.#wasm.inkjs_load_buffer(this.#model));
      this.#check(this.#model, this.#wasm.inkjs_load_commit(this.#model, 0)); // says what is missing
    }
    return this.#wasm.inkjs_load_is_complete(this.#model) !== 0;
  }

  /** After the last part. */
  finishLoad(): void {
    this.#check(this.#model, this.#wasm.inkjs_load_finish(this.#model));
  }

  /** After threadsReady(). Makes generating and scoring possible. contextLength in tokens, 0 for the default; kvType: INK_KV_… */
  openSession(contextLength: number, kvType: number, nThreads: number): void {
    const session = this.#createSession(MAIN_SESSION, contextLength, kvType, nThreads, 0);
    this.#kvType = kvType;
    if (nThreads > 1 && this.#askedThreads === 0) this.#chooseThreads(session);
  }

  #createSession(number: number, contextLength: number, kvType: number, nThreads: number, threadsOf: number): number {
    const session = this.#wasm.inkjs_session_create(this.#model, contextLength, kvType, nThreads, threadsOf) >>> 0;
    if (session === 0) throw this.#errorOf(this.#model);
    this.#sessions.set(number, session);
    return session;
  }

  #chooseThreads(session: number): void {
    this.#check(session, this.#wasm.inkjs_session_choose_threads(session));
    const chosen = this.#wasm.inkjs_session_threads(session);
    this.#instance.threads?.keep(chosen);
    if (chosen === 1) this.#whyOneThread = 'more were not faster when tried';
  }

  /** How many there are. */
  async threadsReady(): Promise<number> {
    const { threads } = this.#instance;
    if (!threads) return 1;
    const count = await threads.ready();
    if (count === 1) this.#whyOneThread = threads.problem;
    return count;
  }

  #isPartComplete(): boolean {
    return this.#wasm.inkjs_load_part_is_complete(this.#model) !== 0;
  }

  info(): Omit<ModelInfo, 'cached' | 'cacheError'> {
    const main = this.#sessions.get(MAIN_SESSION);
    const text = (field: number) => this.#string(this.#wasm.inkjs_info_string(this.#model, field));
    const number = (field: number) => this.#wasm.inkjs_info_number(this.#model, field);
    return {
      architecture: text(c.INKJS_STRING_ARCHITECTURE),
      name: text(c.INKJS_STRING_NAME),
      tokenizer: text(c.INKJS_STRING_TOKENIZER),
      quantization: text(c.INKJS_STRING_QUANTIZATION),
      kernels: text(c.INKJS_STRING_KERNELS),
      threads: main ? this.#wasm.inkjs_session_threads(main) : 1,
      whyOneThread: this.#whyOneThread,
      parameterCount: number(c.INKJS_NUMBER_N_PARAMS),
      weightBytes: number(c.INKJS_NUMBER_WEIGHT_BYTES),
      memoryBytes: this.memoryBytes,
      vocabularySize: number(c.INKJS_NUMBER_N_VOCAB),
      contextLength: main ? this.#wasm.inkjs_session_capacity(main) : 0,
      trainedContextLength: number(c.INKJS_NUMBER_N_CTX_TRAIN),
      embeddingLength: number(c.INKJS_NUMBER_N_EMBD),
      layerCount: number(c.INKJS_NUMBER_N_LAYER),
      headCount: number(c.INKJS_NUMBER_N_HEAD),
      keyValueHeadCount: number(c.INKJS_NUMBER_N_HEAD_KV),
      feedForwardLength: number(c.INKJS_NUMBER_N_FF),
      addsBos: number(c.INKJS_NUMBER_ADD_BOS) !== 0,
      hasChatFormat: number(c.INKJS_NUMBER_HAS_CHAT_FORMAT) !== 0,
      pooling: POOLINGS[number(c.INKJS_NUMBER_POOLING)] ?? 'unknown',
    };
  }

  // ---- Sessions ----

  /** Besides the main one. contextLength 0, kvType -1 and no adapters: as that has them. */
  addSession(number: number, contextLength: number, kvType: number, adapters = this.#uses.get(MAIN_SESSION)): SessionInfo {
    const main = this.#handle(MAIN_SESSION);
    const length = contextLength || this.capacity(MAIN_SESSION);
    this.#createSession(number, length, kvType < 0 ? this.#kvType : kvType, 0, main);
    if (adapters) this.setAdapters(number, adapters);
    return { contextLength: this.capacity(number) };
  }

  /** Makes `clone` a session with the same context. */
  cloneSession(number: number, clone: number): SessionInfo {
    const from = this.#handle(number);
    const adapters = this.#uses.get(number) ?? [];
    const info = this.addSession(clone, this.capacity(number), this.#wasm.inkjs_session_kv_type(from), adapters);
    const to = this.#handle(clone);
    this.#check(to, this.#wasm.inkjs_session_copy(to, from));
    return info;
  }

  /** Does nothing if it isn't there. */
  closeSession(number: number): void {
    this.#wasm.inkjs_session_destroy(this.#sessions.get(number) ?? 0);
    this.#sessions.delete(number);
    this.#uses.delete(number);
    this.#freeAdapters();
  }

  /** Only a model without weights has no main session. */
  #handle(number: number): number {
    const session = this.#sessions.get(number);
    if (session !== undefined) return session;
    const message = 'The model was loaded with vocabularyOnly: it can neither generate nor score.';
    throw new InklingError('INK_ERR_WRONG_STATE', message);
  }

  // ---- Adapters ----

  /** Then write() until endPart(), and finishAdapter(). size in bytes, 0 when not known. */
  beginAdapter(size: number): void {
    this.#handle(MAIN_SESSION);
    this.#check(this.#model, this.#wasm.inkjs_adapter_begin(this.#model, size));
  }

  finishAdapter(number: number): void {
    const adapter = this.#wasm.inkjs_adapter_finish(this.#model) >>> 0;
    if (adapter === 0) throw this.#errorOf(this.#model);
    this.#adapters.set(number, adapter);
  }

  /** Of a load that is not finished. */
  cancelAdapter(): void {
    this.#wasm.inkjs_adapter_finish(this.#model);
  }

  adapterInfo(number: number): AdapterInfo {
    const field = (name: number) => this.#wasm.inkjs_adapter_info(this.#adapters.get(number)!, name);
    return {
      matrixCount: field(c.INKJS_ADAPTER_N_MATRICES),
      rank: field(c.INKJS_ADAPTER_RANK),
      alpha: field(c.INKJS_ADAPTER_ALPHA),
      parameterCount: field(c.INKJS_ADAPTER_N_PARAMS),
      memoryBytes: field(c.INKJS_ADAPTER_BYTES),
    };
  }

  setAdapters(number: number, uses: AdapterUses): void {
    const session = this.#handle(number);
    const handles = Uint32Array.from(uses, ({ adapter }) => this.#adapters.get(adapter)!);
    const scales = Float32Array.from(uses, ({ scale }) => scale);
    this.#withBytes(new Uint8Array(handles.buffer), (list) => {
      this.#withBytes(new Uint8Array(scales.buffer), (factors) => {
        this.#check(session, this.#wasm.inkjs_session_set_adapters(session, list, factors, uses.length));
      });
    });
    this.#uses.set(number, uses);
    this.#freeAdapters();
  }

  /** It goes when no session uses it. */
  closeAdapter(number: number): void {
    if (this.#adapters.has(number)) this.#disposedAdapters.add(number);
    this.#freeAdapters();
  }

  #freeAdapters(): void {
    for (const number of this.#disposedAdapters) {
      if ([...this.#uses.values()].some((uses) => uses.some(({ adapter }) => adapter === number))) continue;
      this.#wasm.inkjs_adapter_destroy(this.#adapters.get(number)!);
      this.#adapters.delete(number);
      this.#disposedAdapters.delete(number);
    }
  }

  // ---- Text and tokens ----

  /** Of a conversation, as the model is to read it. */
  tokensOf(input: TextInput): Int32Array {
    if ('text' in input) return this.tokenize(input.text, input.flags);
    return this.tokenize(this.applyChatTemplate(input), c.INK_TOKENIZE_SPECIAL | c.INK_TOKENIZE_BOS);
  }

  /** flags: INK_TOKENIZE_… */
  tokenize(text: string, flags: number): Int32Array {
    this.#withText(text, (pointer, length) => {
      this.#check(this.#model, this.#wasm.inkjs_tokenize(this.#model, pointer, length, flags));
    });
    const result = this.#wasm.inkjs_result(this.#model) >>> 0;
    return new Int32Array(this.#wasm.memory.buffer, result, this.#resultLength()).slice();
  }

  detokenize(tokens: Int32Array): string {
    this.#withTokens(tokens, (pointer) => {
      this.#check(this.#model, this.#wasm.inkjs_detokenize(this.#model, pointer, tokens.length));
    });
    return this.#resultText();
  }

  tokenPieces(tokens: Int32Array): Results['tokenPieces'] {
    this.#withTokens(tokens, (pointer) => {
      this.#check(this.#model, this.#wasm.inkjs_token_pieces(this.#model, pointer, tokens.length));
    });
    const result = this.#wasm.inkjs_result(this.#model) >>> 0;
    const lengths = new Uint32Array(this.#wasm.memory.buffer, result, tokens.length).slice();
    const bytes = this.#bytes(result, this.#resultLength()).slice(lengths.byteLength);
    return { lengths, bytes };
  }

  applyChatTemplate({ json, chatTemplate }: ChatInput): string {
    // Templates may ask for the date, which is the visitor's.
    const now = Math.floor(Date.now() / 1000 - new Date().getTimezoneOffset() * 60);
    const model = this.#model;
    this.#withText(`${chatTemplate}\0`, (source, size) => {
      this.#withText(json, (pointer, length) => {
        this.#check(model, this.#wasm.inkjs_apply_chat_template(model, source, size - 1, pointer, length, now));
      });
    });
    return this.#resultText();
  }

  // ---- Generating ----

  /** Returns how many of the prompt's tokens the context holds already. */
  beginGeneration(number: number, prompt: Int32Array, sampling: Sampling): number {
    const session = this.#handle(number);
    this.#wasm.inkjs_generation_reset(session);
    for (const [name, option] of OPTIONS) {
      const value = sampling[name];
      if (value !== undefined) this.#check(session, this.#wasm.inkjs_generation_set(session, option, Number(value)));
    }
    for (const stop of sampling.stop) {
      this.#withText(`${stop}\0`, (pointer) => {
        this.#check(session, this.#wasm.inkjs_generation_add_stop(session, pointer));
      });
    }
    this.#withTokens(prompt, (pointer) => {
      this.#check(session, this.#wasm.inkjs_generation_begin(session, pointer, prompt.length));
    });
    return this.#wasm.inkjs_session_length(session);
  }

  /** Of what was begun last. Reads up to maxPrefill prompt tokens, or makes one token, with drafts of up to as many together. */
  step(number: number, maxPrefill: number): Step {
    const session = this.#handle(number);
    this.#check(session, this.#wasm.inkjs_generation_step(session, maxPrefill));
    const field = (name: number) => this.#wasm.inkjs_step_number(session, name);
    const kind = field(c.INKJS_STEP_FIELD_KIND);
    const promptDone = field(c.INKJS_STEP_FIELD_PROMPT_DONE);
    if (kind === c.INK_STEP_PREFILL) return { ...NOTHING_YET, promptDone }; // of a token there are as many as layers
    const length = field(c.INKJS_STEP_FIELD_TEXT_LEN);
    const text = length > 0 ? this.#text(this.#wasm.inkjs_step_text(session), length) : '';
    return {
      kind,
      finish: field(c.INKJS_STEP_FIELD_FINISH),
      token: field(c.INKJS_STEP_FIELD_TOKEN),
      text,
      promptDone,
      promptTotal: field(c.INKJS_STEP_FIELD_PROMPT_TOTAL),
      generated: field(c.INKJS_STEP_FIELD_N_GENERATED),
      drafted: field(c.INKJS_STEP_FIELD_N_DRAFTED),
      accepted: field(c.INKJS_STEP_FIELD_N_ACCEPTED),
    };
  }

  // ---- Embeddings ----

  /** Forgets the context. Then step() until it is done. pooling: INK_POOLING_… */
  beginEmbedding(number: number, tokens: Int32Array, pooling: number, normalize: boolean): void {
    const session = this.#handle(number);
    this.#withTokens(tokens, (pointer) => {
      this.#check(session, this.#wasm.inkjs_embed_begin(session, pointer, tokens.length, pooling, normalize));
    });
  }

  embedding(number: number): Float32Array<ArrayBuffer> {
    const values = this.#wasm.inkjs_embedding(this.#handle(number)) >>> 0;
    const length = this.#wasm.inkjs_info_number(this.#model, c.INKJS_NUMBER_N_EMBD);
    return Float32Array.from(new Float32Array(this.#wasm.memory.buffer, values, length));
  }

  // ---- Scoring ----

  /** Tokens that the context can hold. */
  capacity(number: number): number {
    return this.#wasm.inkjs_session_capacity(this.#handle(number));
  }

  /** Forgets the context. */
  beginScore(number: number, tokens: Int32Array): void {
    const session = this.#handle(number);
    this.#withTokens(tokens, (pointer) => {
      this.#check(session, this.#wasm.inkjs_score_begin(session, pointer, tokens.length));
    });
  }

  /** Evaluates up to maxTokens more; `nll` is the sum so far, in nats. */
  scoreStep(number: number, maxTokens: number): { done: number; nll: number } {
    const session = this.#handle(number);
    this.#check(session, this.#wasm.inkjs_score_step(session, maxTokens));
    return { done: this.#wasm.inkjs_score_done(session), nll: this.#wasm.inkjs_score_nll(session) };
  }

  // ---- Memory ----

  /** A view that holds only until the memory grows, so until the next call into the module. */
  #bytes(pointer: number, length: number): Uint8Array {
    return new Uint8Array(this.#wasm.memory.buffer, pointer >>> 0, length);
  }

  #text(pointer: number, length: number): string {
    return this.#decoder.decode(this.#bytes(pointer, length).slice()); // a copy: decoders refuse shared memory
  }

  #string(pointer: number): string {
    const start = pointer >>> 0;
    const memory = new Uint8Array(this.#wasm.memory.buffer);
    return this.#text(start, memory.indexOf(0, start) - start);
  }

  #resultLength(): number {
    return this.#wasm.inkjs_result_length(this.#model) >>> 0;
  }

  #resultText(): string {
    return this.#text(this.#wasm.inkjs_result(this.#model), this.#resultLength());
  }

  #withText(text: string, use: (pointer: number, length: number) => void): void {
    const bytes = this.#encoder.encode(text);
    this.#withBytes(bytes, (pointer) => use(pointer, bytes.length));
  }

  #withTokens(tokens: Int32Array, use: (pointer: number) => void): void {
    this.#withBytes(new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength), use);
  }

  #withBytes(bytes: Uint8Array, use: (pointer: number) => void): void {
    const pointer = this.#wasm.inkjs_allocate(bytes.length) >>> 0;
    if (pointer === 0) throw outOfMemory();
    try {
      this.#bytes(pointer, bytes.length).set(bytes);
      use(pointer);
    } finally {
      this.#wasm.inkjs_release(pointer);
    }
  }

  // ---- Errors ----

  #check(handle: number, status: number): void {
    if (status !== c.INK_OK) throw this.#errorOf(handle);
  }

  #errorOf(handle: number): InklingError {
    const message = this.#string(this.#wasm.inkjs_error_message(handle));
    const status = this.#wasm.inkjs_error_code(handle);
    const name = c.STATUS_NAMES[status];
    if (name === undefined || name === 'INK_OK') return new InklingError('INK_ERR_CRASHED', `impossible status ${status}`);
    return new InklingError(name, message);
  }
}

function outOfMemory(): InklingError {
  return new InklingError('INK_ERR_OUT_OF_MEMORY', 'The browser gives WebAssembly no more memory. Close other tabs, or use a smaller model.');
}
