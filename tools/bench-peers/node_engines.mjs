// Engines that run in Node, each in a process of its own (node_host.mjs).
import { existsSync } from 'node:fs';
import { peakMemory, startNode } from './child.mjs';
import { ROOT } from './measure.mjs';
import { testsByGenerating } from './prompts.mjs';

const DIST = `${ROOT}web/dist/index.js`;
const LLAMA = new URL('node_modules/node-llama-cpp', import.meta.url);

async function start(kind, settings) {
  const host = startNode('node_host.mjs');
  try {
    return { host, about: await host.ask('open', kind, settings) };
  } catch (error) {
    host.close();
    throw error;
  }
}

function nodeEngine({ name, label, kind, missing, options }) {
  return {
    name,
    label,
    missing,
    async open({ path }) {
      const { host, about } = await start(kind, { path, dist: DIST, options });
      return { about, ...testsByGenerating((request) => host.ask('generate', request)), close: host.close };
    },
    async start({ path }, { text }) {
      const begin = performance.now();
      const { host } = await start(kind, { path, dist: DIST, options });
      const loadMs = performance.now() - begin;
      await host.ask('generate', { text, tokens: 1 });
      const result = { firstTokenMs: performance.now() - begin, loadMs, peakBytes: peakMemory(host.pid) };
      host.close();
      return result;
    },
  };
}

const without = (path, why) => (existsSync(path) ? undefined : why);

export const packageInNode = ({ name, label, options }) =>
  nodeEngine({ name, label, options, kind: 'inkling', missing: () => without(DIST, 'web/dist has not been built') });

export const llamaCpp = ({ name, label, threads }) =>
  nodeEngine({
    name, label, options: { threads }, kind: 'llama', missing: () => without(LLAMA, 'node-llama-cpp is not installed'),
  });
