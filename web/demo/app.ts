/** The app's state and what can be done with it; the components in ui/ show it. */
import { signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { Answers } from './answers.js';
import { Chats } from './chats.js';
import { type Choice, Models, choiceOfFiles, firstChoice, isCrash, isOutOfMemory } from './models.js';
import { Settings } from './settings.js';
import { ChatStore } from './store.js';

/** What to tell the visitor. */
export type Problem =
  | { kind: 'cancelled'; retry: () => void }
  | {
      kind: 'error';
      error: unknown;
      /** What failed was a load: of this model. */
      label?: string;
      retry?: () => void;
      /** To try again in the memory that the present model has now. */
      makeRoom?: () => void;
    };

/** A short word at the page's edge. */
export interface Toast {
  words: 'deleted' | 'copied' | 'copyFailed';
  undo?: () => void;
}

const TOAST_MS = 6000;

export class App {
  readonly settings: Settings;
  readonly chats: Chats;
  readonly models = new Models();
  readonly answers: Answers;
  readonly problem = signal<Problem | undefined>();
  readonly toast = signal<Toast | undefined>();
  readonly dialog = signal<'model' | 'settings' | 'chats' | undefined>();
  /** What stands in the message field. */
  readonly draft = signal('');
  /** What cancelled or failed loads are taken up with. */
  #last: Choice = firstChoice();
  #toastTimer = 0;

  private constructor(settings: Settings, chats: Chats) {
    this.settings = settings;
    this.chats = chats;
    this.answers = new Answers(chats, settings, (error) => this.#answerFailed(error));
  }

  static async start(settings: Settings): Promise<App> {
    return new App(settings, await Chats.open(await ChatStore.open()));
  }

  // ---- Models ----

  /** Shows the first model as coming; ready: when its load may begin, or false for never. */
  async openFirst(ready: Promise<boolean>): Promise<void> {
    const first = (this.models.loading.value = { label: this.#last.label });
    if ((await ready) && this.models.loading.peek() === first) await this.open(this.#last);
  }

  openFiles(files: readonly File[]): void {
    if (files.length > 0) void this.open(choiceOfFiles(files));
  }

  async open(choice: Choice): Promise<void> {
    this.#last = choice;
    this.problem.value = undefined;
    this.dialog.value = undefined;
    try {
      if (await this.models.open(choice)) this.answers.stop(); // what the old model was writing
    } catch (error) {
      const retry = () => void this.open(choice);
      const hasModel = this.models.current.peek() !== undefined;
      const makeRoom = () => {
        this.models.close();
        retry();
      };
      this.problem.value = {
        kind: 'error', error, label: choice.label, retry,
        ...(hasModel && isOutOfMemory(error) ? { makeRoom } : {}),
      };
    }
  }

  cancelLoad(): void {
    this.models.cancel();
    const choice = this.#last;
    if (!this.models.current.peek()) this.problem.value = { kind: 'cancelled', retry: () => void this.open(choice) };
  }

  // ---- Conversation ----

  /** False: not now. */
  send(content: string): boolean {
    const answerer = this.models.current.peek();
    if (!answerer || this.answers.live.peek() || !content.trim()) return false;
    this.problem.value = undefined;
    void this.answers.ask(content.trim(), answerer);
    return true;
  }

  again(): void {
    const answerer = this.models.current.peek();
    if (!answerer) return;
    this.problem.value = undefined;
    void this.answers.again(answerer);
  }

  newChat(): void {
    this.answers.stop();
    this.problem.value = undefined;
    this.dialog.value = undefined;
    this.chats.startNew();
  }

  deleteChat(id: string): void {
    if (this.answers.live.peek()?.chatId === id) this.answers.stop();
    this.say({ words: 'deleted', undo: this.chats.delete(id) });
  }

  say(toast: Toast): void {
    clearTimeout(this.#toastTimer);
    this.toast.value = toast;
    this.#toastTimer = setTimeout(() => (this.toast.value = undefined), TOAST_MS);
  }

  copy(text: string): void {
    const copied = navigator.clipboard ? navigator.clipboard.writeText(text) : Promise.reject();
    copied.then(() => this.say({ words: 'copied' }), () => this.say({ words: 'copyFailed' }));
  }

  #answerFailed(error: unknown): void {
    const choice = this.models.current.peek();
    if (choice && isCrash(error)) {
      this.models.close();
      this.problem.value = { kind: 'error', error, retry: () => void this.open(choice) };
    } else {
      this.problem.value = { kind: 'error', error };
    }
  }
}

const context = createContext<App | undefined>(undefined);
export const AppContext = context.Provider;

export function useApp(): App {
  const app = useContext(context);
  if (!app) throw new Error('a component outside of the app');
  return app;
}
