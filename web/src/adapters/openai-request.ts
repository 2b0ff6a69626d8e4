/**
 * From the parameters of OpenAI's API to those of the engine. What it cannot do is refused, never
 * ignored in silence.
 */
import type OpenAI from 'openai';
import type { GenerateOptions, Message } from '../index.js';
import { badRequest } from './openai-errors.js';

type ChatParams = OpenAI.Chat.ChatCompletionCreateParams;
type CompletionParams = OpenAI.CompletionCreateParams;
type ChatMessage = OpenAI.Chat.ChatCompletionMessageParam;
type ContentPart =
  OpenAI.Chat.ChatCompletionContentPart | OpenAI.Chat.ChatCompletionContentPartRefusal;

/** Of the engine's own, by the names that llama.cpp's server and vLLM have made common. */
export interface ExtraParams {
  /** Keep only the k likeliest tokens; 0: off. */
  top_k?: number;
  /** Drop tokens less likely than this share of the likeliest one; 0: off. */
  min_p?: number;
  /** Divides the logits of recently used tokens; 1: off. */
  repeat_penalty?: number;
}

/** What both kinds of completion know. */
type CommonParams = ExtraParams &
  Pick<
    ChatParams & CompletionParams,
    | 'temperature'
    | 'top_p'
    | 'seed'
    | 'stop'
    | 'n'
    | 'logit_bias'
    | 'frequency_penalty'
    | 'presence_penalty'
  >;

export function samplingOptions(
  params: CommonParams,
  maxTokens: number | null | undefined,
): GenerateOptions {
  refuse(
    params,
    'n',
    (n) => n !== 1,
    'this engine gives one answer at a time; ask again for another',
  );
  refuse(
    params,
    'logit_bias',
    (bias) => Object.keys(bias).length > 0,
    'this engine has no such option',
  );
  for (const name of ['frequency_penalty', 'presence_penalty'] as const) {
    refuse(
      params,
      name,
      (penalty) => penalty !== 0,
      'this engine has no such option; repeat_penalty is alike',
    );
  }
  return given({
    temperature: params.temperature,
    topP: params.top_p,
    topK: params.top_k,
    minP: params.min_p,
    repeatPenalty: params.repeat_penalty,
    seed: params.seed,
    stop: params.stop,
    maxTokens,
  });
}

/** As the chat template takes them. */
export function chatMessages(params: ChatParams): Message[] {
  if (!Array.isArray(params.messages)) throw badRequest('messages', 'messages must be a list.');
  return params.messages.map((message, i) => chatMessage(message, `messages[${i}]`));
}

export function chatTools(params: ChatParams): ChatParams['tools'] {
  const { tools, tool_choice: choice = 'auto' } = params;
  if (choice !== 'auto' && choice !== 'none') {
    throw badRequest(
      'tool_choice',
      "tool_choice can be 'auto' or 'none': the model cannot be made to call a tool.",
      'unsupported_value',
    );
  }
  return choice === 'none' || !tools?.length ? undefined : tools;
}

export function refuseUnknownToChat(params: ChatParams): void {
  refuse(params, 'logprobs', (on) => on, 'this engine gives no probabilities');
  refuse(params, 'modalities', (list) => list.includes('audio'), 'text only');
  refuse(params, 'audio', () => true, 'text only');
  refuse(params, 'functions', (list) => list.length > 0, 'use tools');
  refuse(
    params,
    'response_format',
    ({ type }) => type !== 'text',
    'answers are text; ask for JSON in the prompt and check it',
  );
  refuse(params, 'web_search_options', () => true, 'there is no search');
}

export function refuseUnknownToCompletions(params: CompletionParams): void {
  refuse(params, 'logprobs', () => true, 'this engine gives no probabilities');
  refuse(params, 'best_of', (n) => n !== 1, 'this engine gives one answer at a time');
  refuse(params, 'suffix', (suffix) => suffix !== '', 'this engine goes on from the prompt only');
}

/** The prompts as texts. */
export function promptTexts({ prompt }: CompletionParams): string[] {
  const list: readonly unknown[] = Array.isArray(prompt) ? prompt : [prompt];
  if (list.length > 0 && list.every((text) => typeof text === 'string')) return [...list];
  throw badRequest('prompt', 'prompt must be a string or a list of strings.');
}

function chatMessage(message: ChatMessage, where: string): Message {
  const role = message?.role;
  if (typeof role !== 'string') throw badRequest(where, `${where} has no role.`);
  // Templates of small models know 'system' alone; OpenAI gave it the new name for models that
  // think.
  const result: Message = { ...(message as Message), role: role === 'developer' ? 'system' : role };
  if (Array.isArray(message.content)) result.content = joinParts(message.content, where);
  if ('tool_calls' in message && message.tool_calls)
    result.tool_calls = message.tool_calls.map(toolCall);
  return result;
}

/** Most templates take text alone. */
function joinParts(parts: readonly ContentPart[], where: string): string {
  const texts = parts.map((part, i) => {
    if (part.type === 'text') return part.text;
    if (part.type === 'refusal') return part.refusal;
    throw badRequest(
      `${where}.content[${i}]`,
      `A part of type '${part.type}' is not understood: text only.`,
      'unsupported_value',
    );
  });
  return texts.join('\n');
}

/**
 * Templates write the arguments out as JSON themselves, so they take an object, unlike OpenAI's
 * API.
 */
function toolCall(call: OpenAI.Chat.ChatCompletionMessageToolCall): object {
  if (call.type !== 'function') return call;
  try {
    return {
      ...call,
      function: { ...call.function, arguments: JSON.parse(call.function.arguments) as unknown },
    };
  } catch {
    return call; // whatever it is, the template sees it
  }
}

/** Throws when a parameter is given and would change the answer in a way that the engine cannot. */
function refuse<P extends object, N extends keyof P & string>(
  params: P,
  name: N,
  matters: (value: NonNullable<P[N]>) => boolean,
  why: string,
): void {
  const value = params[name];
  if (value === undefined || value === null || !matters(value)) return;
  throw badRequest(
    name,
    `${name} ${JSON.stringify(value)} is not supported: ${why}.`,
    'unsupported_parameter',
  );
}

/** Without what is missing. OpenAI's API takes null for that. */
function given<T extends object>(options: { [Name in keyof T]: T[Name] | null | undefined }): T {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined && value !== null),
  ) as T;
}
