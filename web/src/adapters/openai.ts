/**
 * A client like `new OpenAI()` of the `openai` package, answered by models in this page instead of
 * a server.
 *
 * ```ts
 * import { loadModel } from 'inkling-wasm';
 * import { createOpenAI } from 'inkling-wasm/openai';
 * const client = createOpenAI(await loadModel('/models/model.gguf'));
 * const messages = [{ role: 'user', content: 'Hello!' }];
 * const { choices } = await client.chat.completions.create({ model: 'any', messages });
 * ```
 * @packageDocumentation
 */
import type OpenAI from 'openai';
import type { FinishReason, Model, Run, RunResult } from '../index.js';
import { type Models, findModel, namedModels } from './models.js';
import { type EmbeddingParams, createEmbeddings } from './openai-embeddings.js';
import { notFound, toApiError } from './openai-errors.js';
import {
  type ExtraParams,
  chatMessages,
  chatTools,
  promptTexts,
  refuseUnknownToChat,
  refuseUnknownToCompletions,
  samplingOptions,
} from './openai-request.js';
import { CompletionStream } from './openai-stream.js';
import { type ToolCall, readAnswer, readParts } from './tool-calls.js';

export {
  APIError,
  APIUserAbortError,
  BadRequestError,
  type ErrorBody,
  InternalServerError,
  NotFoundError,
} from './openai-errors.js';
export type { EmbeddingParams } from './openai-embeddings.js';
export type { ExtraParams } from './openai-request.js';
export type { CompletionStream } from './openai-stream.js';
export type { Models } from './models.js';

type ChatParams = OpenAI.Chat.ChatCompletionCreateParams;
type ChatCompletion = OpenAI.Chat.ChatCompletion;
type ChatChunk = OpenAI.Chat.ChatCompletionChunk;
type CompletionParams = OpenAI.CompletionCreateParams;
type Completion = OpenAI.Completion;
type ModelEntry = OpenAI.Models.Model;
/** Of these, `signal` counts; the others are about servers. */
type Options = OpenAI.RequestOptions;

/** Of an endpoint that answers whole or, with `stream: true`, in chunks. */
interface Create<Whole, Streamed, Answer, Chunk> {
  (params: Whole & ExtraParams, options?: Options): Promise<Answer>;
  (params: Streamed & ExtraParams, options?: Options): Promise<CompletionStream<Chunk>>;
  (
    params: (Whole | Streamed) & ExtraParams,
    options?: Options,
  ): Promise<Answer | CompletionStream<Chunk>>;
}

/**
 * The part of OpenAI's client that small models can answer. Everything rejects with an APIError.
 */
export interface OpenAIClient {
  readonly chat: {
    readonly completions: {
      /**
       * The assistant's next message. Tools are handed to the chat template; calls that the model
       * writes as Hermes, Qwen, Llama 3 and Mistral do come as `tool_calls`, others as `content`.
       */
      readonly create: Create<
        OpenAI.Chat.ChatCompletionCreateParamsNonStreaming,
        OpenAI.Chat.ChatCompletionCreateParamsStreaming,
        ChatCompletion,
        ChatChunk
      >;
    };
  };
  readonly completions: {
    /**
     * Goes on from a prompt, or from each of several; at most 16 tokens unless `max_tokens` is
     * given, as at OpenAI.
     */
    readonly create: Create<
      OpenAI.CompletionCreateParamsNonStreaming,
      OpenAI.CompletionCreateParamsStreaming,
      Completion,
      Completion
    >;
  };
  readonly embeddings: {
    /**
     * Texts as vectors of length 1. Code 'embeddings_not_supported' for a model whose file does not
     * say how it makes them, where `pooling` does not either. `dimensions`: so many of the first
     * values, for models trained for that.
     */
    readonly create: (
      params: EmbeddingParams,
      options?: Options,
    ) => Promise<OpenAI.CreateEmbeddingResponse>;
  };
  readonly models: {
    readonly list: () => Promise<ModelPage> & AsyncIterable<ModelEntry>;
    readonly retrieve: (id: string) => Promise<ModelEntry>;
  };
}

export interface ModelPage extends AsyncIterable<ModelEntry> {
  readonly object: 'list';
  readonly data: ModelEntry[];
}

/** The models are the caller's, to be disposed of by the caller. */
export function createOpenAI(models: Models): OpenAIClient {
  const created = now();
  const entries = (): ModelEntry[] =>
    [...namedModels(models).keys()].map((id) => ({
      id,
      object: 'model',
      created,
      owned_by: 'inkling',
    }));
  const modelFor = ({ model }: { model: string }) => {
    const found = findModel(models, model);
    const known = [...namedModels(models).keys()].join(', ');
    if (!found) throw notFound(`The model '${model}' does not exist; there are: ${known}.`);
    return found;
  };
  return {
    chat: {
      completions: {
        create: ((params, options) =>
          createChat(modelFor, params, options)) as OpenAIClient['chat']['completions']['create'],
      },
    },
    completions: {
      create: ((params, options) =>
        createCompletion(modelFor, params, options)) as OpenAIClient['completions']['create'],
    },
    embeddings: {
      create: (params, { signal } = {}) =>
        cancellable(signal, (_, stopped) => createEmbeddings(modelFor(params), params, stopped)),
    },
    models: {
      list: () => {
        const data = entries();
        const each = async function* () {
          yield* data;
        };
        const page: ModelPage = { object: 'list', data, [Symbol.asyncIterator]: each };
        return Object.assign(Promise.resolve(page), { [Symbol.asyncIterator]: each });
      },
      retrieve: async (id) => {
        const entry = entries().find((known) => known.id === id);
        if (!entry) throw notFound(`The model '${id}' does not exist.`);
        return entry;
      },
    },
  };
}

type ModelFor = (params: { model: string }) => Model;

async function createChat(
  modelFor: ModelFor,
  params: ChatParams & ExtraParams,
  { signal }: Options = {},
): Promise<ChatCompletion | CompletionStream<ChatChunk>> {
  return cancellable(signal, async (controller, stopped) => {
    const model = modelFor(params);
    refuseUnknownToChat(params);
    const tools = chatTools(params);
    const toolNames = (tools ?? []).flatMap((tool) =>
      tool.type === 'function' ? [tool.function.name] : [],
    );
    const sampling = samplingOptions(params, params.max_completion_tokens ?? params.max_tokens);
    const run = model.chat(chatMessages(params), {
      ...sampling,
      ...(tools && { tools }),
      signal: stopped,
    });
    const head = { id: newId('chatcmpl'), created: now(), model: params.model };
    if (params.stream) {
      const withUsage = params.stream_options?.include_usage ?? false;
      const chunks = chatChunks(
        { ...head, object: 'chat.completion.chunk' },
        await begin(run),
        toolNames,
        withUsage,
      );
      return new CompletionStream(chunks, controller, stopped);
    }
    const { text: answer, finishReason, usage } = await run.result();
    const { text, calls } = readAnswer(answer, toolNames);
    const message = {
      role: 'assistant',
      content: text === '' && calls.length > 0 ? null : text,
      refusal: null,
      ...(calls.length > 0 && { tool_calls: calls.map(functionCall) }),
    } as const;
    const finish = chatFinishOf(finishReason, calls.length > 0);
    const choice = { index: 0, message, logprobs: null, finish_reason: finish };
    return { ...head, object: 'chat.completion', choices: [choice], usage: usageOf([usage]) };
  });
}

/** What a model continues at OpenAI when it is not told how far. */
const DEFAULT_COMPLETION_TOKENS = 16;

async function createCompletion(
  modelFor: ModelFor,
  params: CompletionParams & ExtraParams,
  { signal }: Options = {},
): Promise<Completion | CompletionStream<Completion>> {
  return cancellable(signal, async (controller, stopped) => {
    const model = modelFor(params);
    refuseUnknownToCompletions(params);
    const sampling = {
      ...samplingOptions(params, params.max_tokens ?? DEFAULT_COMPLETION_TOKENS),
      signal: stopped,
    };
    const prompts = promptTexts(params).map((prompt): Prompt => ({
      run: model.complete(prompt, sampling),
      echo: params.echo ? prompt : '',
    }));
    const head = {
      id: newId('cmpl'),
      object: 'text_completion',
      created: now(),
      model: params.model,
    } as const;
    if (params.stream) {
      const withUsage = params.stream_options?.include_usage ?? false;
      const chunks = completionChunks(head, prompts, await begin(prompts[0]!.run), withUsage);
      return new CompletionStream(chunks, controller, stopped);
    }
    const results = await Promise.all(prompts.map(({ run }) => run.result()));
    const choices = results.map(({ text, finishReason }, index) =>
      completionChoice(index, prompts[index]!.echo + text, finishOf(finishReason)),
    );
    return { ...head, choices, usage: usageOf(results.map(({ usage }) => usage)) };
  });
}

/**
 * Gives `work` what stops it, and a signal that says so or that the caller did; makes its failures
 * APIErrors.
 */
async function cancellable<T>(
  signal: AbortSignal | null | undefined,
  work: (controller: AbortController, stopped: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const stopped = AbortSignal.any(signal ? [signal, controller.signal] : [controller.signal]);
  try {
    return await work(controller, stopped);
  } catch (thrown) {
    controller.abort(); // of several runs, the others
    throw toApiError(thrown, stopped);
  }
}

// ---- Chunks ----

/** A run whose first piece has come, so that what is wrong with the request has shown. */
interface Begun {
  run: Run;
  first: IteratorResult<string, void>;
  rest: AsyncIterator<string, void, undefined>;
}

async function begin(run: Run): Promise<Begun> {
  const rest = run[Symbol.asyncIterator]();
  return { run, first: await rest.next(), rest };
}

async function* piecesOf({ first, rest }: Begun): AsyncGenerator<string, void, undefined> {
  for (let next = first; !next.done; next = await rest.next()) yield next.value;
}

async function* chatChunks(
  head: Omit<ChatChunk, 'choices'>,
  begun: Begun,
  toolNames: readonly string[],
  withUsage: boolean,
): AsyncGenerator<ChatChunk, void, undefined> {
  const chunk = (
    delta: OpenAI.Chat.ChatCompletionChunk.Choice.Delta,
    finish: ReturnType<typeof chatFinishOf> | null = null,
  ): ChatChunk => ({
    ...head,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...(withUsage && { usage: null }),
  });
  yield chunk({ role: 'assistant', content: '', refusal: null });
  let calls = 0;
  for await (const part of readParts(piecesOf(begun), toolNames)) {
    if ('text' in part) yield chunk({ content: part.text });
    else yield chunk({ tool_calls: [{ index: calls++, ...functionCall(part.call) }] });
  }
  const { finishReason, usage } = await begun.run.result();
  yield chunk({}, chatFinishOf(finishReason, calls > 0));
  if (withUsage) yield { ...head, choices: [], usage: usageOf([usage]) };
}

interface Prompt {
  run: Run;
  /** What stands before the answer. */
  echo: string;
}

async function* completionChunks(
  head: Omit<Completion, 'choices'>,
  prompts: readonly Prompt[],
  firstBegun: Begun,
  withUsage: boolean,
): AsyncGenerator<Completion, void, undefined> {
  const usages: RunResult['usage'][] = [];
  for (const [index, { run, echo }] of prompts.entries()) {
    // OpenAI's types know only the choice that has ended; those before have null.
    const chunk = (text: string, finish: 'stop' | 'length' | null): Completion => ({
      ...head,
      choices: [completionChoice(index, text, finish as 'stop' | 'length')],
    });
    if (echo) yield chunk(echo, null);
    for await (const text of piecesOf(index === 0 ? firstBegun : await begin(run)))
      yield chunk(text, null);
    const { finishReason, usage } = await run.result();
    usages.push(usage);
    yield chunk('', finishOf(finishReason));
  }
  if (withUsage) yield { ...head, choices: [], usage: usageOf(usages) };
}

function completionChoice(
  index: number,
  text: string,
  finish: 'stop' | 'length',
): OpenAI.CompletionChoice {
  return { index, text, logprobs: null, finish_reason: finish };
}

// ---- Small things ----

/** A full context is a length that was reached, too. */
function finishOf(reason: FinishReason): 'stop' | 'length' {
  return reason === 'end' || reason === 'stop' ? 'stop' : 'length';
}

function chatFinishOf(reason: FinishReason, hasCalls: boolean): 'stop' | 'length' | 'tool_calls' {
  const finish = finishOf(reason);
  return finish === 'stop' && hasCalls ? 'tool_calls' : finish;
}

function functionCall({ name, input }: ToolCall): OpenAI.Chat.ChatCompletionMessageFunctionToolCall {
  return { id: newId('call'), type: 'function', function: { name, arguments: input } };
}

function usageOf(usages: readonly RunResult['usage'][]): OpenAI.CompletionUsage {
  const sum = (of: (usage: RunResult['usage']) => number) =>
    usages.reduce((total, usage) => total + of(usage), 0);
  const prompt = sum((usage) => usage.promptTokens);
  const completion = sum((usage) => usage.completionTokens);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: sum((usage) => usage.cachedPromptTokens) },
  };
}

/** Seconds. */
function now(): number {
  return Math.floor(Date.now() / 1000);
}

function newId(prefix: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `${prefix}-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
