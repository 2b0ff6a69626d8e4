/** How far a model has come. */
import type { JSX } from 'preact';
import { useApp } from '../app.js';
import type { Loading } from '../models.js';
import { type Words, megabytes, useWords } from '../words/index.js';

export function LoadingCard(): JSX.Element | null {
  const app = useApp();
  const words = useWords();
  const loading = app.models.loading.value;
  if (!loading) return null;
  const { label, progress } = loading;
  return (
    <section class="card" id="loading" aria-labelledby="loading-title">
      <div class="card-line">
        <strong id="loading-title">{words.loading(label)}</strong>
        <button type="button" class="quiet" id="cancel-load" onClick={() => app.cancelLoad()}>
          {words.cancel}
        </button>
      </div>
      <progress
        id="loading-bar"
        aria-labelledby="loading-title"
        max={progress?.total ?? 1}
        {...(progress?.total ? { value: progress.loaded } : {})}
      />
      <p class="fine" id="loading-detail">
        {describe(progress, words)}
      </p>
    </section>
  );
}

/** e.g. "Downloading · 12 MB of 98 MB · 5.1 MB/s · about 17 s left" */
function describe(progress: Loading['progress'], words: Words): string {
  if (!progress) return words.starting;
  const { loaded, total, phase, bytesPerSecond } = progress;
  if (phase === 'prepare') return words.phases.prepare;
  const parts = [
    words.phases[phase],
    total ? words.progress(megabytes(loaded), megabytes(total)) : megabytes(loaded),
  ];
  if (bytesPerSecond > 0) parts.push(words.perSecond(megabytes(bytesPerSecond)));
  const left =
    total && bytesPerSecond > 0 && phase === 'download' ? (total - loaded) / bytesPerSecond : 0;
  if (left > 90) parts.push(words.minutesLeft(Math.ceil(left / 60)));
  else if (left > 2) parts.push(words.secondsLeft(Math.ceil(left)));
  return parts.join(' · ');
}
