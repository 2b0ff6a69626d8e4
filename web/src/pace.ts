/** How much work is done between two looks at the events: an abort has to be noticed within 50 ms. */
import { yieldToEvents } from './events.js';

/** Of one kind of work, for as long as the engine lives: it learns how fast that goes. */
export class Pace {
  /** Work between two pauses, but for the piece that is under way then. */
  static readonly #TURN_MS = 20;
  /** The engine's own batches are no larger. In smaller ones each weight is read more often. */
  static readonly #MOST = 128;
  /** The kernels take tokens by fours, and a rest costs nearly as much as four. */
  static readonly #TILE = 4;
  readonly #pieceMs: number;
  readonly #letOthersIn: () => Promise<void>;
  #msPerToken = Infinity;
  #turnBegan = 0;

  /** pieceMs: what a piece of work may take, which can't be interrupted. letOthersIn: as of a queue. */
  constructor(pieceMs: number, letOthersIn: () => Promise<void>) {
    this.#pieceMs = pieceMs;
    this.#letOthersIn = letOthersIn;
  }

  /** Tokens to evaluate together. */
  batchSize(): number {
    const n = Math.min(this.#pieceMs / this.#msPerToken, Pace.#MOST);
    return Math.max(Pace.#TILE, Math.floor(n / Pace.#TILE) * Pace.#TILE);
  }

  /** How long a piece of work with so many tokens took. */
  record(tokens: number, ms: number): void {
    this.#msPerToken = ms / tokens;
  }

  /** It is time for a pause. */
  isOver(): boolean {
    return performance.now() - this.#turnBegan >= Pace.#TURN_MS;
  }

  /** Lets events in, and more urgent requests. Rejects with the signal's reason after an abort. */
  async pause(signal: AbortSignal): Promise<void> {
    await yieldToEvents();
    await this.#letOthersIn();
    signal.throwIfAborted();
    this.#turnBegan = performance.now();
  }
}
