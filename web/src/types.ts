import type { Adapter } from './adapter.js';
import type { CHAT_TEMPLATES } from './constants.js';
import type { InklingErrorCode } from './errors.js';

/**
 * Where a GGUF file comes from. A string is a URL, relative to the page. A stream is read once. A FileSystemFileHandle
 * is a file of the origin's private file system (OPFS), or one that the visitor picked.
 */
export type ModelPart = string | URL | Blob | ArrayBuffer | ReadableStream<Uint8Array> | FileSystemFileHandle;

/**
 * Where a GGUF model comes from. Of a model in several files (NAME-00001-of-00003.gguf …) a URL of any of them will
 * do, or a list of all: named files and URLs in any order, others in their own.
 */
export type ModelSource = ModelPart | readonly ModelPart[] | FileList;

/**
 * What a load is doing. 'download': reading from the network; 'cache': from the cache; 'load': from a file, a buffer or
 * a stream. 'retry': the connection was lost, and the download goes on in a moment where it stopped. 'wait': another tab
 * is downloading the same model into the cache. 'prepare': all bytes are there.
 */
export type LoadPhase = 'download' | 'cache' | 'load' | 'retry' | 'wait' | 'prepare';

/** How much of a model has been read. */
export interface LoadProgress {
  /** Bytes read so far. */
  loaded: number;
  /** Bytes in all; undefined when the source does not say. */
  total: number | undefined;
  phase: LoadPhase;
  /** Of the last seconds; 0 while there is nothing to measure. */
  bytesPerSecond: number;
}

/**
 * How urgent a request is, in the platform's own words (as of `scheduler.postTask`). Default 'user-visible'.
 *
 * Each model answers its requests one after another: the most urgent first, equals in the order in which they were
 * made. A more urgent request also interrupts one that is being answered, which goes on afterwards, unless both need
 * the same context: that of one session, or the model's own (`chat`, `complete`, `score` and `embed` of the model itself).
 */
export type Priority = 'user-blocking' | 'user-visible' | 'background';

/** What every request takes. */
export interface RequestOptions {
  /** Gives the request up: it rejects with the signal's reason at once, the engine is quiet within 50 ms, and model and
   *  session stay usable. */
  signal?: AbortSignal;
  priority?: Priority;
}

/** How files are got from servers, and what is kept of them. */
export interface SourceOptions {
  /**
   * Keep the model in the browser (OPFS), so that the next visit needs no download and works offline; and keep what an
   * interrupted download got, so that the next attempt goes on from there. True, the default, is for URLs; a string
   * keeps a source of any kind under that name, e.g. of a signed URL that is different every time. A model is fetched
   * again when its server has another version of it. Where caching is impossible the model loads all the same, and
   * {@link ModelInfo.cacheError} says why. False: neither read nor written.
   */
  cache?: boolean | string;
  /** Delete least recently used models from the cache when there is no room for this one. Default false. */
  evict?: boolean;
  /** The file's SHA-256 in hexadecimal, of a model in several files one for each. A file that differs is
   *  `INK_ERR_CHECKSUM`, and nothing of it stays in the cache. All of the file is read, with `vocabularyOnly` too. */
  sha256?: string | readonly string[];
  /** Sent with requests for URLs, e.g. `{ authorization: 'Bearer …' }`. */
  headers?: Readonly<Record<string, string>>;
  /** As for fetch(). */
  credentials?: RequestCredentials;
}

export interface LoadOptions extends SourceOptions {
  /** Called a few times a second while loading, and once at the end. */
  onProgress?: (progress: LoadProgress) => void;
  /** Gives the load up: the promise rejects with the signal's reason, and all memory is freed. */
  signal?: AbortSignal;
  /** Tokens that prompt and answer may have together. Default: what the model was trained for, at most 4096.
   *  Memory grows with it. */
  contextLength?: number;
  /** What the keys and values of past tokens are held as. */
  kvCache?: KvCacheType;
  /** Which kernels compute: 'auto' (the default, the fastest), 'relaxed-dot', 'relaxed' or 'simd128'. The first two give
   *  the same text and are fast on different processors, which a short try tells. */
  kernels?: string;
  /**
   * How many threads compute, at most 64; 'auto' (the default): as many as a short try finds fastest. More than one
   * takes a cross-origin isolated page, or Node.js. Results do not depend on it, only speed does. Where there is
   * one thread, {@link ModelInfo.whyOneThread} says why.
   */
  threads?: number | 'auto';
  /** Read the tokenizer and the chat template alone, of any model, and stop before the weights: for counting and
   *  splitting text in a page. `complete`, `chat`, `score` and `embed` are refused with `INK_ERR_WRONG_STATE`. */
  vocabularyOnly?: boolean;
  /** For conversations that name none of their own. Default: the model's. */
  chatTemplate?: ChatTemplate;
  /** For conversations that name none of their own. */
  tools?: readonly object[];
}

/**
 * 'f16' and 'bf16' take 2 bytes an element, 'f32' 4, 'q8_0' a little more than one. Less memory costs a little quality,
 * in this order: f32, f16, bf16, q8_0. 'default' is the core's choice, 'q8_0', the fastest in long texts.
 */
export type KvCacheType = 'default' | 'f32' | 'f16' | 'bf16' | 'q8_0';

export interface LoadAdapterOptions extends SourceOptions {
  /** As in {@link LoadOptions}. */
  onProgress?: (progress: LoadProgress) => void;
  /** Gives the load up: the promise rejects with the signal's reason. The model stays usable. */
  signal?: AbortSignal;
}

/** What is known of a loaded adapter. */
export interface AdapterInfo {
  /** Matrices of the model that it changes. */
  matrixCount: number;
  /** The largest of their ranks. */
  rank: number;
  /** It counts alpha / rank times; 0: the file gives none, and it counts once. */
  alpha: number;
  parameterCount: number;
  /** What it takes of the engine's memory. */
  memoryBytes: number;
}

/** An adapter, and how strongly it counts: 1, the default, as it was trained; below 0, its opposite. */
export interface AdapterUse {
  adapter: Adapter;
  scale?: number;
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
  /** Tokens that fit this model's context as it was loaded; 0 with `vocabularyOnly`. */
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
  /** How the model makes embeddings of its tokens' vectors: `embed()` computes 'mean' and 'last', and of others when it is
   *  told which of these. 'none': it was not made for embeddings. */
  pooling: 'none' | 'mean' | 'cls' | 'last' | 'rank' | 'unknown';
  /** All of the model is in the cache now. */
  cached: boolean;
  /** Why it is not though it was to be, e.g. `INK_ERR_QUOTA`; else null. */
  cacheError: { readonly code: InklingErrorCode; readonly message: string } | null;
}

/** A model in the cache, or what there is of it yet. */
export interface CachedModel {
  /** For `modelCache.delete()`: its URL, of a model in several files the first one's, or the name it was given. */
  key: string;
  /** Bytes that are there. */
  bytes: number;
  /** Bytes of the whole model; undefined when not known. */
  totalBytes: number | undefined;
  /** False: a download that can be taken up again. */
  complete: boolean;
  /** How many files are there. */
  files: number;
  /** When it was last loaded or written, in milliseconds since 1970. */
  lastUsed: number;
}

export interface CacheEstimate {
  /** Bytes that the cached models take. */
  models: number;
  /** Bytes that this origin takes in all, and may take, as far as the browser tells. */
  usage: number | undefined;
  quota: number | undefined;
}

export interface CheckOptions extends Pick<SourceOptions, 'cache' | 'headers' | 'credentials'> {
  /** As in {@link LoadOptions}. */
  contextLength?: number;
  kvCache?: KvCacheType;
  signal?: AbortSignal;
}

/** What loading a model would take, and whether this device has it. */
export interface ModelCheck {
  fits: boolean;
  /** Why it does not fit; '' when it does. */
  reason: string;
  /** Memory that the model takes with its context, in bytes. */
  neededBytes: number;
  /** Memory that there is for it at most, as far as the browser tells. */
  availableBytes: number | undefined;
  /** The model's files together; undefined when the server does not say. */
  fileBytes: number | undefined;
  /** The cache has all of it: nothing need be downloaded. */
  cached: boolean;
  /** There is room to keep the model in the browser; undefined when that is not known. */
  fitsCache: boolean | undefined;
  architecture: string;
  name: string;
  tokenizer: string;
  quantization: string;
  parameterCount: number;
  /** The context that `neededBytes` is for, in tokens. */
  contextLength: number;
  trainedContextLength: number;
}

/** What chat templates know; some know others too. */
export type Role = 'system' | 'user' | 'assistant' | 'tool' | (string & {});

/** Handed to the chat template as it is, in the form that OpenAI's API and Hugging Face's templates share. */
export interface Message {
  role: Role;
  /** Text; null or nothing beside tool calls; a list of parts where the template takes one. */
  content?: string | readonly object[] | null;
  name?: string;
  /** What the assistant asked for: `{ id, type: 'function', function: { name, arguments } }`. */
  tool_calls?: readonly object[];
  /** In a message of role 'tool': which call this answers. */
  tool_call_id?: string;
  reasoning_content?: string;
}

/** Messages with everything else that the chat template may ask for, as it names it. */
export interface Conversation {
  messages: readonly Message[];
  /** `{ type: 'function', function: { name, description, parameters } }` each. */
  tools?: readonly object[] | null;
  documents?: readonly object[] | null;
  /** e.g. `enable_thinking`. */
  [variable: string]: unknown;
}

/** Chat templates that are built in. */
export type ChatTemplateName = (typeof CHAT_TEMPLATES)[number];
/** A built-in one's name, or Jinja as in Hugging Face's `tokenizer_config.json`. */
export type ChatTemplate = ChatTemplateName | (string & {});

export interface TemplateOptions {
  /** Instead of the model's own. */
  chatTemplate?: ChatTemplate;
  /** Takes the place of the conversation's. */
  tools?: readonly object[];
  /** Few-shot examples; see {@link Examples}. They stand after the system message. */
  examples?: Examples;
}

/**
 * Messages that show the model what is wanted: a list, or JSON Lines, `{"role":…,"content":…}` on each (empty lines
 * don't count). `INK_ERR_INVALID_JSON` names a line that is something else.
 */
export type Examples = string | readonly Message[];

export interface ApplyChatTemplateOptions extends TemplateOptions, RequestOptions {
  /** End with the header of the assistant's turn. Default: the conversation's `add_generation_prompt`, or false. */
  addGenerationPrompt?: boolean;
  /** Give the prompt's tokens, just as `chat()` reads them, instead of its text. Default false. */
  tokenize?: boolean;
}

export interface GenerateOptions extends RequestOptions {
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
  /**
   * When the context is full, drop the older half of it and go on, rather than end with 'context': the first tokens
   * stay, since attention leans on them (StreamingLLM). The model forgets what was dropped. A prompt that is too long
   * loses tokens in the same place. Default false.
   */
  contextShift?: boolean;
  /** With `contextShift`: tokens at the beginning that are never dropped, e.g. the system message's. At least 4 stay,
   *  at most half of the context. Default 4. */
  keepTokens?: number;
  /**
   * Where the text repeats what stands before it, as in summaries, edits and quotations, this many tokens are evaluated
   * ahead in one go (prompt lookup). The text is the same, token for token. 0: off; at most 15 are. Default 'auto':
   * where it pays.
   */
  draft?: number | 'auto';
}

/**
 * Why a run ended: 'end' the model ended its turn, 'stop' a stop string appeared, 'length' `maxTokens` was
 * reached, 'context' the context is full (and `contextShift` off).
 */
export type FinishReason = 'end' | 'stop' | 'length' | 'context';

export interface RunResult {
  /** The whole text; the pieces joined. Bytes that are no UTF-8 are U+FFFD; a character that the end cut off is
   *  left out, so that the tokens' own text may be up to three bytes longer. */
  text: string;
  /** The new tokens. */
  tokens: number[];
  finishReason: FinishReason;
  usage: {
    promptTokens: number;
    /** Of these, those at the beginning that the engine still had from the request before. */
    cachedPromptTokens: number;
    completionTokens: number;
    /** Tokens that were evaluated ahead; see the option `draft`. */
    draftedTokens: number;
    /** Of these, those that the text has indeed. */
    acceptedTokens: number;
  };
  timings: {
    /** From the start of reading the prompt to the first token, in milliseconds. */
    prefillMs: number;
    /** From the first token to the last, in milliseconds. */
    decodeMs: number;
  };
}

export interface ChatOptions extends GenerateOptions, TemplateOptions {}

/** What a session's conversation begins with, and where it is held. */
export interface SessionOptions extends RequestOptions {
  /** Text of a first message of role 'system'. */
  systemPrompt?: string;
  /** Few-shot examples; see {@link Examples}. They stand after the system message. */
  examples?: Examples;
  /** The conversation so far. */
  messages?: readonly Message[];
  /** Tokens that the conversation and its next answer may have together. Default: the model's. */
  contextLength?: number;
  /** What the keys and values of past tokens are held as. Default: as the model was loaded with. */
  kvCache?: KvCacheType;
  /** What it computes with beside the model, added up. Default: as Model.setAdapters() was told. At most 8. */
  adapters?: readonly (Adapter | AdapterUse)[];
  /** For this session. Default: the model's. */
  chatTemplate?: ChatTemplate;
  /** For this session. Default: the model's. */
  tools?: readonly object[];
}

/** A text is a message of role 'user'. */
export type SessionInput = string | Message | readonly Message[];

export interface CompleteOptions extends GenerateOptions {
  /** Few-shot examples; see {@link Examples}. They stand before the prompt as plain text: each on lines of its own, an
   *  empty line after those that are not the user's. */
  examples?: Examples;
}

export interface TokenizeOptions extends RequestOptions {
  /** The text of control tokens, e.g. <|im_start|>, becomes those tokens. Default false: it is plain text. */
  special?: boolean;
  /** Put around the text what the model asks for: BOS, or BERT's CLS and SEP, or T5's EOS. Default false. */
  addBos?: boolean;
}

/** What a token stands for. */
export interface TokenPiece {
  id: number;
  /** For display: the bytes as text, U+FFFD where they are part of a character only. Control tokens' names too. */
  text: string;
  /** Exactly what stands in the vocabulary; pieces' bytes put together are whole characters again. */
  bytes: Uint8Array;
}

/** A text, or its tokens as they are to be computed. */
export type EmbedInput = string | readonly number[];

export interface EmbedOptions extends RequestOptions {
  /** The mean of all tokens' vectors, or the last one's. Default: as the model says; see {@link ModelInfo.pooling}. */
  pooling?: 'mean' | 'last';
  /** Of length 1, so that the dot product of two is their cosine similarity. Default true. */
  normalize?: boolean;
}

export interface Embeddings {
  /** One for each text, of {@link ModelInfo.embeddingLength} values. */
  embeddings: Float32Array[];
  usage: {
    /** Of all texts, with what the model asks for around each. */
    promptTokens: number;
  };
}

export interface ScoreOptions extends RequestOptions {
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

