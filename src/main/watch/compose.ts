/** What the watch shows → the lines of the screen. Pure. */

import type { Paint } from '../status/colours.ts';
import { doorLines } from '../status/doors.ts';
import { lives } from '../status/gateways.ts';
import { cutEnd } from '../status/layout.ts';
import { type Line, paintedLines } from '../status/paint.ts';
import { NARROWEST } from '../status/pretty.ts';
import { aroundLine, footer, KEYS, type Message, rowsToAsk } from './footer.ts';
import { listPage, sectionsOf, targetsOf } from './list.ts';
import type { Seen } from './seen.ts';
import { serverPage } from './server-page.ts';
import { chosenOf, settled, type Target, type WatchState } from './state.ts';
import { topOf } from './window.ts';

export interface Composed {
  /** As many as the screen has rows, or fewer. */
  readonly lines: readonly string[];
  /** With what is chosen and where the page begins. */
  readonly state: WatchState;
  readonly targets: readonly Target[];
  /** Lines of the page that the screen shows. */
  readonly height: number;
  /** The screen has room for all of a question about the kill switch. */
  readonly canAsk: boolean;
}

export function compose(
  seen: Seen,
  before: WatchState,
  message: Message | null,
  { columns, rows, paint }: { columns: number; rows: number; paint: Paint },
): Composed {
  // What is written into the last column may end in the next row.
  const width = Math.max(NARROWEST, columns - 1);
  const sections = sectionsOf(seen, before, width);
  // A server that is looked at may be one that the filter leaves out by now.
  const targets = targetsOf(sections, before.page === 'list' ? before.filter : '');
  const chosen = settled(before, targets);
  const list = listPage(seen, sections, chosen, { width, paint });
  const foot = footer(chosen, message, { width, rows, paint });
  const height = Math.max(1, rows - 2 - foot.length);
  const page = pageOf(seen, chosen, { list: list.lines, width, height, paint, targets });
  const span = chosen.page === 'list' && chosen.follow ? list.span : null;
  // With the first server all that stands above it is of interest, if there is room.
  const start = chosen.follow && chosen.at === 0 && chosen.page === 'list' ? 0 : chosen.top;
  const top = topOf(page.length, height, start, span);
  const part = page.slice(top, top + height);
  const empty = Array.from({ length: height - part.length }, () => '');
  const { shown, all } = list;
  const around = { shown, all, above: top, below: page.length - top - part.length };
  const between = aroundLine(chosen, around, { width, paint });
  // What is asked and typed comes before all else, and of the foot its last lines.
  const head = [list.summary, ...part, ...empty, between];
  const lines = [...head.slice(0, Math.max(0, rows - foot.length)), ...foot.slice(-rows)];
  const canAsk = columns > NARROWEST && rowsToAsk(width) <= rows;
  return { lines, state: { ...chosen, top }, targets, height, canAsk };
}

interface Inside {
  readonly list: readonly string[];
  readonly width: number;
  readonly height: number;
  readonly paint: Paint;
  readonly targets: readonly Target[];
}

function pageOf(seen: Seen, state: WatchState, inside: Inside): readonly string[] {
  const { width, paint } = inside;
  switch (state.page) {
    case 'list':
      return inside.list;
    case 'server':
      return serverPage(seen, chosenOf(state, inside.targets), inside);
    case 'connect':
      return paintedLines(connectLines(seen), width, paint);
    case 'keys':
      return KEYS.flatMap(([key, , whole]) =>
        paintedLines([{ text: `${key.padEnd(6)} ${cutEnd(whole, 200)}` }], width, paint),
      );
    default:
      return state.page satisfies never;
  }
}

function connectLines({ verdict, tokenOf }: Seen): Line[] {
  const lines = verdict.gateways.filter(lives).flatMap(({ instance, pid }) => {
    const own = instance === null ? [] : doorLines(instance, tokenOf);
    return own.length === 0 ? [] : [{ text: '' }, { text: `gateway ${pid ?? '–'}` }, ...own];
  });
  if (lines.length > 0) return lines;
  return [
    { text: '' },
    { text: 'no gateway here serves HTTP: clients start rea serve themselves' },
  ];
}
