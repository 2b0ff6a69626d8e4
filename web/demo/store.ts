/** Conversations on the device, in IndexedDB. */

/** How an answer went; shown under it. */
export interface Note {
  /** The model's name. */
  model: string;
  finish: 'end' | 'stop' | 'length' | 'context' | 'stopped' | 'failed';
  /** From asking to the first word. */
  firstMs?: number;
  /** Tokens a second. */
  prefill?: number;
  decode?: number;
  tokens?: number;
}

export interface Turn {
  role: 'user' | 'assistant';
  content: string;
  note?: Note;
}

export interface Chat {
  id: string;
  /** '' until there is a message. */
  title: string;
  /** Milliseconds since 1970. */
  updated: number;
  turns: readonly Turn[];
}

const NAME = 'inkling';
const CHATS = 'chats';

/** Where there is no storage, everything is forgotten with the page, and `keeps` is false. */
export class ChatStore {
  readonly #database: IDBDatabase | undefined;
  readonly keeps: boolean;

  private constructor(database: IDBDatabase | undefined) {
    this.#database = database;
    this.keeps = database !== undefined;
    // A newer page wants to change it.
    database?.addEventListener('versionchange', () => database.close());
  }

  static async open(): Promise<ChatStore> {
    try {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(CHATS, { keyPath: 'id' });
      return new ChatStore(await settled(request));
    } catch {
      return new ChatStore(undefined);
    }
  }

  /** Newest first. */
  async all(): Promise<Chat[]> {
    const chats = await this.#run('readonly', (store) => store.getAll() as IDBRequest<Chat[]>);
    return (chats ?? []).sort((a, b) => b.updated - a.updated);
  }

  async put(chat: Chat): Promise<void> {
    await this.#run('readwrite', (store) => store.put(chat));
  }

  async delete(id: string): Promise<void> {
    await this.#run('readwrite', (store) => store.delete(id));
  }

  async clear(): Promise<void> {
    await this.#run('readwrite', (store) => store.clear());
  }

  /** undefined: there is no storage, or it failed (full, or cleared by the visitor meanwhile). */
  async #run<T>(
    mode: IDBTransactionMode,
    use: (store: IDBObjectStore) => IDBRequest<T>,
  ): Promise<T | undefined> {
    try {
      return (
        this.#database &&
        (await settled(use(this.#database.transaction(CHATS, mode).objectStore(CHATS))))
      );
    } catch (error) {
      console.warn('The conversation could not be kept:', error);
      return undefined;
    }
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB failed'));
  });
}
