/** A stream of chunks, with what the `openai` package's Stream has. */
import { APIUserAbortError, toApiError } from './openai-errors.js';

/** For one reader. Leaving the loop early stops the engine, and so does `controller.abort()`. */
export class CompletionStream<Chunk> implements AsyncIterable<Chunk> {
  readonly controller: AbortController;
  readonly #chunks: AsyncIterable<Chunk>;
  readonly #stopped: AbortSignal;
  #isConsumed = false;

  /** @internal stopped: aborted by the controller, or by the caller's signal. */
  constructor(chunks: AsyncIterable<Chunk>, controller: AbortController, stopped: AbortSignal) {
    this.#chunks = chunks;
    this.controller = controller;
    this.#stopped = stopped;
  }

  /**
   * Throws an APIError when the engine fails. As in the `openai` package, an aborted stream just
   * ends.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Chunk, void, undefined> {
    if (this.#isConsumed) throw new Error('Cannot iterate over a consumed stream.');
    this.#isConsumed = true;
    try {
      yield* this.#chunks;
    } catch (thrown) {
      const error = toApiError(thrown, this.#stopped);
      if (!(error instanceof APIUserAbortError)) throw error;
    } finally {
      this.controller.abort(); // without effect when all has been read
    }
  }

  /** The chunks as lines of JSON; cancelling it stops the engine. */
  toReadableStream(): ReadableStream<Uint8Array> {
    const chunks = this[Symbol.asyncIterator]();
    const encoder = new TextEncoder();
    return new ReadableStream({
      pull: async (output) => {
        const next = await chunks.next();
        if (next.done) output.close();
        else output.enqueue(encoder.encode(`${JSON.stringify(next.value)}\n`));
      },
      cancel: () => this.controller.abort(),
    });
  }
}
