/** Runs one generation in steps short enough to be stopped between them. */
import { INK_FINISH_CONTEXT, INK_FINISH_END, INK_FINISH_LENGTH, INK_FINISH_STOP, INK_STEP_DONE, INK_STEP_PREFILL } from './constants.js';
import type { Engine } from './engine.js';
import { yieldToEvents } from './events.js';
import type { Sampling } from './protocol.js';
import type { FinishReason, RunResult } from './types.js';

const FINISH_REASONS: Record<number, FinishReason> = {
  [INK_FINISH_END]: 'end',
  [INK_FINISH_STOP]: 'stop',
  [INK_FINISH_LENGTH]: 'length',
  [INK_FINISH_CONTEXT]: 'context',
};

/**
 * Chooses how many prompt tokens to read at a time: about as many as take STEP_MS at the speed of the last step. In
 * larger steps each weight would be read less often, but an abort waits for the end of a step.
 */
export class PrefillPacer {
  static readonly STEP_MS = 50;
  static readonly #MOST = 512;
  /** The kernels take tokens by fours, and a rest costs nearly as much as four. */
  static readonly #TILE = 4;
  #msPerToken: number | undefined;

  next(): number {
    if (this.#msPerToken === undefined) return PrefillPacer.#TILE;
    const n = Math.min(PrefillPacer.STEP_MS / this.#msPerToken, PrefillPacer.#MOST);
    if (n < PrefillPacer.#TILE - 1) return Math.max(1, Math.floor(n));
    return Math.round(n / PrefillPacer.#TILE) * PrefillPacer.#TILE;
  }

  record(tokens: number, ms: number): void {
    this.#msPerToken = ms / tokens;
  }
}

/** Rejects with an InklingError, or with the signal's reason, and leaves the engine ready for the next one. */
export async function generate(
  engine: Engine,
  pacer: PrefillPacer,
  prompt: Int32Array,
  sampling: Sampling,
  signal: AbortSignal,
  onPiece: (text: string) => void,
): Promise<RunResult> {
  const started = performance.now();
  const cached = engine.beginGeneration(prompt, sampling);
  const tokens: number[] = [];
  const text: string[] = [];
  let firstToken: number | undefined;
  for (;;) {
    const asked = firstToken === undefined ? pacer.next() : 0;
    const before = performance.now();
    const step = engine.step(asked);
    const now = performance.now();
    if (step.kind === INK_STEP_PREFILL) {
      // The last step of a prompt may be shorter, and tells little of the speed.
      if (step.promptDone < step.promptTotal) pacer.record(asked, now - before);
    } else {
      firstToken ??= now;
      if (step.token >= 0) tokens.push(step.token);
      if (step.text) {
        text.push(step.text);
        onPiece(step.text);
      }
      if (step.kind === INK_STEP_DONE) {
        return {
          text: text.join(''),
          tokens,
          finishReason: FINISH_REASONS[step.finish]!,
          usage: { promptTokens: step.promptTotal, cachedPromptTokens: cached, completionTokens: step.generated },
          timings: { prefillMs: firstToken - started, decodeMs: now - firstToken },
        };
      }
    }
    await yieldToEvents();
    signal.throwIfAborted();
  }
}
