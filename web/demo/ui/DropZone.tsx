/** Files by drag and drop, anywhere on the page, and by the browser's own dialog. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useApp } from '../app.js';
import { useWords } from '../words/index.js';
import { FILE_INPUT } from './files.js';

const hasFiles = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes('Files') ?? false;

export function DropZone(): JSX.Element {
  const app = useApp();
  const words = useWords();
  const [over, setOver] = useState(false);
  useEffect(() => {
    const control = new AbortController();
    const { signal } = control;
    const onOver = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault(); // else the browser opens the file instead of the page
      event.dataTransfer!.dropEffect = 'copy';
      setOver(true);
    };
    const onLeave = (event: DragEvent) => {
      // Out of the window, not from one element to the next.
      if (!event.relatedTarget) setOver(false);
    };
    const onDrop = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(false);
      app.openFiles([...event.dataTransfer!.files]);
    };
    window.addEventListener('dragover', onOver, { signal });
    window.addEventListener('dragleave', onLeave, { signal });
    window.addEventListener('drop', onDrop, { signal });
    return () => control.abort();
  }, [app]);
  const onChange = ({ currentTarget }: { currentTarget: HTMLInputElement }) => {
    const files = [...(currentTarget.files ?? [])];
    currentTarget.value = ''; // so that the same file can be picked again
    app.openFiles(files);
  };
  return (
    <>
      <input type="file" id={FILE_INPUT} accept=".gguf" multiple hidden onChange={onChange} />
      {over && (
        <div class="drop" id="drop">
          <div>
            <strong>{words.drop}</strong>
            <p>{words.dropMore}</p>
          </div>
        </div>
      )}
    </>
  );
}
