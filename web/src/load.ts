import { Connection } from './connection.js';
import { INKJS_MAX_THREADS } from './constants.js';
import { checkTemplate } from './conversation.js';
import { InklingError, invalidArgument, reasonOf } from './errors.js';
import { checkContextLength, kvNumber } from './kv.js';
import { Model } from './model.js';
import { partsOf } from './parts.js';
import type { SourceMessage } from './protocol.js';
import type { LoadOptions, ModelPart, ModelSource } from './types.js';

/** What is handed to the engine at a time, of sources that only the page can read. */
const CHUNK_BYTES = 1 << 20;

/**
 * Loads a GGUF model into an engine of its own, in a worker. The bytes stream straight to their place in the
 * engine's memory and are held nowhere else.
 *
 * Rejects with an InklingError, e.g. `INK_ERR_IO` (see its httpStatus), `INK_ERR_NOT_GGUF`, `INK_ERR_TRUNCATED`,
 * `INK_ERR_UNSUPPORTED_ARCHITECTURE`, `INK_ERR_OUT_OF_MEMORY`, or with the signal's reason. Where there are no
 * workers, as in Node, the engine runs in this thread, in steps of at most about 50 ms.
 */
export async function loadModel(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
  const {
    onProgress, signal, contextLength = 0, kvCache = 'default', kernels = '', threads = 'auto', vocabularyOnly = false,
    chatTemplate, tools,
  } = options;
  signal?.throwIfAborted();
  checkContextLength(contextLength);
  const kvType = kvNumber(kvCache);
  if (threads !== 'auto' && !(Number.isInteger(threads) && threads >= 1 && threads <= INKJS_MAX_THREADS)) {
    throw invalidArgument(`threads must be 'auto' or a whole number from 1 to ${INKJS_MAX_THREADS}.`);
  }
  const ownTemplate = checkTemplate(chatTemplate) !== '';
  const parts = partsOf(source, absoluteUrl).map(describe);
  const connection = await Connection.open();
  try {
    const nThreads = vocabularyOnly ? 1 : threads === 'auto' ? 0 : threads; // a tokenizer has work for one
    const request = {
      type: 'load', parts: parts.map(({ message }) => message), kernels, threads: nThreads, contextLength, kvType, vocabularyOnly,
    } as const;
    const info = await connection.request(request, signal, {
      onProgress: (loaded, total) => onProgress?.({ loaded, total: total || undefined }),
      onPull: (part) => {
        parts[part]!.read().then(
          (chunk) => connection.sendChunk(chunk),
          (cause: unknown) => connection.sendChunkFailure(readFailure(cause)),
        );
      },
    });
    return new Model(connection, { ...info, hasChatFormat: info.hasChatFormat || ownTemplate }, { chatTemplate, tools });
  } catch (error) {
    connection.close(new InklingError('INK_ERR_WRONG_STATE', 'The model was not loaded.'));
    throw error;
  } finally {
    for (const { read } of parts) read.cancel();
  }
}

/** Reads the next chunk, in a buffer of its own that may be transferred; null at the end. */
interface ChunkReader {
  (): Promise<Uint8Array<ArrayBuffer> | null>;
  /** The rest isn't wanted. */
  cancel(): void;
}

function describe(source: ModelPart): { message: SourceMessage; read: ChunkReader } {
  if (typeof source === 'string' || source instanceof URL) {
    return { message: { kind: 'url', url: absoluteUrl(source) }, read: readNothing };
  }
  if (source instanceof Blob) return { message: { kind: 'blob', blob: source }, read: readNothing };
  if (source instanceof ArrayBuffer) {
    return { message: { kind: 'pulled', size: source.byteLength }, read: readBuffer(source) };
  }
  if (source instanceof ReadableStream) return { message: { kind: 'pulled', size: 0 }, read: readStream(source) };
  throw invalidArgument('The source must be a URL, a File or Blob, an ArrayBuffer or a ReadableStream, or a list of them.');
}

function absoluteUrl(source: string | URL): string {
  const base = (globalThis as { document?: Document }).document?.baseURI ?? (globalThis as { location?: Location }).location?.href;
  try {
    return new URL(source, base).href;
  } catch (cause) {
    throw new InklingError('INK_ERR_INVALID_ARGUMENT', `${String(source)} is not a URL${base ? '' : '; here it must be an absolute one'}.`, { cause });
  }
}

const readNothing: ChunkReader = Object.assign(async () => null, { cancel: () => {} });

function readBuffer(buffer: ArrayBuffer): ChunkReader {
  let offset = 0;
  const read = async () => {
    if (offset >= buffer.byteLength) return null;
    const start = offset;
    offset = Math.min(start + CHUNK_BYTES, buffer.byteLength);
    return new Uint8Array(buffer.slice(start, offset));
  };
  return Object.assign(read, { cancel: () => {} });
}

function readStream(stream: ReadableStream<Uint8Array>): ChunkReader {
  const reader = stream.getReader();
  let rest = new Uint8Array();
  const read = async () => {
    while (rest.length === 0) {
      const { value, done } = await reader.read();
      if (done) return null;
      if (!(value instanceof Uint8Array)) throw new TypeError('its chunks are not Uint8Array');
      rest = value as Uint8Array<ArrayBuffer>;
    }
    // A copy: the chunk may be part of a buffer that its maker still needs, and be of any size.
    const chunk = rest.slice(0, CHUNK_BYTES);
    rest = rest.subarray(chunk.length);
    return chunk;
  };
  return Object.assign(read, { cancel: () => void reader.cancel().catch(() => {}) });
}

function readFailure(cause: unknown): InklingError {
  return new InklingError('INK_ERR_IO', `The model's stream failed: ${reasonOf(cause)}`, { cause });
}
