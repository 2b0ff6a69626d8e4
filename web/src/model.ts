import { Adapter, loadAdapter } from './adapter.js';
import type { Connection } from './connection.js';
import { INK_POOLING_LAST, INK_POOLING_MEAN, INK_POOLING_UNSPECIFIED, INK_TOKENIZE_BOS, INK_TOKENIZE_SPECIAL } from './constants.js';
import { type ChatDefaults, answerInput, chatInput, checkTemplate, completionText } from './conversation.js';
import { dispose } from './dispose.js';
import { InklingError, invalidArgument } from './errors.js';
import { checkContextLength, kvNumber } from './kv.js';
import { priorityNumber } from './priority.js';
import { MAIN_SESSION, type TextInput } from './protocol.js';
import { PieceStream, type Run } from './run.js';
import { isWhole, samplingOf } from './sampling.js';
import { type Session, openSession } from './session.js';
import type {
  AdapterUse,
  ApplyChatTemplateOptions,
  ChatOptions,
  CompleteOptions,
  Conversation,
  EmbedInput,
  EmbedOptions,
  Embeddings,
  GenerateOptions,
  LoadAdapterOptions,
  Message,
  ModelInfo,
  ModelPart,
  RequestOptions,
  Score,
  ScoreOptions,
  SessionOptions,
  TokenPiece,
  TokenizeOptions,
} from './types.js';

/**
 * A loaded model, in an engine of its own: several models work side by side. Calls may overlap; they are answered one
 * after another, the most urgent first (see {@link Priority}). All reject with `INK_ERR_CRASHED` if the engine has
 * stopped working, and with `INK_ERR_WRONG_STATE` after dispose().
 */
export class Model {
  readonly info: Readonly<ModelInfo>;
  readonly #connection: Connection;
  readonly #defaults: ChatDefaults;

  /** @internal Use loadModel(). */
  constructor(connection: Connection, info: ModelInfo, defaults: ChatDefaults) {
    this.#connection = connection;
    this.#defaults = defaults;
    this.info = Object.freeze(info);
  }

  // ---- Generating ----

  /**
   * The assistant's next message in a conversation. What the conversation shares with the call before is not read
   * again, so that appending to it is quick. `INK_ERR_UNSUPPORTED_CHAT_FORMAT` when {@link ModelInfo.hasChatFormat}
   * is false; `INK_ERR_TEMPLATE` when the chat template refuses the conversation.
   */
  chat(conversation: readonly Message[] | Conversation, options: ChatOptions = {}): Run {
    const { chatTemplate, tools, examples, ...rest } = options;
    const given = { chatTemplate, tools, examples, addGenerationPrompt: true };
    return this.#generate(answerInput(conversation, given, this.#defaults), rest);
  }

  /** Goes on from `prompt`, in which the text of control tokens counts as those tokens. */
  complete(prompt: string, options: CompleteOptions = {}): Run {
    if (typeof prompt !== 'string') throw invalidArgument('The prompt must be a string.');
    const { examples, ...rest } = options;
    const flags = INK_TOKENIZE_SPECIAL | INK_TOKENIZE_BOS;
    return this.#generate({ text: completionText(prompt, examples), flags }, rest);
  }

  /**
   * A conversation that is remembered, in a context of its own beside the model's, which takes memory:
   * `INK_ERR_OUT_OF_MEMORY` when there is too little. Reads what it begins with.
   */
  async createSession(options: SessionOptions = {}): Promise<Session> {
    const { contextLength = 0, kvCache, chatTemplate, tools, adapters } = options;
    checkContextLength(contextLength);
    checkTemplate(chatTemplate);
    const kvType = kvCache === undefined ? -1 : kvNumber(kvCache);
    const defaults = {
      chatTemplate: chatTemplate ?? this.#defaults.chatTemplate,
      tools: tools ?? this.#defaults.tools,
    };
    const uses = adapters && Adapter.usesOf(this.#connection, adapters);
    return openSession({ connection: this.#connection, defaults }, { contextLength, kvType, adapters: uses }, options);
  }

  // ---- Adapters ----

  /**
   * Loads a LoRA adapter for this model, as GGUF in llama.cpp's format, while the model goes on answering. It does
   * nothing before {@link setAdapters}, Session.setAdapters() or createSession() name it. Rejects as loadModel() does,
   * and with `INK_ERR_BAD_ADAPTER` for what is no adapter, or one for another model.
   */
  loadAdapter(source: ModelPart, options: LoadAdapterOptions = {}): Promise<Adapter> {
    return loadAdapter(this.#connection, source, options);
  }

  /**
   * What chat(), complete(), score() and embed() of the model compute with from now on, in place of the adapters they had; none:
   * with the model alone. Takes the place of what new sessions begin with, too. The next call reads its prompt anew.
   */
  async setAdapters(adapters: readonly (Adapter | AdapterUse)[], { signal, priority }: RequestOptions = {}): Promise<void> {
    const uses = Adapter.usesOf(this.#connection, adapters);
    const request = { type: 'setAdapters', session: MAIN_SESSION, adapters: uses, priority: priorityNumber(priority) } as const;
    await this.#connection.request(request, signal);
  }

  // ---- Text and tokens ----

  /**
   * The conversation as the model is to read it: what `apply_chat_template()` of Hugging Face's transformers gives.
   * Rejects as {@link chat} does.
   */
  applyChatTemplate(
    conversation: readonly Message[] | Conversation,
    options?: ApplyChatTemplateOptions & { tokenize?: false },
  ): Promise<string>;
  applyChatTemplate(
    conversation: readonly Message[] | Conversation,
    options: ApplyChatTemplateOptions & { tokenize: true },
  ): Promise<number[]>;
  async applyChatTemplate(
    conversation: readonly Message[] | Conversation,
    { tokenize = false, ...options }: ApplyChatTemplateOptions = {},
  ): Promise<string | number[]> {
    const input = chatInput(conversation, options, this.#defaults);
    if (tokenize) return this.#tokenize(input, options);
    const priority = priorityNumber(options.priority);
    return this.#connection.request({ type: 'applyChatTemplate', input, priority }, options.signal);
  }

  /** The text's tokens. */
  async tokenize(text: string, options: TokenizeOptions = {}): Promise<number[]> {
    return this.#tokenize(textInput(text, options), options);
  }

  /** How many tokens {@link tokenize} gives; or, of a conversation, how many {@link chat} reads. */
  countTokens(text: string, options?: TokenizeOptions): Promise<number>;
  countTokens(
    conversation: readonly Message[] | Conversation,
    options?: Omit<ApplyChatTemplateOptions, 'tokenize'>,
  ): Promise<number>;
  async countTokens(
    what: string | readonly Message[] | Conversation,
    options: TokenizeOptions & ApplyChatTemplateOptions = {},
  ): Promise<number> {
    const input = typeof what === 'string'
      ? textInput(what, options)
      : chatInput(what, { addGenerationPrompt: true, ...options }, this.#defaults);
    const priority = priorityNumber(options.priority);
    return this.#connection.request({ type: 'countTokens', input, priority }, options.signal);
  }

  /** The tokens' text. Control tokens have none. Where the tokens are cut inside a character stands U+FFFD. */
  async detokenize(tokens: Iterable<number>, { signal, priority }: RequestOptions = {}): Promise<string> {
    const request = { type: 'detokenize', tokens: tokenArray(tokens), priority: priorityNumber(priority) } as const;
    return this.#connection.request(request, signal);
  }

  /** What each token stands for by itself, control tokens too: to show how a text is split. */
  async tokenPieces(tokens: Iterable<number>, { signal, priority }: RequestOptions = {}): Promise<TokenPiece[]> {
    const ids = tokenArray(tokens);
    const request = { type: 'tokenPieces', tokens: ids, priority: priorityNumber(priority) } as const;
    const { lengths, bytes } = await this.#connection.request(request, signal);
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    let end = 0;
    return Array.from(ids, (id, i) => {
      const piece = bytes.slice(end, (end += lengths[i]!));
      return { id, text: decoder.decode(piece), bytes: piece };
    });
  }

  /** What one token stands for; see {@link tokenPieces}. */
  async tokenPiece(token: number, options?: RequestOptions): Promise<TokenPiece> {
    return (await this.tokenPieces([token], options))[0]!;
  }

  /** All of the engine's memory as it is now, in bytes; {@link ModelInfo.memoryBytes} is what it was after loading. */
  memoryUse(): Promise<number> {
    return this.#connection.request({ type: 'memoryUse' });
  }

  /** How well the model predicts a text. */
  score(text: string, { windowLength = 0, signal, priority }: ScoreOptions = {}): Promise<Score> {
    if (!isWhole(windowLength)) throw invalidArgument('windowLength must be a whole number of tokens.');
    const request = { type: 'score', text: String(text), windowLength, priority: priorityNumber(priority) } as const;
    return this.#connection.request(request, signal);
  }

  /**
   * Texts as vectors, to be compared by their meaning: as the model's file says to make them, else with `pooling`.
   * `INK_ERR_UNSUPPORTED_EMBEDDINGS` when neither says how, `INK_ERR_CONTEXT_FULL` for a text that is too long. Uses the
   * model's own context, so that the next chat() or complete() reads its prompt anew.
   */
  async embed(texts: string | readonly EmbedInput[], options: EmbedOptions = {}): Promise<Embeddings> {
    const { pooling, normalize = true, signal, priority } = options;
    const numbers = { mean: INK_POOLING_MEAN, last: INK_POOLING_LAST };
    const number = pooling === undefined ? INK_POOLING_UNSPECIFIED : numbers[pooling];
    if (number === undefined) throw invalidArgument("pooling must be 'mean' or 'last'.");
    const inputs = (typeof texts === 'string' ? [texts] : [...texts]).map((text) => {
      if (text.length === 0) throw invalidArgument('A text is empty.');
      return typeof text === 'string' ? textInput(text, { special: true, addBos: true }) : tokenArray(text);
    });
    const request = { type: 'embed', inputs, pooling: number, normalize, priority: priorityNumber(priority) } as const;
    return this.#connection.request(request, signal);
  }

  /** Frees the engine and all its memory at once, its sessions' too. Calls under way reject. */
  dispose(): void {
    this.#connection.close(new InklingError('INK_ERR_WRONG_STATE', 'The model has been disposed of.'));
  }

  [dispose](): void {
    this.dispose();
  }

  async #tokenize(input: TextInput, { signal, priority }: RequestOptions): Promise<number[]> {
    const tokens = await this.#connection.request({ type: 'tokenize', input, priority: priorityNumber(priority) }, signal);
    const list = new Array<number>(tokens.length); // Array.from() takes several times as long
    for (let i = 0; i < tokens.length; i++) list[i] = tokens[i]!;
    return list;
  }

  #generate(input: TextInput, { signal, priority, ...options }: GenerateOptions): Run {
    const sampling = samplingOf(options);
    const request = { type: 'generate', session: MAIN_SESSION, input, sampling, priority: priorityNumber(priority) } as const;
    return new PieceStream((onPiece, stopped) => this.#connection.request(request, stopped, { onPiece }), signal);
  }
}

function textInput(text: string, { special = false, addBos = false }: TokenizeOptions): TextInput {
  return { text: String(text), flags: (special ? INK_TOKENIZE_SPECIAL : 0) | (addBos ? INK_TOKENIZE_BOS : 0) };
}

/** Which of them exist is the core's to check; that each is a 32-bit number, here. */
function tokenArray(tokens: Iterable<number>): Int32Array {
  const list = [...tokens];
  const ids = new Int32Array(list);
  const wrong = list.findIndex((token, i) => token !== ids[i]);
  if (wrong >= 0) throw invalidArgument(`${String(list[wrong])} is no token.`);
  return ids;
}
