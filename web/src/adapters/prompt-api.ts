/// <reference types="dom-chromium-ai" />
/**
 * A `LanguageModel` like the one that browsers with the Prompt API have, answered by a model in
 * this page: https://webmachinelearning.github.io/prompt-api
 *
 * ```ts
 * import { createLanguageModel } from 'inkling-wasm/prompt-api';
 * const Own = createLanguageModel({ source: '/models/model.gguf' });
 * const session = await Own.create({ initialPrompts: [{ role: 'system', content: 'Be brief.' }] });
 * for await (const piece of session.promptStreaming('Hello!')) show(piece);
 * ```
 * @packageDocumentation
 */
import {
  type LoadOptions,
  type LoadProgress,
  type Model,
  type ModelSource,
  loadModel,
  modelCache,
} from '../index.js';
import { creationError, domException, promptError, quotaExceeded } from './prompt-errors.js';
import {
  PARAMS,
  type SessionSampling,
  checkOptions,
  promptInput,
  whyUnsupported,
} from './prompt-input.js';
import { PromptSession, joinTurns, readAhead, tokensOf } from './prompt-session.js';

/** A model that is loaded when the first session is created, or one that is there already. */
export type LanguageModelSource = FromSource | { model: Model };
type FromSource = { source: ModelSource } & Omit<
  LoadOptions,
  'onProgress' | 'signal' | 'vocabularyOnly'
>;

/** What `LanguageModel` is in browsers, with a way to let go of the model. */
export type InklingLanguageModel = typeof LanguageModel & {
  /**
   * Destroys no session, but frees the model that was loaded for them: their calls reject. A model
   * that was handed in is left alone. create() loads again.
   */
  dispose(): void;
};

/**
 * Sessions share the model's one context: going on with the one that was asked last is quickest.
 */
export function createLanguageModel(from: LanguageModelSource): InklingLanguageModel {
  const shared = new SharedModel(from);
  return class LanguageModel extends PromptSession {
    static async availability(options: LanguageModelCreateCoreOptions = {}): Promise<Availability> {
      checkOptions(options);
      return whyUnsupported(options) ? 'unavailable' : shared.availability();
    }

    static async create(options: LanguageModelCreateOptions = {}): Promise<LanguageModel> {
      const sampling = checkOptions(options);
      const initial = promptsOf(options);
      const { signal } = options;
      signal?.throwIfAborted();
      const onDownload = openMonitor(options.monitor);
      const unsupported = whyUnsupported(options);
      if (unsupported) throw domException('NotSupportedError', unsupported);
      const model = await shared.load(onDownload, signal);
      const session = new LanguageModel(await begin(model, sampling, initial, signal));
      signal?.throwIfAborted();
      signal?.addEventListener('abort', () => session.destroyFor(signal.reason), { once: true });
      return session;
    }

    static async params(): Promise<LanguageModelParams> {
      return PARAMS;
    }

    static dispose(): void {
      shared.dispose();
    }
  };
}

function promptsOf({ initialPrompts }: LanguageModelCreateOptions) {
  if (!initialPrompts || initialPrompts.length === 0) return [];
  const { messages, prefix } = promptInput(initialPrompts as LanguageModelPrompt, true);
  return joinTurns(
    prefix === undefined ? messages : [...messages, { role: 'assistant', content: prefix }],
  );
}

/** Reads the initial prompts, which have to fit the context. */
async function begin(
  model: Model,
  sampling: SessionSampling,
  initial: ReturnType<typeof promptsOf>,
  signal: AbortSignal | undefined,
) {
  if (!model.info.hasChatFormat) {
    throw domException(
      'NotSupportedError',
      "The model has no chat template: give one as chatTemplate, e.g. 'chatml'.",
    );
  }
  const window = model.info.contextLength;
  try {
    const usage = await tokensOf(model, initial);
    if (usage >= window)
      throw quotaExceeded(
        `The initial prompts take ${usage} tokens; the context window holds ${window}.`,
        usage + 1,
        window,
      );
    await readAhead(model, initial, signal);
    return { model, sampling, initial, turns: [], usage };
  } catch (thrown) {
    throw promptError(thrown, window);
  }
}

// ---- The model that sessions share ----

type OnDownload = (fraction: number) => void;

interface Loading {
  promise: Promise<Model>;
  /** Of each create() that waits. */
  listeners: Set<OnDownload>;
  controller: AbortController;
  /** What has been read of the whole. */
  fraction: number;
}

class SharedModel {
  readonly #from: LanguageModelSource;
  #model: Model | undefined;
  #loading: Loading | undefined;

  constructor(from: LanguageModelSource) {
    this.#from = from;
    if ('model' in from) this.#model = from.model;
  }

  /** 'available' also where the model has to be loaded, but not from the network. */
  async availability(): Promise<Availability> {
    if (this.#model) return 'available';
    if (this.#loading) return 'downloading';
    const { source, cache = true } = this.#from as FromSource;
    const key = typeof cache === 'string' ? cache : urlOf(source);
    if (key === undefined) return 'available';
    return cache !== false && (await modelCache.open(key)) ? 'available' : 'downloadable';
  }

  /** One load for all who ask meanwhile; it is given up when the last of them gives up. */
  async load(onDownload: OnDownload, signal: AbortSignal | undefined): Promise<Model> {
    if (this.#model) {
      onDownload(0);
      onDownload(1);
      return this.#model;
    }
    const loading = (this.#loading ??= this.#start());
    loading.listeners.add(onDownload);
    onDownload(loading.fraction);
    const leave = () => {
      loading.listeners.delete(onDownload);
      if (loading.listeners.size === 0) this.#giveUp(loading, signal!.reason);
    };
    signal?.addEventListener('abort', leave);
    try {
      const model = await (signal
        ? Promise.race([loading.promise, abortOf(signal)])
        : loading.promise);
      onDownload(1);
      return model;
    } catch (thrown) {
      throw creationError(thrown);
    } finally {
      signal?.removeEventListener('abort', leave);
      loading.listeners.delete(onDownload);
    }
  }

  dispose(): void {
    if (this.#loading)
      this.#giveUp(this.#loading, domException('AbortError', 'The model has been disposed of.'));
    if ('model' in this.#from) return;
    this.#model?.dispose();
    this.#model = undefined;
  }

  /** Who asks now starts anew. */
  #giveUp(loading: Loading, reason: unknown): void {
    loading.controller.abort(reason);
    if (this.#loading === loading) this.#loading = undefined;
  }

  #start(): Loading {
    const { source, ...options } = this.#from as FromSource;
    const listeners = new Set<OnDownload>();
    const controller = new AbortController();
    const onProgress = ({ loaded, total }: LoadProgress) => {
      // To a 65,536th, as the specification has it, and 1 only when all is ready.
      loading.fraction = Math.floor((loaded / (total ?? Infinity)) * 65536) / 65536;
      if (loading.fraction < 1) for (const listener of listeners) listener(loading.fraction);
    };
    const promise = loadModel(source, { ...options, onProgress, signal: controller.signal });
    const loading = { promise, listeners, controller, fraction: 0 };
    promise
      .then(
        (model) => {
          if (this.#loading === loading) this.#model = model;
          else model.dispose();
        },
        () => {},
      )
      .finally(() => {
        if (this.#loading === loading) this.#loading = undefined;
      });
    return loading;
  }
}

/** Undefined for files and the like, which need no download. */
function urlOf(source: ModelSource): string | undefined {
  const first: unknown = Array.isArray(source) ? source[0] : source;
  return typeof first === 'string' || first instanceof URL ? String(first) : undefined;
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
  );
}

// ---- Progress ----

class Monitor extends EventTarget implements CreateMonitor {
  ondownloadprogress: ((this: CreateMonitor, event: ProgressEvent) => unknown) | null = null;

  constructor() {
    super();
    this.addEventListener('downloadprogress', (event) =>
      this.ondownloadprogress?.(event as ProgressEvent),
    );
  }
}

/** What the monitor throws, create() rejects with. */
function openMonitor(callback: CreateMonitorCallback | undefined): OnDownload {
  if (!callback) return () => {};
  const monitor = new Monitor();
  callback(monitor);
  let last = -1;
  return (fraction) => {
    if (fraction <= last) return;
    last = fraction;
    monitor.dispatchEvent(progressEvent(fraction));
  };
}

function progressEvent(loaded: number): Event {
  const fields = { lengthComputable: true, loaded, total: 1 };
  const event =
    typeof ProgressEvent === 'undefined'
      ? new Event('downloadprogress')
      : new ProgressEvent('downloadprogress', fields);
  if ((event as ProgressEvent).loaded === loaded) return event;
  // Node has no such events, and older browsers round the numbers down.
  for (const [name, value] of Object.entries(fields))
    Object.defineProperty(event, name, { value, enumerable: true });
  return event;
}
