import type { Connection } from './connection.js';
import { InklingError, invalidArgument } from './errors.js';
import type { GenerateInput, Sampling } from './protocol.js';
import { PieceStream, type Run } from './run.js';
import type { GenerateOptions, Message, ModelInfo, Score, ScoreOptions, TokenizeOptions } from './types.js';

const ROLES: readonly string[] = ['system', 'user', 'assistant'];

/**
 * A loaded model. Calls may overlap: they are answered one after another, in order. All reject with
 * `INK_ERR_CRASHED` if the engine has stopped working, and with `INK_ERR_WRONG_STATE` after dispose().
 */
export class Model {
  readonly info: Readonly<ModelInfo>;
  readonly #connection: Connection;

  /** @internal Use loadModel(). */
  constructor(connection: Connection, info: ModelInfo) {
    this.#connection = connection;
    this.info = Object.freeze(info);
  }

  /**
   * The assistant's next message in a conversation. What the conversation shares with the call before is not read
   * again, so that appending to it is quick. `INK_ERR_UNSUPPORTED_CHAT_FORMAT` when {@link ModelInfo.hasChatFormat}
   * is false.
   */
  chat(messages: readonly Message[], options: GenerateOptions = {}): Run {
    const copy = messages.map(({ role, content }) => ({ role, content }));
    const wrong = copy.find(({ role, content }) => !ROLES.includes(role) || typeof content !== 'string');
    if (wrong) throw invalidArgument(`A message needs a role of ${ROLES.join(', ')} and content as a string.`);
    if (copy.length === 0) throw invalidArgument('A conversation needs at least one message.');
    return this.#generate({ messages: copy }, options);
  }

  /** Goes on from `prompt`, in which the text of control tokens counts as those tokens. */
  complete(prompt: string, options: GenerateOptions = {}): Run {
    if (typeof prompt !== 'string') throw invalidArgument('The prompt must be a string.');
    return this.#generate({ prompt }, options);
  }

  /** The text's tokens, without BOS. */
  tokenize(text: string, { special = false }: TokenizeOptions = {}): Promise<number[]> {
    return this.#connection.request({ type: 'tokenize', text: String(text), special });
  }

  /** The tokens' text. Control tokens have none. Where the tokens are cut inside a character stands U+FFFD. */
  detokenize(tokens: Iterable<number>): Promise<string> {
    return this.#connection.request({ type: 'detokenize', tokens: [...tokens] });
  }

  /** How well the model predicts a text. */
  score(text: string, { windowLength = 0 }: ScoreOptions = {}): Promise<Score> {
    if (!isWhole(windowLength)) throw invalidArgument('windowLength must be a whole number of tokens.');
    return this.#connection.request({ type: 'score', text: String(text), windowLength });
  }

  /** Frees the engine and all its memory at once. Calls under way reject. */
  dispose(): void {
    this.#connection.close(new InklingError('INK_ERR_WRONG_STATE', 'The model has been disposed of.'));
  }

  #generate(input: GenerateInput, { signal, stop = [], ...options }: GenerateOptions): Run {
    const sampling: Sampling = {
      seed: Math.floor(Math.random() * Number.MAX_SAFE_INTEGER),
      ...pickNumbers(options),
      stop: typeof stop === 'string' ? [stop] : [...stop],
    };
    return new PieceStream(
      (onPiece, stopped) => this.#connection.request({ type: 'generate', input, sampling }, stopped, { onPiece }),
      signal,
    );
  }
}

/** The sampling options that are given. Their ranges are checked by the core, their type here. */
function pickNumbers(options: Omit<GenerateOptions, 'signal' | 'stop'>): Partial<Sampling> {
  const { temperature, topK, topP, minP, repeatPenalty, seed, maxTokens } = options;
  const all = { temperature, topK, topP, minP, repeatPenalty, seed, maxTokens };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  const wrong = given.find(([, value]) => typeof value !== 'number');
  if (wrong) throw invalidArgument(`${wrong[0]} must be a number.`);
  return Object.fromEntries(given);
}

function isWhole(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
