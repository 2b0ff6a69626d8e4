/** The order in which an engine's requests are answered. */

export interface Task {
  /** The higher the more urgent. */
  priority: number;
  /** The sessions whose contexts it uses. */
  sessions: readonly number[];
  /** Never rejects. */
  run: () => Promise<void>;
}

/**
 * One task runs at a time: the most urgent, and of equals the one that came first. A task that calls
 * {@link letOthersIn} lets more urgent ones run in between, where they don't use a session that is in use.
 */
export class Queue {
  /** In the order in which they are to run. */
  readonly #waiting: Task[] = [];
  /** The last is at work, those before it wait for it. */
  readonly #running: Task[] = [];
  #whenIdle: () => void = () => {};

  add(task: Task): void {
    const at = this.#waiting.findIndex(({ priority }) => priority < task.priority);
    this.#waiting.splice(at < 0 ? this.#waiting.length : at, 0, task);
    if (this.#running.length === 0) void this.#work();
  }

  /** For the task at work. */
  async letOthersIn(): Promise<void> {
    const { priority } = this.#running.at(-1)!;
    await this.#runAll((task) => task.priority > priority && !this.#isBlocked(task));
  }

  /** Runs `callback` when nothing is at work or waits. */
  onIdle(callback: () => void): void {
    this.#whenIdle = callback;
    if (this.#running.length === 0) callback();
  }

  async #work(): Promise<void> {
    await this.#runAll(() => true);
    this.#whenIdle();
  }

  async #runAll(mayRun: (task: Task) => boolean): Promise<void> {
    for (let at; (at = this.#waiting.findIndex(mayRun)) >= 0; ) {
      const [task] = this.#waiting.splice(at, 1);
      this.#running.push(task!);
      await task!.run();
      this.#running.pop();
    }
  }

  #isBlocked({ sessions }: Task): boolean {
    return this.#running.some((running) => running.sessions.some((session) => sessions.includes(session)));
  }
}
