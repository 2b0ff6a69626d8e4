/** What the model is given: as much of the conversation as fits it. */
import type { Message, Model } from 'inkling-wasm';
import type { SettingValues } from './settings.js';
import type { Turn } from './store.js';

/** At most this share of the context is kept free for the answer. */
const ANSWER_SHARE = 0.25;

export interface Prompt {
  messages: Message[];
  /** How many turns at the beginning were left out, for they no longer fit or are no use to the model. */
  forgotten: number;
}

function messagesOf(turns: readonly Turn[], { system, examples }: SettingValues): Message[] {
  const messages: Message[] = [];
  if (system.trim()) messages.push({ role: 'system', content: system.trim() });
  for (const { user, assistant } of examples) {
    if (!user.trim() || !assistant.trim()) continue;
    messages.push({ role: 'user', content: user }, { role: 'assistant', content: assistant });
  }
  return [...messages, ...turns.map(({ role, content }) => ({ role, content }))];
}

/**
 * Leaves out the oldest questions with their answers until the rest fits; the last question always
 * stays. singleTurn: it alone.
 */
export async function fitPrompt(
  model: Model,
  turns: readonly Turn[],
  settings: SettingValues,
  singleTurn: boolean,
): Promise<Prompt> {
  if (singleTurn) {
    const forgotten = turns.findLastIndex(({ role }) => role === 'user');
    return { messages: messagesOf(turns.slice(forgotten), settings), forgotten };
  }
  const { contextLength, hasChatFormat } = model.info;
  const room =
    contextLength - Math.min(settings.maxTokens, Math.floor(contextLength * ANSWER_SHARE));
  for (let forgotten = 0; ;) {
    const messages = messagesOf(turns.slice(forgotten), settings);
    const next = turns.findIndex(({ role }, i) => i > forgotten && role === 'user');
    if (next < 0 || !hasChatFormat || (await model.countTokens(messages)) <= room)
      return { messages, forgotten };
    forgotten = next;
  }
}
