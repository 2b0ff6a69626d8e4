/** The page's side of a model's source: checks what the caller gave, and reads what only the page can read. */
import type { Handlers } from './connection.js';
import { InklingError, invalidArgument, reasonOf } from './errors.js';
import { checkContextLength, kvNumber } from './kv.js';
import { absoluteUrl, partsOf } from './parts.js';
import type { SourceMessage, SourceRequest } from './protocol.js';
import type { KvCacheType, ModelPart, ModelSource, SourceOptions } from './types.js';

/** What is handed to the engine at a time, of sources that only the page can read. */
const CHUNK_BYTES = 1 << 20;

type Options = Pick<SourceOptions, 'cache' | 'headers' | 'credentials'> & { contextLength?: number; kvCache?: KvCacheType };

/**
 * What the engine is asked for, to load the files, and those of them that the page reads. Throws as openRequest() does, and
 * INK_ERR_INVALID_ARGUMENT for checksums that are none, or none of these files'.
 */
export async function openFiles(source: ModelSource, options: Options & Pick<SourceOptions, 'sha256' | 'evict'>) {
  const digests = checkDigests(options.sha256);
  const { request, parts } = await openRequest(source, options);
  const count = request.parts.length;
  if (digests.length !== 0 && digests.length !== count) {
    throw invalidArgument(`sha256 must have one entry for each of the ${count} files.`);
  }
  return { request: { ...request, sha256: digests, evict: options.evict ?? false }, parts };
}

/** Throws INK_ERR_INVALID_ARGUMENT; rejects with INK_ERR_IO when a picked file is gone. */
export async function openRequest(source: ModelSource, options: Options): Promise<{ request: SourceRequest; parts: PageParts }> {
  const { cache = true, headers = {}, credentials = 'same-origin', contextLength = 0, kvCache = 'default' } = options;
  checkContextLength(contextLength);
  const kvType = kvNumber(kvCache);
  if (typeof cache !== 'boolean' && !(typeof cache === 'string' && cache)) {
    throw invalidArgument('cache must be true, false or a name.');
  }
  const described = await Promise.all(partsOf(source).map(describe));
  const parts = described.map(({ message }) => message);
  const cacheKey = typeof cache === 'string' ? cache : cache ? keyOf(parts) : '';
  return { request: { parts, cacheKey, headers, credentials, contextLength, kvType }, parts: new PageParts(described) };
}

function checkDigests(sha256: SourceOptions['sha256'] = []): string[] {
  const digests = Array.isArray(sha256) ? (sha256 as readonly unknown[]) : [sha256];
  const isDigest = (digest: unknown): digest is string => typeof digest === 'string' && /^[0-9a-f]{64}$/i.test(digest);
  if (digests.every(isDigest)) return digests.map((digest) => digest.toLowerCase());
  throw invalidArgument('sha256 must be 64 hexadecimal digits, or a list of such.');
}

/** The parts that are handed over by the page, chunk by chunk as the engine asks for them. */
export class PageParts {
  readonly #readers: ChunkReader[];

  constructor(parts: { read: ChunkReader }[]) {
    this.#readers = parts.map(({ read }) => read);
  }

  readonly read: NonNullable<Handlers['onPull']> = (part) => {
    return this.#readers[part]!().catch((cause: unknown) => {
      throw readFailure(cause);
    });
  };

  /** The rest isn't wanted. */
  cancel(): void {
    for (const read of this.#readers) read.cancel();
  }
}

/** What URLs are called in the cache; '' where there are others. */
function keyOf(parts: SourceMessage[]): string {
  const areUrls = parts.every((part) => part.kind === 'url' && /^https?:/.test(part.url));
  const [first] = parts;
  return areUrls && first?.kind === 'url' ? first.url.replace(/#.*$/, '') : '';
}

/** Reads the next chunk, in a buffer of its own that may be transferred; null at the end. */
interface ChunkReader {
  (): Promise<Uint8Array<ArrayBuffer> | null>;
  cancel(): void;
}

async function describe(source: ModelPart): Promise<{ message: SourceMessage; read: ChunkReader }> {
  if (typeof source === 'string' || source instanceof URL) {
    return { message: { kind: 'url', url: absoluteUrl(source) }, read: readNothing };
  }
  if (source instanceof Blob) {
    // Node.js can't send the Blob of a file on.
    if (typeof Worker === 'undefined') return { message: { kind: 'pulled', size: source.size }, read: readStream(source.stream()) };
    return { message: { kind: 'blob', blob: source }, read: readNothing };
  }
  if (typeof FileSystemFileHandle !== 'undefined' && source instanceof FileSystemFileHandle) {
    const blob = await source.getFile().catch((cause: unknown) => {
      throw new InklingError('INK_ERR_IO', `The file ${source.name} could not be opened: ${reasonOf(cause)}`, { cause });
    });
    return { message: { kind: 'blob', blob }, read: readNothing };
  }
  if (source instanceof ArrayBuffer) {
    return { message: { kind: 'pulled', size: source.byteLength }, read: readBuffer(source) };
  }
  if (source instanceof ReadableStream) return { message: { kind: 'pulled', size: 0 }, read: readStream(source) };
  throw invalidArgument(
    'The source must be a URL, a File or Blob, a FileSystemFileHandle, an ArrayBuffer or a ReadableStream, or a list of them.',
  );
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
