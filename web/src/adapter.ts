import type { Connection } from './connection.js';
import { dispose } from './dispose.js';
import { InklingError, invalidArgument } from './errors.js';
import type { AdapterUses } from './protocol.js';
import { openFiles } from './request.js';
import type { AdapterInfo, AdapterUse, LoadAdapterOptions, ModelPart } from './types.js';

/** A LoRA adapter, loaded for one model; see Model.loadAdapter(). */
export class Adapter {
  readonly info: Readonly<AdapterInfo>;
  readonly #connection: Connection;
  readonly #id: number;
  #disposed = false;

  /** @internal Use Model.loadAdapter(). */
  constructor(connection: Connection, id: number, info: AdapterInfo) {
    this.#connection = connection;
    this.#id = id;
    this.info = Object.freeze(info);
  }

  /** Frees it, once no session uses it any more: those that do keep it until they are given others. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    close(this.#connection, this.#id);
  }

  [dispose](): void {
    this.dispose();
  }

  /** @internal */
  static usesOf(connection: Connection, adapters: readonly (Adapter | AdapterUse)[]): AdapterUses {
    if (!Array.isArray(adapters)) throw invalidArgument('adapters must be a list.');
    return (adapters as readonly (Adapter | AdapterUse)[]).map((given) => {
      const { adapter, scale = 1 } = given instanceof Adapter ? { adapter: given } : given;
      if (!(adapter instanceof Adapter) || adapter.#connection !== connection) {
        throw invalidArgument('adapters must be adapters of this model, or objects with such an adapter and a scale.');
      }
      if (adapter.#disposed) throw new InklingError('INK_ERR_WRONG_STATE', 'The adapter has been disposed of.');
      if (!Number.isFinite(Math.fround(scale))) throw invalidArgument(`${String(scale)} is no scale of an adapter.`);
      return { adapter: adapter.#id, scale };
    });
  }
}

function close(connection: Connection, adapter: number): void {
  connection.request({ type: 'closeAdapter', adapter, priority: Infinity }).catch(() => {}); // a closed engine has none
}

/** For Model.loadAdapter(). */
export async function loadAdapter(connection: Connection, source: ModelPart, options: LoadAdapterOptions): Promise<Adapter> {
  const { onProgress, signal } = options;
  signal?.throwIfAborted();
  const { request, parts } = await openFiles(source, options);
  const adapter = connection.newAdapter();
  try {
    const load = { type: 'loadAdapter', adapter, ...request } as const;
    const info = await connection.request(load, signal, { ...(onProgress && { onProgress }), onPull: parts.read });
    return new Adapter(connection, adapter, info);
  } catch (error) {
    close(connection, adapter); // whether the engine had it before it heard of the abort is not known here
    throw error;
  } finally {
    parts.cancel();
  }
}
