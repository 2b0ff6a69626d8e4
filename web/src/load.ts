import { Connection } from './connection.js';
import { INKJS_MAX_THREADS } from './constants.js';
import { checkTemplate } from './conversation.js';
import { InklingError, invalidArgument } from './errors.js';
import { Model } from './model.js';
import { openFiles } from './request.js';
import type { LoadOptions, ModelSource } from './types.js';

/**
 * Loads a GGUF model into an engine of its own, in a worker. The bytes stream straight to their place in the
 * engine's memory and are held nowhere else. A download whose connection is lost goes on where it stopped.
 *
 * Rejects with an InklingError, e.g. `INK_ERR_IO` (see its httpStatus), `INK_ERR_NOT_GGUF`, `INK_ERR_TRUNCATED`,
 * `INK_ERR_CHECKSUM`, `INK_ERR_UNSUPPORTED_ARCHITECTURE`, `INK_ERR_OUT_OF_MEMORY`, or with the signal's reason. Where
 * there are no workers, as in Node, the engine runs in this thread, in steps of at most about 50 ms.
 */
export async function loadModel(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
  const { onProgress, signal, kernels = '', threads = 'auto', vocabularyOnly = false, chatTemplate, tools } = options;
  signal?.throwIfAborted();
  if (threads !== 'auto' && !(Number.isInteger(threads) && threads >= 1 && threads <= INKJS_MAX_THREADS)) {
    throw invalidArgument(`threads must be 'auto' or a whole number from 1 to ${INKJS_MAX_THREADS}.`);
  }
  const ownTemplate = checkTemplate(chatTemplate) !== '';
  const { request, parts } = await openFiles(source, options);
  const connection = await Connection.open();
  try {
    const nThreads = vocabularyOnly ? 1 : threads === 'auto' ? 0 : threads; // a tokenizer has work for one
    const load = { type: 'load', ...request, kernels, threads: nThreads, vocabularyOnly } as const;
    const info = await connection.request(load, signal, { ...(onProgress && { onProgress }), onPull: parts.read });
    return new Model(connection, { ...info, hasChatFormat: info.hasChatFormat || ownTemplate }, { chatTemplate, tools });
  } catch (error) {
    connection.close(new InklingError('INK_ERR_WRONG_STATE', 'The model was not loaded.'));
    throw error;
  } finally {
    parts.cancel();
  }
}
