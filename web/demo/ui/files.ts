/** Opening a file of the visitor's. */

/** The page's one file input; see ui/DropZone.tsx. */
export const FILE_INPUT = 'file';

/** Opens the browser's own dialog. */
export function chooseFiles(): void {
  document.getElementById(FILE_INPUT)?.click();
}
