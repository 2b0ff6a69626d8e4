/** What an error means to a visitor, and what they can do about it. */
import { InklingError, type InklingErrorCode } from '../src/index.js';

export interface Advice {
  title: string;
  advice: string;
  /** The code and the engine's own words. */
  detail: string;
}

type Words = readonly [title: string, advice: string];

const DAMAGED: Words = ['The model’s file is damaged', 'Download it again, or open another one.'];
const UNSUPPORTED: Words = [
  'This model is of a kind that Inkling does not run yet',
  'Most families of small language models in GGUF work, SmolLM2 for example. Open another one.',
];

const WORDS: Partial<Record<InklingErrorCode, Words>> = {
  INK_ERR_OUT_OF_MEMORY: ['There is not enough memory', 'Close other tabs, or use a smaller model.'],
  INK_ERR_IO: ['The model could not be read', 'Check the connection and the address, then try again.'],
  INK_ERR_NOT_GGUF: ['This is not a model', 'Inkling reads GGUF files, whose names end in .gguf.'],
  INK_ERR_TRUNCATED: ['The model’s file is incomplete', 'Its end is missing: download it again.'],
  INK_ERR_CORRUPT: DAMAGED,
  INK_ERR_BAD_MODEL: DAMAGED,
  INK_ERR_UNSUPPORTED_VERSION: ['This GGUF file is too old or too new', 'Versions 2 and 3 are read. Open another file.'],
  INK_ERR_UNSUPPORTED_ARCHITECTURE: UNSUPPORTED,
  INK_ERR_UNSUPPORTED_TYPE: UNSUPPORTED,
  INK_ERR_UNSUPPORTED_TOKENIZER: UNSUPPORTED,
  INK_ERR_UNSUPPORTED_CHAT_FORMAT: [
    'This model can’t hold a conversation',
    'It has no chat format that Inkling knows. Open one whose name says “chat” or “instruct”.',
  ],
  INK_ERR_TEMPLATE: ['This model’s chat template could not be used', 'Start a new chat, or open another model.'],
  INK_ERR_CONTEXT_FULL: ['The conversation has grown too long', 'Start a new chat, or write a shorter message.'],
  INK_ERR_UNSUPPORTED_HOST: ['This browser is too old', 'Update it, or use a recent Chrome, Edge, Firefox or Safari.'],
  INK_ERR_CRASHED: ['The engine stopped working', 'Load the model again.'],
};

export function adviceFor(error: unknown): Advice {
  if (!(error instanceof InklingError)) {
    return { title: 'Something went wrong', advice: 'Reload the page.', detail: String(error) };
  }
  const words: Words = error.httpStatus === 404
    ? ['The model is not there', 'Check its address, or open a GGUF file of your own.']
    : (WORDS[error.code] ?? ['Something went wrong', 'Try again.']);
  return { title: words[0], advice: words[1], detail: `${error.code}: ${error.message}` };
}
