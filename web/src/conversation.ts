/** From what callers hand over to what the engine renders: messages, few-shot examples, template variables. */
import { CHAT_TEMPLATES } from './constants.js';
import { InklingError, invalidArgument, reasonOf } from './errors.js';
import type { ChatInput } from './protocol.js';
import type { ApplyChatTemplateOptions, Conversation, Examples, LoadOptions, Message } from './types.js';

/** What loadModel() was told for all conversations. */
export type ChatDefaults = Given<Pick<LoadOptions, 'chatTemplate' | 'tools'>>;
type Options = Given<Omit<ApplyChatTemplateOptions, 'tokenize'>>;
/** Options that were taken apart: those that are missing are undefined. */
type Given<T> = { [Name in keyof T]: T[Name] | undefined };

/** Throws an InklingError for what is none; what the template makes of its messages shows later. */
export function chatInput(
  conversation: readonly Message[] | Conversation,
  options: Options,
  defaults: ChatDefaults,
): ChatInput {
  const given = (Array.isArray(conversation) ? { messages: conversation } : conversation) as Conversation;
  const messages = given?.messages;
  if (!Array.isArray(messages)) throw invalidArgument('A conversation is a list of messages, or an object with one.');
  const tools = options.tools ?? given.tools ?? defaults.tools;
  const variables = {
    ...given,
    ...(tools && { tools }),
    ...(options.addGenerationPrompt !== undefined && { add_generation_prompt: options.addGenerationPrompt }),
    messages: insertExamples(messages, options.examples),
  };
  return { json: toJson(variables), chatTemplate: checkTemplate(options.chatTemplate ?? defaults.chatTemplate) };
}

/** As chatInput(), of a conversation to be answered: what most templates would silently make nonsense of throws too. */
export function answerInput(
  conversation: readonly Message[] | Conversation,
  options: Options,
  defaults: ChatDefaults,
): ChatInput {
  const input = chatInput(conversation, options, defaults);
  const messages = 'messages' in conversation ? conversation.messages : conversation;
  if (messages.length === 0) throw invalidArgument('A conversation needs at least one message.');
  checkMessages(messages);
  return input;
}

export function checkMessages(messages: readonly Message[]): void {
  if (!Array.isArray(messages)) throw invalidArgument('Messages come as a list.');
  messages.forEach(checkMessage);
}

/** The template, or '' for none. A name is told from Jinja by the braces that it lacks. */
export function checkTemplate(chatTemplate: string | undefined): string {
  if (chatTemplate === undefined) return '';
  const known = (CHAT_TEMPLATES as readonly string[]).includes(chatTemplate);
  if (known || (typeof chatTemplate === 'string' && chatTemplate.includes('{'))) return chatTemplate;
  throw invalidArgument(`chatTemplate must be Jinja or one of ${CHAT_TEMPLATES.join(', ')}.`);
}

/** The examples and the prompt as plain text, for models that know no chat format; as the command does it. */
export function completionText(prompt: string, examples: Examples | undefined): string {
  if (examples === undefined) return prompt;
  const before = exampleList(examples).map(({ role, content }) => {
    if (typeof content !== 'string') throw invalidArgument('Examples of a completion need content as a string.');
    return role === 'user' ? `${content}\n` : `${content}\n\n`;
  });
  return `${before.join('')}${prompt}\n`;
}

function checkMessage(message: Message): void {
  const { role, content } = message ?? {};
  const known = content === undefined || content === null || typeof content === 'string' || Array.isArray(content);
  if (typeof role === 'string' && known) return;
  throw invalidArgument('A message needs a role, and content as a string (or a list of parts, where the template takes one).');
}

// ---- Examples ----

/** Examples stand between what the system says and the conversation itself. */
export function insertExamples(messages: readonly Message[], examples: Examples | undefined): readonly Message[] {
  if (examples === undefined) return messages;
  const first = messages.findIndex((message) => message?.role !== 'system' && message?.role !== 'developer');
  const at = first < 0 ? messages.length : first;
  return [...messages.slice(0, at), ...exampleList(examples), ...messages.slice(at)];
}

function exampleList(examples: Examples): readonly Message[] {
  if (typeof examples === 'string') return parseLines(examples);
  if (!Array.isArray(examples)) throw invalidArgument('examples must be a list of messages, or JSON Lines.');
  checkMessages(examples as readonly Message[]);
  return examples as readonly Message[];
}

/** By the rules of the command's --examples: a role and a content on each line, both strings; the rest is ignored. */
function parseLines(text: string): Message[] {
  return wellFormed(text).split('\n').flatMap((line, i) => (/^[ \t\r]*$/.test(line) ? [] : [parseLine(line, i + 1)]));
}

function parseLine(line: string, number: number): Message {
  const invalid = (what: string) => new InklingError('INK_ERR_INVALID_JSON', `the examples, line ${number}: ${what}`);
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch (cause) {
    throw invalid(reasonOf(cause));
  }
  const { role, content } = (message ?? {}) as Partial<Message>;
  if (typeof role !== 'string' || typeof content !== 'string') {
    throw invalid('each line has to be {"role":…,"content":…}, both strings');
  }
  if (LONE_SURROGATE.test(role + content)) throw invalid('half of a surrogate pair is no character');
  return { role, content };
}

// ---- JSON ----

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Text cut inside a surrogate pair is no UTF-8: U+FFFD stands for the half, as TextEncoder has it. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD');
}

function toJson(variables: object): string {
  try {
    return JSON.stringify(variables, (_key, value: unknown) => (typeof value === 'string' ? wellFormed(value) : value));
  } catch (cause) {
    throw new InklingError('INK_ERR_INVALID_ARGUMENT', `The conversation is not JSON: ${reasonOf(cause)}`, { cause });
  }
}
