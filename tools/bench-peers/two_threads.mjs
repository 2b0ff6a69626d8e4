// What the machine itself gives to a second thread: work in registers alone, which no memory and no lock holds up. On a
// virtual machine a second processor may be half of a core, or another's for a while.
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

const TURNS = 1 << 20;
const LIMIT_MS = 400;
const ATTEMPTS = 3;

/** Turns a millisecond of one thread. */
function workRate() {
  const start = performance.now();
  let turns = 0;
  let value = 1;
  let spent = 0;
  while (spent < LIMIT_MS) {
    for (let i = 0; i < TURNS; i++) value = (Math.imul(value, 1664525) + 1013904223) | 0;
    turns += TURNS;
    spent = performance.now() - start;
  }
  return (turns + (value & 1)) / spent; // the value counts, or the loop might be left out
}

/** Of workers that all begin at once, the sum. */
async function togetherRate(workers) {
  const answers = workers.map((worker) => new Promise((resolve) => worker.once('message', resolve)));
  for (const worker of workers) worker.postMessage('go');
  return (await Promise.all(answers)).reduce((a, b) => a + b);
}

/** How many times the work of one thread two do: of a few attempts the median. */
export async function twoThreadsToOne() {
  const workers = [0, 1].map(() => new Worker(fileURLToPath(import.meta.url)));
  try {
    await togetherRate(workers); // compiles the loop
    const ratios = [];
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const one = await togetherRate(workers.slice(0, 1));
      ratios.push((await togetherRate(workers)) / one);
    }
    return ratios.sort((a, b) => a - b)[ATTEMPTS >> 1];
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

if (!isMainThread) parentPort.on('message', () => parentPort.postMessage(workRate()));
