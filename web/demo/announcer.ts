/**
 * Reads an answer out, for screen readers: whole sentences as they are finished, not piece by
 * piece.
 */
import { signal } from '@preact/signals';

/** Where a sentence ends; a line's end counts, so that lists are read entry by entry. */
const SENTENCE_END = /[.!?。！？…][)"'”’」*_]*\s|\n/g;
/** A sentence shorter than this waits for the next one. */
const SHORTEST = 24;

/** What the polite live region holds; see ui/Announcements.tsx. */
export const announced = signal<readonly string[]>([]);

export class Announcer {
  #said = 0;

  constructor() {
    announced.value = [];
  }

  /** text: all of it so far. */
  follow(text: string): void {
    SENTENCE_END.lastIndex = this.#said;
    let end = 0;
    for (let match; (match = SENTENCE_END.exec(text));) end = match.index + match[0].length;
    if (end - this.#said >= SHORTEST) this.#say(text, end);
  }

  finish(text: string): void {
    this.#say(text, text.length);
  }

  #say(text: string, end: number): void {
    const words = text
      .slice(this.#said, end)
      .replace(/[*`#|]+/g, '')
      .trim();
    this.#said = end;
    if (words) announced.value = [...announced.peek(), words];
  }
}
