/** The button that begins a new conversation. */
import type { JSX } from 'preact';
import { useApp } from '../app.js';
import { useWords } from '../words/index.js';
import { Icon } from './icons.js';

/** short: the icon alone. */
export function NewChat({
  className,
  short = false,
}: {
  className: string;
  short?: boolean;
}): JSX.Element {
  const app = useApp();
  const words = useWords();
  const onClick = () => {
    app.newChat();
    document.getElementById('message')?.focus();
  };
  return (
    <button
      type="button"
      class={`new-chat ${className}`}
      {...(short ? { 'aria-label': words.newChat, title: words.newChat } : {})}
      onClick={onClick}
    >
      <Icon name="plus" />
      {short ? '' : words.newChat}
    </button>
  );
}
