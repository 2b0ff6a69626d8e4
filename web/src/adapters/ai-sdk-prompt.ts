/**
 * From the AI SDK's prompts and settings to the engine's, with a warning for each that it cannot
 * follow.
 */
import type {
  JSONValue,
  LanguageModelV3CallOptions,
  LanguageModelV3Prompt,
  LanguageModelV3ToolResultPart,
  SharedV3Warning,
} from '@ai-sdk/provider';
import { type ChatOptions, InklingError, type Message } from '../index.js';

/**
 * `providerOptions.inkling`: what the engine knows beyond the AI SDK's settings, by the names of
 * {@link ChatOptions}.
 */
export type InklingProviderOptions = Pick<
  ChatOptions,
  'minP' | 'repeatPenalty' | 'contextShift' | 'keepTokens' | 'draft' | 'chatTemplate'
>;
const OWN_OPTIONS = [
  'minP',
  'repeatPenalty',
  'contextShift',
  'keepTokens',
  'draft',
  'chatTemplate',
] as const satisfies readonly (keyof InklingProviderOptions)[];

type Turn = LanguageModelV3Prompt[number];
type PromptPart = Exclude<Turn['content'], string>[number];

export function chatMessages(prompt: LanguageModelV3Prompt): Message[] {
  return prompt.flatMap(turnMessages);
}

/** Everything but the messages and the signal. */
export function chatOptions(options: LanguageModelV3CallOptions): {
  options: ChatOptions;
  warnings: SharedV3Warning[];
} {
  const warnings: SharedV3Warning[] = [];
  const unsupported = (feature: string, details: string) =>
    void warnings.push({ type: 'unsupported', feature, details });
  if (options.presencePenalty)
    unsupported('presencePenalty', 'use providerOptions.inkling.repeatPenalty');
  if (options.frequencyPenalty)
    unsupported('frequencyPenalty', 'use providerOptions.inkling.repeatPenalty');
  if (options.responseFormat?.type === 'json')
    unsupported('responseFormat', 'the answer is not held to JSON; ask for it in the prompt');
  const result = {
    temperature: options.temperature,
    topP: options.topP,
    topK: options.topK,
    seed: options.seed,
    stop: options.stopSequences,
    maxTokens: options.maxOutputTokens,
    tools: toolList(options, unsupported),
    ...ownOptions(options),
  };
  return {
    options: Object.fromEntries(Object.entries(result).filter(([, value]) => value !== undefined)),
    warnings,
  };
}

function ownOptions({ providerOptions }: LanguageModelV3CallOptions): object {
  const own = providerOptions?.inkling ?? {};
  const unknown = Object.keys(own).find(
    (name) => !(OWN_OPTIONS as readonly string[]).includes(name),
  );
  if (unknown !== undefined)
    throw refusal(`providerOptions.inkling has no ${unknown}; it has ${OWN_OPTIONS.join(', ')}.`);
  return own;
}

function toolList(
  { tools = [], toolChoice }: LanguageModelV3CallOptions,
  unsupported: (feature: string, details: string) => void,
): object[] | undefined {
  if (tools.length === 0 || toolChoice?.type === 'none') return undefined;
  if (toolChoice && toolChoice.type !== 'auto')
    unsupported('toolChoice', 'the model cannot be made to call a tool');
  return tools.flatMap((tool) => {
    if (tool.type === 'provider')
      return (
        unsupported(`provider-defined tool ${tool.id}`, 'there is no provider to run it') ?? []
      );
    const { name, description, inputSchema: parameters } = tool;
    return [
      {
        type: 'function',
        function: { name, ...(description !== undefined && { description }), parameters },
      },
    ];
  });
}

function turnMessages(turn: Turn): Message[] {
  switch (turn.role) {
    case 'system':
      return [{ role: 'system', content: turn.content }];
    case 'user':
      return [{ role: 'user', content: textOf(turn.content) }];
    case 'assistant': {
      const calls = turn.content.filter((part) => part.type === 'tool-call');
      const reasoning = turn.content
        .filter((part) => part.type === 'reasoning')
        .map(({ text }) => text)
        .join('');
      const text = textOf(
        turn.content.filter(
          (part) =>
            part.type !== 'reasoning' && part.type !== 'tool-call' && part.type !== 'tool-result',
        ),
      );
      const message: Message = { role: 'assistant', content: text };
      if (reasoning) message.reasoning_content = reasoning;
      if (calls.length > 0) {
        message.tool_calls = calls.map(({ toolCallId, toolName, input }) => ({
          id: toolCallId,
          type: 'function',
          function: { name: toolName, arguments: input },
        }));
      }
      return [message];
    }
    case 'tool':
      return turn.content.flatMap((part) => {
        if (part.type !== 'tool-result') return []; // an approval is between the user and the page
        return [
          {
            role: 'tool',
            tool_call_id: part.toolCallId,
            name: part.toolName,
            content: resultText(part.output),
          },
        ];
      });
  }
}

function textOf(parts: readonly PromptPart[]): string {
  const texts = parts.map((part) => {
    if (part.type === 'text') return part.text;
    const what =
      part.type === 'file' ? `A file (${part.mediaType})` : `A part of type '${part.type}'`;
    throw refusal(`${what} cannot be read: this model takes text alone.`);
  });
  return texts.join('');
}

function resultText(output: LanguageModelV3ToolResultPart['output']): string {
  switch (output.type) {
    case 'text':
    case 'error-text':
      return output.value;
    case 'json':
    case 'error-json':
      return JSON.stringify(output.value satisfies JSONValue);
    case 'execution-denied':
      return `Not executed: ${output.reason ?? 'it was denied'}.`;
    case 'content':
      return output.value
        .map((part) => {
          if (part.type === 'text') return part.text;
          throw refusal(
            `A tool result of type '${part.type}' cannot be read: this model takes text alone.`,
          );
        })
        .join('');
  }
}

function refusal(message: string): InklingError {
  return new InklingError('INK_ERR_INVALID_ARGUMENT', message);
}
