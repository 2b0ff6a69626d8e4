/** A source whose bytes are kept in the cache: what is there is read from it, the rest from elsewhere and written to it. */
import { CacheFile, cacheError } from './cache-file.js';
import { type CacheRecord, DATA_OFFSET, fileName, lockName, openFolder, readRecord } from './cache-format.js';
import { evictOldest } from './cache-models.js';
import { Download, type DownloadTask, UNKNOWN_VERSION, currentVersion, isSameVersion } from './download.js';
import { InklingError } from './errors.js';
import type { Source } from './sources.js';
import type { LoadPhase } from './types.js';

/** Read at a time. */
const READ_BYTES = 1 << 20;
/** A server that does not say within that time whether it has another version is not waited for. */
const CURRENT_MS = 3000;
const WAIT_POLL_MS = 500;

export interface CacheTask {
  /** The model's name in the cache. */
  key: string;
  part: number;
  parts: number;
  /** Other models may be deleted for it. */
  evict: boolean;
  /** What the file's should be, in lower case; '': anything. */
  sha256: string;
  /** What is there can't be used. */
  anew: boolean;
  signal: AbortSignal;
  /** Another tab is loading the file; so much of it is there. */
  onWait: (loaded: number, size: number) => void;
}

/** There is something wrong with the cache, not with the model. */
export class CacheFailure extends Error {
  override readonly cause: InklingError;
  constructor(cause: unknown) {
    const error = cacheError(cause);
    super(error.message);
    this.cause = error;
  }
}

/** A file of the cache, open while its lock is held, and what is to be added to it. */
export class CachedSource implements Source {
  readonly #folder: FileSystemDirectoryHandle;
  readonly #name: string;
  readonly #file: CacheFile;
  readonly #release: () => void;
  /** Where the bytes come from that are not in the file; undefined when all are. */
  readonly #rest: Source | undefined;
  readonly #buffer = new Uint8Array(READ_BYTES);
  /** Bytes at the file's beginning that were there before. */
  readonly #stored: number;
  #position = 0;
  /** Why the file can't be kept; undefined: it can. */
  problem: InklingError | undefined;
  #discarded = false;
  kept = false;

  constructor(place: Place, file: CacheFile, rest: Source | undefined) {
    this.#folder = place.folder;
    this.#name = place.name;
    this.#release = place.release;
    this.#file = file;
    this.#rest = rest;
    this.#stored = file.record.bytes;
  }

  get size(): number {
    return this.#rest?.size || this.#file.record.size;
  }

  get phase(): LoadPhase {
    return this.#rest && this.#position >= this.#stored ? this.#rest.phase : 'cache';
  }

  get hint(): string {
    return this.#rest?.hint ?? '';
  }

  /** Some of what was read came from the cache. */
  get usedCache(): boolean {
    return this.#stored > 0 && this.#position > 0;
  }

  async next(): Promise<Uint8Array | null> {
    if (this.#position < this.#stored) {
      const n = this.#readFile();
      this.#position += n;
      return this.#buffer.subarray(0, n);
    }
    const chunk = (await this.#rest?.next()) ?? null;
    if (chunk && !this.problem) await this.#try(() => this.#file.append(chunk));
    return chunk;
  }

  async keep(sha256: string): Promise<void> {
    if (this.problem) return;
    const { complete, sha256: known } = this.#file.record;
    if (!complete || (sha256 && !known)) await this.#try(() => this.#file.complete(sha256));
    this.kept = this.problem === undefined;
  }

  async discard(): Promise<void> {
    if (this.#discarded) return;
    this.#discarded = true;
    this.#file.close();
    await this.#folder.removeEntry(this.#name).catch(() => {});
  }

  async close(): Promise<void> {
    await this.#rest?.close();
    if (!this.#discarded) {
      await this.#try(() => this.#file.settle());
      if (!this.#discarded) this.#file.close();
    }
    this.#release();
  }

  /** Room for the whole file, before its download. evict: others may be deleted for it. */
  async reserve(task: CacheTask): Promise<void> {
    try {
      await withRoom(task, () => this.#file.reserve());
    } catch (error) {
      await this.#giveUp(error);
    }
  }

  #readFile(): number {
    let n = 0;
    try {
      n = this.#file.read(this.#buffer, this.#position);
    } catch {
      // As when it has become shorter.
    }
    if (n === 0) throw new InklingError('INK_ERR_CORRUPT', 'The cached model could not be read.');
    return n;
  }

  async #try(action: () => void): Promise<void> {
    try {
      action();
    } catch (error) {
      await this.#giveUp(error);
    }
  }

  /** The load goes on without the cache. What is there is of no use, and its room may be. */
  async #giveUp(error: unknown): Promise<void> {
    this.problem = cacheError(error);
    if (this.#position >= this.#stored) await this.discard();
  }
}

/** Where a file of the cache lies, while its lock is held. */
interface Place {
  folder: FileSystemDirectoryHandle;
  name: string;
  release: () => void;
}

/** A URL's file, by the cache. */
export async function openCachedUrl(task: CacheTask, download: DownloadTask): Promise<CachedSource> {
  return openPlace(task, async (place, file) => {
    const { record } = file;
    const isOther = task.anew || (task.sha256 && record.sha256 && record.sha256 !== task.sha256);
    if (record.complete && !isOther && (await isCurrent(record, task, download))) return new CachedSource(place, file, undefined);
    // All bytes are there, and nobody has found yet that they are right.
    const isWhole = !record.complete && record.size > 0 && record.bytes === record.size;
    if (isWhole && !isOther) return new CachedSource(place, file, undefined);
    const canContinue = !record.complete && !isOther && record.bytes > 0;
    const rest = await Download.open(download, canContinue ? record.bytes : 0, canContinue ? record : UNKNOWN_VERSION);
    try {
      return await openStoring(task, place, file, rest, rest.position === 0 ? rest.version : undefined);
    } catch (error) {
      rest.close();
      throw error;
    }
  });
}

/** Whatever the source is, it takes the place of what was kept under that name. */
export async function openCachedCopy(task: CacheTask, source: Source): Promise<CachedSource> {
  return openPlace(task, async (place, file) => openStoring(task, place, file, source, { ...UNKNOWN_VERSION, size: source.size }));
}

async function openPlace(task: CacheTask, open: (place: Place, file: CacheFile) => Promise<CachedSource>): Promise<CachedSource> {
  const folder = await openFolder().catch(failed);
  const name = await fileName(task.key, task.part);
  const place = { folder, name, release: await hold(folder, name, task) };
  const { key, part, parts } = task;
  let file: CacheFile | undefined;
  try {
    const fresh: CacheRecord = { key, part, parts, ...UNKNOWN_VERSION, bytes: 0, complete: false, sha256: '', lastUsed: 0 };
    file = await CacheFile.open(folder, name, fresh).catch(failed);
    return await open(place, file);
  } catch (error) {
    file?.close();
    if (file?.record.bytes === 0) await folder.removeEntry(name).catch(() => {});
    place.release();
    throw error;
  }
}

/** version: what is to come, from the beginning; undefined: it goes on after what is there. */
async function openStoring(
  task: CacheTask, place: Place, file: CacheFile, rest: Source, version: Pick<CacheRecord, 'etag' | 'lastModified' | 'size'> | undefined,
): Promise<CachedSource> {
  if (version) await withRoom(task, () => file.restart(version)).catch(failed);
  const source = new CachedSource(place, file, rest);
  await source.reserve(task);
  return source;
}

function failed(cause: unknown): never {
  throw new CacheFailure(cause);
}

/** Deletes other models while there is no room for the action, if that is wanted. Rejects with what it throws in the end. */
async function withRoom({ evict, key }: CacheTask, action: () => void): Promise<void> {
  for (;;) {
    try {
      return action();
    } catch (error) {
      const isFull = error instanceof InklingError && error.code === 'INK_ERR_QUOTA';
      if (!(isFull && evict && (await evictOldest(key)))) throw error;
    }
  }
}

/** Bytes of a file that the cache has all of; 0 when it has not. */
export async function cachedSize(key: string, part: number): Promise<number> {
  const found = await readCached(key, part);
  return found?.size ?? 0;
}

/** A file that the cache has all of, for reading a little of it without its lock. */
export async function readCached(key: string, part: number): Promise<Blob | undefined> {
  try {
    const found = await readRecord(await openFolder(), await fileName(key, part));
    return found?.record.complete ? found.file.slice(DATA_OFFSET, DATA_OFFSET + found.record.size) : undefined;
  } catch {
    return undefined;
  }
}

/** The server has no other version than the cached one, as far as it says; a server that can't be asked has none. */
async function isCurrent(record: CacheRecord, task: CacheTask, { url, options }: DownloadTask): Promise<boolean> {
  if (task.sha256 && record.sha256 === task.sha256) return true;
  const limit = new AbortController();
  const abort = () => limit.abort();
  const timer = setTimeout(abort, CURRENT_MS);
  task.signal.addEventListener('abort', abort);
  const current = await currentVersion(url, options, limit.signal);
  clearTimeout(timer);
  task.signal.removeEventListener('abort', abort);
  task.signal.throwIfAborted();
  return !current || isSameVersion(record, current.version, current.version.etag === '' && current.version.lastModified === '');
}

/** Waits for the file's lock, and returns what releases it. */
async function hold(folder: FileSystemDirectoryHandle, name: string, { signal, onWait }: CacheTask): Promise<() => void> {
  const request = (options: LockOptions) =>
    new Promise<(() => void) | undefined>((resolve, reject) => {
      navigator.locks
        .request(lockName(name), options, (lock) => {
          if (!lock) return resolve(undefined);
          return new Promise<void>((release) => resolve(release));
        })
        .catch(reject);
    });
  const atOnce = await request({ ifAvailable: true });
  if (atOnce) return atOnce;
  const report = async () => {
    const found = await readRecord(folder, name);
    onWait(found?.record.bytes ?? 0, found?.record.size ?? 0);
  };
  void report();
  const poll = setInterval(() => void report(), WAIT_POLL_MS);
  try {
    return (await request({ signal }))!;
  } finally {
    clearInterval(poll);
  }
}
