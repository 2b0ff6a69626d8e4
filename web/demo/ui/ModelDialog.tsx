/** Choosing a model, and what is known of the loaded one. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useApp } from '../app.js';
import { type LoadedModel, choiceAt, choiceOf, nameOfFile, offeredModels } from '../models.js';
import { megabytes, useWords } from '../words/index.js';
import { Dialog } from './Dialog.js';
import { chooseFiles } from './files.js';
import { Icon } from './icons.js';

export function ModelDialog(): JSX.Element {
  const words = useWords();
  return (
    <Dialog name="model" title={words.modelDialog}>
      <Offered />
      <Own />
      <Kept />
      <Facts />
    </Dialog>
  );
}

function Offered(): JSX.Element {
  const app = useApp();
  const words = useWords();
  const inUse = app.models.current.value?.offered?.id;
  return (
    <ul class="models">
      {offeredModels.map((offered) => {
        const languages = offered.languages.map((tag) => words.languages[tag] ?? tag).join(', ');
        return (
          <li key={offered.id}>
            <div>
              <strong>{offered.name}</strong>
              <p class="fine">
                {[megabytes(offered.size), languages, offered.license].join(' · ')}
              </p>
            </div>
            {offered.id === inUse ? (
              <span class="fine">{words.inUse}</span>
            ) : (
              <button type="button" onClick={() => void app.open(choiceOf(offered))}>
                {words.use}
              </button>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function Own(): JSX.Element {
  const app = useApp();
  const words = useWords();
  const address = useRef<HTMLInputElement>(null);
  const load = (event: Event) => {
    event.preventDefault();
    const value = address.current!.value.trim();
    if (URL.canParse(value, location.href) && value) void app.look(choiceAt(value));
  };
  return (
    <fieldset>
      <legend>{words.ownModel}</legend>
      <button type="button" id="pick" onClick={() => chooseFiles()}>
        {words.openFile}
      </button>
      <p class="fine">{words.ownModelMore}</p>
      <label class="check">
        <input
          type="checkbox"
          id="keep-files"
          checked={app.settings.values.value.keepFiles}
          onChange={({ currentTarget }) => app.settings.set({ keepFiles: currentTarget.checked })}
        />
        {words.keepFiles}
      </label>
      <form class="field-line" onSubmit={load}>
        <label class="hidden" for="address">
          {words.address}
        </label>
        <input
          ref={address}
          id="address"
          type="url"
          inputMode="url"
          placeholder={words.address}
          required
        />
        <button type="submit">{words.load}</button>
      </form>
    </fieldset>
  );
}

/** What the cache holds. */
function Kept(): JSX.Element {
  const app = useApp();
  const words = useWords();
  useEffect(() => void app.models.refreshKept(), []);
  const kept = app.models.kept.value;
  return (
    <fieldset>
      <legend>{words.kept}</legend>
      {kept.length === 0 && <p class="fine">{words.keptNothing}</p>}
      <ul class="models" id="kept">
        {kept.map((model) => {
          const { key, bytes, totalBytes, complete } = model;
          const name = nameOfFile(key);
          const total = totalBytes === undefined ? '?' : megabytes(totalBytes);
          return (
            <li key={key}>
              <button
                type="button"
                class="quiet kept"
                title={key}
                onClick={() => void app.openKept(model)}
              >
                <strong>{name}</strong>
                <span class="fine">
                  {complete ? megabytes(bytes) : words.incomplete(megabytes(bytes), total)}
                </span>
              </button>
              <button
                type="button"
                class="quiet icon-button"
                aria-label={words.deleteModel(name)}
                title={words.deleteModel(name)}
                onClick={() => app.forget(model)}
              >
                <Icon name="close" />
              </button>
            </li>
          );
        })}
      </ul>
    </fieldset>
  );
}

function Facts(): JSX.Element | null {
  const { models } = useApp();
  const current = models.current.value;
  const words = useWords();
  if (!current) return null;
  const { facts } = words;
  const { info } = current.model;
  const rows: [string, string][] = [
    [facts.name, info.name || current.label],
    [facts.parameters, words.parameters(words.count(info.parameterCount), info.architecture)],
    [facts.weights, words.weights(megabytes(info.weightBytes), info.quantization)],
    [facts.memory, megabytes(models.memory.value)],
    [facts.context, words.tokens(info.contextLength)],
    [facts.kernels, info.kernels],
    [facts.threads, threads(current)],
    [
      facts.kept,
      info.cached
        ? words.keptYes
        : [words.keptNo, info.cacheError?.message].filter(Boolean).join(': '),
    ],
  ];
  return (
    <fieldset>
      <legend>{current.label}</legend>
      <dl id="facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </fieldset>
  );
}

function threads({ model: { info } }: LoadedModel): string {
  return info.whyOneThread ? `1: ${info.whyOneThread}` : String(info.threads);
}
