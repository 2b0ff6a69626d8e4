/** The conversations: which there are, which one is open, and keeping them. */
import { type ReadonlySignal, type Signal, computed, signal } from '@preact/signals';
import type { Chat, ChatStore, Turn } from './store.js';

const TITLE_LENGTH = 60;
/** Tells other tabs that something was kept. */
const CHANNEL = 'inkling-chats';

export class Chats {
  /** Newest first; one without a message is not among them. */
  readonly list: Signal<readonly Chat[]>;
  readonly current: Signal<Chat> = signal(emptyChat());
  readonly keeps: boolean;
  readonly isEmpty: ReadonlySignal<boolean> = computed(() => this.current.value.turns.length === 0);
  readonly #store: ChatStore;
  readonly #channel = new BroadcastChannel(CHANNEL);

  private constructor(store: ChatStore, list: Chat[]) {
    this.#store = store;
    this.keeps = store.keeps;
    this.list = signal(list);
    this.#channel.onmessage = async () => (this.list.value = await store.all());
  }

  /** The newest conversation is open, as the visitor left it. */
  static async open(store: ChatStore): Promise<Chats> {
    const list = await store.all();
    const chats = new Chats(store, list);
    if (list[0]) chats.current.value = list[0];
    return chats;
  }

  startNew(): void {
    if (!this.isEmpty.peek()) this.current.value = emptyChat();
  }

  show(id: string): void {
    const chat = this.list.peek().find((chat) => chat.id === id);
    if (chat) this.current.value = chat;
  }

  /**
   * Of the open conversation, or of the one that an answer belongs to when another has been opened
   * since.
   */
  setTurns(id: string, turns: readonly Turn[]): void {
    const current = this.current.peek();
    const before = current.id === id ? current : this.list.peek().find((chat) => chat.id === id);
    if (!before) return; // deleted meanwhile
    const chat = { ...before, turns, title: titleOf(turns), updated: Date.now() };
    if (current.id === id) this.current.value = chat;
    this.list.value = [chat, ...this.list.peek().filter((other) => other.id !== id)];
    this.keep(chat);
  }

  /** Writes it as it is at this moment; shown is what was set. */
  keep(chat: Chat): void {
    void this.#store.put(chat).then(() => this.#channel.postMessage('kept'));
  }

  /** @returns a function that brings it back */
  delete(id: string): () => void {
    const chat = this.list.peek().find((chat) => chat.id === id);
    this.list.value = this.list.peek().filter((chat) => chat.id !== id);
    if (this.current.peek().id === id) this.current.value = emptyChat();
    void this.#store.delete(id).then(() => this.#channel.postMessage('deleted'));
    return () => {
      if (!chat) return;
      this.list.value = [...this.list.peek(), chat].sort((a, b) => b.updated - a.updated);
      if (this.isEmpty.peek()) this.current.value = chat;
      this.keep(chat);
    };
  }

  deleteAll(): void {
    this.list.value = [];
    this.current.value = emptyChat();
    void this.#store.clear().then(() => this.#channel.postMessage('deleted'));
  }
}

function emptyChat(): Chat {
  const id = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  return { id, title: '', updated: Date.now(), turns: [] };
}

function titleOf(turns: readonly Turn[]): string {
  const line = (turns[0]?.content ?? '').trim().replace(/\s+/g, ' ');
  return line.length > TITLE_LENGTH ? `${[...line].slice(0, TITLE_LENGTH - 1).join('')}…` : line;
}
