import type { RunResult } from './types.js';

/**
 * One answer being generated. It starts by itself; iterate it for the pieces, ask {@link result} for the whole.
 * Leaving a `for await` early stops the engine.
 */
export interface Run extends AsyncIterable<string> {
  /** Pieces of text as they come, whole characters each. Throws what {@link result} rejects with. */
  [Symbol.asyncIterator](): AsyncIterator<string, void, undefined>;
  /**
   * The whole, when it is finished; pieces need not be read for that. Rejects with an InklingError
   * (`INK_ERR_CONTEXT_FULL`: the prompt is too long; `INK_ERR_INVALID_ARGUMENT`: an option is out of its range;
   * …), or with the signal's reason after an abort.
   */
  result(): Promise<RunResult>;
}

/** Pieces are kept, so that each iteration sees all of them, however late it starts. */
export class PieceStream implements Run {
  readonly #pieces: string[] = [];
  readonly #result: Promise<RunResult>;
  readonly #stop = new AbortController();
  #ended = false;
  #wake: () => void = () => {};
  #changed: Promise<void>;

  /** start() is called at once with where pieces go and a signal that follows the caller's. */
  constructor(
    start: (onPiece: (text: string) => void, signal: AbortSignal) => Promise<RunResult>,
    signal: AbortSignal | undefined,
  ) {
    this.#changed = this.#nextChange();
    const stop = () => this.#stop.abort(signal!.reason);
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop);
    const onPiece = (text: string) => {
      this.#pieces.push(text);
      this.#notify();
    };
    this.#result = start(onPiece, this.#stop.signal).finally(() => {
      signal?.removeEventListener('abort', stop);
      this.#ended = true;
      this.#notify();
    });
    this.#result.catch(() => {}); // whoever asks gets it; a run that nobody watches is no unhandled rejection
  }

  result(): Promise<RunResult> {
    return this.#result;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    try {
      for (let next = 0; ; ) {
        while (next < this.#pieces.length && !this.#stop.signal.aborted) yield this.#pieces[next++]!;
        if (this.#ended || this.#stop.signal.aborted) break;
        await this.#changed;
      }
      await this.#result;
    } finally {
      if (!this.#ended) this.#stop.abort();
    }
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  #notify(): void {
    const wake = this.#wake;
    this.#changed = this.#nextChange();
    wake();
  }
}
