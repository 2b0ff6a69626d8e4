/** What of models is kept in the browser. */
import { type ErrorMessage, InklingError } from './errors.js';
import type { CacheEstimate, CachedModel } from './types.js';

type Manager = typeof import('./cache-manager.js');

/** Rejects with this file's InklingError: the manager is a file of its own, since most pages never need it. */
async function ask<T>(request: (manager: Manager) => Promise<T>): Promise<T> {
  return request(await import('./cache-manager.js')).catch((error: Error & { toMessage?: () => ErrorMessage }) => {
    throw error.toMessage ? InklingError.fromMessage(error.toMessage()) : error;
  });
}

/**
 * The models that loadModel() keeps in the browser (OPFS), of this origin. Where there is no such cache, as in Node, it is
 * empty and stays so. All may reject with `INK_ERR_WRONG_STATE` when a model is being loaded.
 */
export const modelCache = {
  /** Least recently used first; downloads that were interrupted too. */
  list: (): Promise<CachedModel[]> => ask((manager) => manager.list()),

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
  open: (key: string): Promise<Blob[] | undefined> => ask((manager) => manager.open(key)),

  /** key: as in the list, or the URL of any of the model's files. False: there is no such model. */
  delete: (key: string): Promise<boolean> => ask((manager) => manager.deleteModel(key)),

  /** Deletes the model that was not used for longest, and of which nothing is in use. False: there is none. */
  evict: (): Promise<boolean> => ask((manager) => manager.evict()),

  /** Deletes all models; those in use stay, and then it rejects. */
  clear: (): Promise<void> => ask((manager) => manager.clear()),

  /**
   * Asks the browser to keep this origin's data when it runs short of room. Some ask the visitor, others decide by
   * themselves. False: it may still delete them.
   */
  async persist(): Promise<boolean> {
    const storage = (globalThis as { navigator?: Navigator }).navigator?.storage;
    return (await storage?.persist?.().catch(() => false)) ?? false;
  },
} as const;
