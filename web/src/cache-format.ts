/**
 * How models lie in the origin private file system: each file of a model in one file of the folder `inkling-models`,
 *
 *     0        8192      16384                16384 + bytes
 *     | record | record  | the model's file … |  room that is reserved for the rest
 *
 * Records are written in turns, so that a tab that is closed in the middle of one spoils only that, and the one before
 * counts; and only after the bytes that they speak of have reached the disk. What is not in a record is not there.
 */
import { InklingError, reasonOf } from './errors.js';

const FOLDER = 'inkling-models';
const FORMAT = 1;
const SLOT_BYTES = 8192;
/** Where the model's bytes begin. */
export const DATA_OFFSET = 2 * SLOT_BYTES;

/** What is known of a file in the cache. */
export interface CacheRecord {
  /** The model's name in the cache: its URL, or what the caller calls it. */
  key: string;
  /** Which of its files this is, from 0, of how many. */
  part: number;
  parts: number;
  /** Which version of the file it is; see Version in download.ts. */
  etag: string;
  lastModified: string;
  /** Bytes of the whole file; 0: not known. */
  size: number;
  /** Bytes of it that are here, from its beginning. */
  bytes: number;
  /** All of it is here, and was right. */
  complete: boolean;
  /** Of the whole file, in hexadecimal; '' when nobody asked. */
  sha256: string;
  /** Milliseconds since 1970. */
  lastUsed: number;
}

interface Slot {
  format: typeof FORMAT;
  /** The higher one counts. */
  sequence: number;
  record: CacheRecord;
}

/** 32 bits of FNV-1a: enough to tell a torn record. */
function checksum(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** Where a record is to be written, and its bytes. undefined: its key is too long. */
export function encodeRecord(record: CacheRecord, sequence: number): { at: number; bytes: Uint8Array<ArrayBuffer> } | undefined {
  const json = JSON.stringify({ format: FORMAT, sequence, record } satisfies Slot);
  const bytes = new TextEncoder().encode(`${checksum(json)} ${json}\n`);
  return bytes.length > SLOT_BYTES ? undefined : { at: (sequence % 2) * SLOT_BYTES, bytes };
}

/** The newest whole record of a file's first DATA_OFFSET bytes. */
export function decodeRecord(head: Uint8Array): { record: CacheRecord; sequence: number } | undefined {
  const slots = [0, SLOT_BYTES].map((at) => decodeSlot(head.subarray(at, at + SLOT_BYTES)));
  slots.sort((a, b) => (b?.sequence ?? -1) - (a?.sequence ?? -1));
  return slots[0];
}

function decodeSlot(bytes: Uint8Array): Slot | undefined {
  const text = new TextDecoder().decode(bytes.subarray(0, Math.max(bytes.indexOf(10), 0)));
  const json = text.slice(9);
  if (text.slice(0, 8) !== checksum(json)) return undefined;
  const slot = JSON.parse(json) as Slot;
  return slot.format === FORMAT ? slot : undefined;
}

/** The folder of the cache. Rejects with INK_ERR_UNSUPPORTED_HOST where there is none, as in Node. */
export async function openFolder(): Promise<FileSystemDirectoryHandle> {
  const storage = (globalThis as { navigator?: Navigator }).navigator?.storage;
  let reason = 'it needs a browser with OPFS and Web Locks, and a page served by HTTPS or from localhost';
  try {
    if (typeof storage?.getDirectory === 'function' && navigator.locks) {
      return await (await storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
    }
  } catch (cause) {
    reason = reasonOf(cause); // private windows of some browsers, sandboxed frames
  }
  throw new InklingError('INK_ERR_UNSUPPORTED_HOST', `Models can't be cached here: ${reason}.`);
}

/** The name in the folder of one of a model's files. */
export async function fileName(key: string, part: number): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`${part} ${key}`));
  return Array.from(new Uint8Array(digest, 0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Whoever reads, writes or deletes a file of the cache holds the lock of this name. */
export function lockName(file: string): string {
  return `${FOLDER}/${file}`;
}

/** The record of a file in the folder, which may be open elsewhere; undefined when there is no such file, or no model in it. */
export async function readRecord(folder: FileSystemDirectoryHandle, name: string): Promise<{ record: CacheRecord; file: File } | undefined> {
  try {
    const file = await (await folder.getFileHandle(name)).getFile();
    const decoded = decodeRecord(new Uint8Array(await file.slice(0, DATA_OFFSET).arrayBuffer()));
    return decoded && { record: decoded.record, file };
  } catch {
    return undefined;
  }
}

/** All files of the cache. */
export async function readFolder(folder: FileSystemDirectoryHandle): Promise<{ name: string; record: CacheRecord | undefined }[]> {
  const names: string[] = [];
  for await (const [name, handle] of folder.entries()) if (handle.kind === 'file') names.push(name);
  return Promise.all(names.map(async (name) => ({ name, record: (await readRecord(folder, name))?.record })));
}

/** False: it is in use, and stays. */
export function removeFile(folder: FileSystemDirectoryHandle, name: string): Promise<boolean> {
  return navigator.locks.request(lockName(name), { ifAvailable: true }, async (lock) => {
    if (!lock) return false;
    await folder.removeEntry(name).catch((error: unknown) => {
      if ((error as Error).name !== 'NotFoundError') throw error;
    });
    return true;
  });
}
