/** What went wrong, what to do about it, and what is still as it was. */
import type { JSX } from 'preact';
import { adviceFor } from '../advice.js';
import { type Problem, useApp } from '../app.js';
import { type Words, useWords } from '../words/index.js';
import { chooseFiles } from './files.js';

export function ProblemCard(): JSX.Element {
  const app = useApp();
  const words = useWords();
  const problem = app.problem.value;
  return (
    // The region is there before there is anything in it: only then are its changes read out.
    <div role="alert">{problem && <Card problem={problem} words={words} />}</div>
  );
}

function Card({ problem, words }: { problem: Problem; words: Words }): JSX.Element {
  const app = useApp();
  const { title, advice, detail } =
    problem.kind === 'cancelled'
      ? { title: words.cancelled[0], advice: words.cancelled[1], detail: '' }
      : adviceFor(problem.error, words);
  const failedLoad = problem.kind === 'error' && problem.label !== undefined;
  const present = failedLoad ? app.models.current.value : undefined;
  const makeRoom = problem.kind === 'error' ? problem.makeRoom : undefined;
  const dismiss = () => (app.problem.value = undefined);
  return (
    <section class="card problem" id="problem" aria-labelledby="problem-title">
      <strong id="problem-title">{failedLoad ? `${problem.label}: ${title}` : title}</strong>
      <p id="problem-advice">{advice}</p>
      {present && <p id="problem-kept">{words.stillThere(present.label)}</p>}
      {detail && (
        <p class="fine" id="problem-detail">
          {detail}
        </p>
      )}
      <div class="card-line start">
        {makeRoom && (
          <button type="button" onClick={makeRoom}>
            {words.makeRoom}
          </button>
        )}
        {problem.retry && (
          <button type="button" id="retry" onClick={problem.retry}>
            {words.retry}
          </button>
        )}
        <button type="button" class="quiet" onClick={() => chooseFiles()}>
          {words.openFile}
        </button>
        {app.models.current.value && (
          <button type="button" class="quiet" id="dismiss" onClick={dismiss}>
            {words.dismiss}
          </button>
        )}
      </div>
    </section>
  );
}
