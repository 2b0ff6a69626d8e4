/** Failures by the names that the Prompt API's specification has for them. */
import type { InklingError, InklingErrorCode } from '../index.js';

/** A DOMException; its `cause` is what went wrong beneath. */
export function domException(name: string, message: string, cause?: unknown): DOMException {
  return withCause(new DOMException(message, name), cause);
}

/** Both in tokens: what is needed, and what the context window holds. */
export function quotaExceeded(
  message: string,
  requested: number,
  quota: number,
  cause?: unknown,
): DOMException {
  const Native = (
    globalThis as { QuotaExceededError?: new (message: string, options: object) => DOMException }
  ).QuotaExceededError;
  if (Native) return withCause(new Native(message, { requested, quota }), cause);
  return withCause(
    Object.assign(new DOMException(message, 'QuotaExceededError'), { requested, quota }),
    cause,
  );
}

function withCause(exception: DOMException, cause: unknown): DOMException {
  if (cause !== undefined)
    Object.defineProperty(exception, 'cause', { value: cause, configurable: true });
  return exception;
}

type Names = Partial<Record<InklingErrorCode, string>>;

const UNSUPPORTED: Names = {
  INK_ERR_UNSUPPORTED_HOST: 'NotSupportedError',
  INK_ERR_UNSUPPORTED_VERSION: 'NotSupportedError',
  INK_ERR_UNSUPPORTED_ARCHITECTURE: 'NotSupportedError',
  INK_ERR_UNSUPPORTED_TYPE: 'NotSupportedError',
  INK_ERR_UNSUPPORTED_TOKENIZER: 'NotSupportedError',
  INK_ERR_UNSUPPORTED_CHAT_FORMAT: 'NotSupportedError',
  INK_ERR_TEMPLATE: 'NotSupportedError',
};
const CREATING: Names = {
  ...UNSUPPORTED,
  INK_ERR_IO: 'NetworkError',
  INK_ERR_TRUNCATED: 'NetworkError',
};
const PROMPTING: Names = { ...UNSUPPORTED, INK_ERR_WRONG_STATE: 'InvalidStateError' };

/** What create() rejects with when loading the model failed with `thrown`. */
export function creationError(thrown: unknown): unknown {
  return translate(thrown, CREATING, 'OperationError');
}

/** What a session's methods reject with when the model failed with `thrown`. window: tokens. */
export function promptError(thrown: unknown, window: number): unknown {
  const error = thrown as InklingError | null | undefined;
  if (error?.code === 'INK_ERR_CONTEXT_FULL')
    return quotaExceeded(error.message, window + 1, window, error);
  return translate(thrown, PROMPTING, 'UnknownError');
}

/** Leaves what is no InklingError as it is: exceptions of this adapter, and signals' reasons. */
function translate(thrown: unknown, names: Names, otherwise: string): unknown {
  if ((thrown as Error | null | undefined)?.name !== 'InklingError') return thrown;
  const { code, message } = thrown as InklingError;
  return domException(names[code] ?? otherwise, message, thrown);
}
