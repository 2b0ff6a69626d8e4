/** A file of the cache, open for reading and writing: only in a worker, and only while holding its lock. */
import { type CacheRecord, DATA_OFFSET, decodeRecord, encodeRecord } from './cache-format.js';
import { InklingError, reasonOf } from './errors.js';

/** What a closed tab may lose: so many bytes, or as many as come in that time. */
const CHECKPOINT_BYTES = 8 << 20;
const CHECKPOINT_MS = 1000;

/** What TypeScript's library has for workers alone. */
interface SyncAccessHandle {
  read(buffer: Uint8Array, options: { at: number }): number;
  write(buffer: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}
type SyncFileHandle = FileSystemFileHandle & { createSyncAccessHandle(): Promise<SyncAccessHandle> };

export class CacheFile {
  readonly #handle: SyncAccessHandle;
  #record: CacheRecord;
  #sequence: number;
  /** Bytes of the model that were written; the record lags behind. */
  #written: number;
  #checkpointed = performance.now();

  private constructor(handle: SyncAccessHandle, record: CacheRecord, sequence: number) {
    this.#handle = handle;
    this.#record = record;
    this.#sequence = sequence;
    this.#written = record.bytes;
  }

  /** Rejects with an InklingError. `fresh`: the record of a file that is not there yet. */
  static async open(folder: FileSystemDirectoryHandle, name: string, fresh: CacheRecord): Promise<CacheFile> {
    if (!('createSyncAccessHandle' in FileSystemFileHandle.prototype)) {
      throw new InklingError('INK_ERR_UNSUPPORTED_HOST', "Models can't be cached here: it takes a dedicated worker.");
    }
    let handle: SyncAccessHandle | undefined;
    try {
      handle = await ((await folder.getFileHandle(name, { create: true })) as SyncFileHandle).createSyncAccessHandle();
      const head = new Uint8Array(DATA_OFFSET);
      handle.read(head, { at: 0 });
      const found = decodeRecord(head);
      // Another part of the same name means another model under a key that is given again.
      const usable = found && found.record.parts === fresh.parts && handle.getSize() >= DATA_OFFSET + found.record.bytes;
      return new CacheFile(handle, usable ? found.record : fresh, found ? found.sequence : 0);
    } catch (cause) {
      handle?.close();
      throw cacheError(cause);
    }
  }

  get record(): Readonly<CacheRecord> {
    return this.#record;
  }

  /** Fills `buffer` from the model's byte `at` on; returns how many bytes there were. */
  read(buffer: Uint8Array, at: number): number {
    const n = Math.min(buffer.length, this.#record.bytes - at);
    return n > 0 ? this.#handle.read(buffer.subarray(0, n), { at: DATA_OFFSET + at }) : 0;
  }

  /** Nothing of the model is here any more, and what is to come is described. Throws an InklingError. */
  restart(version: Pick<CacheRecord, 'etag' | 'lastModified' | 'size'>): void {
    attempt(() => this.#handle.truncate(DATA_OFFSET)); // frees what the old one took
    this.#written = 0;
    this.#record = { ...this.#record, ...version, bytes: 0, complete: false, sha256: '' };
    this.#writeRecord();
  }

  /** Takes up the room of the whole file at once, so that a lack of it shows before the download. Throws an InklingError. */
  reserve(): void {
    const size = DATA_OFFSET + this.#record.size;
    if (this.#handle.getSize() < size) attempt(() => this.#handle.truncate(size));
  }

  /** Throws an InklingError. */
  append(bytes: Uint8Array): void {
    const written = attempt(() => this.#handle.write(bytes, { at: DATA_OFFSET + this.#written }));
    if (written < bytes.length) throw quotaError('the disk is full');
    this.#written += bytes.length;
    const late = performance.now() - this.#checkpointed >= CHECKPOINT_MS;
    if (late || this.#written - this.#record.bytes >= CHECKPOINT_BYTES) this.checkpoint();
  }

  /** Makes sure of what was written. Throws an InklingError. */
  checkpoint(): void {
    if (this.#written === this.#record.bytes) return;
    this.#record = { ...this.#record, bytes: this.#written };
    this.#writeRecord();
    this.#checkpointed = performance.now();
  }

  /** All of the model is here. sha256: '' when not known. Throws an InklingError. */
  complete(sha256: string): void {
    const size = this.#written;
    this.#record = { ...this.#record, size, bytes: size, complete: true, sha256 };
    attempt(() => this.#handle.truncate(DATA_OFFSET + size)); // of a file that was there before, longer
    this.#writeRecord();
  }

  /** Says when it was last used, and gives room back that was reserved for more. Throws an InklingError. */
  settle(): void {
    this.checkpoint();
    if (!this.#record.complete) attempt(() => this.#handle.truncate(DATA_OFFSET + this.#record.bytes));
    else this.#writeRecord();
  }

  close(): void {
    this.#handle.close();
  }

  #writeRecord(): void {
    const encoded = encodeRecord({ ...this.#record, lastUsed: Date.now() }, this.#sequence + 1);
    if (!encoded) throw new InklingError('INK_ERR_INVALID_ARGUMENT', `The model can't be cached: its key is too long.`);
    attempt(() => {
      this.#handle.flush(); // the bytes that the record speaks of
      this.#handle.write(encoded.bytes, { at: encoded.at });
      this.#handle.flush();
    });
    this.#sequence++;
  }
}

function attempt<T>(action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw cacheError(cause);
  }
}

export function cacheError(cause: unknown): InklingError {
  if (cause instanceof InklingError) return cause;
  if ((cause as Error).name === 'QuotaExceededError') return quotaError(reasonOf(cause));
  return new InklingError('INK_ERR_IO', `The model can't be cached: ${reasonOf(cause)}`, { cause });
}

function quotaError(reason: string): InklingError {
  return new InklingError(
    'INK_ERR_QUOTA',
    `The browser has no room to keep the model (${reason}). Free some by modelCache.delete(), or load with the option evict.`,
  );
}
