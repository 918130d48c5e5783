/** What has to be written to a terminal so that it shows other lines than before. Pure. */

const ERASE_LINE = '\u001b[0m\u001b[K';
const CLEAR = '\u001b[0m\u001b[2J';

/**
 * @param before the lines that stand there, from the first row on; null: nobody knows what stands there.
 * @param after at most as many as the terminal has rows, each narrower than the terminal.
 * @returns '' when nothing has changed.
 */
export function difference(before: readonly string[] | null, after: readonly string[]): string {
  const known = before ?? [];
  const parts: string[] = before === null ? [CLEAR] : [];
  for (let row = 0; row < Math.max(known.length, after.length); row++) {
    const line = after[row] ?? '';
    // The end of the old line goes after the new one stands there: erased first it would flicker.
    if (line !== (known[row] ?? '')) parts.push(`\u001b[${row + 1};1H${line}${ERASE_LINE}`);
  }
  return parts.join('');
}
