// Engines that run in processes of their own: started, asked over Node's IPC, watched for their memory.
import { fork, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The most memory that a process has held so far, in bytes; undefined where the system does not say. */
export function peakMemory(pid) {
  try {
    const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return kilobytes * 1024;
  } catch {
    return undefined;
  }
}

/** A module of this folder in a Node process of its own, whose serve() answers ask(). */
export function startNode(script) {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let complaints = '';
  let waiting;
  child.stderr.on('data', (text) => (complaints = (complaints + text).slice(-2000)));
  child.on('message', ({ value, error }) => (error ? waiting.reject(new Error(error)) : waiting.resolve(value)));
  child.on('exit', (status) => {
    waiting?.reject(new Error(`${script} ended with status ${status}: ${complaints.trim()}`));
  });
  return {
    pid: child.pid,
    ask: (what, ...args) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        child.send({ what, args });
      }),
    close: () => child.kill(),
  };
}

/** The other side: answers with the functions of that name, one after another. */
export function serve(functions) {
  process.on('message', async ({ what, args }) => {
    try {
      process.send({ value: await functions[what](...args) });
    } catch (error) {
      process.send({ error: error.message });
    }
  });
  process.on('disconnect', () => process.exit());
}

/**
 * Runs a command to its end: { stdout, firstMs, peakBytes }, where firstMs is when it first wrote anything and
 * peakBytes the most memory that was seen. Rejects when it fails.
 */
export function runCommand([command, ...args], input = '') {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(command, args, { stdio: 'pipe' });
    let [stdout, stderr, firstMs, peakBytes] = ['', '', undefined, undefined];
    const watch = setInterval(() => (peakBytes = peakMemory(child.pid) ?? peakBytes), 20);
    child.stdout.setEncoding('utf8').on('data', (text) => {
      firstMs ??= performance.now() - start;
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.stdin.on('error', () => {}); // its exit status says more
    child.stdin.end(input);
    child.on('error', reject);
    child.on('close', (status) => {
      clearInterval(watch);
      if (status === 0) resolve({ stdout, firstMs, peakBytes });
      else reject(new Error(`${command} ended with status ${status}: ${stderr.trim().slice(-500)}`));
    });
  });
}
