/** Streams a source into the engine's memory, chunk by chunk; no whole file is ever held in JavaScript. */
import type { Engine } from './engine.js';
import { InklingError, reasonOf } from './errors.js';
import { yieldToEvents } from './events.js';
import type { SourceMessage } from './protocol.js';
import { nodeFiles } from './wasm.js';

/** Read at a time. */
const READ_BYTES = 1 << 18;
const PROGRESS_MS = 50;
/** Chunks that are already here come without events in between; so often they are let in all the same. */
const YIELD_MS = 16;

/** A chunk of the file, or null at its end. Rejects with an InklingError. */
export type Pull = () => Promise<Uint8Array | null>;

interface Source {
  /** Bytes; 0: not known. */
  size: number;
  next: Pull;
  /** Appended to "this is no GGUF file". */
  hint: string;
  cancel(): void;
}

export interface LoadTask {
  /** The model's files. */
  parts: SourceMessage[];
  kernels: string;
  contextLength: number;
  kvType: number;
  vocabularyOnly: boolean;
  signal: AbortSignal;
  /** For a part of kind 'pulled'. */
  pull: (part: number) => Promise<Uint8Array | null>;
  /** Bytes; total is 0 when not known. */
  onProgress: (loaded: number, total: number) => void;
}

/** Afterwards the engine holds the model. Rejects with an InklingError, or with the signal's reason. */
export async function load(engine: Engine, task: LoadTask): Promise<void> {
  const progress: Progress = { loaded: 0, total: await totalSize(task), reported: -Infinity, yielded: performance.now() };
  for (let part = 0; ; part++) {
    try {
      if (await loadPart(engine, task, part, progress)) break;
    } catch (error) {
      if (!(error instanceof InklingError) || task.parts.length === 1) throw error;
      const message = `Part ${part + 1} of ${task.parts.length}: ${error.message}`;
      throw InklingError.fromMessage({ ...error.toMessage(), message });
    }
  }
  task.onProgress(progress.loaded, progress.total);
  engine.finishLoad();
  if (task.vocabularyOnly) return;
  const nThreads = await engine.threadsReady();
  task.signal.throwIfAborted();
  engine.openSession(task.contextLength, task.kvType, nThreads);
}

interface Progress {
  loaded: number;
  /** 0: not known. */
  total: number;
  /** When it was last reported, and when other events were last let in. */
  reported: number;
  yielded: number;
}

/** True: the model is complete. */
async function loadPart(engine: Engine, task: LoadTask, part: number, progress: Progress): Promise<boolean> {
  const source = await open(task, part);
  if (task.parts.length === 1) progress.total = source.size;
  try {
    if (part === 0) engine.beginLoad(task.kernels, source.size, task.vocabularyOnly);
    else engine.nextPart(source.size);
    await fill(engine, source, task, progress);
    const complete = engine.endPart();
    checkPartCount(engine, task);
    return complete;
  } catch (error) {
    if (error instanceof InklingError && error.code === 'INK_ERR_NOT_GGUF' && source.hint) {
      throw new InklingError(error.code, `${error.message} ${source.hint}`, { cause: error });
    }
    throw error;
  } finally {
    source.cancel();
  }
}

async function fill(engine: Engine, source: Source, task: LoadTask, progress: Progress): Promise<void> {
  for (let complete = false; !complete; ) {
    const chunk = await source.next();
    task.signal.throwIfAborted();
    if (!chunk) break; // endPart() says what is missing
    complete = engine.write(chunk);
    checkPartCount(engine, task);
    if (!task.vocabularyOnly) {
      engine.checkMemory(task.contextLength, task.kvType);
      if (engine.knowsModel()) engine.startThreads();
    }
    progress.loaded += chunk.length;
    const now = performance.now();
    if (now - progress.reported >= PROGRESS_MS) {
      task.onProgress(progress.loaded, progress.total);
      progress.reported = now;
    }
    if (now - progress.yielded >= YIELD_MS) {
      await yieldToEvents();
      progress.yielded = performance.now();
    }
  }
}

/** As soon as it is known: better than at the end of a long download. */
function checkPartCount(engine: Engine, task: LoadTask): void {
  const count = engine.partCount();
  const given = task.parts.length;
  if (count === 0 || count === given || task.vocabularyOnly) return;
  throw new InklingError(
    'INK_ERR_BAD_MODEL',
    `The model is in ${count} ${count === 1 ? 'file' : 'files'}, not ${given}. Give a list of all its files, or an address ` +
      'that ends in -00001-of- and their number, as in -00001-of-00003.gguf.',
  );
}

// ---- Sizes of models in several files ----

/** 0 when not known. Finds out as well, before the first part is loaded, whether the server lacks one of the others. */
async function totalSize({ parts, signal }: LoadTask): Promise<number> {
  if (parts.length === 1) return 0;
  const sizes = await Promise.all(parts.map((part, i) => sizeOf(part, `Part ${i + 1} of ${parts.length}`, signal)));
  return sizes.every((size) => size > 0) ? sizes.reduce((sum, size) => sum + size) : 0;
}

async function sizeOf(part: SourceMessage, name: string, signal: AbortSignal): Promise<number> {
  if (part.kind === 'blob') return part.blob.size;
  if (part.kind === 'pulled') return part.size;
  const url = new URL(part.url);
  const files = url.protocol === 'file:' ? nodeFiles() : undefined;
  let response;
  try {
    if (files) return (await files.openAsBlob(url)).size;
    response = await fetch(url, { method: 'HEAD', signal });
  } catch (cause) {
    signal.throwIfAborted();
    if (!files) return 0; // a server that doesn't answer that; loading will tell
    throw new InklingError('INK_ERR_IO', `${name} of the model is missing: ${url} could not be read: ${reasonOf(cause)}`, { cause });
  }
  if (response.status === 404 || response.status === 410) {
    throw new InklingError('INK_ERR_IO', `${name} of the model is missing: ${url} answered ${response.status}`, {
      httpStatus: response.status,
    });
  }
  return response.ok ? lengthOf(response) : 0;
}

/** The length of a compressed answer says nothing about the file's. */
function lengthOf(response: Response): number {
  return response.headers.has('content-encoding') ? 0 : Number(response.headers.get('content-length') ?? 0);
}

// ---- The kinds of source ----

function open(task: LoadTask, part: number): Promise<Source> | Source {
  const source = task.parts[part]!;
  switch (source.kind) {
    case 'url':
      return openUrl(new URL(source.url), task.signal);
    case 'blob':
      return fromStream(source.blob.stream(), source.blob.size, 'The file could not be read');
    case 'pulled':
      return { size: source.size, next: () => task.pull(part), hint: '', cancel: () => {} };
  }
}

async function openUrl(url: URL, signal: AbortSignal): Promise<Source> {
  const files = url.protocol === 'file:' ? nodeFiles() : undefined;
  if (files) {
    const failure = `The model could not be read from ${url}`;
    try {
      const blob = await files.openAsBlob(url);
      return fromStream(blob.stream(), blob.size, failure);
    } catch (cause) {
      throw new InklingError('INK_ERR_IO', `${failure}: ${reasonOf(cause)}`, { cause });
    }
  }
  let response;
  try {
    response = await fetch(url, { signal });
  } catch (cause) {
    signal.throwIfAborted();
    throw new InklingError(
      'INK_ERR_IO',
      `The model could not be fetched from ${url}: ${reasonOf(cause)}. Check the address and the connection; ` +
        'a server of another origin must allow this page by CORS.',
      { cause },
    );
  }
  if (!response.ok || !response.body) {
    throw new InklingError('INK_ERR_IO', `The model could not be fetched: ${url} answered ${response.status} ${response.statusText}`.trim(), {
      httpStatus: response.status,
    });
  }
  const source = fromStream(response.body, lengthOf(response), 'The connection broke while the model was loading');
  if (response.headers.get('content-type')?.startsWith('text/html')) {
    source.hint = `The server answered with a web page: is ${url} the address of the model's file?`;
  }
  return source;
}

function fromStream(stream: ReadableStream<Uint8Array>, size: number, failure: string): Source {
  const { next, cancel } = readInto(stream) ?? readFrom(stream);
  return {
    size,
    hint: '',
    next: () =>
      next().catch((cause: unknown) => {
        throw new InklingError('INK_ERR_IO', `${failure}: ${reasonOf(cause)}`, { cause });
      }),
    cancel: () => void cancel().catch(() => {}),
  };
}

type Reader = { next: Pull; cancel: () => Promise<void> };

/** Reads into one buffer again and again, so that no garbage piles up beside the weights; not all streams can. */
function readInto(stream: ReadableStream<Uint8Array>): Reader | undefined {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = stream.getReader({ mode: 'byob' });
  } catch {
    return undefined;
  }
  let buffer = new ArrayBuffer(READ_BYTES);
  const next = async () => {
    const { value, done } = await reader.read(new Uint8Array(buffer));
    if (value) buffer = value.buffer;
    return done || !value ? null : value;
  };
  return { next, cancel: () => reader.cancel() };
}

function readFrom(stream: ReadableStream<Uint8Array>): Reader {
  const reader = stream.getReader();
  return { next: async () => (await reader.read()).value ?? null, cancel: () => reader.cancel() };
}
