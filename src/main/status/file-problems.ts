/** Problems of the configuration file: reads them from the state file, and makes the text of `rea status`. */
import { bool, count, fieldsOf, iso, listOf, text } from '../processes/fields.ts';
import type { Line } from './paint.ts';
import { relative, shown } from './words.ts';

/** The keys of `rea status --json`. */
export interface ProblemsView {
  readonly refused: boolean;
  readonly lines: readonly string[];
  readonly more: number;
  readonly since: string | null;
}

const MOST = 20;
/** Lines shown without `--verbose`. */
const FIRST = 5;
const LONGEST = 500;

/** @param value `problems` of the reload record; null: there are none. */
export function problemsView(value: unknown): ProblemsView | null {
  const fields = fieldsOf(value);
  if (fields === null) return null;
  const list = listOf(fields['lines']) ?? [];
  const lines = list.slice(0, MOST).map((one) => shown(text(one), LONGEST));
  const more = count(fields['more']) + list.length - lines.length;
  return { refused: bool(fields['refused']), lines, more, since: iso(fields['since']) };
}

/** @returns lines without newline, none when the file is as it should be. */
export function fileProblemLines(view: ProblemsView | null, now: number, verbose: boolean): Line[] {
  if (view === null) return [];
  const first = verbose ? view.lines : view.lines.slice(0, FIRST);
  const more = view.lines.length - first.length + view.more;
  const what = view.refused
    ? 'configuration: the changed file is refused, the one before stays in force'
    : 'configuration: entries with mistakes, their servers are not changed';
  return [
    { text: `${what} (seen ${relative(view.since, now)})`, tone: 'bad' },
    ...first.map((line) => ({ text: `  ${line}` })),
    ...(more === 0 ? [] : [{ text: `  and ${more} more` }]),
    { text: '  → mend the file, then: rea check' },
  ];
}
