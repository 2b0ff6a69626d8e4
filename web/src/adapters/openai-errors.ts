/**
 * Failures as the `openai` package throws them:
 * https://github.com/openai/openai-node#handling-errors
 */
import type { InklingError, InklingErrorCode } from '../index.js';

/** The body of an error, as OpenAI's servers send it. */
export interface ErrorBody {
  message: string;
  type: 'invalid_request_error' | 'server_error';
  /** The parameter that was wrong, or null. */
  param: string | null;
  /** e.g. 'context_length_exceeded', 'model_not_found', or one of {@link InklingErrorCode}. */
  code: string;
}

/**
 * What every method of the client rejects with; {@link cause} is the InklingError, if there was
 * one.
 */
export class APIError extends Error {
  /** As a server would have answered: 400, 404 or 500; undefined for an abort. */
  readonly status: number | undefined;
  readonly error: ErrorBody | undefined;
  readonly code: string | null;
  readonly param: string | null;
  readonly type: string | undefined;
  /** There is no server that would send any. */
  readonly headers = undefined;
  readonly requestID = undefined;

  constructor(
    status: number | undefined,
    error: ErrorBody | undefined,
    message: string,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.status = status;
    this.error = error;
    this.code = error?.code ?? null;
    this.param = error?.param ?? null;
    this.type = error?.type;
  }
}

/** The request cannot be answered as it is. */
export class BadRequestError extends APIError {}
/** There is no model of that name. */
export class NotFoundError extends APIError {}
/** The engine failed. */
export class InternalServerError extends APIError {}
/** The signal was aborted. */
export class APIUserAbortError extends APIError {
  constructor(cause?: unknown) {
    super(undefined, undefined, 'Request was aborted.', cause);
  }
}

export function badRequest(
  param: string | null,
  message: string,
  code: string = 'invalid_value',
  cause?: unknown,
): APIError {
  return new BadRequestError(
    400,
    { message, type: 'invalid_request_error', param, code },
    `400 ${message}`,
    cause,
  );
}

export function notFound(message: string): APIError {
  const body: ErrorBody = {
    message,
    type: 'invalid_request_error',
    param: 'model',
    code: 'model_not_found',
  };
  return new NotFoundError(404, body, `404 ${message}`);
}

/** What OpenAI's servers, or its users, call some failures. */
const CODES: Partial<Record<InklingErrorCode, string>> = {
  INK_ERR_CONTEXT_FULL: 'context_length_exceeded',
  INK_ERR_UNSUPPORTED_EMBEDDINGS: 'embeddings_not_supported',
};

/** Whose fault a failure is: the engine's, unless listed. */
const CALLERS_FAULT: ReadonlySet<InklingErrorCode> = new Set([
  'INK_ERR_INVALID_ARGUMENT',
  'INK_ERR_CONTEXT_FULL',
  'INK_ERR_UNSUPPORTED_EMBEDDINGS',
  'INK_ERR_UNSUPPORTED_CHAT_FORMAT',
  'INK_ERR_TEMPLATE',
  'INK_ERR_INVALID_JSON',
  'INK_ERR_INVALID_UTF8',
  'INK_ERR_WRONG_STATE',
] as const);

/** What a method rejects with when the model rejected with `thrown`. */
export function toApiError(thrown: unknown, signal: AbortSignal | undefined): unknown {
  if (thrown instanceof APIError) return thrown;
  if (signal?.aborted && thrown === signal.reason) return new APIUserAbortError(thrown);
  if ((thrown as Error | null | undefined)?.name !== 'InklingError') return thrown;
  const { code, message } = thrown as InklingError;
  if (CALLERS_FAULT.has(code))
    return badRequest(null, message, CODES[code] ?? code, thrown);
  return new InternalServerError(
    500,
    { message, type: 'server_error', param: null, code },
    `500 ${message}`,
    thrown,
  );
}
