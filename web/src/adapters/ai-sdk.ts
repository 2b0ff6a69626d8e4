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
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3FinishReason,
  LanguageModelV3StreamPart,
  LanguageModelV3Usage,
  ProviderV3,
  SharedV3Warning,
} from '@ai-sdk/provider';
import { type FinishReason, InklingError, type Model, type Run, type RunResult } from '../index.js';
import { chatMessages, chatOptions } from './ai-sdk-prompt.js';
import { type Models, findModel, namedModels } from './models.js';

export type { InklingProviderOptions } from './ai-sdk-prompt.js';
export type { Models } from './models.js';

/**
 * Call it with a model's name, or with nothing for the first. Models implement version 3 of the AI
 * SDK's specification, which its releases 6 and 7 take both.
 */
export interface InklingProvider extends ProviderV3 {
  (modelId?: string): LanguageModelV3;
}

/** The models are the caller's, to be disposed of by the caller. */
export function createInkling(models: Models): InklingProvider {
  const languageModel = (modelId?: string): LanguageModelV3 => {
    const names = [...namedModels(models).keys()];
    const id = modelId ?? names[0] ?? '';
    const model = findModel(models, id);
    if (!model)
      throw new InklingError(
        'INK_ERR_INVALID_ARGUMENT',
        `There is no model '${id}'; there are: ${names.join(', ')}.`,
      );
    return describe(model, id);
  };
  return Object.assign((modelId?: string) => languageModel(modelId), {
    specificationVersion: 'v3',
    languageModel,
    embeddingModel: (id: string) => none('embeddings', id),
    imageModel: (id: string) => none('images', id),
  } as const);
}

function none(what: string, id: string): never {
  throw new InklingError(
    'INK_ERR_INVALID_ARGUMENT',
    `There is no model '${id}' that makes ${what}: the models here generate text.`,
  );
}

function describe(model: Model, modelId: string): LanguageModelV3 {
  const answer = (given: LanguageModelV3CallOptions): { run: Run; warnings: SharedV3Warning[] } => {
    const { options, warnings } = chatOptions(given);
    const signal = given.abortSignal;
    return {
      run: model.chat(chatMessages(given.prompt), { ...options, ...(signal && { signal }) }),
      warnings,
    };
  };
  return {
    specificationVersion: 'v3',
    provider: 'inkling',
    modelId,
    supportedUrls: {},
    doGenerate: async (options) => {
      const { run, warnings } = answer(options);
      const { text, finishReason, usage } = await run.result();
      return {
        content: text === '' ? [] : [{ type: 'text', text }],
        finishReason: finishOf(finishReason),
        usage: usageOf(usage),
        response: { modelId, timestamp: new Date() },
        warnings,
      };
    },
    doStream: async (options) => {
      const { run, warnings } = answer(options);
      const pieces = run[Symbol.asyncIterator]();
      const first = await pieces.next(); // what is wrong with the request shows now
      return {
        stream: streamOf(partsOf(run, first, pieces, modelId, warnings, options.abortSignal)),
      };
    },
  };
}

async function* partsOf(
  run: Run,
  first: IteratorResult<string, void>,
  pieces: AsyncIterator<string, void, undefined>,
  modelId: string,
  warnings: SharedV3Warning[],
  signal: AbortSignal | undefined,
): AsyncGenerator<LanguageModelV3StreamPart, void, undefined> {
  const id = '0'; // there is one text
  try {
    yield { type: 'stream-start', warnings };
    yield { type: 'response-metadata', modelId, timestamp: new Date() };
    if (!first.done) yield { type: 'text-start', id };
    for (let next = first; !next.done; next = await pieces.next())
      yield { type: 'text-delta', id, delta: next.value };
    if (!first.done) yield { type: 'text-end', id };
    const { finishReason, usage } = await run.result();
    yield { type: 'finish', finishReason: finishOf(finishReason), usage: usageOf(usage) };
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

function finishOf(reason: FinishReason): LanguageModelV3FinishReason {
  return { unified: FINISH[reason], raw: reason };
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
