/** Models in several files: NAME-00001-of-00003.gguf and so on. */
import { InklingError, invalidArgument } from './errors.js';
import type { ModelPart, ModelSource } from './types.js';

const PART_NAME = /-(\d{5})-of-(\d{5})\.gguf$/;
/** More files than any model has; a name that claims more is just a name. */
const MAX_PARTS = 1000;

/** The sources of all of a model's files, in order. A URL of one part stands for its siblings too. */
export function partsOf(source: ModelSource): ModelPart[] {
  if (typeof source === 'string' || source instanceof URL) return siblings(absoluteUrl(source));
  if (!isList(source)) return [source];
  const parts = Array.from(source);
  if (parts.length === 0) throw invalidArgument('The list of parts is empty.');
  const numbers = parts.map(partNumber);
  if (numbers.some((number) => number === 0)) return parts;
  return parts.map((_, i) => i).sort((a, b) => numbers[a]! - numbers[b]!).map((i) => parts[i]!);
}

function isList(source: ModelSource): source is readonly ModelPart[] | FileList {
  return Array.isArray(source) || (typeof FileList !== 'undefined' && source instanceof FileList);
}

/** The number in the name of a file or URL, from 1; 0 when it has none. */
function partNumber(part: ModelPart): number {
  const isUrl = typeof part === 'string' || part instanceof URL;
  const name = isUrl ? String(part).replace(/[?#].*$/, '') : typeof File !== 'undefined' && part instanceof File ? part.name : '';
  return Number(PART_NAME.exec(name)?.[1] ?? 0);
}

function siblings(url: string): string[] {
  const parsed = new URL(url);
  const match = PART_NAME.exec(parsed.pathname);
  const count = Number(match?.[2] ?? 1);
  if (!match || count < 2 || count > MAX_PARTS) return [url];
  return Array.from({ length: count }, (_, i) => {
    parsed.pathname = parsed.pathname.replace(PART_NAME, `-${String(i + 1).padStart(5, '0')}-of-${match[2]}.gguf`);
    return parsed.href;
  });
}

/** Throws INK_ERR_INVALID_ARGUMENT. */
export function absoluteUrl(source: string | URL): string {
  const base = (globalThis as { document?: Document }).document?.baseURI ?? (globalThis as { location?: Location }).location?.href;
  try {
    return new URL(source, base).href;
  } catch (cause) {
    throw new InklingError('INK_ERR_INVALID_ARGUMENT', `${String(source)} is not a URL${base ? '' : '; here it must be an absolute one'}.`, { cause });
  }
}
