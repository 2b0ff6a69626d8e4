// The `inkling` command, natively and under Wasmtime. `inkling bench` times itself; each repetition is a process of its
// own, which warms up first, so that the other engines get their turn in between.
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { runCommand } from './child.mjs';

/** launcher(folder): the command as far as its own arguments, for a model in that folder. */
export function commandEngine({ name, label, file, launcher, threads = 1, flags = [] }) {
  const command = ({ path }, what, ...args) =>
    [...launcher(dirname(path)), what, '-m', path, '-t', threads, ...flags, ...args].map(String);

  async function bench(model, ...args) {
    const { stdout } = await runCommand(command(model, 'bench', '--reps', 1, '--json', ...args));
    return JSON.parse(stdout)[0];
  }

  return {
    name,
    label,
    missing: () => (existsSync(file) ? undefined : `${file} has not been built`),
    async open(model) {
      const measured = ({ tokens_per_second, n_tokens }) => ({ rate: tokens_per_second.median, tokens: n_tokens });
      const { kernels } = await bench(model, '--pp', 1, '--tg', 0);
      return {
        about: { kernels, threads },
        prefill: async ({ tokens }) => measured(await bench(model, '--pp', tokens, '--tg', 0)),
        decode: async (tokens, { tokens: depth }) =>
          measured(await bench(model, '--pp', 0, '--tg', tokens, '--depth', depth)),
        close() {},
      };
    },
    async start(model, { text }) {
      const { firstMs, peakBytes } = await runCommand(command(model, 'run', '-n', 1, '--temp', 0, '-c', 2048), text);
      const { load_ms } = await bench(model, '--pp', 1, '--tg', 0);
      return { firstTokenMs: firstMs, loadMs: load_ms, peakBytes };
    },
  };
}
