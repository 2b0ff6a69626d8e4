// A model for as long as a component is there: loaded when it appears, freed when it goes.
import { useEffect, useState } from 'react';
import { loadModel } from 'inkling-wasm';

/**
 * @returns {{ model?: import('inkling-wasm').Model, progress: number, error?: unknown }} progress:
 * 0 to 1
 */
export function useModel(url) {
  const [state, setState] = useState({ progress: 0 });
  useEffect(() => {
    // In StrictMode effects run twice: the first load is given up before it has begun in earnest.
    const controller = new AbortController();
    let model;
    const load = async () => {
      try {
        model = await loadModel(url, {
          contextLength: 2048,
          signal: controller.signal,
          onProgress: ({ loaded, total }) => setState({ progress: total ? loaded / total : 0 }),
        });
        setState({ model, progress: 1 });
      } catch (error) {
        if (!controller.signal.aborted) setState({ error, progress: 0 });
      }
    };
    void load();
    return () => {
      controller.abort();
      model?.dispose();
    };
  }, [url]);
  return state;
}
