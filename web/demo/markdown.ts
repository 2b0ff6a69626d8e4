/** Markdown while it is still being written. */

/**
 * The text with the emphasis or code that its last paragraph leaves open closed, so that its marks
 * do not flash up as plain asterisks until their other half comes.
 */
export function closeOpenMarks(text: string): string {
  const fences = text.match(/^\s*```/gm)?.length ?? 0;
  if (fences % 2 === 1) return text; // in a code block, which the end closes anyway
  const tail = text.slice(text.lastIndexOf('\n\n') + 1).replace(/`[^`]*`/g, '');
  if (tail.includes('`')) return tail.endsWith('`') ? text.slice(0, -1) : `${text}\``;
  if ((tail.match(/\*\*/g)?.length ?? 0) % 2 === 0) return text;
  return tail.endsWith('**') ? text.slice(0, -2) : `${text.trimEnd()}**`;
}

const NAMED: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
};

/** Character references that models write; any other stays as it is. */
export function decodeReferences(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]+));/gi,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name) return NAMED[name.toLowerCase()] ?? whole;
      const code = decimal ? Number(decimal) : Number.parseInt(hex!, 16);
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}

/** Where a link may go; undefined: nowhere. */
export function safeAddress(href: string): string | undefined {
  return /^(https?:\/\/|mailto:)/i.test(href) ? href : undefined;
}
