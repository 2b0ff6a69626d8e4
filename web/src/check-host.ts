/** What a model needs and what this device has, found out from the model's headers alone. */
import { readCached } from './cached-source.js';
import { INKJS_DEFAULT_CTX, INKJS_LOAD_DESCRIPTION } from './constants.js';
import { Download, currentVersion } from './download.js';
import { Engine } from './engine.js';
import { chooseLevel } from './level.js';
import type { SourceRequest } from './protocol.js';
import { type Source, fileAt, fromBlob } from './sources.js';
import type { ModelCheck } from './types.js';

/** Asked of a server at a time: many headers are smaller, most of it is the vocabulary. */
const PIECE_BYTES = 2 << 20;
const PAGE_BYTES = 65536;

export interface CheckTask extends SourceRequest {
  signal: AbortSignal;
  pull: (part: number) => Promise<Uint8Array | null>;
}

/** Rejects with an InklingError as a load would, or with the signal's reason. */
export async function checkModel(task: CheckTask): Promise<ModelCheck> {
  const engine = await Engine.create(chooseLevel(''), 1);
  const ownBytes = engine.memoryBytes;
  const sizes: number[] = [];
  let cached = true;
  for (let part = 0, complete = false; !complete && part < task.parts.length; part++) {
    const { source, size, isCached } = await open(task, part);
    try {
      complete = await readHeader(engine, source, part, task.signal);
    } finally {
      await source.close();
    }
    sizes.push(size);
    cached &&= isCached;
  }
  return describe(engine, task, ownBytes, sizes, cached);
}

async function readHeader(engine: Engine, source: Source, part: number, signal: AbortSignal): Promise<boolean> {
  if (part === 0) engine.beginLoad('', source.size, INKJS_LOAD_DESCRIPTION);
  else engine.nextPart(source.size);
  for (let complete = false; !complete; ) {
    const chunk = await source.next();
    signal.throwIfAborted();
    if (!chunk) break; // endPart() says what is missing
    complete = engine.write(chunk, false);
  }
  return engine.endPart();
}

interface OpenedPart {
  source: Source;
  /** Bytes; 0: not known. */
  size: number;
  isCached: boolean;
}

async function open(task: CheckTask, part: number): Promise<OpenedPart> {
  const message = task.parts[part]!;
  switch (message.kind) {
    case 'pulled': {
      const { size } = message;
      const source: Source = { size, phase: 'load', hint: '', next: () => task.pull(part), close: () => {} };
      return { source, size, isCached: false };
    }
    case 'blob':
      return fromFile(message.blob, false);
    case 'url':
      return openUrl(message.url, task, part);
  }
}

const fromFile = (file: Blob, isCached: boolean): OpenedPart => ({ source: fromBlob(file), size: file.size, isCached });

async function openUrl(url: string, task: CheckTask, part: number): Promise<OpenedPart> {
  const file = await fileAt(new URL(url));
  if (file) return fromFile(file, false);
  const cached = task.cacheKey ? await readCached(task.cacheKey, part) : undefined;
  if (cached) return fromFile(cached, true);
  const source = await Download.open({ url, options: task, signal: task.signal, verified: false, pieceBytes: PIECE_BYTES });
  const size = source.size || (await currentVersion(url, task, task.signal))?.version.size;
  return { source, size: size ?? 0, isCached: false };
}

/** ownBytes: what the engine takes without a model. */
async function describe(engine: Engine, task: CheckTask, ownBytes: number, sizes: number[], cached: boolean): Promise<ModelCheck> {
  const { architecture, name, tokenizer, quantization, parameterCount, trainedContextLength } = engine.info();
  const neededBytes = ownBytes + engine.memoryNeeded(task.contextLength, task.kvType);
  const fileBytes = sizes.every((size) => size > 0) ? sizes.reduce((sum, size) => sum + size, 0) : undefined;
  const { availableBytes, reason } = memoryFor(neededBytes, engine.memoryLimit);
  return {
    fits: reason === '',
    reason,
    neededBytes,
    availableBytes,
    fileBytes,
    cached,
    fitsCache: cached || (await roomFor(fileBytes)),
    architecture,
    name,
    tokenizer,
    quantization,
    parameterCount,
    contextLength: task.contextLength || Math.min(trainedContextLength, INKJS_DEFAULT_CTX),
    trainedContextLength,
  };
}

/** reason: '' when there is enough. */
function memoryFor(needed: number, limit: number): { availableBytes: number | undefined; reason: string } {
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  if (needed > limit) {
    return { availableBytes: limit, reason: `It takes ${gib(needed)} of memory; WebAssembly has ${gib(limit)}.` };
  }
  // In GiB. Browsers round it, and tell no more than 8 of most devices, which is beyond the limit above.
  const device = ((globalThis as { navigator?: { deviceMemory?: number } }).navigator?.deviceMemory ?? Infinity) * 2 ** 30;
  if (needed > device) {
    return { availableBytes: device, reason: `It takes ${gib(needed)} of memory; the device has about ${gib(device)}.` };
  }
  // Reserves addresses, which is what phones run out of first; nothing is touched, and it is given back by itself.
  const pages = Math.ceil(needed / PAGE_BYTES);
  try {
    new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch {
    return { availableBytes: undefined, reason: `It takes ${gib(needed)} of memory, which the browser does not give now. Close other tabs.` };
  }
  return { availableBytes: Math.min(limit, device), reason: '' };
}

async function roomFor(bytes: number | undefined): Promise<boolean | undefined> {
  try {
    const { quota, usage } = await navigator.storage.estimate();
    if (bytes === undefined || quota === undefined || usage === undefined) return undefined;
    return bytes <= quota - usage;
  } catch {
    return undefined;
  }
}
