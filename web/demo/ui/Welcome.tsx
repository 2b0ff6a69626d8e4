/**
 * What there is before the first message: what this is, what to expect of it, and something to try.
 */
import type { JSX } from 'preact';
import { useApp } from '../app.js';
import { promptsFor } from '../models.js';
import { useWords } from '../words/index.js';

/** Above this many parameters, the warning would be unfair. */
const SMALL = 1e9;

export function Welcome(): JSX.Element {
  const app = useApp();
  const words = useWords();
  const current = app.models.current.value;
  const size = current?.model.info.parameterCount ?? 0;
  const { languages, about } = current?.offered ?? {};
  const prompts = promptsFor(current ?? app.models.loading.value);
  return (
    <section class="welcome" id="welcome">
      <h2>{words.welcome}</h2>
      <p class="lead">{words.welcomeMore}</p>
      <ul class="examples" id="examples" lang="en">
        {prompts.map((prompt) => (
          <li key={prompt}>
            <button type="button" disabled={!current} onClick={() => app.send(prompt)}>
              {prompt}
            </button>
          </li>
        ))}
      </ul>
      {size > 0 && size < SMALL && (
        <p class="fine" id="about">
          {about?.[words.tag] ?? words.about(words.count(size))}
        </p>
      )}
      {languages && !languages.includes(words.tag) && (
        <p class="fine" id="language">
          {words.foreign}
        </p>
      )}
    </section>
  );
}
