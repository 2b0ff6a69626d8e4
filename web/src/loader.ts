/** Streams a model's files into the engine's memory: from wherever they come, into the cache on the way, checked. */
import { CacheFailure, type CacheTask, CachedSource, cachedSize, openCachedCopy, openCachedUrl } from './cached-source.js';
import { INKJS_LOAD_ALL, INKJS_LOAD_VOCABULARY } from './constants.js';
import { Download, type DownloadTask, FileChanged, currentVersion } from './download.js';
import type { Engine } from './engine.js';
import { InklingError, type InklingErrorCode } from './errors.js';
import { yieldToEvents } from './events.js';
import { Meter } from './meter.js';
import type { FilesRequest, SourceMessage } from './protocol.js';
import { type Source, fileAt, fromBlob } from './sources.js';
import type { LoadProgress } from './types.js';

const PROGRESS_MS = 50;
/** While nothing comes: what the load waits for may have changed. */
const IDLE_PROGRESS_MS = 100;
/** Chunks that are already here come without events in between; so often they are let in all the same. */
const YIELD_MS = 16;
/** Failures that say nothing against the bytes; what the cache has of a model stays. */
const INNOCENT: readonly InklingErrorCode[] = ['INK_ERR_IO', 'INK_ERR_OUT_OF_MEMORY', 'INK_ERR_QUOTA', 'INK_ERR_WRONG_STATE', 'INK_ERR_CRASHED'];

/** What is loaded. A model, with kernels as the engine names them, or an adapter, by its number, for the one that is there. */
export type Loaded = { kernels: string; vocabularyOnly: boolean } | { adapter: number };

export type LoadTask = FilesRequest & Loaded & {
  signal: AbortSignal;
  /** For a part of kind 'pulled'. */
  pull: (part: number) => Promise<Uint8Array | null>;
  onProgress: (progress: LoadProgress) => void;
};

/** What became of the cache; see ModelInfo. */
export interface CacheOutcome {
  cached: boolean;
  cacheError: { code: InklingErrorCode; message: string } | null;
}

/** The engine has been given bytes that don't belong together: a new one is to be given all of them again. */
export class LoadAgain extends Error {
  override readonly cause: InklingError;
  constructor(cause: InklingError) {
    super(cause.message);
    this.cause = cause;
  }
}

/**
 * Afterwards the engine holds the model or the adapter. Rejects with an InklingError, with LoadAgain, or with the signal's reason. anew:
 * what the cache has is not to be used.
 */
export async function load(engine: Engine, task: LoadTask, anew: boolean): Promise<CacheOutcome> {
  const meter = new Meter();
  meter.total = await totalSize(task);
  const loading = new Loading(engine, task, anew, meter);
  const idle = setInterval(() => loading.report(), IDLE_PROGRESS_MS);
  try {
    for (let part = 0; !(await loading.loadPart(part)); part++);
    meter.phase = 'prepare';
    task.onProgress(meter.read());
  } finally {
    clearInterval(idle);
  }
  if ('adapter' in task) {
    engine.finishAdapter(task.adapter);
    return loading.outcome();
  }
  engine.finishLoad();
  if (!task.vocabularyOnly) {
    const nThreads = await engine.threadsReady();
    task.signal.throwIfAborted();
    engine.openSession(task.contextLength, task.kvType, nThreads);
  }
  return loading.outcome();
}

class Loading {
  readonly #engine: Engine;
  readonly #task: LoadTask;
  readonly #anew: boolean;
  readonly #meter: Meter;
  /** What is being read. */
  #source: Source | undefined;
  #reported = -Infinity;
  #yielded = performance.now();
  #kept = 0;
  #problem: InklingError | undefined;
  readonly #vocabularyOnly: boolean;

  constructor(engine: Engine, task: LoadTask, anew: boolean, meter: Meter) {
    this.#engine = engine;
    this.#task = task;
    this.#anew = anew;
    this.#meter = meter;
    this.#vocabularyOnly = 'vocabularyOnly' in task && task.vocabularyOnly;
  }

  outcome(): CacheOutcome {
    return { cached: this.#kept === this.#task.parts.length, cacheError: this.#problem?.toMessage() ?? null };
  }

  report(now = performance.now()): void {
    if (this.#source) this.#meter.phase = this.#source.phase;
    this.#task.onProgress(this.#meter.read(now));
    this.#reported = now;
  }

  /** True: the model is complete. */
  async loadPart(part: number): Promise<boolean> {
    this.#meter.phase = this.#task.parts[part]!.kind === 'url' ? 'download' : 'load';
    const source = await this.#open(part).catch((error: unknown) => this.#fail(error, part));
    this.#source = source;
    try {
      if (this.#task.parts.length === 1) this.#meter.total = source.size;
      return await this.#readPart(source, part);
    } catch (error) {
      return await this.#judge(error, source, part);
    } finally {
      this.#source = undefined;
      await source.close();
      if (source instanceof CachedSource) {
        this.#problem ??= source.problem;
        if (source.kept) this.#kept++;
      }
    }
  }

  async #readPart(source: Source, part: number): Promise<boolean> {
    const engine = this.#engine;
    const task = this.#task;
    const vocabularyOnly = this.#vocabularyOnly;
    const expected = task.sha256[part] ?? '';
    if (part > 0) engine.nextPart(source.size);
    else if ('adapter' in task) engine.beginAdapter(source.size);
    else engine.beginLoad(task.kernels, source.size, vocabularyOnly ? INKJS_LOAD_VOCABULARY : INKJS_LOAD_ALL);
    if (expected) engine.beginHash();
    const isCached = source instanceof CachedSource;
    const isEnd = await this.#fill(source, expected !== '', expected !== '' || (isCached && !vocabularyOnly));
    const complete = engine.endPart();
    this.#checkPartCount();
    if (expected) this.#checkHash(expected);
    if (isEnd) await source.keep?.(expected);
    return complete;
  }

  /** all: read what the model does not need too. Returns whether the source has ended. */
  async #fill(source: Source, hash: boolean, all: boolean): Promise<boolean> {
    const engine = this.#engine;
    const task = this.#task;
    const meter = this.#meter;
    for (let complete = false; !complete || all; ) {
      const chunk = await source.next();
      task.signal.throwIfAborted();
      if (!chunk) return true; // endPart() says what is missing
      complete = engine.write(chunk, hash);
      this.#checkPartCount();
      if (!('adapter' in task) && !task.vocabularyOnly) {
        engine.checkMemory(task.contextLength, task.kvType);
        if (engine.knowsModel()) engine.startThreads();
      }
      meter.loaded += chunk.length;
      const now = performance.now();
      if (now - this.#reported >= PROGRESS_MS || meter.phase !== source.phase) this.report(now);
      if (now - this.#yielded >= YIELD_MS) {
        await yieldToEvents();
        this.#yielded = performance.now();
      }
    }
    return false;
  }

  /** As soon as it is known: better than at the end of a long download. */
  #checkPartCount(): void {
    const count = this.#engine.partCount();
    const given = this.#task.parts.length;
    if (count === 0 || count === given || this.#vocabularyOnly) return;
    throw new InklingError(
      'INK_ERR_BAD_MODEL',
      `The model is in ${count} ${count === 1 ? 'file' : 'files'}, not ${given}. Give a list of all its files, or an address ` +
        'that ends in -00001-of- and their number, as in -00001-of-00003.gguf.',
    );
  }

  #checkHash(expected: string): void {
    const found = this.#engine.finishHash();
    if (found === expected) return;
    throw new InklingError(
      'INK_ERR_CHECKSUM',
      `The file is not the one that was asked for: its SHA-256 is ${found}, not ${expected}. It was damaged on its way, or has been replaced.`,
    );
  }

  /** Throws what is to be told of a failure; what is wrong does not stay in the cache. */
  async #judge(error: unknown, source: Source, part: number): Promise<never> {
    let failure = error;
    if (error instanceof InklingError && !INNOCENT.includes(error.code)) {
      await source.discard?.();
      if (error.code === 'INK_ERR_NOT_GGUF' && source.hint) {
        failure = new InklingError(error.code, `${error.message} ${source.hint}`, { cause: error });
      }
      if (source instanceof CachedSource && source.usedCache) failure = new LoadAgain(failure as InklingError);
    }
    if (error instanceof FileChanged) {
      await source.discard?.();
      failure = new LoadAgain(new InklingError('INK_ERR_IO', error.message, { cause: error }));
    }
    return this.#fail(failure, part);
  }

  #fail(error: unknown, part: number): never {
    const cause = error instanceof LoadAgain ? error.cause : error;
    if (!(cause instanceof InklingError)) throw error;
    const count = this.#task.parts.length;
    const message = `Part ${part + 1} of ${count}: ${cause.message}`;
    const told = count === 1 ? cause : InklingError.fromMessage({ ...cause.toMessage(), message });
    // What the page hands over can't be read twice.
    const canRepeat = error instanceof LoadAgain && this.#task.parts.every(({ kind }) => kind !== 'pulled');
    throw canRepeat ? new LoadAgain(told) : told;
  }

  // ---- The kinds of source ----

  async #open(part: number): Promise<Source> {
    const message = this.#task.parts[part]!;
    const caching = this.#caching(part);
    if (message.kind !== 'url') {
      const source = message.kind === 'blob' ? fromBlob(message.blob) : this.#pulled(message.size, part);
      return caching ? this.#orWithout(openCachedCopy(caching, source), () => source) : source;
    }
    const file = await fileAt(new URL(message.url));
    if (file) return fromBlob(file, `The model could not be read from ${message.url}`);
    const { signal, sha256, headers, credentials } = this.#task;
    const download: DownloadTask = { url: message.url, options: { headers, credentials }, signal, verified: Boolean(sha256[part]) };
    const openPlainly = () => Download.open(download);
    return caching ? this.#orWithout(openCachedUrl(caching, download), openPlainly) : openPlainly();
  }

  #caching(part: number): CacheTask | undefined {
    const { cacheKey, evict, parts, sha256, signal } = this.#task;
    if (!cacheKey) return undefined;
    const onWait = (loaded: number, size: number) => {
      this.#meter.phase = 'wait';
      if (parts.length > 1) return;
      this.#meter.loaded = 0;
      this.#meter.total = size;
      this.#task.onProgress({ ...this.#meter.read(), loaded });
    };
    return { key: cacheKey, part, parts: parts.length, evict, sha256: sha256[part] ?? '', anew: this.#anew, signal, onWait };
  }

  /** A cache that can't be used does not keep a model from being loaded. */
  async #orWithout(cached: Promise<CachedSource>, openPlainly: () => Source | Promise<Source>): Promise<Source> {
    try {
      return await cached;
    } catch (error) {
      if (!(error instanceof CacheFailure)) throw error;
      this.#problem ??= error.cause;
      return openPlainly();
    }
  }

  #pulled(size: number, part: number): Source {
    return { size, phase: 'load', hint: '', next: () => this.#task.pull(part), close: () => {} };
  }
}

// ---- Sizes of models in several files ----

/** 0 when not known. Finds out as well, before the first part is loaded, whether the server lacks one of the others. */
async function totalSize(task: LoadTask): Promise<number> {
  const { parts } = task;
  if (parts.length === 1) return 0;
  const sizes = await Promise.all(
    parts.map(async (part, i) => {
      const cached = part.kind === 'url' && task.cacheKey ? await cachedSize(task.cacheKey, i) : 0;
      return cached || sizeOf(part, `Part ${i + 1} of ${parts.length}`, task);
    }),
  );
  return sizes.every((size) => size > 0) ? sizes.reduce((sum, size) => sum + size) : 0;
}

async function sizeOf(part: SourceMessage, name: string, task: LoadTask): Promise<number> {
  if (part.kind === 'blob') return part.blob.size;
  if (part.kind === 'pulled') return part.size;
  const missing = (reason: string, options = {}) => new InklingError('INK_ERR_IO', `${name} of the model is missing: ${reason}`, options);
  try {
    const file = await fileAt(new URL(part.url));
    if (file) return file.size;
  } catch (cause) {
    throw missing((cause as InklingError).message, { cause });
  }
  const current = await currentVersion(part.url, task, task.signal);
  task.signal.throwIfAborted();
  if (!current) return 0; // a server that doesn't answer that; loading will tell
  if (current.status === 404 || current.status === 410) throw missing(`${part.url} answered ${current.status}`, { httpStatus: current.status });
  return current.version.size;
}
