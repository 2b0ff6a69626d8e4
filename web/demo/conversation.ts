/** The conversation as it is shown, and as the model is given it. */
import type { Message, RunResult } from '../src/index.js';
import { element, page } from './page.js';

const FINISH_NOTES: Record<RunResult['finishReason'], string> = {
  end: '',
  stop: '',
  length: 'stopped at the page’s limit',
  context: 'the conversation is full: start a new chat',
};

/** Within this many pixels of its end, the view follows the text. */
const FOLLOW_PX = 80;

/** An answer while it is written. */
export interface Answer {
  append(piece: string): void;
  finish(result: RunResult): void;
  /** Stopped by the visitor, or failed: what is there stays. */
  stop(note: string): void;
}

let messages: Message[] = [];

/** For the model: the system prompt, if any, and everything said so far. */
export function conversation(system: string): Message[] {
  return system ? [{ role: 'system', content: system }, ...messages] : [...messages];
}

export function clear(): void {
  messages = [];
  page.conversation.replaceChildren();
  page.welcome.hidden = false;
}

export function addUser(content: string): void {
  messages.push({ role: 'user', content });
  page.welcome.hidden = true;
  append('user', content);
  page.scroller.scrollTop = page.scroller.scrollHeight;
}

export function addAnswer(): Answer {
  const { article, text } = append('assistant', '');
  article.setAttribute('aria-busy', 'true'); // read aloud when it is whole, not piece by piece
  const stats = article.appendChild(element('p', 'fine stats'));
  const asked = performance.now();
  let first: number | undefined;
  let pieces = 0;

  const settle = (note: string) => {
    if (!article.isConnected) return; // the conversation was cleared meanwhile
    article.removeAttribute('aria-busy');
    stats.textContent = note;
    if (text.textContent) messages.push({ role: 'assistant', content: text.textContent });
  };
  return {
    append(piece) {
      const { scroller } = page;
      const follow = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < FOLLOW_PX;
      text.append(piece);
      const now = performance.now();
      first ??= now;
      pieces++;
      if (pieces > 1) stats.textContent = `${(((pieces - 1) / (now - first)) * 1000).toFixed(0)} tokens/s`;
      if (follow) scroller.scrollTop = scroller.scrollHeight;
    },
    finish: (result) => settle(describe(result, (first ?? performance.now()) - asked)),
    stop(note) {
      article.classList.add('stopped');
      settle(stats.textContent ? `${note} · ${stats.textContent}` : note);
    },
  };
}

function append(role: 'user' | 'assistant', content: string): { article: HTMLElement; text: HTMLElement } {
  const article = element('article', `message ${role}`);
  article.append(element('h3', 'hidden', role === 'user' ? 'You' : 'The model'));
  const text = article.appendChild(element('div', 'text', content));
  text.dir = 'auto';
  page.conversation.append(article);
  return { article, text };
}

/** e.g. "first word after 0.42 s · prefill 88 tokens/s · decode 43 tokens/s · 120 tokens" */
function describe({ usage, timings, finishReason }: RunResult, firstMs: number): string {
  const parts = [`first word after ${(firstMs / 1000).toFixed(2)} s`];
  parts.push(`prefill ${rate(usage.promptTokens - usage.cachedPromptTokens, timings.prefillMs)}`);
  if (usage.completionTokens > 1) parts.push(`decode ${rate(usage.completionTokens - 1, timings.decodeMs)}`);
  parts.push(`${usage.completionTokens} tokens`);
  if (FINISH_NOTES[finishReason]) parts.push(FINISH_NOTES[finishReason]);
  return parts.join(' · ');
}

const rate = (tokens: number, ms: number): string => `${((tokens / ms) * 1000).toFixed(0)} tokens/s`;
