/** What adapters do with embeddings. */

/** An embedding of `whole` values can be shortened to so many. */
export function isDimensions(dimensions: number, whole: number): boolean {
  return Number.isInteger(dimensions) && dimensions >= 1 && dimensions <= whole;
}

/**
 * The first `dimensions` values, of length 1 again: models trained for it (Kusupati et al.,
 * "Matryoshka Representation Learning", 2022) put what matters most there.
 */
export function shorten(embedding: Float32Array, dimensions: number): Float32Array {
  if (dimensions === embedding.length) return embedding;
  const part = embedding.slice(0, dimensions);
  const length = Math.hypot(...part);
  return length > 0 ? part.map((value) => value / length) : part;
}
