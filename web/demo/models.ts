/** Which models there are to choose from, and loading the chosen one. */
import { signal } from '@preact/signals';
import {
  type CachedModel,
  InklingError,
  type LoadProgress,
  type Model,
  type ModelSource,
  loadModel,
  modelCache,
} from 'inkling-wasm';
import { type AnswerSettings, readStored, writeStored } from './settings.js';

/** Put in by the build, from models/manifest.json; the one that a first visit begins with comes first. */
declare const OFFERED_MODELS: readonly OfferedModel[];

export interface OfferedModel {
  id: string;
  name: string;
  /** What it can talk in, e.g. 'en'. */
  languages: readonly string[];
  /** Relative to the page. */
  url: string;
  /** In bytes. */
  size: number;
  sha256: string;
  license: string;
  /** What to ask it, to begin with. */
  prompts: readonly string[];
  /** What it is and what it is not, by language; else what holds for any model of its size is said. */
  about?: Readonly<Record<string, string>>;
  /** In tokens, where it can read fewer than CONTEXT_LENGTH. */
  contextLength?: number;
  /** It was made to answer one message, and is given no more. */
  singleTurn?: boolean;
  /** How it answers best, where that is not as in settings.ts. */
  settings?: Partial<AnswerSettings>;
}

export const offeredModels = OFFERED_MODELS;

/** What may be asked of a model, or of the one that is coming; of one that is not ours, what any can answer. */
export function promptsFor(choice: { offered?: OfferedModel } | undefined): readonly string[] {
  const model = choice?.offered ?? OFFERED_MODELS.find(({ singleTurn }) => !singleTurn);
  return model?.prompts ?? [];
}

/** What the visitor chose. */
export interface Choice {
  label: string;
  source: ModelSource;
  offered?: OfferedModel;
  /**
   * What the next visit finds it by: an address, or `kept:` and the name that the cache has it
   * under.
   */
  place?: string;
}

export interface LoadedModel extends Choice {
  model: Model;
}

export interface Loading {
  label: string;
  offered?: OfferedModel;
  progress?: LoadProgress;
}

/** In tokens, for models that can read as many. */
export const CONTEXT_LENGTH = 2048;
/** The place of the model of the last visit. */
const KEY = 'inkling.model';
/** Marks a place in the cache that is no address. */
const KEPT = 'kept:';

export function nameOfFile(path: string): string {
  return (path.split(/[/\\]/).pop() || path).replace(/(-\d{5}-of-\d{5})?\.gguf$/i, '');
}

export function choiceOf(offered: OfferedModel): Choice {
  return { label: offered.name, source: offered.url, offered, place: offered.url };
}

export function choiceAt(url: string): Choice {
  const offered = OFFERED_MODELS.find((model) => model.url === url);
  return offered
    ? choiceOf(offered)
    : { label: nameOfFile(new URL(url, location.href).pathname), source: url, place: url };
}

/** A model of the cache; undefined when it is not there any more. */
async function choiceKept(key: string): Promise<Choice | undefined> {
  const files = await modelCache.open(key);
  return files && { label: key, source: files, place: KEPT + key };
}

/** Several files are the parts of one model. keep: on this device, for the next visit. */
export function choiceOfFiles(files: readonly File[], keep: boolean): Choice {
  const label = nameOfFile(files[0]!.name);
  return {
    label,
    source: files.length > 1 ? files : files[0]!,
    ...(keep ? { place: KEPT + label } : {}),
  };
}

/** What this visit begins with: ?model=, the last visit's model, or the default one. */
export async function firstChoice(): Promise<Choice> {
  const place = new URLSearchParams(location.search).get('model') ?? readStored(KEY);
  const kept = place?.startsWith(KEPT)
    ? await choiceKept(place.slice(KEPT.length)).catch(() => undefined)
    : undefined;
  if (kept) return kept;
  const isAddress = place && !place.startsWith(KEPT) && URL.canParse(place, location.href);
  return isAddress ? choiceAt(place) : choiceOf(OFFERED_MODELS[0]!);
}

/** The choice that a model of the cache stands for. */
export function choiceOfKept({ key }: CachedModel): Promise<Choice | undefined> {
  const offered = OFFERED_MODELS.find(({ url }) => new URL(url, document.baseURI).href === key);
  if (offered) return Promise.resolve(choiceOf(offered));
  return URL.canParse(key) ? Promise.resolve(choiceAt(key)) : choiceKept(key);
}

/** A link to this page can name a model anywhere: that is not yet the visitor's own choice. */
export function isForeign({ source, offered }: Choice): boolean {
  return (
    typeof source === 'string' &&
    !offered &&
    new URL(source, document.baseURI).origin !== location.origin
  );
}

/** Downloading it may cost the visitor money. */
export async function isMetered(choice: Choice): Promise<boolean> {
  const { connection } = navigator as { connection?: { saveData?: boolean; type?: string } };
  if (!connection?.saveData && connection?.type !== 'cellular') return false;
  if (typeof choice.source !== 'string') return false;
  const { href } = new URL(choice.source, document.baseURI);
  const kept = await modelCache.list().catch(() => []);
  return !kept.some(({ key, complete }) => key === href && complete);
}

export class Models {
  readonly current = signal<LoadedModel | undefined>();
  /** What its engine takes now, in bytes. */
  readonly memory = signal(0);
  readonly loading = signal<Loading | undefined>();
  /** What the cache holds. */
  readonly kept = signal<readonly CachedModel[]>([]);
  #load: AbortController | undefined;

  /**
   * Loads beside the present model, which stays until the new one is ready, and for good if it
   * doesn't load. Rejects as loadModel() does. False: another choice, or cancel(), came first.
   */
  async open(choice: Choice): Promise<boolean> {
    const load = this.expect(choice);
    const loading = this.loading.peek()!;
    try {
      const model = await loadModel(choice.source, {
        contextLength: choice.offered?.contextLength ?? CONTEXT_LENGTH,
        signal: load.signal,
        ...cacheOptions(choice),
        onProgress: (progress) => {
          if (!load.signal.aborted) this.loading.value = { ...loading, progress };
        },
      });
      if (load.signal.aborted) {
        model.dispose();
        return false;
      }
      this.current.peek()?.model.dispose();
      this.memory.value = model.info.memoryBytes;
      this.current.value = { ...choice, model };
      if (choice.place !== undefined) writeStored(KEY, choice.place);
      void this.refreshKept();
      return true;
    } catch (error) {
      if (load.signal.aborted) return false;
      throw error;
    } finally {
      if (this.#load === load) this.loading.value = undefined;
    }
  }

  /** Shows a model as coming, in place of what was; cancel() aborts it. */
  expect({ label, offered }: Choice): AbortController {
    this.#load?.abort();
    this.loading.value = { label, ...(offered && { offered }) };
    return (this.#load = new AbortController());
  }

  cancel(): void {
    this.#load?.abort();
    this.loading.value = undefined;
  }

  /** Frees the present model's memory. */
  close(): void {
    this.current.peek()?.model.dispose();
    this.current.value = undefined;
  }

  async refreshMemory(): Promise<void> {
    const { model } = this.current.peek() ?? {};
    const bytes = await model?.memoryUse().catch(() => undefined); // it is being closed
    if (bytes !== undefined && model === this.current.peek()?.model) this.memory.value = bytes;
  }

  async refreshKept(): Promise<void> {
    this.kept.value = await modelCache.list().catch(() => []);
  }

  async forget({ key }: CachedModel): Promise<void> {
    await modelCache.delete(key).finally(() => this.refreshKept());
  }
}

function cacheOptions({ source, offered, place }: Choice): { cache?: string; sha256?: string } {
  if (offered) return { sha256: offered.sha256 };
  const isFile = source instanceof File || (Array.isArray(source) && source[0] instanceof File);
  return isFile && place !== undefined ? { cache: place.slice(KEPT.length) } : {};
}

/** The engine is gone, and with it the model. */
export const isCrash = (error: unknown): boolean =>
  error instanceof InklingError && error.code === 'INK_ERR_CRASHED';

export const isOutOfMemory = (error: unknown): boolean =>
  error instanceof InklingError && error.code === 'INK_ERR_OUT_OF_MEMORY';
