/** What of models is kept in the browser. */
import { DATA_OFFSET, openFolder, readRecord } from './cache-format.js';
import { type StoredModel, evictOldest, readModels, removeModel } from './cache-models.js';
import { InklingError } from './errors.js';
import { absoluteUrl, partsOf } from './parts.js';
import type { CacheEstimate, CachedModel } from './types.js';

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

/**
 * The models that loadModel() keeps in the browser (OPFS), of this origin. Where there is no such cache, as in Node, it is
 * empty and stays so. All may reject with `INK_ERR_WRONG_STATE` when a model is being loaded.
 */
export const modelCache = {
  /** Least recently used first; downloads that were interrupted too. */
  async list(): Promise<CachedModel[]> {
    const { models } = (await openCache()) ?? { models: [] };
    return models.filter(({ key }) => key !== '').map(({ names: _, ...model }) => model);
  },

  /** How much room the models take, and how much there is. */
  async estimate(): Promise<CacheEstimate> {
    const models = (await modelCache.list()).reduce((sum, { bytes }) => sum + bytes, 0);
    const storage = (globalThis as { navigator?: Navigator }).navigator?.storage;
    const { usage, quota } = (await storage?.estimate?.().catch(() => undefined)) ?? {};
    return { models, usage, quota };
  },

  /**
   * The files of a model that is all there, e.g. to save them elsewhere, or as a source for loadModel(). They hold until
   * the model is deleted. undefined: there is no such model.
   */
  async open(key: string): Promise<Blob[] | undefined> {
    const { folder, models } = (await openCache()) ?? { models: [] };
    const model = models.find((model) => isKey(key, model));
    if (!folder || !model?.complete) return undefined;
    const found = (await Promise.all(model.names.map((name) => readRecord(folder, name)))).filter((file) => file !== undefined);
    found.sort((a, b) => a.record.part - b.record.part);
    return found.map(({ file, record }) => file.slice(DATA_OFFSET, DATA_OFFSET + record.size));
  },

  /** key: as in the list, or the URL of any of the model's files. False: there is no such model. */
  async delete(key: string): Promise<boolean> {
    const { folder, models } = (await openCache()) ?? { models: [] };
    const model = models.find((model) => isKey(key, model));
    if (!folder || !model) return false;
    await remove(folder, model);
    return true;
  },

  /** Deletes the model that was not used for longest, and of which nothing is in use. False: there is none. */
  async evict(): Promise<boolean> {
    return (await openCache()) !== undefined && evictOldest('');
  },

  /** Deletes all models; those in use stay, and then it rejects. */
  async clear(): Promise<void> {
    const { folder, models } = (await openCache()) ?? { models: [] };
    if (!folder) return;
    const outcomes = await Promise.allSettled(models.map((model) => remove(folder, model)));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  },

  /**
   * Asks the browser to keep this origin's data when it runs short of room. Some ask the visitor, others decide by
   * themselves. False: it may still delete them.
   */
  async persist(): Promise<boolean> {
    const storage = (globalThis as { navigator?: Navigator }).navigator?.storage;
    return (await storage?.persist?.().catch(() => false)) ?? false;
  },
} as const;
