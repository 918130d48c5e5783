/** The lines of a page on a terminal: what they say, and in which tone. */
import type { Paint, Tone } from './colours.ts';
import { fold, foldCommand } from './layout.ts';

export interface Line {
  /** Leading spaces indent it. */
  readonly text: string;
  readonly tone?: Tone;
  /** A line of a shell, which people paste: it is folded so that it still is one. */
  readonly isCommand?: true;
}

/** A row of a table, which fits; its tone is that of one cell. */
export interface Row {
  readonly before: string;
  readonly cell: string;
  readonly after: string;
  readonly tone: Tone;
}

/** A whole page for a terminal of `width` columns. */
export function paintLines(lines: readonly (Line | Row)[], width: number, paint: Paint): string {
  return `${paintedLines(lines, width, paint).join('\n')}\n`;
}

/** Its lines, without line ends. */
export function paintedLines(
  lines: readonly (Line | Row)[],
  width: number,
  paint: Paint,
): string[] {
  return lines.flatMap((line) => {
    if ('cell' in line) {
      const { before, cell, after, tone } = line;
      return [`${before}${paint(tone, cell)}${after}`.trimEnd()];
    }
    const { text, tone, isCommand } = line;
    const folded = isCommand === true ? foldCommand(text, width) : fold(text, width);
    return folded.map((one) => paint(tone, one.trimEnd()));
  });
}
