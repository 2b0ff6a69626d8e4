/** A question or an answer. */
import { useComputed } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { LiveAnswer } from '../answers.js';
import { useApp } from '../app.js';
import type { Note, Turn } from '../store.js';
import { type Words, useWords, whole } from '../words/index.js';
import { Icon } from './icons.js';
import { Markdown } from './Markdown.js';

interface Properties {
  turn: Turn;
  /** Its place among the turns. */
  index: number;
  /** Nothing follows it. */
  last: boolean;
}

export function Message(properties: Properties): JSX.Element {
  return properties.turn.role === 'user' ? (
    <Question {...properties} />
  ) : (
    <Answer {...properties} />
  );
}

function Question({ turn, index, last }: Properties): JSX.Element {
  const app = useApp();
  const words = useWords();
  const edit = () => {
    app.edit(index);
    document.getElementById('message')?.focus();
  };
  return (
    <article class="message user" aria-current={app.editedIndex() === index}>
      <h3 class="hidden">{words.you}</h3>
      <div class="bubble">
        <div class="text" dir="auto">
          {turn.content}
        </div>
        <button
          type="button"
          class="quiet small edit"
          aria-label={words.edit}
          title={words.edit}
          onClick={edit}
        >
          <Icon name="edit" />
        </button>
      </div>
      {last && app.models.current.value && (
        <div class="foot">
          <button type="button" class="quiet small" onClick={() => app.again()}>
            <Icon name="again" />
            {words.answerNow}
          </button>
        </div>
      )}
    </article>
  );
}

function Answer({ turn, last }: Properties): JSX.Element {
  const app = useApp();
  const words = useWords();
  const { content, note } = turn;
  const can = last && app.models.current.value !== undefined;
  return (
    <article class="message assistant">
      <h3 class="hidden">{words.model}</h3>
      <div class="text" dir="auto">
        {content ? <Markdown text={content} /> : <p class="soft">{words.emptyAnswer}</p>}
      </div>
      {note?.finish === 'context' && <p class="cut fine">{words.contextFull}</p>}
      <div class="foot">
        <p class="fine stats" title={note?.model}>
          {note && describe(note, words)}
        </p>
        <button
          type="button"
          class="quiet small copy"
          onClick={() => app.copy(content)}
          aria-label={words.copy}
          title={words.copy}
        >
          <Icon name="copy" />
        </button>
        {can && (
          <button
            type="button"
            class="quiet small again"
            onClick={() => app.again()}
            aria-label={words.again}
            title={words.again}
          >
            <Icon name="again" />
          </button>
        )}
      </div>
    </article>
  );
}

/** Drawn once a frame at most, however fast the model is. */
export function LiveMessage({ live }: { live: LiveAnswer }): JSX.Element {
  const words = useWords();
  const text = useFrames(live);
  const rate = useComputed(() =>
    live.rate.value === undefined ? '' : words.rate(whole(live.rate.value)),
  );
  return (
    <article class="message assistant" aria-busy="true">
      <h3 class="hidden">{words.model}</h3>
      <div class="text" dir="auto">
        {text ? <Markdown text={text} unfinished /> : <p class="soft">{words.reading}</p>}
      </div>
      <div class="foot">
        <p class="fine stats">{rate}</p>
      </div>
    </article>
  );
}

function useFrames({ text }: LiveAnswer): string {
  const [shown, setShown] = useState(text.peek());
  const frame = useRef(0);
  useEffect(() => {
    const end = text.subscribe((value) => {
      if (frame.current || value === '') return;
      frame.current = requestAnimationFrame(() => {
        frame.current = 0;
        setShown(text.peek());
      });
    });
    return () => {
      end();
      cancelAnimationFrame(frame.current);
    };
  }, [text]);
  return shown;
}

/** e.g. "first word after 0.42 s · prefill 88 tokens/s · decode 43 tokens/s · 120 tokens" */
function describe({ finish, firstMs, prefill, decode, tokens }: Note, words: Words): string {
  const parts: string[] = [];
  const ended = words.finish[finish];
  if (finish === 'stopped' || finish === 'failed') parts.push(ended);
  if (firstMs !== undefined) parts.push(words.firstWord((firstMs / 1000).toFixed(2)));
  if (prefill !== undefined) parts.push(words.prefill(whole(prefill)));
  if (decode !== undefined) parts.push(words.decode(whole(decode)));
  if (tokens !== undefined) parts.push(words.tokens(tokens));
  if (parts[0] !== ended && ended) parts.push(ended);
  return parts.join(' · ');
}
