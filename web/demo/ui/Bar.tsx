/** The head: which model, how fast, how much memory. */
import type { JSX } from 'preact';
import { useApp } from '../app.js';
import { megabytes, useWords, whole } from '../words/index.js';
import { Icon } from './icons.js';
import { NewChat } from './NewChat.js';

export function Bar(): JSX.Element {
  const app = useApp();
  const words = useWords();
  const label = app.models.current.value?.label ?? '';
  const name = label || words.noModel;
  return (
    <header class="bar">
      <button
        type="button"
        class="quiet icon-button narrow"
        onClick={() => (app.dialog.value = 'chats')}
        aria-label={words.chats}
      >
        <Icon name="menu" />
      </button>
      <button
        type="button"
        class="quiet model-button"
        id="open-model"
        aria-haspopup="dialog"
        aria-label={words.chooseModel(name)}
        onClick={() => (app.dialog.value = 'model')}
      >
        <span id="model-name">{label}</span>
        {!label && <span class="soft">{name}</span>}
        <Icon name="chevron" />
      </button>
      <Meters />
      <NewChat className="quiet icon-button narrow" short />
      <button
        type="button"
        class="quiet icon-button"
        id="open-settings"
        aria-haspopup="dialog"
        aria-label={words.settings}
        title={words.settings}
        onClick={() => (app.dialog.value = 'settings')}
      >
        <Icon name="settings" />
      </button>
    </header>
  );
}

/** Tokens a second, as they come, and the engine's memory. */
function Meters(): JSX.Element | null {
  const app = useApp();
  const words = useWords();
  const model = app.models.current.value?.model;
  if (!model) return <p class="meters" />;
  const live = app.answers.live.value;
  const rate = live ? live.rate.value : app.answers.lastRate.value;
  const memory = megabytes(app.models.memory.value);
  return (
    <p class="meters" id="meters">
      {rate !== undefined && <span id="rate">{words.rate(whole(rate))}</span>}
      <span id="memory" title={words.memoryLabel(memory)}>
        {memory}
      </span>
    </p>
  );
}
