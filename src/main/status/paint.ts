/** The colours of `rea status`, and the lines of its page: what they say, and in which tone. */
import { fold, foldCommand } from './layout.ts';

export type Tone = 'good' | 'bad' | 'warn' | 'dim' | 'title' | 'chosen';

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

export type Paint = (tone: Tone | undefined, text: string) => string;

const CODES: Readonly<Record<Tone, readonly [on: number, off: number]>> = {
  good: [32, 39],
  bad: [31, 39],
  warn: [33, 39],
  dim: [2, 22],
  title: [1, 22],
  chosen: [7, 27],
};
/** What FORCE_COLOR may say for colours, as Node and most programs read it. */
const FORCED = new Set(['', '1', '2', '3', 'true']);

const plain: Paint = (_tone, text) => text;
const coloured: Paint = (tone, text) => {
  if (tone === undefined || text === '') return text;
  const [on, off] = CODES[tone];
  return `\u001b[${on}m${text}\u001b[${off}m`;
};

/**
 * Colours only on a terminal that can show them and where NO_COLOR is unset or empty; FORCE_COLOR decides
 * wherever it is set.
 */
export function paintFor(isTerminal: boolean, env: NodeJS.ProcessEnv): Paint {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return FORCED.has(forced) ? coloured : plain;
  return isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb' ? coloured : plain;
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
