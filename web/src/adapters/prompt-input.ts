/// <reference types="dom-chromium-ai" />
/**
 * What callers hand to the Prompt API, checked and brought to one form as its specification says:
 * https://webmachinelearning.github.io/prompt-api/#language-model-options
 */
import type { GenerateOptions, Message } from '../index.js';
import { domException } from './prompt-errors.js';

/** Messages, and text that the answer is to begin with. */
export interface PromptInput {
  messages: Message[];
  /** Undefined where there is none. */
  prefix: string | undefined;
}

/**
 * isFirst: the session's context is empty, so that a system message may come. Throws what the
 * methods reject with.
 */
export function promptInput(input: LanguageModelPrompt, isFirst: boolean): PromptInput {
  // As Web IDL has it: what is no sequence is a string.
  if (!isIterable(input))
    return { messages: [{ role: 'user', content: String(input) }], prefix: undefined };
  const given = [...input];
  if (given.length === 0) return { messages: [{ role: 'user', content: '' }], prefix: undefined };
  let prefix: string | undefined;
  const messages = given.map((message, i): Message => {
    const {
      role,
      content,
      prefix: isPrefix = false,
    } = (message ?? {}) as LanguageModelAssistantMessage;
    if (!['system', 'user', 'assistant'].includes(role))
      throw new TypeError(
        `A message's role must be system, user or assistant, not ${String(role)}.`,
      );
    if (content === undefined) throw new TypeError('A message needs content.');
    if (role === ('system' as string) && !(isFirst && i === 0))
      throw new TypeError('A system message can only be the first one.');
    const text = contentText(content, role);
    if (isPrefix) {
      if (role !== 'assistant' || i < given.length - 1) {
        throw domException(
          'SyntaxError',
          "Only the last message may be a prefix, and it must be the assistant's.",
        );
      }
      prefix = text;
    }
    return { role, content: text };
  });
  if (prefix !== undefined) messages.pop();
  return { messages, prefix };
}

function contentText(content: unknown, role: string): string {
  if (!isIterable(content)) return String(content);
  const texts = [...(content as Iterable<LanguageModelMessageContent>)].map((part) => {
    const { type, value } = part ?? {};
    if (!['text', 'image', 'audio', 'tool-call', 'tool-response'].includes(type))
      throw new TypeError(`There is no content of type ${String(type)}.`);
    if (type !== 'text')
      throw domException(
        'NotSupportedError',
        `This model reads text, no ${type}${role === 'assistant' ? ' of the assistant' : ''}.`,
      );
    if (typeof value !== 'string') throw new TypeError('The value of a text must be a string.');
    return value;
  });
  return texts.join('');
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

/** Throws for options of a prompt that cannot be followed. */
export function checkPromptOptions({
  responseConstraint,
  omitResponseConstraintInput = false,
}: LanguageModelPromptOptions): void {
  if (responseConstraint !== undefined) {
    throw domException(
      'NotSupportedError',
      "This model's answers cannot be held to a schema or an expression (responseConstraint).",
    );
  }
  if (omitResponseConstraintInput)
    throw new TypeError('omitResponseConstraintInput needs a responseConstraint.');
}

// ---- Options of create() and availability() ----

/** How a session samples; topK and temperature as its attributes have them. */
export interface SessionSampling {
  samplingMode: string | null;
  topK: number;
  temperature: number;
}

export const PARAMS: LanguageModelParams = Object.freeze({
  defaultTopK: 40,
  maxTopK: 128,
  defaultTemperature: 0.8,
  maxTemperature: 2,
});

/** The specification leaves to each implementation what the words mean. */
const MODES: Readonly<Record<string, Pick<SessionSampling, 'topK' | 'temperature'>>> = {
  'most-predictable': { topK: 1, temperature: 0 },
  predictable: { topK: PARAMS.defaultTopK, temperature: 0.3 },
  'slightly-predictable': { topK: PARAMS.defaultTopK, temperature: 0.5 },
  balanced: { topK: PARAMS.defaultTopK, temperature: PARAMS.defaultTemperature },
  'slightly-creative': { topK: PARAMS.defaultTopK, temperature: 1 },
  creative: { topK: PARAMS.maxTopK, temperature: 1.2 },
  'most-creative': { topK: PARAMS.maxTopK, temperature: 1.5 },
};

/** Throws TypeError or RangeError for options that are wrong anywhere. */
export function checkOptions(options: LanguageModelCreateCoreOptions): SessionSampling {
  for (const { type, languages } of [
    ...(options.expectedInputs ?? []),
    ...(options.expectedOutputs ?? []),
  ]) {
    if (!['text', 'image', 'audio', 'tool-call', 'tool-response'].includes(type))
      throw new TypeError(`There is no content of type ${String(type)}.`);
    if (languages) Intl.getCanonicalLocales(languages);
  }
  const { samplingMode, topK, temperature } = options as {
    samplingMode?: string;
    topK?: number;
    temperature?: number;
  };
  const raw = topK !== undefined || temperature !== undefined;
  if (samplingMode !== undefined) {
    if (raw) throw new TypeError('samplingMode cannot be combined with topK or temperature.');
    const mode = Object.hasOwn(MODES, samplingMode) ? MODES[samplingMode] : undefined;
    if (!mode) throw new TypeError(`samplingMode must be one of ${Object.keys(MODES).join(', ')}.`);
    return { samplingMode, ...mode };
  }
  if (!raw) return { samplingMode: 'balanced', ...MODES.balanced! };
  if (topK !== undefined && !(topK >= 1)) throw new RangeError('topK must be at least 1.');
  if (temperature !== undefined && !(temperature >= 0))
    throw new RangeError('temperature must be at least 0.');
  return {
    samplingMode: null,
    topK: Math.floor(Math.min(topK ?? PARAMS.defaultTopK, PARAMS.maxTopK)),
    temperature: Math.min(temperature ?? PARAMS.defaultTemperature, PARAMS.maxTemperature),
  };
}

/** Why options that are valid cannot be followed here; '' when they can. */
export function whyUnsupported({
  expectedInputs = [],
  expectedOutputs = [],
  tools = [],
}: LanguageModelCreateCoreOptions): string {
  const other = [...expectedInputs, ...expectedOutputs].find(({ type }) => type !== 'text');
  if (other) return `This model reads and writes text, no ${other.type}.`;
  return tools.length > 0 ? 'This model calls no tools.' : '';
}

export function generateOptions({ topK, temperature }: SessionSampling): GenerateOptions {
  return { topK, temperature };
}
