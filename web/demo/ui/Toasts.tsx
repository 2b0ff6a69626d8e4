/** Short words at the page's edge, and the offer of a new version. */
import type { JSX } from 'preact';
import { useApp } from '../app.js';
import { update } from '../offline.js';
import { useWords } from '../words/index.js';

export function Toasts(): JSX.Element {
  const app = useApp();
  const words = useWords();
  const toast = app.toast.value;
  const undo = () => {
    toast?.undo?.();
    app.toast.value = undefined;
  };
  return (
    <div class="toasts" role="status">
      {update.value && (
        <p class="toast">
          {words.updateReady}
          <button type="button" class="quiet" onClick={() => update.value?.()}>
            {words.reload}
          </button>
        </p>
      )}
      {toast && (
        <p class="toast" id="toast">
          {words.toasts[toast.words]}
          {toast.undo && (
            <button type="button" class="quiet" id="undo" onClick={undo}>
              {words.undo}
            </button>
          )}
        </p>
      )}
    </div>
  );
}
