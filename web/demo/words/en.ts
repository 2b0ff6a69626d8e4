/** The page's words in English; every other language has the same (see index.ts). */
import type { InklingErrorCode } from 'inkling-wasm';

export type Advice = readonly [title: string, advice: string];

const DAMAGED: Advice = ['The model’s file is damaged', 'Download it again, or open another one.'];
const UNSUPPORTED: Advice = [
  'This model is of a kind that Inkling does not run yet',
  'Most families of small language models in GGUF work, SmolLM2 for example. Open another one.',
];

const errors: Partial<Record<InklingErrorCode, Advice>> = {
  INK_ERR_OUT_OF_MEMORY: [
    'There is not enough memory',
    'Close other tabs, or use a smaller model.',
  ],
  INK_ERR_IO: [
    'The model could not be read',
    'Check the connection and the address, then try again.',
  ],
  INK_ERR_NOT_GGUF: ['This is not a model', 'Inkling reads GGUF files, whose names end in .gguf.'],
  INK_ERR_TRUNCATED: ['The model’s file is incomplete', 'Its end is missing: download it again.'],
  INK_ERR_CORRUPT: DAMAGED,
  INK_ERR_CHECKSUM: DAMAGED,
  INK_ERR_QUOTA: [
    'There is no room left on this device',
    'Delete models that you do not need, under “Model”.',
  ],
  INK_ERR_BAD_MODEL: DAMAGED,
  INK_ERR_UNSUPPORTED_VERSION: [
    'This GGUF file is too old or too new',
    'Versions 2 and 3 are read. Open another file.',
  ],
  INK_ERR_UNSUPPORTED_ARCHITECTURE: UNSUPPORTED,
  INK_ERR_UNSUPPORTED_TYPE: UNSUPPORTED,
  INK_ERR_UNSUPPORTED_TOKENIZER: UNSUPPORTED,
  INK_ERR_UNSUPPORTED_CHAT_FORMAT: [
    'This model can’t hold a conversation',
    'It has no chat format that Inkling knows. Open one whose name says “chat” or “instruct”.',
  ],
  INK_ERR_TEMPLATE: [
    'This model’s chat template could not be used',
    'Start a new chat, or open another model.',
  ],
  INK_ERR_CONTEXT_FULL: [
    'That is more than the model can read at once',
    'Write a shorter message, or shorten the system prompt and the examples in the settings.',
  ],
  INK_ERR_INVALID_ARGUMENT: ['That could not be done', 'Check the settings, then try again.'],
  INK_ERR_UNSUPPORTED_HOST: [
    'This browser is too old',
    'Update it, or use a recent Chrome, Edge, Firefox or Safari.',
  ],
  INK_ERR_CRASHED: [
    'The engine stopped working',
    'Load the model again; your conversation is kept.',
  ],
};

export const en = {
  tag: 'en',
  title: 'Inkling',
  newChat: 'New chat',
  settings: 'Settings',
  done: 'Done',
  skipToMessage: 'Skip to the message',
  notice: 'Small models make mistakes: check what matters.',

  chats: 'Conversations',
  noChats: 'Your conversations will stand here. They stay on this device.',
  notKept: 'This browser gives the page no storage: conversations are gone when you close it.',
  untitled: 'Untitled',
  deleteChat: (title: string) => `Delete “${title}”`,
  undo: 'Undo',
  toasts: {
    inUse: 'A model that is being loaded can’t be deleted now',
    deleted: 'Conversation deleted',
    copied: 'Copied',
    copyFailed: 'The browser did not allow copying',
  },

  welcome: 'A language model, inside this page',
  welcomeMore:
    'It computes on your own device. No server, no account, and nothing you write leaves ' +
    'this page.',
  about: (count: string) =>
    `At ${count} parameters this model is a tiny fraction of the assistants in data ` +
    'centres. It writes fluent short texts, and gets many facts, all but the simplest sums and most code wrong.',
  foreign:
    'This small model knows English only. For another language, open a model that speaks it.',

  you: 'You',
  model: 'The model',
  conversation: 'Conversation',
  reading: 'Reading…',
  emptyAnswer: 'The model had nothing to say.',
  forgotten:
    'The model no longer sees what stands above: the conversation has outgrown its context.',
  singleTurn: 'This model takes each message by itself: it does not see what stands above.',
  contextFull:
    'It ends here because the model’s context is full: it can hold no more text at once. Ask for ' +
    'something shorter, or start a new chat.',
  copy: 'Copy',
  copyCode: 'Copy code',
  again: 'Regenerate',
  edit: 'Edit',
  editing: 'The changed message takes the place of the old one and of all that follows it.',
  answerNow: 'Answer',
  toEnd: 'To the end',
  message: 'Message',
  placeholder: 'Write a message',
  placeholderLoading: 'Write a message while the model loads',
  send: 'Send',
  stop: 'Stop',
  image: (alt: string) => `[image${alt ? `: ${alt}` : ''}]`,

  firstWord: (seconds: string) => `first word after ${seconds} s`,
  prefill: (rate: string) => `prefill ${rate} tokens/s`,
  decode: (rate: string) => `decode ${rate} tokens/s`,
  rate: (rate: string) => `${rate} tokens/s`,
  tokens: (n: number) => `${n} ${n === 1 ? 'token' : 'tokens'}`,
  finish: {
    end: '',
    stop: '',
    length: 'cut off at the length in the settings',
    context: 'the context is full',
    stopped: 'stopped',
    failed: 'failed',
  },

  loading: (label: string) => `Loading ${label}`,
  starting: 'Starting the engine',
  progress: (loaded: string, total: string) => `${loaded} of ${total}`,
  perSecond: (size: string) => `${size}/s`,
  minutesLeft: (n: number) => `about ${n} min left`,
  secondsLeft: (n: number) => `about ${n} s left`,
  cancel: 'Cancel',
  phases: {
    download: 'Downloading, this once',
    cache: 'From this device',
    load: 'Reading the file',
    retry: 'The connection was lost; going on in a moment',
    wait: 'Another tab is downloading it',
    prepare: 'Almost there',
  },
  download: 'Download',
  toDownload: (size: string) => `${size} to download, once`,
  unknownSize: 'a download of unknown size',
  parametersOf: (count: string) => `${count} parameters`,
  memoryNeeded: (size: string) => `${size} of memory`,
  doesNotFit: 'It will probably not fit this device.',

  errors,
  notThere: [
    'The model is not there',
    'Check its address, or open a GGUF file of your own.',
  ] as Advice,
  wrong: ['Something went wrong', 'Try again; if it stays so, reload the page.'] as Advice,
  cancelled: ['Loading was cancelled', 'Load it again, or open a GGUF file of your own.'] as Advice,
  stillThere: (label: string) => `${label} is still loaded, and the conversation is as it was.`,
  retry: 'Try again',
  dismiss: 'Dismiss',
  makeRoom: 'Unload the present model and try again',
  openFile: 'Open a GGUF file…',

  drop: 'Drop a GGUF file to open it',
  dropMore: 'It is read where it lies, and not uploaded.',

  modelDialog: 'Model',
  chooseModel: (label: string) => `Model: ${label}`,
  noModel: 'No model',
  inUse: 'in use',
  use: 'Use',
  languages: { en: 'English', ko: 'Korean' } as Record<string, string>,
  ownModel: 'A model of your own',
  ownModelMore:
    'A file is read where it lies; it is not uploaded. You can also drop it anywhere on the page.',
  keepFiles: 'Keep a copy on this device for the next visit',
  kept: 'On this device',
  keptNothing: 'Models that you download are kept here, so that they work without a network.',
  incomplete: (bytes: string, total: string) => `${bytes} of ${total}, interrupted`,
  deleteModel: (name: string) => `Delete ${name} from this device`,
  address: 'Address of a GGUF file',
  load: 'Load',
  facts: {
    name: 'Name',
    parameters: 'Parameters',
    weights: 'Weights',
    memory: 'Memory',
    context: 'Context',
    kernels: 'Kernels',
    threads: 'Threads',
    kept: 'Kept here',
  },
  keptYes: 'yes, it works without a network',
  keptNo: 'no',
  parameters: (count: string, architecture: string) => `${count}, ${architecture}`,
  count: (n: number) => {
    if (n < 1e6) return Math.round(n).toLocaleString('en');
    return n < 1e9
      ? `${(n / 1e6).toFixed(n < 1e7 ? 1 : 0)} million`
      : `${(n / 1e9).toFixed(1)} billion`;
  },
  weights: (size: string, type: string) => `${size}, mostly ${type}`,
  memoryLabel: (size: string) => `${size} of memory in use`,

  answers: 'Answers',
  system: 'System prompt',
  systemPlaceholder: 'The model’s own',
  temperature: 'Temperature',
  temperatureMore: '0 gives the likeliest answer, the same each time. More is more varied.',
  more: 'More sampling controls',
  topK: 'Top k (0: off)',
  topP: 'Top p (1: off)',
  minP: 'Min p (0: off)',
  repeatPenalty: 'Repeat penalty (1: off)',
  maxTokens: 'Longest answer, in tokens',
  seed: 'Seed',
  seedPlaceholder: 'random',
  examples: 'Few-shot examples',
  examplesMore:
    'Questions with the answers you would like. A small model follows examples better than ' +
    'instructions.',
  exampleUser: (n: number) => `Example ${n}: question`,
  exampleAnswer: (n: number) => `Example ${n}: answer`,
  addExample: 'Add an example',
  removeExample: (n: number) => `Remove example ${n}`,
  remove: 'Remove',
  sample: 'Fill in a sample',
  samples: [
    { user: 'The food was cold and the waiter rude.', assistant: 'negative' },
    { user: 'What a lovely evening, we will be back!', assistant: 'positive' },
    { user: 'The room was clean and quiet.', assistant: 'positive' },
  ],
  appearance: 'Appearance',
  theme: 'Colours',
  themes: { auto: 'System', light: 'Light', dark: 'Dark' },
  language: 'Language',
  languageAuto: 'Browser’s',
  data: 'On this device',
  deleteAll: 'Delete all conversations',
  deleteAllSure: 'Delete them all?',
  defaults: 'Restore the defaults',

  updateReady: 'A new version is ready.',
  reload: 'Reload',
};
