/** How far a load is, and how fast it goes. */
import type { LoadPhase, LoadProgress } from './types.js';

/** The speed is that of so long a time. */
const WINDOW_MS = 3000;
const SAMPLE_MS = 200;

export class Meter {
  loaded = 0;
  /** Bytes in all; 0: not known. */
  total = 0;
  #phase: LoadPhase = 'load';
  #samples: { time: number; loaded: number }[] = [];

  get phase(): LoadPhase {
    return this.#phase;
  }

  set phase(phase: LoadPhase) {
    if (phase !== this.#phase) this.#samples = []; // another medium has another speed
    this.#phase = phase;
  }

  read(now = performance.now()): LoadProgress {
    const last = this.#samples.at(-1);
    if (!last || now - last.time >= SAMPLE_MS) this.#samples.push({ time: now, loaded: this.loaded });
    while (this.#samples.length > 2 && now - this.#samples[1]!.time >= WINDOW_MS) this.#samples.shift();
    const { time, loaded } = this.#samples[0]!;
    const bytesPerSecond = now > time ? Math.round(((this.loaded - loaded) / (now - time)) * 1000) : 0;
    return { loaded: this.loaded, total: this.total || undefined, phase: this.#phase, bytesPerSecond };
  }
}
