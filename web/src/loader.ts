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
  source: SourceMessage;
  kernels: string;
  contextLength: number;
  signal: AbortSignal;
  /** For a source of kind 'pulled'. */
  pull: Pull;
  /** Bytes; total is 0 when not known. */
  onProgress: (loaded: number, total: number) => void;
}

/** Afterwards the engine holds the model. Rejects with an InklingError, or with the signal's reason. */
export async function load(engine: Engine, task: LoadTask): Promise<void> {
  const source = await open(task);
  try {
    engine.beginLoad(task.kernels, source.size);
    await fill(engine, source, task);
    const nThreads = await engine.threadsReady();
    task.signal.throwIfAborted();
    engine.finishLoad(task.contextLength, nThreads);
  } catch (error) {
    if (error instanceof InklingError && error.code === 'INK_ERR_NOT_GGUF' && source.hint) {
      throw new InklingError(error.code, `${error.message} ${source.hint}`, { cause: error });
    }
    throw error;
  } finally {
    source.cancel();
  }
}

async function fill(engine: Engine, source: Source, task: LoadTask): Promise<void> {
  let loaded = 0;
  let reported = -Infinity;
  let yielded = performance.now();
  let complete = false;
  let known = false;
  while (!complete) {
    const chunk = await source.next();
    task.signal.throwIfAborted();
    if (!chunk) break; // finishLoad() says what is missing
    complete = engine.write(chunk);
    engine.checkMemory(task.contextLength);
    if (!known && (known = engine.knowsModel())) engine.startThreads();
    loaded += chunk.length;
    const now = performance.now();
    if (now - reported >= PROGRESS_MS) {
      task.onProgress(loaded, source.size);
      reported = now;
    }
    if (now - yielded >= YIELD_MS) {
      await yieldToEvents();
      yielded = performance.now();
    }
  }
  task.onProgress(loaded, source.size);
}

// ---- The kinds of source ----

function open(task: LoadTask): Promise<Source> | Source {
  const { source } = task;
  switch (source.kind) {
    case 'url':
      return openUrl(new URL(source.url), task.signal);
    case 'blob':
      return fromStream(source.blob.stream(), source.blob.size, 'The file could not be read');
    case 'pulled':
      return { size: source.size, next: task.pull, hint: '', cancel: () => {} };
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
  // The length of a compressed answer says nothing about the file's.
  const size = response.headers.has('content-encoding') ? 0 : Number(response.headers.get('content-length') ?? 0);
  const source = fromStream(response.body, size, 'The connection broke while the model was loading');
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
