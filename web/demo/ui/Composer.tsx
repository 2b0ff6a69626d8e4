/** Where a message is written. */
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { useApp } from '../app.js';
import { useWords } from '../words/index.js';
import { Icon } from './icons.js';

const GROWS_BY_ITSELF = CSS.supports('field-sizing', 'content');

export function Composer(): JSX.Element {
  const app = useApp();
  const words = useWords();
  const field = useRef<HTMLTextAreaElement>(null);
  const draft = app.draft.value;
  const model = app.models.current.value;
  const loading = app.models.loading.value !== undefined;
  const busy = app.answers.live.value !== undefined;

  useLayoutEffect(() => {
    if (GROWS_BY_ITSELF) return;
    const { style } = field.current!;
    style.height = 'auto';
    style.height = `${field.current!.scrollHeight}px`;
  }, [draft]);
  const touch = matchMedia('(pointer: coarse)').matches;
  useEffect(() => {
    // On a phone, the keyboard would cover the answer; and nobody is torn away from where they are.
    if (!busy && !touch && document.activeElement === document.body) field.current!.focus();
  }, [busy]);

  const submit = (event: Event) => {
    event.preventDefault();
    if (app.send(app.draft.peek())) app.draft.value = '';
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // While an input method composes (Korean, for one), Enter belongs to it; Safari says so by 229.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229)
      return;
    submit(event);
  };
  return (
    <form class="composer" id="composer" onSubmit={submit}>
      {app.editedIndex() !== undefined && (
        <p class="fine editing" role="status">
          {words.editing}
          <button
            type="button"
            class="quiet small"
            id="cancel-edit"
            onClick={() => app.cancelEdit()}
          >
            {words.cancel}
          </button>
        </p>
      )}
      <label class="hidden" for="message">
        {words.message}
      </label>
      <textarea
        ref={field}
        id="message"
        rows={1}
        dir="auto"
        autocomplete="off"
        enterkeyhint="send"
        value={draft}
        placeholder={!model && loading ? words.placeholderLoading : words.placeholder}
        aria-describedby="hint"
        onInput={({ currentTarget }) => (app.draft.value = currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <button
        type="submit"
        class="primary icon-button"
        id="send"
        hidden={busy}
        aria-label={words.send}
        title={words.send}
        disabled={!model || !draft.trim()}
      >
        <Icon name="send" />
      </button>
      <button
        type="button"
        class="primary stop icon-button"
        id="stop"
        hidden={!busy}
        aria-label={words.stop}
        title={words.stop}
        onClick={() => app.answers.stop()}
      >
        <Icon name="stop" />
      </button>
    </form>
  );
}
