/** A modal dialog, which the browser itself keeps the focus in and closes on Escape. */
import type { ComponentChildren, JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { useApp } from '../app.js';
import { useWords } from '../words/index.js';

interface Properties {
  name: NonNullable<ReturnType<typeof useApp>['dialog']['value']>;
  title: string;
  className?: string;
  children: ComponentChildren;
}

export function Dialog({ name, title, className = '', children }: Properties): JSX.Element {
  const app = useApp();
  const words = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  const open = app.dialog.value === name;
  useLayoutEffect(() => {
    // at once: Escape may follow
    if (open && !dialog.current!.open) dialog.current!.showModal();
    if (!open) dialog.current!.close();
  }, [open]);
  const close = () => {
    if (app.dialog.peek() === name) app.dialog.value = undefined;
  };
  const onPress = (event: MouseEvent) => {
    // On the backdrop: everything else is inside of something.
    if (event.target === dialog.current) close();
  };
  return (
    <dialog
      ref={dialog}
      id={name}
      class={className}
      aria-labelledby={`${name}-title`}
      onClose={close}
      onMouseDown={onPress}
    >
      {open && (
        <div class="sheet">
          <div class="sheet-head">
            <h2 id={`${name}-title`}>{title}</h2>
            <button type="button" class="quiet" onClick={close}>
              {words.done}
            </button>
          </div>
          {children}
        </div>
      )}
    </dialog>
  );
}
