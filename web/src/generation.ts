/** Runs one generation in steps short enough to be stopped between them. */
import { INK_DRAFT_OFF, INK_FINISH_CONTEXT, INK_FINISH_END, INK_FINISH_LENGTH, INK_FINISH_STOP, INK_STEP_DONE, INK_STEP_PREFILL } from './constants.js';
import type { Engine, Step } from './engine.js';
import type { StepPacer } from './pacer.js';
import type { Sampling } from './protocol.js';
import type { FinishReason, RunResult } from './types.js';

const FINISH_REASONS: Record<number, FinishReason> = {
  [INK_FINISH_END]: 'end',
  [INK_FINISH_STOP]: 'stop',
  [INK_FINISH_LENGTH]: 'length',
  [INK_FINISH_CONTEXT]: 'context',
};

/** How a long computation lets other things happen. */
export interface Pace {
  /** Says how much to do between two pauses. */
  pacer: StepPacer;
  /** Lets events in, and more urgent requests. Rejects with the signal's reason after an abort. */
  pause: () => Promise<void>;
}

/** Rejects with an InklingError, or with the signal's reason, and leaves the session ready for the next one. */
export async function generate(
  engine: Engine,
  session: number,
  prompt: Int32Array,
  sampling: Sampling,
  pace: Pace,
  onPiece: (text: string) => void,
): Promise<RunResult> {
  const started = performance.now();
  const cached = engine.beginGeneration(session, prompt, sampling);
  const tokens: number[] = [];
  const text: string[] = [];
  let firstToken: number | undefined;
  for (;;) {
    const step = timedStep(engine, session, pace.pacer);
    if (step.kind !== INK_STEP_PREFILL) {
      firstToken ??= performance.now();
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
          usage: {
            promptTokens: step.promptTotal,
            cachedPromptTokens: cached,
            completionTokens: step.generated,
            draftedTokens: step.drafted,
            acceptedTokens: step.accepted,
          },
          timings: { prefillMs: firstToken - started, decodeMs: performance.now() - firstToken },
        };
      }
    }
    await pace.pause();
  }
}

/** Evaluates the tokens, for what comes after them, and returns how many there are. Rejects as generate() does. */
export async function read(engine: Engine, session: number, tokens: Int32Array, pace: Pace): Promise<number> {
  engine.beginGeneration(session, tokens, { seed: 0, stop: [], draft: INK_DRAFT_OFF, maxTokens: 0 });
  while (timedStep(engine, session, pace.pacer).kind !== INK_STEP_DONE) await pace.pause();
  return tokens.length;
}

function timedStep(engine: Engine, session: number, pacer: StepPacer): Step {
  const asked = pacer.next(); // for the prompt, what a context shift evaluates again, and a token with its drafts
  const before = performance.now();
  const step = engine.step(session, asked);
  // The last step of a prompt may be shorter, and tells little of the speed.
  if (step.kind === INK_STEP_PREFILL && step.promptDone < step.promptTotal) pacer.record(asked, performance.now() - before);
  return step;
}
