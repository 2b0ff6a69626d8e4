/** The models of the cache, each of one or more files. */
import { type CacheRecord, openFolder, readFolder, removeFile } from './cache-format.js';
import type { CachedModel } from './types.js';

/** A model, and the names of its files in the folder. */
export interface StoredModel extends CachedModel {
  names: string[];
}

/** Least recently used first. */
export async function readModels(folder: FileSystemDirectoryHandle): Promise<StoredModel[]> {
  const files = new Map<string, { name: string; record: CacheRecord }[]>();
  for (const { name, record = NO_RECORD } of await readFolder(folder)) {
    const others = files.get(record.key) ?? [];
    files.set(record.key, [...others, { name, record }]);
  }
  return [...files].map(([key, parts]) => modelOf(key, parts)).sort((a, b) => a.lastUsed - b.lastUsed);
}

/** Of what a tab left that was closed just when it had made a file. */
const NO_RECORD: CacheRecord = {
  key: '', part: 0, parts: 1, etag: '', lastModified: '', size: 0, bytes: 0, complete: false, sha256: '', lastUsed: 0,
};

function modelOf(key: string, files: { name: string; record: CacheRecord }[]): StoredModel {
  const records = files.map(({ record }) => record);
  const sum = (field: 'bytes' | 'size') => records.reduce((total, record) => total + record[field], 0);
  const areAll = records.length === records[0]!.parts;
  return {
    key,
    bytes: sum('bytes'),
    totalBytes: areAll && records.every(({ size }) => size > 0) ? sum('size') : undefined,
    complete: areAll && records.every(({ complete }) => complete),
    files: files.length,
    lastUsed: Math.max(...records.map(({ lastUsed }) => lastUsed)),
    names: files.map(({ name }) => name),
  };
}

/** False: some of it is in use, and stays. */
export async function removeModel(folder: FileSystemDirectoryHandle, { names }: StoredModel): Promise<boolean> {
  const removed = await Promise.all(names.map((name) => removeFile(folder, name)));
  return removed.every(Boolean);
}

/** Deletes the model that was not used for longest, of those that are not in use, nor that of `key`. False: there is none. */
export async function evictOldest(key: string): Promise<boolean> {
  const folder = await openFolder();
  for (const model of await readModels(folder)) {
    if (model.key !== key && (await removeModel(folder, model))) return true;
  }
  return false;
}
