/**
 * As ../types, where release 6 of the AI SDK is installed, and with it the declarations of its
 * time.
 */
import { type LanguageModel, streamText } from 'ai-6';
import type { Model } from 'inkling-wasm';
import { createInkling } from 'inkling-wasm/ai-sdk';

declare const model: Model;

export async function aiSdk(): Promise<void> {
  const any: LanguageModel = createInkling({ small: model })('small');
  for await (const piece of streamText({ model: any, prompt: 'Hi' }).textStream) piece.trim();
}
