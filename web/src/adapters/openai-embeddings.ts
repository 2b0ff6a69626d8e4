/** embeddings.create() of OpenAI's API. */
import type OpenAI from 'openai';
import type { EmbedInput, Model } from '../index.js';
import { isDimensions, shorten } from './embeddings.js';
import { badRequest } from './openai-errors.js';

/** Beyond OpenAI's: `pooling` for models whose files do not say how to make embeddings. */
export type EmbeddingParams = OpenAI.EmbeddingCreateParams & { pooling?: 'mean' | 'last' };

export async function createEmbeddings(
  model: Model,
  params: EmbeddingParams,
  signal: AbortSignal,
): Promise<OpenAI.CreateEmbeddingResponse> {
  const { encoding_format: format = 'float', pooling } = params;
  if (format !== 'float' && format !== 'base64')
    throw badRequest('encoding_format', "encoding_format must be 'float' or 'base64'.");
  const width = model.info.embeddingLength;
  const dimensions = params.dimensions ?? width;
  if (!isDimensions(dimensions, width))
    throw badRequest('dimensions', `dimensions must be a whole number from 1 to ${width}.`);
  const options = { signal, ...(pooling && { pooling }) };
  const { embeddings, usage } = await model.embed(inputsOf(params.input), options);
  const data = embeddings.map((whole, index): OpenAI.Embedding => {
    const values = shorten(whole, dimensions);
    // OpenAI's types know lists alone, whatever was asked for.
    const embedding = format === 'float' ? Array.from(values) : (base64(values) as never);
    return { object: 'embedding', index, embedding };
  });
  const tokens = usage.promptTokens;
  return {
    object: 'list',
    data,
    model: params.model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

/** A text or its tokens, or a list of either. */
function inputsOf(input: unknown): EmbedInput[] {
  const isTokens = (one: unknown) =>
    Array.isArray(one) && one.every((token) => typeof token === 'number');
  const isInput = (one: unknown): one is EmbedInput =>
    (typeof one === 'string' || isTokens(one)) && (one as EmbedInput).length > 0;
  const list: unknown[] = Array.isArray(input) && !isTokens(input) ? input : [input];
  if (list.every(isInput)) return list;
  throw badRequest(
    'input',
    'input must be a text or its tokens, or a list of texts or of tokens, none of them empty.',
  );
}

/** Of the values as 32-bit floats, least significant byte first, as every host has them. */
function base64(values: Float32Array): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}
