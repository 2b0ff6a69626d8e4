// The page's half of page_engines.mjs: one engine, and how long a visitor waits for it.
const CONTEXT = 2048;

const openers = {
  async inkling({ url, options, cached }) {
    const { loadModel } = await import('/package/index.js');
    const model = await loadModel(url, { contextLength: CONTEXT, cache: cached, ...options });
    const { kernels, threads = 1, memoryBytes } = model.info;
    return {
      about: { kernels: kernels.replace('wasm_', '').replace('_', '-'), threads, memoryBytes }, // as levels are called
      async generate({ text, tokens }) {
        const { usage, timings } = await model.complete(text, { temperature: 0, maxTokens: tokens, draft: 0 }).result();
        return { read: usage.promptTokens - usage.cachedPromptTokens, made: usage.completionTokens, ...timings };
      },
    };
  },

  async wllama({ url, options: { threads }, cached }) {
    const { Wllama } = await import('/wllama/index.js');
    const wllama = new Wllama({ default: '/wllama/wasm/wllama.wasm' }, { suppressNativeLog: true });
    const source = new URL(url, location.href).href;
    await wllama.loadModelFromUrl(source, { useCache: cached, n_ctx: CONTEXT, n_threads: threads, n_gpu_layers: 0 });
    return {
      about: { threads: wllama.getNumThreads() },
      async generate({ text, tokens }) {
        const { timings } = await wllama.createCompletion({
          prompt: text, max_tokens: tokens, temperature: 0, cache_prompt: true, stream: false,
        });
        return {
          read: timings.prompt_n, made: timings.predicted_n,
          prefillMs: timings.prompt_ms, decodeMs: timings.predicted_ms,
        };
      },
    };
  },

  async transformers({ name, options: { threads }, cached }) {
    const { AutoModelForCausalLM, Tensor, env } = await import('/transformers/transformers.min.js');
    const local = { allowRemoteModels: false, allowLocalModels: true, localModelPath: '/onnx/' };
    Object.assign(env, local, { useBrowserCache: cached });
    Object.assign(env.backends.onnx.wasm, { wasmPaths: '/onnxruntime/', numThreads: threads, proxy: false });
    const model = await AutoModelForCausalLM.from_pretrained(name, { dtype: 'q8', device: 'wasm' });
    return {
      about: { threads: env.backends.onnx.wasm.numThreads },
      async generate({ ids, tokens }) {
        const inputs = new Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]);
        const times = []; // of the prompt, then of each token
        const streamer = { put: () => times.push(performance.now()), end: () => {} };
        await model.generate({ inputs, max_new_tokens: tokens, do_sample: false, streamer });
        const [start, first, last] = [times[0], times[1], times.at(-1)];
        return { read: ids.length, made: times.length - 1, prefillMs: first - start, decodeMs: last - first };
      },
    };
  },
};

let engine;

export async function open({ kind, ...settings }) {
  engine = await openers[kind](settings);
  return engine.about;
}

export const generate = (request) => engine.generate(request);

/** From nothing to the first token. */
export async function start(settings, { text, ids }) {
  const begin = performance.now();
  const about = await open(settings);
  const loadMs = performance.now() - begin;
  await generate({ text, ids, tokens: 1 });
  return { firstTokenMs: performance.now() - begin, loadMs, engineBytes: about.memoryBytes };
}

/** Milliseconds that fetching the same bytes takes, and dropping them. */
export async function fetchAndDrop(url) {
  const begin = performance.now();
  const reader = (await fetch(url, { cache: 'no-store' })).body.getReader();
  while (!(await reader.read()).done);
  return performance.now() - begin;
}
