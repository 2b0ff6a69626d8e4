/** The page's few icons, drawn with the text's colour. */
import type { JSX } from 'preact';

const PATHS = {
  menu: 'M4 7h16M4 12h16M4 17h16',
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6L6 18',
  send: 'M12 19V5M6 11l6-6 6 6',
  stop: 'M7 7h10v10H7z',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  edit: 'M4 20l1-4.500L16.500 4l3.500 3.500L8.500 19zM14 6.500l3.500 3.500',
  again: 'M20 5v5h-5M19.500 10A8 8 0 1 0 20 14',
  down: 'M12 5v14M6 13l6 6 6-6',
  chevron: 'M7 10l5 5 5-5',
  settings:
    'M4 8h8M18 8h2M4 16h2M12 16h8M15 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM9 13a3 3 0 1 1 0 6 3 3 0 0 1 0-6z',
} as const;

export function Icon({ name }: { name: keyof typeof PATHS }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
