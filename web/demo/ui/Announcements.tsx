/** For screen readers alone: the answer, sentence by sentence. */
import type { JSX } from 'preact';
import { announced } from '../announcer.js';

export function Announcements(): JSX.Element {
  return (
    <div class="hidden" id="announcements" role="status" aria-live="polite" aria-atomic="false">
      {announced.value.map((sentence, i) => (
        <p key={i}>{sentence}</p>
      ))}
    </div>
  );
}
