/** What modelCache does, in a file of its own, since most pages never need it. */
import { DATA_OFFSET, openFolder, readRecord } from './cache-format.js';
import { type StoredModel, evictOldest, readModels, removeModel } from './cache-models.js';
import { InklingError } from './errors.js';
import { absoluteUrl, partsOf } from './parts.js';
import type { CachedModel } from './types.js';

/** The cache, with what it holds; undefined where there is none, as in Node. */
async function openCache(): Promise<{ folder: FileSystemDirectoryHandle; models: StoredModel[] } | undefined> {
  try {
    const folder = await openFolder();
    return { folder, models: await readModels(folder) };
  } catch (error) {
    if (error instanceof InklingError && error.code === 'INK_ERR_UNSUPPORTED_HOST') return undefined;
    throw error;
  }
}

/** A name that was given, or the URL of any of a model's files. */
function isKey(key: string, model: CachedModel): boolean {
  if (model.key === key) return true;
  try {
    return model.key === absoluteUrl(partsOf(key)[0] as string).replace(/#.*$/, '');
  } catch {
    return false; // a name
  }
}

async function remove(folder: FileSystemDirectoryHandle, model: StoredModel): Promise<void> {
  if (await removeModel(folder, model)) return;
  throw new InklingError('INK_ERR_WRONG_STATE', `${model.key} is being loaded, here or in another tab, and can't be deleted now.`);
}

export async function list(): Promise<CachedModel[]> {
  const { models } = (await openCache()) ?? { models: [] };
  return models.filter(({ key }) => key !== '').map(({ names: _, ...model }) => model);
}

export async function open(key: string): Promise<Blob[] | undefined> {
  const { folder, models } = (await openCache()) ?? { models: [] };
  const model = models.find((model) => isKey(key, model));
  if (!folder || !model?.complete) return undefined;
  const found = (await Promise.all(model.names.map((name) => readRecord(folder, name)))).filter((file) => file !== undefined);
  found.sort((a, b) => a.record.part - b.record.part);
  return found.map(({ file, record }) => file.slice(DATA_OFFSET, DATA_OFFSET + record.size));
}

export async function deleteModel(key: string): Promise<boolean> {
  const { folder, models } = (await openCache()) ?? { models: [] };
  const model = models.find((model) => isKey(key, model));
  if (!folder || !model) return false;
  await remove(folder, model);
  return true;
}

export async function evict(): Promise<boolean> {
  return (await openCache()) !== undefined && evictOldest('');
}

export async function clear(): Promise<void> {
  const { folder, models } = (await openCache()) ?? { models: [] };
  if (!folder) return;
  const outcomes = await Promise.allSettled(models.map((model) => remove(folder, model)));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}
