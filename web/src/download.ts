/** A file from a server. A lost connection is made again, and the download goes on where it stopped. */
import { InklingError, reasonOf } from './errors.js';
import { type Source, type StreamReader, readerOf } from './sources.js';
import type { SourceRequest } from './protocol.js';
import type { LoadPhase } from './types.js';

/** How often a connection is tried again without a byte in between, and how long before the first time. Each wait is
 *  twice the one before, up to the longest: half a minute in all. */
const MAX_RETRIES = 8;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8000;
/** A connection that is silent for so long is lost. */
const SILENCE_MS = 30_000;
/** A server that can't answer right now. */
const BUSY = [408, 429, 500, 502, 503, 504];

/** Which version of a file a server has: what can be known of it, '' and 0 where it can't. */
export interface Version {
  etag: string;
  lastModified: string;
  /** Bytes. */
  size: number;
}

export const UNKNOWN_VERSION: Version = { etag: '', lastModified: '', size: 0 };

/**
 * Both are of the same bytes. RFC 9110, 8.8: a strong ETag says so, else the time of the last change. Without either
 * nobody knows: then `otherwise` is the answer.
 */
export function isSameVersion(a: Version, b: Version, otherwise: boolean): boolean {
  if (a.size && b.size && a.size !== b.size) return false;
  if (isStrong(a.etag) && isStrong(b.etag)) return a.etag === b.etag || otherwise;
  if (a.lastModified && b.lastModified) return a.lastModified === b.lastModified || otherwise;
  return otherwise;
}

const isStrong = (etag: string) => etag.startsWith('"');

/** What is got from a server in one request. */
interface Answer {
  response: Response;
  version: Version;
  /** Where in the file the answer begins. */
  offset: number;
  /** The answer is compressed on its way: its bytes are not those that a range would count. */
  encoded: boolean;
}

export interface DownloadTask {
  url: string;
  options: Pick<SourceRequest, 'headers' | 'credentials'>;
  signal: AbortSignal;
  /** The file's SHA-256 will be checked, so that versions without ETag or date may be joined. */
  verified: boolean;
  /** Ask for so many bytes at a time, for no more than what is needed is to be sent; 0: for all at once. */
  pieceBytes?: number;
}

/** What was being read has changed on the server, so that the rest does not belong to it. */
export class FileChanged extends Error {}

export class Download implements Source {
  readonly #task: DownloadTask;
  readonly #pieceBytes: number;
  #version: Version = UNKNOWN_VERSION;
  #encoded = false;
  #position = 0;
  /** Bytes of the answer that were read before, by a server that can't begin in the middle. */
  #skip = 0;
  /** Where the piece that was asked for ends; Infinity: at the file's end. */
  #pieceEnd = Infinity;
  #reader: StreamReader | undefined;
  #request = new AbortController();
  phase: LoadPhase = 'download';
  hint = '';

  private constructor(task: DownloadTask) {
    this.#task = task;
    this.#pieceBytes = task.pieceBytes ?? 0;
    task.signal.addEventListener('abort', this.#abort);
  }

  /**
   * Asks the server for the file from `offset` on, of that version; where it has another one, or can't begin in the
   * middle, from the beginning: see {@link position}. Rejects with an InklingError, or with the signal's reason.
   */
  static async open(task: DownloadTask, offset = 0, version = UNKNOWN_VERSION): Promise<Download> {
    const download = new Download(task);
    try {
      let answer = await download.#ask(offset, version, false);
      const continues = answer.offset === offset && !answer.encoded && isSameVersion(version, answer.version, task.verified);
      if (answer.offset > 0 && !continues) {
        download.#request.abort();
        answer = await download.#ask(0, UNKNOWN_VERSION, false);
      }
      download.#begin(answer);
      return download;
    } catch (error) {
      download.close();
      throw error;
    }
  }

  get version(): Version {
    return this.#version;
  }

  get size(): number {
    return this.#version.size;
  }

  /** Where the next chunk belongs. */
  get position(): number {
    return this.#position;
  }

  async next(): Promise<Uint8Array | null> {
    for (;;) {
      let problem: unknown;
      try {
        const chunk = await this.#read();
        if (chunk === null) {
          if (this.#isAtEnd()) return null;
          problem = this.#position >= this.#pieceEnd ? undefined : new Error('it ended early');
        } else {
          const news = chunk.subarray(Math.min(this.#skip, chunk.length));
          this.#skip -= chunk.length - news.length;
          this.#position += news.length;
          if (news.length > 0) return news;
          continue;
        }
      } catch (error) {
        this.#task.signal.throwIfAborted();
        problem = error;
      }
      await this.#reconnect(problem);
    }
  }

  close(): void {
    this.#task.signal.removeEventListener('abort', this.#abort);
    this.#request.abort();
    void this.#reader?.cancel().catch(() => {});
  }

  readonly #abort = () => this.#request.abort();

  #isAtEnd(): boolean {
    if (this.size) return this.#position >= this.size;
    return this.#position < this.#pieceEnd; // less than was asked for, and the server did not say how much there is
  }

  async #read(): Promise<Uint8Array | null> {
    const silence = setTimeout(() => this.#request.abort(new Error(`nothing came for ${SILENCE_MS / 1000} s`)), SILENCE_MS);
    try {
      return await this.#reader!.next();
    } catch (error) {
      throw this.#request.signal.aborted ? this.#request.signal.reason : error;
    } finally {
      clearTimeout(silence);
    }
  }

  /** problem: undefined when merely a piece has ended. */
  async #reconnect(problem: unknown): Promise<void> {
    this.#request.abort();
    if (problem !== undefined) this.phase = 'retry';
    const offset = this.#encoded ? 0 : this.#position;
    const answer = await this.#ask(offset, this.#version, problem !== undefined);
    const known = this.#position > 0 && isSameVersion(this.#version, answer.version, this.#task.verified);
    if (this.#position > 0 && !known) {
      this.#request.abort();
      throw new FileChanged(
        `The connection broke (${reasonOf(problem)}), and ${this.#task.url} is not known to be the same file any more.`,
      );
    }
    this.#begin(answer, this.#position - answer.offset);
  }

  #begin({ response, version, offset, encoded }: Answer, skip = 0): void {
    this.#version = version;
    this.#encoded = encoded;
    this.#position = offset + skip;
    this.#skip = skip;
    this.#reader = readerOf(response.body!);
    this.phase = 'download';
    if (response.headers.get('content-type')?.startsWith('text/html')) {
      this.hint = `The server answered with a web page: is ${this.#task.url} the address of the model's file?`;
    }
  }

  /**
   * patient: a connection that can't be made is tried again as often as an answer that is no use, for there was one
   * before. Else once: it may have been an idle one that the server closed at that moment, which Node reports.
   */
  async #ask(offset: number, version: Version, patient: boolean): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      if (patient || attempt > 1) await this.#wait(attempt - (patient ? 1 : 2));
      let response;
      let problem: InklingError;
      try {
        response = await this.#fetch(offset, version);
        if (response.status === 416 && offset > 0 && !this.#pieceBytes) { // the file has become shorter
          offset = 0;
          continue;
        }
        if (response.ok && response.body) return this.#answerOf(response, offset);
        problem = statusError(this.#task.url, response);
        if (!BUSY.includes(response.status)) throw problem;
      } catch (cause) {
        this.#task.signal.throwIfAborted();
        if (cause instanceof InklingError) throw cause;
        problem = networkError(this.#task.url, cause);
        if (!patient && !(attempt === 1 && cause instanceof TypeError)) throw problem; // TypeError: of the network
      }
      if (attempt >= MAX_RETRIES) throw problem;
      this.#retryAfterMs = Number(response?.headers.get('retry-after') ?? 0) * 1000 || 0;
    }
  }

  /** What the server asked for. */
  #retryAfterMs = 0;

  async #wait(retries: number): Promise<void> {
    const wait = Math.min(FIRST_WAIT_MS * 2 ** retries * (0.75 + Math.random() / 2), LONGEST_WAIT_MS);
    await pause(Math.max(wait, Math.min(this.#retryAfterMs, SILENCE_MS)), this.#task.signal);
  }

  async #fetch(offset: number, version: Version): Promise<Response> {
    const { url, options } = this.#task;
    this.#task.signal.throwIfAborted();
    this.#request = new AbortController();
    const headers = new Headers(options.headers);
    this.#pieceEnd = this.#pieceBytes ? offset + this.#pieceBytes : Infinity;
    if (offset > 0 || this.#pieceBytes) {
      headers.set('range', `bytes=${offset}-${this.#pieceBytes ? this.#pieceEnd - 1 : ''}`);
    }
    // To another origin this header would need the server's permission by CORS; the answer's version is compared anyway.
    const validator = isStrong(version.etag) ? version.etag : version.lastModified;
    if (offset > 0 && validator && isSameOrigin(url)) headers.set('if-range', validator);
    const limit = setTimeout(() => this.#request.abort(new Error(`no answer for ${SILENCE_MS / 1000} s`)), SILENCE_MS);
    try {
      return await fetch(url, { headers, credentials: options.credentials, signal: this.#request.signal });
    } catch (error) {
      throw this.#request.signal.aborted ? this.#request.signal.reason : error;
    } finally {
      clearTimeout(limit);
    }
  }

  #answerOf(response: Response, asked: number): Answer {
    const encoded = response.headers.has('content-encoding');
    const version = versionOf(response);
    if (response.status !== 206) {
      this.#pieceEnd = Infinity;
      return { response, version, offset: 0, encoded };
    }
    // Servers of other origins may not let this be seen.
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
    const isRest = this.#pieceEnd === Infinity;
    const size = range ? Number(range[2]) || 0 : isRest && version.size ? asked + version.size : 0;
    return { response, version: { ...version, size }, offset: range ? Number(range[1]) : asked, encoded };
  }
}

/** What a server has now; undefined when it can't be asked, for whatever reason. */
export async function currentVersion(
  url: string, { headers, credentials }: DownloadTask['options'], signal: AbortSignal,
): Promise<{ status: number; version: Version } | undefined> {
  try {
    const response = await fetch(url, { method: 'HEAD', signal, headers, credentials });
    return { status: response.status, version: response.ok ? versionOf(response) : UNKNOWN_VERSION };
  } catch {
    return undefined;
  }
}

/** The length of a compressed answer says nothing about the file's. */
function versionOf({ headers }: Response): Version {
  return {
    etag: headers.get('etag') ?? '',
    lastModified: headers.get('last-modified') ?? '',
    size: headers.has('content-encoding') ? 0 : Number(headers.get('content-length') ?? 0),
  };
}

function statusError(url: string, { status, statusText }: Response): InklingError {
  return new InklingError('INK_ERR_IO', `The model could not be fetched: ${url} answered ${status} ${statusText}`.trim(), { httpStatus: status });
}

function networkError(url: string, cause: unknown): InklingError {
  return new InklingError(
    'INK_ERR_IO',
    `The model could not be fetched from ${url}: ${reasonOf(cause)}. Check the address and the connection; ` +
      'a server of another origin must allow this page by CORS.',
    { cause },
  );
}

function isSameOrigin(url: string): boolean {
  const own = (globalThis as { location?: Location }).location?.origin;
  return own === undefined || new URL(url).origin === own; // outside of browsers there is no CORS
}

/** Resolves after so long, or when the network comes back; rejects with the signal's reason. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const target = globalThis as Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>;
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      target.removeEventListener?.('online', done);
    };
    const done = () => (end(), resolve());
    const abort = () => (end(), reject(signal.reason));
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', abort);
    target.addEventListener?.('online', done);
  });
}
