/** How the model answers, and how the page looks. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useApp } from '../app.js';
import type { SettingValues } from '../settings.js';
import { useWords } from '../words/index.js';
import { Dialog } from './Dialog.js';
import { ExamplesEditor } from './ExamplesEditor.js';

export function SettingsDialog(): JSX.Element {
  const words = useWords();
  return (
    <Dialog name="settings" title={words.settings}>
      <AnswerSettings />
      <ExamplesEditor />
      <AppearanceSettings />
      <DataSettings />
    </Dialog>
  );
}

function AnswerSettings(): JSX.Element {
  const { settings } = useApp();
  const words = useWords();
  const { system, temperature } = settings.values.value;
  return (
    <fieldset>
      <legend>{words.answers}</legend>
      <label for="system">{words.system}</label>
      <textarea
        id="system"
        rows={3}
        placeholder={words.systemPlaceholder}
        value={system}
        onInput={({ currentTarget }) => settings.set({ system: currentTarget.value })}
      />
      <label for="temperature">
        {words.temperature}
        <output for="temperature">{temperature.toFixed(1)}</output>
      </label>
      <input
        type="range"
        id="temperature"
        min="0"
        max="1.5"
        step="0.1"
        value={temperature}
        aria-describedby="temperature-more"
        onInput={({ currentTarget }) => settings.set({ temperature: currentTarget.valueAsNumber })}
      />
      <p class="fine" id="temperature-more">
        {words.temperatureMore}
      </p>
      <details>
        <summary>{words.more}</summary>
        <div class="grid">
          <NumberField name="topP" label={words.topP} min={0} max={1} step={0.01} />
          <NumberField name="minP" label={words.minP} min={0} max={1} step={0.01} />
          <NumberField name="topK" label={words.topK} min={0} max={1000} step={1} />
          <NumberField
            name="repeatPenalty"
            label={words.repeatPenalty}
            min={0.5}
            max={2}
            step={0.05}
          />
          <NumberField name="maxTokens" label={words.maxTokens} min={1} max={2048} step={1} />
          <NumberField
            name="seed"
            label={words.seed}
            min={0}
            max={Number.MAX_SAFE_INTEGER}
            step={1}
            placeholder={words.seedPlaceholder}
          />
        </div>
        <button
          type="button"
          class="quiet"
          id="defaults"
          onClick={() => settings.restoreDefaults()}
        >
          {words.defaults}
        </button>
      </details>
    </fieldset>
  );
}

interface NumberProperties {
  name: {
    [K in keyof SettingValues]: SettingValues[K] extends number | null ? K : never;
  }[keyof SettingValues];
  label: string;
  min: number;
  max: number;
  step: number;
  placeholder?: string;
}

/** A number is taken over only while it is in its range; on leaving, the field shows what holds. */
function NumberField({ name, label, placeholder, ...range }: NumberProperties): JSX.Element {
  const { settings } = useApp();
  const value = settings.values.value[name];
  const [text, setText] = useState<string>();
  const onInput = ({ currentTarget }: { currentTarget: HTMLInputElement }) => {
    setText(currentTarget.value);
    if (currentTarget.value === '' && !currentTarget.validity.badInput)
      settings.restoreDefault(name);
    else if (currentTarget.validity.valid) settings.set({ [name]: currentTarget.valueAsNumber });
  };
  return (
    <>
      <label for={name}>{label}</label>
      <input
        type="number"
        id={name}
        {...range}
        placeholder={placeholder}
        value={text ?? value ?? ''}
        onInput={onInput}
        onBlur={() => setText(undefined)}
      />
    </>
  );
}

function AppearanceSettings(): JSX.Element {
  const { settings } = useApp();
  const words = useWords();
  const { theme, language } = settings.values.value;
  return (
    <fieldset>
      <legend>{words.appearance}</legend>
      <div class="grid">
        <label for="theme">{words.theme}</label>
        <select
          id="theme"
          value={theme}
          onChange={({ currentTarget }) =>
            settings.set({ theme: currentTarget.value as SettingValues['theme'] })
          }
        >
          {Object.entries(words.themes).map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
        <label for="language-choice">{words.language}</label>
        <select
          id="language-choice"
          value={language}
          onChange={({ currentTarget }) =>
            settings.set({ language: currentTarget.value as SettingValues['language'] })
          }
        >
          <option value="auto">{words.languageAuto}</option>
          <option value="en" lang="en">
            English
          </option>
          <option value="ko" lang="ko">
            한국어
          </option>
        </select>
      </div>
    </fieldset>
  );
}

function DataSettings(): JSX.Element {
  const { chats, answers } = useApp();
  const words = useWords();
  const [sure, setSure] = useState(false);
  const onClick = () => {
    if (sure) {
      answers.stop();
      chats.deleteAll();
    }
    setSure(!sure);
  };
  return (
    <fieldset>
      <legend>{words.data}</legend>
      <button
        type="button"
        id="delete-all"
        class={sure ? 'danger' : ''}
        disabled={chats.list.value.length === 0}
        onClick={onClick}
        onBlur={() => setSure(false)}
      >
        {sure ? words.deleteAllSure : words.deleteAll}
      </button>
    </fieldset>
  );
}
