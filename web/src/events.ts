/** Letting messages in between two pieces of work. */

type Immediate = (callback: () => void) => void;

const waiting: (() => void)[] = [];

/** Node has setImmediate(); its message ports would keep timers and sockets waiting. */
const schedule = (globalThis as { setImmediate?: Immediate }).setImmediate ?? viaChannel();

function viaChannel(): Immediate {
  const channel = new MessageChannel();
  channel.port1.onmessage = () => waiting.shift()?.();
  return (callback) => {
    waiting.push(callback);
    channel.port2.postMessage(null);
  };
}

/** Resolves after the events that are already queued, an abort among them. Unlike a timer, without delay. */
export function yieldToEvents(): Promise<void> {
  return new Promise(schedule);
}
