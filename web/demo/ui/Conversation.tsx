/** The open conversation, or the welcome. */
import { Fragment, type JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { type App, useApp } from '../app.js';
import { useWords } from '../words/index.js';
import { Icon } from './icons.js';
import { LiveMessage, Message } from './Message.js';
import { Welcome } from './Welcome.js';

/** Within this many pixels of its end, the view follows the text. */
const FOLLOW_PX = 80;

export function Conversation(): JSX.Element {
  const app = useApp();
  const words = useWords();
  const { id, turns } = app.chats.current.value;
  const live = app.answers.live.value;
  const forgotten = app.answers.forgotten.value;
  const firstSeen = forgotten?.chatId === id ? forgotten.turns : 0;
  const { scroller, atEnd, toEnd, onScroll } = useFollowing(app);
  const writing = live?.chatId === id ? live : undefined;
  const shown = writing ? turns.slice(0, writing.index) : turns;
  return (
    <main id="scroller" ref={scroller} onScroll={onScroll} tabIndex={-1}>
      {shown.length === 0 && <Welcome />}
      <div
        class="conversation"
        id="conversation"
        role="log"
        aria-live="off"
        aria-label={words.conversation}
      >
        {shown.map((turn, i) => (
          <Fragment key={`${id} ${i}`}>
            {i > 0 && i === firstSeen && (
              <p class="forgotten fine">
                {forgotten?.singleTurn ? words.singleTurn : words.forgotten}
              </p>
            )}
            <Message turn={turn} index={i} last={i === shown.length - 1 && !writing} />
          </Fragment>
        ))}
        {writing && <LiveMessage key={`${id} ${writing.index}`} live={writing} />}
      </div>
      {!atEnd && shown.length > 0 && (
        <button
          type="button"
          class="to-end icon-button"
          aria-label={words.toEnd}
          title={words.toEnd}
          onClick={toEnd}
        >
          <Icon name="down" />
        </button>
      )}
    </main>
  );
}

/** Keeps the end in view while it grows, unless the reader has scrolled away from it. */
function useFollowing(app: App) {
  const scroller = useRef<HTMLElement>(null);
  const follow = useRef(true);
  const lastTop = useRef(0);
  const [atEnd, setAtEnd] = useState(true);
  const { id, turns } = app.chats.current.value;
  const toEnd = () => {
    follow.current = true;
    // A welcome is read from its beginning.
    scroller.current!.scrollTop = app.chats.isEmpty.peek() ? 0 : scroller.current!.scrollHeight;
  };
  const onScroll = () => {
    const { scrollHeight, scrollTop, clientHeight } = scroller.current!;
    const near = scrollHeight - scrollTop - clientHeight < FOLLOW_PX;
    // Text that grows, or a card below it, moves the end away too; only a reader moves up.
    if (near || scrollTop < lastTop.current) follow.current = near;
    lastTop.current = scrollTop;
    setAtEnd(follow.current);
  };
  useLayoutEffect(toEnd, [id, turns.length]);
  useEffect(() => {
    const observer = new ResizeObserver(() => (follow.current ? toEnd() : undefined));
    observer.observe(scroller.current!);
    observer.observe(scroller.current!.querySelector('#conversation')!);
    return () => observer.disconnect();
  }, []);
  return { scroller, atEnd, toEnd, onScroll };
}
