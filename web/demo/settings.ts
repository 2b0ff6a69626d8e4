/** What the visitor has set, kept in localStorage. */
import { type ReadonlySignal, computed, effect, signal } from '@preact/signals';

export interface Example {
  user: string;
  assistant: string;
}

/** What a model may have defaults of its own for. */
export interface AnswerSettings {
  temperature: number;
  topK: number;
  topP: number;
  minP: number;
  repeatPenalty: number;
  /** Tokens an answer may have. */
  maxTokens: number;
}

export interface SettingValues extends AnswerSettings {
  language: 'auto' | 'en' | 'ko';
  theme: 'auto' | 'light' | 'dark';
  system: string;
  /** Few-shot: put before the conversation, as if it had begun so. */
  examples: readonly Example[];
  /** null: a different one each time. */
  seed: number | null;
  /** Copy a file that is opened into the cache of models. */
  keepFiles: boolean;
}

const DEFAULTS: SettingValues = {
  language: 'auto',
  theme: 'auto',
  system: '',
  examples: [],
  temperature: 0.3,
  topK: 40,
  topP: 0.95,
  minP: 0.05,
  repeatPenalty: 1.1, // without it, a small model soon goes round in circles
  maxTokens: 512,
  seed: null,
  keepFiles: false,
};

/** Of theme.js too. */
const KEY = 'inkling.settings';

export function readStored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage is forbidden
  }
}

export function writeStored(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // It holds for this visit only.
  }
}

export class Settings {
  readonly #changed = signal(stored());
  /** The loaded model's own; what the visitor has changed counts more. */
  readonly ofModel = signal<Partial<AnswerSettings>>({});
  readonly values: ReadonlySignal<SettingValues> = computed(() => ({
    ...DEFAULTS,
    ...this.ofModel.value,
    ...this.#changed.value,
  }));

  constructor() {
    effect(() => writeStored(KEY, JSON.stringify(this.#changed.value)));
    effect(() => {
      const { theme } = this.values.value;
      if (theme === 'auto') delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = theme;
    });
  }

  set(change: Partial<SettingValues>): void {
    this.#changed.value = { ...this.#changed.peek(), ...change };
  }

  restoreDefault(name: keyof SettingValues): void {
    const { [name]: _, ...others } = this.#changed.peek();
    this.#changed.value = others;
  }

  /** Of what the model answers by. */
  restoreDefaults(): void {
    const { language, theme, keepFiles } = this.values.peek();
    this.#changed.value = { language, theme, keepFiles };
  }
}

function stored(): Partial<SettingValues> {
  let found: unknown;
  try {
    found = JSON.parse(readStored(KEY) ?? '{}');
  } catch {
    found = {};
  }
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(found ?? {})) {
    if (isValid(name as keyof SettingValues, value)) values[name] = value;
  }
  return values;
}

/** Another version of the page may have written something else. */
function isValid(name: keyof SettingValues, value: unknown): boolean {
  switch (name) {
    case 'language':
      return value === 'auto' || value === 'en' || value === 'ko';
    case 'theme':
      return value === 'auto' || value === 'light' || value === 'dark';
    case 'system':
      return typeof value === 'string';
    case 'keepFiles':
      return typeof value === 'boolean';
    case 'seed':
      return value === null || Number.isSafeInteger(value);
    case 'examples':
      return Array.isArray(value) && value.every(isExample);
    default:
      return name in DEFAULTS && Number.isFinite(value);
  }
}

function isExample(value: unknown): boolean {
  const { user, assistant } = (value ?? {}) as Partial<Example>;
  return typeof user === 'string' && typeof assistant === 'string';
}
