/** A line of a log for a person: when, who, what. Pure. */
import { oneLine } from '../../shared/text/clean-text.ts';
import type { Tone } from '../status/colours.ts';
import type { LogLine } from './read-logs.ts';
import { clock, shortLine } from './short-line.ts';

const NAME_WIDTH = 12;
const LONGEST = 1000;

export interface Said {
  /** Who says it, padded, and a space behind it; '' where the record is of no known form. */
  readonly who: string;
  readonly what: string;
  readonly tone: Tone | undefined;
}

/** With the date, where it is not today's. @param today as `toDateString` has it. */
export function when(time: number, today: string): string {
  const date = new Date(time);
  if (date.toDateString() === today) return clock(date);
  const parts = [date.getFullYear(), date.getMonth() + 1, date.getDate()];
  return `${parts.map((part) => String(part).padStart(2, '0')).join('-')} ${clock(date)}`;
}

export function said(record: LogLine['record']): Said {
  const short = shortLine(record, true);
  if (short === null) {
    return { who: '', what: oneLine(JSON.stringify(record).slice(0, LONGEST)), tone: undefined };
  }
  const { server, text, level } = short;
  const tone = { error: 'bad', warn: 'warn', info: undefined, debug: undefined } as const;
  return {
    who: `${(server ?? 'rea').padEnd(NAME_WIDTH)} `,
    what: level === 'error' ? `error: ${text}` : text,
    tone: tone[level],
  };
}
