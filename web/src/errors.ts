import type { STATUS_NAMES } from './constants.js';

/**
 * Why something failed: a name from the C core's `ink_status`.
 *
 * Often met: `INK_ERR_IO` (the model could not be read: see {@link InklingError.httpStatus}),
 * `INK_ERR_NOT_GGUF`, `INK_ERR_TRUNCATED`, `INK_ERR_CORRUPT` (the file), `INK_ERR_UNSUPPORTED_…` (a model this
 * engine does not compute), `INK_ERR_OUT_OF_MEMORY`, `INK_ERR_CONTEXT_FULL` (the prompt is too long).
 * `INK_ERR_UNSUPPORTED_HOST`: no WebAssembly SIMD here. `INK_ERR_CRASHED`: the engine stopped working;
 * the model must be loaded again.
 */
export type InklingErrorCode = Exclude<(typeof STATUS_NAMES)[number], 'INK_OK'>;

/** What crosses from the worker to the page. */
export interface ErrorMessage {
  code: InklingErrorCode;
  message: string;
  httpStatus?: number;
}

/** Every failure of this package, except an abort, which rejects with the signal's own reason. */
export class InklingError extends Error {
  override readonly name = 'InklingError';
  /** Stable; for programs. */
  readonly code: InklingErrorCode;
  /** Set when a server answered with a status other than success, e.g. 404. */
  readonly httpStatus?: number;

  constructor(code: InklingErrorCode, message: string, options: { httpStatus?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    if (options.httpStatus !== undefined) this.httpStatus = options.httpStatus;
  }

  static fromMessage(message: ErrorMessage): InklingError {
    return new InklingError(message.code, message.message, message);
  }

  toMessage(): ErrorMessage {
    const { code, message, httpStatus } = this;
    return httpStatus === undefined ? { code, message } : { code, message, httpStatus };
  }
}

export function invalidArgument(message: string): InklingError {
  return new InklingError('INK_ERR_INVALID_ARGUMENT', message);
}

/** The text of anything thrown. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
