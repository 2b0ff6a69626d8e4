/** The messages between the page's side (model.ts, run.ts) and the engine's side (host.ts). */
import type { ErrorMessage } from './errors.js';
import type { AdapterInfo, Embeddings, GenerateOptions, LoadProgress, ModelCheck, ModelInfo, RunResult, Score } from './types.js';

/** 'pulled': the page hands over chunk after chunk, each when asked for. Sizes in bytes, 0: not known. */
export type SourceMessage =
  | { kind: 'url'; url: string }
  | { kind: 'blob'; blob: Blob }
  | { kind: 'pulled'; size: number };

/** A conversation: `json` as for ink_apply_chat_template(); chatTemplate '' is the model's own. */
export interface ChatInput {
  json: string;
  chatTemplate: string;
}
/** What can be made tokens: a conversation as chat() reads it, or a text with INK_TOKENIZE_… flags. */
export type TextInput = ChatInput | { text: string; flags: number };
/** `draft` as in ink_generation. */
export type Sampling = Omit<GenerateOptions, 'signal' | 'priority' | 'stop' | 'draft'> & { seed: number; stop: string[]; draft: number };

/** The number of the model's own session, which is there as long as the model. */
export const MAIN_SESSION = 0;

export interface SessionInfo {
  /** Tokens. */
  contextLength: number;
}

/** Where a model is to be got, and how. */
export interface SourceRequest {
  /** Its files. */
  parts: SourceMessage[];
  /** Its name in the cache; '': it has none. */
  cacheKey: string;
  /** Of requests for URLs. */
  headers: Readonly<Record<string, string>>;
  credentials: RequestCredentials;
  contextLength: number;
  kvType: number;
}

/** What is to be read to its end, and may be kept. */
export interface FilesRequest extends SourceRequest {
  /** Of each part, in lower case; none: anything is right. */
  sha256: string[];
  /** Other models may be deleted from the cache. */
  evict: boolean;
}

export interface LoadRequest extends FilesRequest {
  kernels: string;
  threads: number;
  vocabularyOnly: boolean;
}

/** Adapters by number, with their scales. */
export type AdapterUses = readonly { adapter: number; scale: number }[];

/** What a request is answered with. */
export interface Results {
  load: ModelInfo;
  openSession: SessionInfo;
  cloneSession: SessionInfo;
  closeSession: null;
  loadAdapter: AdapterInfo;
  closeAdapter: null;
  setAdapters: null;
  check: ModelCheck;
  generate: RunResult;
  /** Tokens that the session's context holds. */
  read: number;
  tokenize: Int32Array;
  countTokens: number;
  detokenize: string;
  tokenPieces: { lengths: Uint32Array; bytes: Uint8Array };
  memoryUse: number;
  applyChatTemplate: string;
  score: Score;
  embed: Embeddings;
}

export type Request =
  | ({ type: 'load' } & LoadRequest)
  | ({ type: 'check' } & SourceRequest)
  /** `session`: chosen by the page; kvType -1 and no adapters: as the main session. */
  | { type: 'openSession'; session: number; contextLength: number; kvType: number; adapters: AdapterUses | undefined }
  | { type: 'cloneSession'; session: number; clone: number }
  /** One that isn't there is fine. */
  | { type: 'closeSession'; session: number }
  /** `adapter`: chosen by the page. Answered beside the others. */
  | ({ type: 'loadAdapter'; adapter: number } & FilesRequest)
  /** It goes when no session uses it. One that isn't there is fine. */
  | { type: 'closeAdapter'; adapter: number }
  | { type: 'setAdapters'; session: number; adapters: AdapterUses }
  | { type: 'generate'; session: number; input: TextInput; sampling: Sampling }
  /** Evaluates the input, for what comes after it. */
  | { type: 'read'; session: number; input: ChatInput }
  | { type: 'tokenize'; input: TextInput }
  | { type: 'countTokens'; input: TextInput }
  | { type: 'detokenize'; tokens: Int32Array }
  | { type: 'tokenPieces'; tokens: Int32Array }
  | { type: 'memoryUse' }
  | { type: 'applyChatTemplate'; input: ChatInput }
  | { type: 'score'; text: string; windowLength: number }
  /** `pooling`: INK_POOLING_… */
  | { type: 'embed'; inputs: (TextInput | Int32Array)[]; pooling: number; normalize: boolean };

/** As of priority.ts; the default is 0, for what is asked before there is a model. */
export interface Urgency {
  priority?: number;
}

/** From the page. Requests are answered one after another, the most urgent first; see queue.ts. */
export type ToHost =
  | (Request & Urgency & { id: number })
  /** Forget that request; it is not answered. */
  | { type: 'abort'; id: number }
  /** After aborting all: nothing more will be asked. Only where the engine has no worker that could be ended. */
  | { type: 'close' }
  /** The answer to a pull of that request; null: the source has ended. */
  | { type: 'chunk'; id: number; bytes: Uint8Array | null }
  | { type: 'chunkFailed'; id: number; error: ErrorMessage }
  /** That worker could not be opened, or threw. */
  | { type: 'threadFailed'; thread: number; message: string };

/** From the engine. */
export type FromHost =
  | { type: 'progress'; id: number; progress: LoadProgress }
  | { type: 'pull'; id: number; part: number }
  | { type: 'piece'; id: number; text: string }
  | { type: 'done'; id: number; value: Results[keyof Results] }
  | { type: 'failed'; id: number; error: ErrorMessage }
  /** Now and then while it works on a request, which may say nothing else for long. */
  | { type: 'alive' }
  /** The engine is gone, and with it every request. */
  | { type: 'crashed'; error: ErrorMessage }
  /** Open a worker for a thread of that number; `start`, whose port goes along, is for it. */
  | { type: 'openThread'; thread: number; port: MessagePort }
  | { type: 'closeThread'; thread: number };

/** Where the engine's side is asked and answers: a dedicated worker's global scope, or a MessagePort where there are no workers. */
export interface HostPort {
  postMessage(message: FromHost, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToHost>) => void) | null;
}
