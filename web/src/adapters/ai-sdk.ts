/**
 * A provider for Vercel's AI SDK (package `ai`, 6 and 7), answered by models in this page.
 *
 * ```ts
 * import { streamText } from 'ai';
 * import { loadModel } from 'inkling-wasm';
 * import { createInkling } from 'inkling-wasm/ai-sdk';
 * const inkling = createInkling(await loadModel('/models/model.gguf'));
 * const { textStream } = streamText({ model: inkling(), prompt: 'Hello!' });
 * ```
 * @packageDocumentation
 */
import type {
  EmbeddingModelV3,
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3FinishReason,
  LanguageModelV3StreamPart,
  LanguageModelV3ToolCall,
  LanguageModelV3Usage,
  ProviderV3,
  SharedV3Warning,
} from '@ai-sdk/provider';
import { type FinishReason, InklingError, type Model, type Run, type RunResult } from '../index.js';
import { chatMessages, chatOptions } from './ai-sdk-prompt.js';
import { isDimensions, shorten } from './embeddings.js';
import { type Models, findModel, namedModels } from './models.js';
import { type ToolCall, readAnswer, readParts } from './tool-calls.js';

export type { InklingProviderOptions } from './ai-sdk-prompt.js';
export type { Models } from './models.js';

/**
 * Call it with a model's name, or with nothing for the first. Models implement version 3 of the AI
 * SDK's specification, which its releases 6 and 7 take both.
 */
export interface InklingProvider extends ProviderV3 {
  (modelId?: string): LanguageModelV3;
  /** For embed() and embedMany(). The first model where none is named. */
  embeddingModel(modelId?: string): EmbeddingModelV3;
}

/** `providerOptions.inkling` of embed() and embedMany(). */
export interface InklingEmbeddingOptions {
  /** For models whose files do not say how to make embeddings. */
  pooling?: 'mean' | 'last';
  /** So many of the first values, of length 1 again, for models trained for that. Default: all. */
  dimensions?: number;
}

/** The models are the caller's, to be disposed of by the caller. */
export function createInkling(models: Models): InklingProvider {
  const find = (modelId?: string) => {
    const names = [...namedModels(models).keys()];
    const id = modelId ?? names[0] ?? '';
    const model = findModel(models, id);
    if (!model)
      throw new InklingError(
        'INK_ERR_INVALID_ARGUMENT',
        `There is no model '${id}'; there are: ${names.join(', ')}.`,
      );
    return { model, id };
  };
  const languageModel = (modelId?: string) => {
    const { model, id } = find(modelId);
    return describe(model, id);
  };
  return Object.assign((modelId?: string) => languageModel(modelId), {
    specificationVersion: 'v3',
    languageModel,
    embeddingModel: (modelId?: string) => {
      const { model, id } = find(modelId);
      return describeEmbedding(model, id);
    },
    imageModel: (id: string) => {
      throw new InklingError(
        'INK_ERR_INVALID_ARGUMENT',
        `There is no model '${id}' that makes images: the models here generate text.`,
      );
    },
  } as const);
}

function describeEmbedding(model: Model, modelId: string): EmbeddingModelV3 {
  return {
    specificationVersion: 'v3',
    provider: 'inkling',
    modelId,
    maxEmbeddingsPerCall: Infinity,
    supportsParallelCalls: false,
    doEmbed: async ({ values, abortSignal, providerOptions }) => {
      const whole = model.info.embeddingLength;
      const given = (providerOptions?.['inkling'] ?? {}) as InklingEmbeddingOptions;
      const { dimensions = whole, pooling } = given;
      if (!isDimensions(dimensions, whole))
        throw new InklingError(
          'INK_ERR_INVALID_ARGUMENT',
          `dimensions must be a whole number from 1 to ${whole}.`,
        );
      const options = { ...(pooling && { pooling }), ...(abortSignal && { signal: abortSignal }) };
      const { embeddings, usage } = await model.embed(values, options);
      return {
        embeddings: embeddings.map((values) => Array.from(shorten(values, dimensions))),
        usage: { tokens: usage.promptTokens },
        warnings: [],
      };
    },
  };
}

function describe(model: Model, modelId: string): LanguageModelV3 {
  const answer = (given: LanguageModelV3CallOptions): Answer => {
    const { options, warnings } = chatOptions(given);
    const signal = given.abortSignal;
    return {
      run: model.chat(chatMessages(given.prompt), { ...options, ...(signal && { signal }) }),
      toolNames: options.tools ? (given.tools ?? []).map(({ name }) => name) : [],
      warnings,
    };
  };
  return {
    specificationVersion: 'v3',
    provider: 'inkling',
    modelId,
    supportedUrls: {},
    doGenerate: async (options) => {
      const { run, toolNames, warnings } = answer(options);
      const { text: whole, finishReason, usage } = await run.result();
      const { text, calls } = readAnswer(whole, toolNames);
      return {
        content: [...(text === '' ? [] : [{ type: 'text', text } as const]), ...calls.map(toolCall)],
        finishReason: finishOf(finishReason, calls.length > 0),
        usage: usageOf(usage),
        response: { modelId, timestamp: new Date() },
        warnings,
      };
    },
    doStream: async (options) => {
      const given = answer(options);
      const pieces = given.run[Symbol.asyncIterator]();
      const first = await pieces.next(); // what is wrong with the request shows now
      return { stream: streamOf(partsOf(given, first, pieces, modelId, options.abortSignal)) };
    },
  };
}

interface Answer {
  run: Run;
  /** Of the tools that the model was shown. */
  toolNames: readonly string[];
  warnings: SharedV3Warning[];
}

async function* partsOf(
  { run, toolNames, warnings }: Answer,
  first: IteratorResult<string, void>,
  pieces: AsyncIterator<string, void, undefined>,
  modelId: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<LanguageModelV3StreamPart, void, undefined> {
  const all = async function* () {
    for (let next = first; !next.done; next = await pieces.next()) yield next.value;
  };
  let texts = 0;
  let isInText = false;
  let calls = 0;
  try {
    yield { type: 'stream-start', warnings };
    yield { type: 'response-metadata', modelId, timestamp: new Date() };
    for await (const part of readParts(all(), toolNames)) {
      const isText = 'text' in part;
      if (isText && !isInText) yield { type: 'text-start', id: String(++texts) };
      if (!isText && isInText) yield { type: 'text-end', id: String(texts) };
      isInText = isText;
      if (isText) {
        yield { type: 'text-delta', id: String(texts), delta: part.text };
        continue;
      }
      calls++;
      const call = toolCall(part.call);
      const { toolCallId: id, toolName, input } = call;
      yield { type: 'tool-input-start', id, toolName };
      yield { type: 'tool-input-delta', id, delta: input };
      yield { type: 'tool-input-end', id };
      yield call;
    }
    if (isInText) yield { type: 'text-end', id: String(texts) };
    const { finishReason, usage } = await run.result();
    yield { type: 'finish', finishReason: finishOf(finishReason, calls > 0), usage: usageOf(usage) };
  } catch (error) {
    if (signal?.aborted) throw error;
    yield { type: 'error', error };
    yield {
      type: 'finish',
      finishReason: { unified: 'error', raw: undefined },
      usage: UNKNOWN_USAGE,
    };
  } finally {
    await pieces.return?.(); // stops the engine when the stream is left early
  }
}

function toolCall({ name, input }: ToolCall): LanguageModelV3ToolCall {
  return { type: 'tool-call', toolCallId: crypto.randomUUID(), toolName: name, input };
}

/** Cancelling it ends the generator; what the generator throws is the stream's error. */
function streamOf<T>(items: AsyncGenerator<T, void, undefined>): ReadableStream<T> {
  return new ReadableStream<T>({
    pull: async (output) => {
      const next = await items.next();
      if (next.done) output.close();
      else output.enqueue(next.value);
    },
    cancel: async () => void (await items.return()),
  });
}

const FINISH: Record<FinishReason, LanguageModelV3FinishReason['unified']> = {
  end: 'stop',
  stop: 'stop',
  length: 'length',
  context: 'length',
};

function finishOf(reason: FinishReason, hasCalls: boolean): LanguageModelV3FinishReason {
  const unified = FINISH[reason];
  return { unified: unified === 'stop' && hasCalls ? 'tool-calls' : unified, raw: reason };
}

const UNKNOWN_USAGE: LanguageModelV3Usage = {
  inputTokens: {
    total: undefined,
    noCache: undefined,
    cacheRead: undefined,
    cacheWrite: undefined,
  },
  outputTokens: { total: undefined, text: undefined, reasoning: undefined },
};

function usageOf({
  promptTokens,
  cachedPromptTokens,
  completionTokens,
}: RunResult['usage']): LanguageModelV3Usage {
  return {
    inputTokens: {
      total: promptTokens,
      noCache: promptTokens - cachedPromptTokens,
      cacheRead: cachedPromptTokens,
      cacheWrite: undefined,
    },
    outputTokens: { total: completionTokens, text: completionTokens, reasoning: undefined },
  };
}
