/** Few-shot examples: questions with the answers that are wanted. */
import type { JSX } from 'preact';
import { useApp } from '../app.js';
import type { Example } from '../settings.js';
import { useWords } from '../words/index.js';
import { Icon } from './icons.js';

const EMPTY: Example = { user: '', assistant: '' };

export function ExamplesEditor(): JSX.Element {
  const { settings } = useApp();
  const words = useWords();
  const { examples } = settings.values.value;
  const change = (i: number, part: Partial<Example>) => {
    settings.set({
      examples: examples.map((example, at) => (at === i ? { ...example, ...part } : example)),
    });
  };
  return (
    <fieldset>
      <legend>{words.examples}</legend>
      <p class="fine">{words.examplesMore}</p>
      {examples.map(({ user, assistant }, i) => (
        <div class="example" key={i}>
          <textarea
            rows={1}
            aria-label={words.exampleUser(i + 1)}
            placeholder={words.exampleUser(i + 1)}
            value={user}
            onInput={({ currentTarget }) => change(i, { user: currentTarget.value })}
          />
          <textarea
            rows={1}
            aria-label={words.exampleAnswer(i + 1)}
            placeholder={words.exampleAnswer(i + 1)}
            value={assistant}
            onInput={({ currentTarget }) => change(i, { assistant: currentTarget.value })}
          />
          <button
            type="button"
            class="quiet icon-button"
            aria-label={words.removeExample(i + 1)}
            title={words.remove}
            onClick={() => settings.set({ examples: examples.filter((_, at) => at !== i) })}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
      <div class="card-line start">
        <button
          type="button"
          id="add-example"
          onClick={() => settings.set({ examples: [...examples, EMPTY] })}
        >
          {words.addExample}
        </button>
        {examples.length === 0 && (
          <button
            type="button"
            class="quiet"
            id="sample"
            onClick={() => settings.set({ examples: words.samples })}
          >
            {words.sample}
          </button>
        )}
      </div>
    </fieldset>
  );
}
