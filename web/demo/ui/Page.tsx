/** The whole page. */
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect } from 'preact/hooks';
import { type App, AppContext } from '../app.js';
import { WordsContext, wordsFor } from '../words/index.js';
import { Announcements } from './Announcements.js';
import { Bar } from './Bar.js';
import { Composer } from './Composer.js';
import { Conversation } from './Conversation.js';
import { DropZone } from './DropZone.js';
import { LoadingCard } from './LoadingCard.js';
import { ModelDialog } from './ModelDialog.js';
import { OfferCard } from './OfferCard.js';
import { ProblemCard } from './ProblemCard.js';
import { SettingsDialog } from './SettingsDialog.js';
import { ChatsDialog, Sidebar } from './Sidebar.js';
import { Toasts } from './Toasts.js';

export function Page({ app }: { app: App }): JSX.Element {
  const words = wordsFor(app.settings.values.value.language);
  const { title } = app.chats.current.value;
  useLayoutEffect(() => {
    document.documentElement.lang = words.tag;
    document.title = title ? `${title} · ${words.title}` : words.title;
  }, [words, title]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && !app.dialog.value && !event.isComposing) app.answers.stop();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [app]);
  return (
    <AppContext value={app}>
      <WordsContext value={words}>
        <a class="skip" href="#message">
          {words.skipToMessage}
        </a>
        <div class="page">
          <Sidebar />
          <div class="room">
            <Bar />
            <Conversation />
            <footer class="dock">
              <OfferCard />
              <LoadingCard />
              <ProblemCard />
              <Composer />
              <p class="fine centred" id="hint">
                {words.notice}
              </p>
            </footer>
          </div>
        </div>
        <Toasts />
        <Announcements />
        <ChatsDialog />
        <ModelDialog />
        <SettingsDialog />
        <DropZone />
      </WordsContext>
    </AppContext>
  );
}
