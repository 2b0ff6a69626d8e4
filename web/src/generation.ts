/** Runs one generation in steps short enough to be stopped between them. */
import { INK_DRAFT_OFF, INK_FINISH_CONTEXT, INK_FINISH_END, INK_FINISH_LENGTH, INK_FINISH_STOP, INK_STEP_DONE, INK_STEP_PREFILL } from './constants.js';
import type { Engine, Step } from './engine.js';
import type { Pace } from './pace.js';
import { MAIN_SESSION, type Request, type Sampling } from './protocol.js';
import type { Embeddings, FinishReason, RunResult } from './types.js';

const FINISH_REASONS: Record<number, FinishReason> = {
  [INK_FINISH_END]: 'end',
  [INK_FINISH_STOP]: 'stop',
  [INK_FINISH_LENGTH]: 'length',
  [INK_FINISH_CONTEXT]: 'context',
};

/** Rejects with an InklingError, or with the signal's reason, and leaves the session ready for the next one. */
export async function generate(
  engine: Engine,
  session: number,
  prompt: Int32Array,
  sampling: Sampling,
  pace: Pace,
  signal: AbortSignal,
  onPiece: (text: string) => void,
): Promise<RunResult> {
  const started = performance.now();
  const cached = engine.beginGeneration(session, prompt, sampling);
  const tokens: number[] = [];
  const text: string[] = [];
  let firstToken: number | undefined;
  for (;;) {
    const step = await nextStep(engine, session, pace, signal);
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
    await pace.pause(signal);
  }
}

/** Evaluates the tokens, for what comes after them, and returns how many there are. Rejects as generate() does. */
export async function read(engine: Engine, session: number, tokens: Int32Array, pace: Pace, signal: AbortSignal): Promise<number> {
  engine.beginGeneration(session, tokens, { seed: 0, stop: [], draft: INK_DRAFT_OFF, maxTokens: 0 });
  await nextStep(engine, session, pace, signal); // the end: there is no token to come
  return tokens.length;
}

/** The texts' embeddings. Forgets the main session's context. Rejects as generate() does. */
export async function embed(engine: Engine, request: Request & { type: 'embed' }, pace: Pace, signal: AbortSignal): Promise<Embeddings> {
  const embeddings = [];
  let promptTokens = 0;
  for (const input of request.inputs) {
    const tokens = input instanceof Int32Array ? input : engine.tokensOf(input);
    engine.beginEmbedding(MAIN_SESSION, tokens, request.pooling, request.normalize);
    await nextStep(engine, MAIN_SESSION, pace, signal);
    embeddings.push(engine.embedding(MAIN_SESSION));
    promptTokens += tokens.length;
    await pace.pause(signal);
  }
  return { embeddings, usage: { promptTokens } };
}

/** The next token, or the end. On the way there the prompt is read batch by batch, and a batch layer by layer. */
async function nextStep(engine: Engine, session: number, pace: Pace, signal: AbortSignal): Promise<Step> {
  let batch = { size: pace.batchSize(), first: -1, layers: 0, ms: 0 };
  for (;;) {
    const before = performance.now();
    const step = engine.step(session, batch.size);
    if (step.kind !== INK_STEP_PREFILL) return step;
    batch.ms += performance.now() - before;
    batch.layers++;
    if (batch.first < 0) batch.first = step.promptDone;
    if (step.promptDone > batch.first) {
      pace.record(step.promptDone - batch.first, batch.ms / batch.layers);
      batch = { size: pace.batchSize(), first: step.promptDone, layers: 0, ms: 0 };
    }
    if (pace.isOver()) await pace.pause(signal);
  }
}
