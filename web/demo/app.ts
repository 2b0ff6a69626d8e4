/** The app's state and what can be done with it; the components in ui/ show it. */
import { effect, signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { Answers } from './answers.js';
import { Chats } from './chats.js';
import { type CachedModel, type ModelCheck, checkModel } from 'inkling-wasm';
import {
  CONTEXT_LENGTH,
  type Choice,
  Models,
  choiceOfFiles,
  choiceOfKept,
  firstChoice,
  isCrash,
  isForeign,
  isMetered,
  isOutOfMemory,
} from './models.js';
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

/** A download that waits for the visitor's word. */
export interface Offer {
  choice: Choice;
  /** Bytes to download, as far as known. */
  size: number | undefined;
  /** What is known of a model that is not one of ours. */
  check?: ModelCheck;
}

/** A short word at the page's edge. */
export interface Toast {
  words: 'deleted' | 'inUse' | 'copied' | 'copyFailed';
  undo?: () => void;
}

const TOAST_MS = 6000;

export class App {
  readonly settings: Settings;
  readonly chats: Chats;
  readonly models = new Models();
  readonly answers: Answers;
  readonly problem = signal<Problem | undefined>();
  readonly offer = signal<Offer | undefined>();
  readonly toast = signal<Toast | undefined>();
  readonly dialog = signal<'model' | 'settings' | 'chats' | undefined>();
  /** What stands in the message field. */
  readonly draft = signal('');
  /** The question that it will take the place of, with all that follows. */
  readonly editing = signal<{ chatId: string; index: number } | undefined>();
  /** What a cancelled load is taken up with. */
  #last: Choice;
  #toastTimer = 0;

  private constructor(settings: Settings, chats: Chats, first: Choice) {
    this.#last = first;
    this.settings = settings;
    this.chats = chats;
    this.answers = new Answers(chats, settings, (error) => this.#answerFailed(error));
    effect(() => {
      settings.ofModel.value = this.models.current.value?.offered?.settings ?? {};
    });
    effect(() => {
      if (!this.answers.live.value) void this.models.refreshMemory();
    });
  }

  static async start(settings: Settings): Promise<App> {
    return new App(settings, await Chats.open(await ChatStore.open()), await firstChoice());
  }

  // ---- Models ----

  /** Shows the first model as coming; ready: when its load may begin, or false for never. */
  async openFirst(ready: Promise<boolean>): Promise<void> {
    this.models.expect(this.#last);
    const first = this.models.loading.peek();
    if (!(await ready) || this.models.loading.peek() !== first) return;
    if (isForeign(this.#last)) return this.look(this.#last);
    if (!(await isMetered(this.#last))) return this.open(this.#last);
    this.models.cancel();
    this.offer.value = { choice: this.#last, size: this.#last.offered?.size };
  }

  /** Looks at a model before its download: what it is, and whether it fits. */
  async look(choice: Choice): Promise<void> {
    this.dialog.value = undefined;
    this.problem.value = undefined;
    const control = this.models.expect(choice);
    try {
      const check = await checkModel(choice.source, {
        contextLength: CONTEXT_LENGTH,
        signal: control.signal,
      });
      if (control.signal.aborted) return;
      this.models.cancel();
      if (check.cached) return this.open(choice);
      this.offer.value = { choice, size: check.fileBytes, check };
    } catch (error) {
      if (control.signal.aborted) return;
      this.models.cancel();
      this.problem.value = {
        kind: 'error',
        error,
        label: choice.label,
        retry: () => void this.look(choice),
      };
    }
  }

  async openKept(kept: CachedModel): Promise<void> {
    const choice = await choiceOfKept(kept);
    if (choice) await this.open(choice);
    else await this.models.refreshKept(); // another tab has deleted it
  }

  forget(kept: CachedModel): void {
    this.models.forget(kept).catch(() => this.say({ words: 'inUse' }));
  }

  openFiles(files: readonly File[]): void {
    if (files.length > 0)
      void this.open(choiceOfFiles(files, this.settings.values.peek().keepFiles));
  }

  async open(choice: Choice): Promise<void> {
    this.#last = choice;
    this.problem.value = undefined;
    this.offer.value = undefined;
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
        kind: 'error',
        error,
        label: choice.label,
        retry,
        ...(hasModel && isOutOfMemory(error) ? { makeRoom } : {}),
      };
    }
  }

  cancelLoad(): void {
    this.models.cancel();
    const choice = this.#last;
    if (!this.models.current.peek())
      this.problem.value = { kind: 'cancelled', retry: () => void this.open(choice) };
  }

  // ---- Conversation ----

  /** False: not now. */
  send(content: string): boolean {
    const answerer = this.models.current.peek();
    if (!answerer || this.answers.live.peek() || !content.trim()) return false;
    this.problem.value = undefined;
    void this.answers.ask(content.trim(), answerer, this.editedIndex());
    this.editing.value = undefined;
    return true;
  }

  /** Takes a question back into the message field. */
  edit(index: number): void {
    const { id, turns } = this.chats.current.peek();
    this.editing.value = { chatId: id, index };
    this.draft.value = turns[index]!.content;
  }

  cancelEdit(): void {
    this.editing.value = undefined;
    this.draft.value = '';
  }

  /** Of the open conversation. */
  editedIndex(): number | undefined {
    const editing = this.editing.value;
    return editing?.chatId === this.chats.current.value.id ? editing.index : undefined;
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
    const copied = navigator.clipboard
      ? navigator.clipboard.writeText(text)
      : Promise.reject(new Error('there is no clipboard'));
    copied.then(
      () => this.say({ words: 'copied' }),
      () => this.say({ words: 'copyFailed' }),
    );
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
