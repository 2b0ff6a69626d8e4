/** Which models there are to choose from, and loading the chosen one. */
import { signal } from '@preact/signals';
import { InklingError, type LoadProgress, type Model, type ModelSource, loadModel } from 'inkling-wasm';
import { readStored, writeStored } from './settings.js';

/** Put in by the build, from models/manifest.json; the default first. */
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
}

export const offeredModels = OFFERED_MODELS;

/** What the visitor chose. */
export interface Choice {
  label: string;
  source: ModelSource;
  offered?: OfferedModel;
}

export interface LoadedModel extends Choice {
  model: Model;
}

export interface Loading {
  label: string;
  progress?: LoadProgress & { bytesPerSecond: number };
}

const CONTEXT_LENGTH = 2048;
/** The address of the model of the last visit. */
const KEY = 'inkling.model';

export function nameOfFile(path: string): string {
  return (path.split(/[/\\]/).pop() || path).replace(/(-\d{5}-of-\d{5})?\.gguf$/i, '');
}

export function choiceOf(offered: OfferedModel): Choice {
  return { label: offered.name, source: offered.url, offered };
}

export function choiceAt(url: string): Choice {
  const offered = OFFERED_MODELS.find((model) => model.url === url);
  return offered ? choiceOf(offered) : { label: nameOfFile(new URL(url, location.href).pathname), source: url };
}

/** Several files are the parts of one model. */
export function choiceOfFiles(files: readonly File[]): Choice {
  return { label: nameOfFile(files[0]!.name), source: files.length > 1 ? files : files[0]! };
}

/** What this visit begins with: ?model=, the last visit's model, or the default one. */
export function firstChoice(): Choice {
  const asked = new URLSearchParams(location.search).get('model') ?? readStored(KEY);
  return asked ? choiceAt(asked) : choiceOf(OFFERED_MODELS[0]!);
}

export class Models {
  readonly current = signal<LoadedModel | undefined>();
  readonly loading = signal<Loading | undefined>();
  #load: AbortController | undefined;

  /**
   * Loads beside the present model, which stays until the new one is ready, and for good if it doesn't load.
   * Rejects as loadModel() does. False: another choice, or cancel(), came first.
   */
  async open(choice: Choice): Promise<boolean> {
    this.#load?.abort();
    const load = (this.#load = new AbortController());
    this.loading.value = { label: choice.label };
    try {
      const model = await loadModel(choice.source, {
        contextLength: CONTEXT_LENGTH,
        signal: load.signal,
        onProgress: this.#reporter(choice.label, load.signal),
      });
      if (load.signal.aborted) {
        model.dispose();
        return false;
      }
      this.current.peek()?.model.dispose();
      this.current.value = { ...choice, model };
      if (typeof choice.source === 'string') writeStored(KEY, choice.source);
      return true;
    } catch (error) {
      if (load.signal.aborted) return false;
      throw error;
    } finally {
      if (this.#load === load) this.loading.value = undefined;
    }
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

  #reporter(label: string, signal: AbortSignal): (progress: LoadProgress) => void {
    const started = performance.now();
    return (progress) => {
      if (signal.aborted) return;
      const seconds = Math.max((performance.now() - started) / 1000, 0.05);
      this.loading.value = { label, progress: { ...progress, bytesPerSecond: progress.loaded / seconds } };
    };
  }
}

/** The engine is gone, and with it the model. */
export const isCrash = (error: unknown): boolean => error instanceof InklingError && error.code === 'INK_ERR_CRASHED';

export const isOutOfMemory = (error: unknown): boolean =>
  error instanceof InklingError && error.code === 'INK_ERR_OUT_OF_MEMORY';
