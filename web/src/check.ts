import { Connection } from './connection.js';
import { InklingError } from './errors.js';
import { openRequest } from './request.js';
import type { CheckOptions, ModelCheck, ModelSource } from './types.js';

/**
 * What loading the model would take, and whether this device has it: told from the model's headers, of which a server is
 * asked for a few megabytes, or from the cache. A stream is used up by it.
 *
 * Rejects as loadModel() does, e.g. with `INK_ERR_UNSUPPORTED_ARCHITECTURE` for a model that can't be loaded anywhere.
 */
export async function checkModel(source: ModelSource, options: CheckOptions = {}): Promise<ModelCheck> {
  const { signal } = options;
  signal?.throwIfAborted();
  const { request, parts } = await openRequest(source, options);
  const connection = await Connection.open();
  try {
    return await connection.request({ type: 'check', ...request }, signal, { onPull: parts.read });
  } finally {
    connection.close(new InklingError('INK_ERR_WRONG_STATE', 'The check is over.'));
    parts.cancel();
  }
}
