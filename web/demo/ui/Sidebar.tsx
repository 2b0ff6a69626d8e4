/** The conversations: beside the open one where there is room, else in a dialog. */
import type { JSX } from 'preact';
import { useApp } from '../app.js';
import { useWords } from '../words/index.js';
import { Dialog } from './Dialog.js';
import { Icon } from './icons.js';
import { NewChat } from './NewChat.js';

export function Sidebar(): JSX.Element {
  const words = useWords();
  return (
    <aside class="sidebar" aria-label={words.chats}>
      <h1 class="brand">
        <img src="icon.svg" alt="" width="24" height="24" />
        Inkling
      </h1>
      <ChatList />
    </aside>
  );
}

export function ChatsDialog(): JSX.Element {
  const words = useWords();
  return (
    <Dialog name="chats" title={words.chats} className="drawer">
      <ChatList />
    </Dialog>
  );
}

function ChatList(): JSX.Element {
  const app = useApp();
  const words = useWords();
  const open = app.chats.current.value.id;
  const list = app.chats.list.value;
  const show = (id: string) => {
    app.chats.show(id);
    app.dialog.value = undefined;
  };
  return (
    <nav class="chats" aria-label={words.chats}>
      <NewChat className="new" />
      {list.length === 0 && <p class="fine">{words.noChats}</p>}
      <ul>
        {list.map(({ id, title }) => (
          <li key={id}>
            <button
              type="button"
              class="quiet chat"
              aria-current={id === open}
              onClick={() => show(id)}
            >
              {title || words.untitled}
            </button>
            <button
              type="button"
              class="quiet icon-button delete"
              aria-label={words.deleteChat(title)}
              title={words.deleteChat(title)}
              onClick={() => app.deleteChat(id)}
            >
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ul>
      {!app.chats.keeps && <p class="fine">{words.notKept}</p>}
    </nav>
  );
}
