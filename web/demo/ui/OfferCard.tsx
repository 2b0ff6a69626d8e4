/**
 * A download that is not begun unasked: of a model by its address, or on a connection that may cost
 * money.
 */
import type { JSX } from 'preact';
import { useApp } from '../app.js';
import { megabytes, useWords } from '../words/index.js';
import { chooseFiles } from './files.js';

export function OfferCard(): JSX.Element | null {
  const app = useApp();
  const words = useWords();
  const offer = app.offer.value;
  if (!offer) return null;
  const { choice, size, check } = offer;
  const facts = [size === undefined ? words.unknownSize : words.toDownload(megabytes(size))];
  if (check)
    facts.push(
      words.memoryNeeded(megabytes(check.neededBytes)),
      words.parametersOf(words.count(check.parameterCount)),
    );
  return (
    <section class="card" id="offer" role="status" aria-labelledby="offer-title">
      <strong id="offer-title">{choice.label}</strong>
      <p>{facts.join(' · ')}</p>
      {check && !check.fits && (
        <p id="offer-warning">
          {words.doesNotFit} <span class="fine">{check.reason}</span>
        </p>
      )}
      <div class="card-line start">
        <button type="button" id="download" onClick={() => void app.open(choice)}>
          {words.download}
        </button>
        <button type="button" class="quiet" onClick={() => chooseFiles()}>
          {words.openFile}
        </button>
        <button
          type="button"
          class="quiet"
          id="decline"
          onClick={() => (app.offer.value = undefined)}
        >
          {words.cancel}
        </button>
      </div>
    </section>
  );
}
