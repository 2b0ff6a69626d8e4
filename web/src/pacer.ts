/** How much work is done between two looks at the events. */

/**
 * Chooses how many tokens to read in a step: about as many as take STEP_MS at the speed of the last step. In
 * larger steps each weight would be read less often, but an abort waits for the end of a step.
 */
export class StepPacer {
  static readonly STEP_MS = 50;
  static readonly #MOST = 512;
  /** The kernels take tokens by fours, and a rest costs nearly as much as four. */
  static readonly #TILE = 4;
  #msPerToken: number | undefined;

  next(): number {
    if (this.#msPerToken === undefined) return StepPacer.#TILE;
    const n = Math.min(StepPacer.STEP_MS / this.#msPerToken, StepPacer.#MOST);
    if (n < StepPacer.#TILE - 1) return Math.max(1, Math.floor(n));
    return Math.round(n / StepPacer.#TILE) * StepPacer.#TILE;
  }

  record(tokens: number, ms: number): void {
    this.#msPerToken = ms / tokens;
  }
}
