/**
 * Servers of the configuration that wait for a person: reads them from the state file, field by field,
 * and makes the text of `rea status`. Every text is bounded and goes through `shown`.
 */
import { count, fieldsOf, iso, listOf, oneOf, text } from '../processes/fields.ts';
import { type ProblemsView, problemsView } from './file-problems.ts';
import type { Line } from './paint.ts';
import { plural, relative, shown } from './words.ts';

/** The keys of `rea status --json`. */
export interface ReloadView {
  readonly problems: ProblemsView | null;
  readonly waiting: readonly {
    readonly name: string | null;
    readonly change: 'new' | 'changed' | null;
    readonly what: string | null;
    readonly since: string | null;
  }[];
  readonly more: number;
  /** Which pins of programs are in force; null: it keeps none. */
  readonly pins: string | null;
  /** What to type to take all of them; null: a signal takes them. */
  readonly accept: string | null;
  readonly loosened: {
    readonly lines: readonly string[];
    readonly since: string | null;
  } | null;
}

const MOST = 64;
/** Servers shown without `--verbose`. */
const FIRST = 20;
const SHORT = 160;
const LONG = 4096;
const MOST_LOOSENED = 21;

/** @param value `reload` of a state file; without it nothing waits. */
export function reloadView(value: unknown): ReloadView {
  const reload = fieldsOf(value) ?? {};
  const list = listOf(reload['waiting']) ?? [];
  const waiting = list.slice(0, MOST).map((one) => {
    const fields = fieldsOf(one) ?? {};
    return {
      name: text(fields['name']),
      change: oneOf(['new', 'changed'], fields['change']),
      what: text(fields['what']),
      since: iso(fields['since']),
    };
  });
  const more = Math.min(
    Number.MAX_SAFE_INTEGER,
    count(reload['more']) + list.length - waiting.length,
  );
  const loosened = loosenedView(reload['loosened']);
  const [pins, accept] = [text(reload['pins']), text(reload['accept'])];
  return { problems: problemsView(reload['problems']), waiting, more, pins, accept, loosened };
}

export function countWaiting({ waiting, more }: ReloadView): number {
  return waiting.length + more;
}

/**
 * @param pid of the gateway if a signal can make it accept them, else null.
 * @returns lines without newline, none when nothing waits.
 */
export function waitingLines(
  view: ReloadView,
  now: number,
  pid: number | null,
  verbose: boolean,
): Line[] {
  const waits = countWaiting(view);
  if (waits === 0) return [];
  const first = verbose ? view.waiting : view.waiting.slice(0, FIRST);
  const more = waits - first.length;
  return [
    { text: `configuration: ${plural(waits, 'server')} not in force`, tone: 'warn' },
    ...first.map(({ name, change, what, since }) => {
      const which = `${shown(name, 64)}, ${change ?? 'waiting'}, ${relative(since, now)}`;
      return { text: `  ${which}: ${shown(what, verbose ? LONG : SHORT)}` };
    }),
    ...(more === 0 ? [] : [{ text: `  and ${more} more` }]),
    ...remedy(view, pid),
  ];
}

function remedy({ accept }: ReloadView, pid: number | null): Line[] {
  if (accept !== null) return [{ text: `  → to take them: ${shown(accept, LONG)}` }];
  return pid === null ? [] : [{ text: `  → to take them: kill -HUP ${pid}, or restart rea serve` }];
}

function loosenedView(value: unknown): ReloadView['loosened'] {
  const fields = fieldsOf(value);
  if (fields === null) return null;
  const lines = (listOf(fields['lines']) ?? []).slice(0, MOST_LOOSENED);
  return { lines: lines.map((one) => shown(text(one), 500)), since: iso(fields['since']) };
}

/** @returns nothing when no rule has become looser of late. */
export function loosenedLines({ loosened }: ReloadView, now: number): Line[] {
  if (loosened === null) return [];
  const when = relative(loosened.since, now);
  return [
    { text: `policy: looser than before (${when}):`, tone: 'warn' },
    ...loosened.lines.map((line) => ({ text: `  ${line}` })),
  ];
}
