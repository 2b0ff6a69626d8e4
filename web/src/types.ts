/** Where a GGUF model comes from. A string is a URL, relative to the page. A stream is read once. */
export type ModelSource = string | URL | Blob | ArrayBuffer | ReadableStream<Uint8Array>;

/** How much of a model has been read. */
export interface LoadProgress {
  /** Bytes read so far. */
  loaded: number;
  /** Bytes in all; undefined when the source does not say. */
  total: number | undefined;
}

export interface LoadOptions {
  /** Called a few times a second while loading, and once at the end. */
  onProgress?: (progress: LoadProgress) => void;
  /** Gives the load up: the promise rejects with the signal's reason, and all memory is freed. */
  signal?: AbortSignal;
  /** Tokens that prompt and answer may have together. Default: what the model was trained for, at most 4096.
   *  Memory grows with it. */
  contextLength?: number;
  /** Which kernels compute: 'auto' (the default, the fastest), 'simd128', or 'scalar'. */
  kernels?: string;
  /**
   * How many threads compute, at most 64; 'auto' (the default): as many as a short try finds fastest. More than one
   * takes a cross-origin isolated page, or Node.js. Results do not depend on it, only speed does. Where there is
   * one thread, {@link ModelInfo.whyOneThread} says why.
   */
  threads?: number | 'auto';
}

/** What is known of a loaded model. */
export interface ModelInfo {
  /** `general.architecture` of the file, e.g. 'llama'. */
  architecture: string;
  /** The model's own name; '' when the file has none. */
  name: string;
  /** e.g. 'gpt2/smollm'. */
  tokenizer: string;
  /** The block type that holds most of the bytes, e.g. 'Q4_1'. */
  quantization: string;
  /** The kernels in use. */
  kernels: string;
  /** Threads that compute. */
  threads: number;
  /** Why there is only one; '' where there are more. */
  whyOneThread: string;
  parameterCount: number;
  weightBytes: number;
  /** All of the engine's memory: weights, vocabulary, context and scratch, in bytes. It only ever grows. */
  memoryBytes: number;
  vocabularySize: number;
  /** Tokens that fit this model's context as it was loaded. */
  contextLength: number;
  /** Tokens of context that the model was trained for. */
  trainedContextLength: number;
  embeddingLength: number;
  layerCount: number;
  headCount: number;
  keyValueHeadCount: number;
  feedForwardLength: number;
  /** The model asks for a beginning-of-text token; prompts get it by themselves. */
  addsBos: boolean;
  /** `chat()` works; else only `complete()`. */
  hasChatFormat: boolean;
}

export interface Message {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface GenerateOptions {
  /** 0: always the likeliest token, and the rest of the sampling is ignored. Default 0.8. */
  temperature?: number;
  /** Keep only the k likeliest tokens; 0: off. Default 40. */
  topK?: number;
  /** Keep the likeliest tokens that make up this probability; 1: off. Default 0.95. */
  topP?: number;
  /** Drop tokens less likely than this share of the likeliest one; 0: off. Default 0.05. */
  minP?: number;
  /** Divides the logits of recently used tokens; 1: off. Default 1. */
  repeatPenalty?: number;
  /** A whole number below 2^53: the same seed gives the same text. Default: a different one each time. */
  seed?: number;
  /** Stop after this many new tokens. Default: when the context is full. */
  maxTokens?: number;
  /** Stop where one of these strings would appear; they are not part of the text. At most 16, of 256 bytes each. */
  stop?: string | readonly string[];
  /** Stops the engine within 100 ms; the run then rejects with the signal's reason, and the model stays usable. */
  signal?: AbortSignal;
}

/**
 * Why a run ended: 'end' the model ended its turn, 'stop' a stop string appeared, 'length' `maxTokens` was
 * reached, 'context' the context is full.
 */
export type FinishReason = 'end' | 'stop' | 'length' | 'context';

export interface RunResult {
  /** The whole text; the pieces joined. */
  text: string;
  /** The new tokens. */
  tokens: number[];
  finishReason: FinishReason;
  usage: {
    promptTokens: number;
    /** Of these, those at the beginning that the engine still had from the request before. */
    cachedPromptTokens: number;
    completionTokens: number;
  };
  timings: {
    /** From the start of reading the prompt to the first token, in milliseconds. */
    prefillMs: number;
    /** From the first token to the last, in milliseconds. */
    decodeMs: number;
  };
}

export interface TokenizeOptions {
  /** The text of control tokens, e.g. <|im_start|>, becomes those tokens. Default false: it is plain text. */
  special?: boolean;
}

export interface ScoreOptions {
  /** Text tokens in each window; windows do not overlap. Default: as many as fit the context, at most 512. */
  windowLength?: number;
}

export interface Score {
  /** Tokens of the text. */
  tokens: number;
  /** Tokens that were predicted and scored: all, or all but each window's first when the model has no BOS. */
  scored: number;
  /** Mean negative log-likelihood of a scored token, in nats. */
  nll: number;
  /** exp(nll). */
  perplexity: number;
}

