/** Runs one generation in steps short enough to be stopped between them. */
import { INK_FINISH_CONTEXT, INK_FINISH_END, INK_FINISH_LENGTH, INK_FINISH_STOP, INK_STEP_DONE, INK_STEP_PREFILL } from './constants.js';
import type { Engine } from './engine.js';
import { yieldToEvents } from './events.js';
import type { StepPacer } from './pacer.js';
import type { Sampling } from './protocol.js';
import type { FinishReason, RunResult } from './types.js';

const FINISH_REASONS: Record<number, FinishReason> = {
  [INK_FINISH_END]: 'end',
  [INK_FINISH_STOP]: 'stop',
  [INK_FINISH_LENGTH]: 'length',
  [INK_FINISH_CONTEXT]: 'context',
};

/** Rejects with an InklingError, or with the signal's reason, and leaves the engine ready for the next one. */
export async function generate(
  engine: Engine,
  pacer: StepPacer,
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
    const asked = pacer.next(); // for the prompt, and for what a context shift evaluates again
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
