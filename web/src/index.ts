/**
 * Small language models in the browser.
 *
 * ```ts
 * import { loadModel } from 'inkling-wasm';
 * const model = await loadModel('/models/model.gguf');
 * for await (const piece of model.chat([{ role: 'user', content: 'Hello!' }])) show(piece);
 * ```
 * @packageDocumentation
 */
export { checkModel } from './check.js';
export { CHAT_TEMPLATES } from './constants.js';
export { loadModel } from './load.js';
export { modelCache } from './model-cache.js';
export { InklingError, type InklingErrorCode } from './errors.js';
export type { Adapter } from './adapter.js';
export type { Model } from './model.js';
export type { Run } from './run.js';
export type { Session } from './session.js';
export type {
  AdapterInfo,
  AdapterUse,
  ApplyChatTemplateOptions,
  CacheEstimate,
  CachedModel,
  ChatOptions,
  ChatTemplate,
  ChatTemplateName,
  CheckOptions,
  CompleteOptions,
  Conversation,
  EmbedInput,
  EmbedOptions,
  Embeddings,
  Examples,
  FinishReason,
  GenerateOptions,
  KvCacheType,
  LoadAdapterOptions,
  LoadOptions,
  LoadPhase,
  LoadProgress,
  Message,
  ModelCheck,
  ModelInfo,
  ModelPart,
  ModelSource,
  Priority,
  RequestOptions,
  Role,
  RunResult,
  Score,
  ScoreOptions,
  SessionInput,
  SessionOptions,
  SourceOptions,
  TemplateOptions,
  TokenPiece,
  TokenizeOptions,
} from './types.js';
