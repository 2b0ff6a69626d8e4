// A Node process with one engine in it, asked by node_engines.mjs: the package, or llama.cpp by node-llama-cpp.
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { serve } from './child.mjs';

const CONTEXT = 2048;

async function openInkling({ path, dist, options }) {
  const { loadModel } = await import(dist);
  const model = await loadModel(pathToFileURL(path), { contextLength: CONTEXT, ...options });
  return {
    about: { kernels: model.info.kernels, threads: model.info.threads ?? 1 },
    async generate({ text, tokens }) {
      const { usage, timings } = await model.complete(text, { temperature: 0, maxTokens: tokens, draft: 0 }).result();
      return { read: usage.promptTokens - usage.cachedPromptTokens, made: usage.completionTokens, ...timings };
    },
  };
}

/** Tokens that both begin with. */
function sharedLength(a, b) {
  const differs = a.findIndex((token, i) => token !== b[i]);
  return differs < 0 ? a.length : differs;
}

async function openLlama({ path, options: { threads } }) {
  const { getLlama } = await import('node-llama-cpp');
  const own = { gpu: false, build: 'never', skipDownload: true }; // the binaries that were installed
  const llama = await getLlama({ ...own, maxThreads: threads, logLevel: 'error' });
  const model = await llama.loadModel({ modelPath: path, gpuLayers: 0 });
  const context = await model.createContext({ contextSize: CONTEXT, batchSize: 512, threads });
  const sequence = context.getSequence();
  const { bos } = model.tokens;
  return {
    about: { flags: llama.systemInfo, release: llama.llamaCppRelease.release, threads },
    async generate({ text, tokens }) {
      const prompt = [...(model.tokens.shouldPrependBosToken ? [bos] : []), ...model.tokenize(text, true)];
      // What the context still has of this prompt stays, but its last token, which is needed for the next one's logits.
      const kept = Math.min(sharedLength(prompt, sequence.contextTokens), prompt.length - 1);
      await sequence.eraseContextTokenRanges([{ start: kept, end: sequence.nextTokenIndex }]);
      const start = performance.now();
      let [made, first, last] = [0, start, start];
      for await (const _ of sequence.evaluate(prompt.slice(kept), { temperature: 0, yieldEogToken: true })) {
        last = performance.now();
        if (made === 0) first = last;
        if (++made === tokens) break;
      }
      return { read: prompt.length - kept, made, prefillMs: first - start, decodeMs: last - first };
    },
  };
}

let engine;
serve({
  async open(kind, settings) {
    engine = await { inkling: openInkling, llama: openLlama }[kind](settings);
    return engine.about;
  },
  generate: (request) => engine.generate(request),
});
