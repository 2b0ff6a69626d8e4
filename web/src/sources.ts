/** Where a model's bytes come from, chunk by chunk; no whole file is ever held in JavaScript. */
import { InklingError, reasonOf } from './errors.js';
import type { LoadPhase } from './types.js';
import { nodeFiles } from './wasm.js';

/** Read at a time. */
const READ_BYTES = 1 << 18;

/** One file of a model, read from its beginning to its end. */
export interface Source {
  /** Bytes; 0: not known. */
  readonly size: number;
  /** What the last chunk, or the one that is awaited, takes. */
  readonly phase: LoadPhase;
  /** Appended to "this is no GGUF file". */
  readonly hint: string;
  /** The next chunk, which holds until the next call; null at the end. Rejects with an InklingError. */
  next(): Promise<Uint8Array | null>;
  /** All was read, and is what the model's maker made. sha256: '' when not known. */
  keep?(sha256: string): void | Promise<void>;
  /** What was read is no model that can be used: nothing of it should be kept. */
  discard?(): void | Promise<void>;
  /** No more is read. After keep() or discard() if these are called. */
  close(): void | Promise<void>;
}

/** Reads a stream's chunks; not every stream can hand them over in a buffer that is used again. */
export interface StreamReader {
  next(): Promise<Uint8Array | null>;
  cancel(): Promise<void>;
}

export function readerOf(stream: ReadableStream<Uint8Array>): StreamReader {
  return readInto(stream) ?? readFrom(stream);
}

/** Reads into one buffer again and again, so that no garbage piles up beside the weights. */
function readInto(stream: ReadableStream<Uint8Array>): StreamReader | undefined {
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

function readFrom(stream: ReadableStream<Uint8Array>): StreamReader {
  const reader = stream.getReader();
  return { next: async () => (await reader.read()).value ?? null, cancel: () => reader.cancel() };
}

export function fromBlob(blob: Blob, failure = 'The file could not be read'): Source {
  const reader = readerOf(blob.stream());
  return {
    size: blob.size,
    phase: 'load',
    hint: '',
    next: () =>
      reader.next().catch((cause: unknown) => {
        throw new InklingError('INK_ERR_IO', `${failure}: ${reasonOf(cause)}`, { cause });
      }),
    close: () => void reader.cancel().catch(() => {}),
  };
}

/** The file behind a file: URL, where the host can open such; undefined for other URLs. */
export async function fileAt(url: URL): Promise<Blob | undefined> {
  const files = url.protocol === 'file:' ? nodeFiles() : undefined;
  if (!files) return undefined;
  try {
    return await files.openAsBlob(url);
  } catch (cause) {
    throw new InklingError('INK_ERR_IO', `The model could not be read from ${url}: ${reasonOf(cause)}`, { cause });
  }
}
