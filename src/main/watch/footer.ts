/** The last rows of the screen: what was done, what is asked, and which keys there are. Pure. */

import type { Paint, Tone } from '../status/colours.ts';
import { columnsOf, cutEnd, cutStart, fold } from '../status/layout.ts';
import { ORDERS } from '../status/orders.ts';
import { plural } from '../status/words.ts';
import type { WatchState } from './state.ts';

/** What became of a key that acts. */
export interface Message {
  readonly lines: readonly string[];
  readonly tone?: Tone;
}

/** What there is to say about the page above. */
export interface Around {
  /** Servers that are shown, and that there are. */
  readonly shown: number;
  readonly all: number;
  /** Lines above and below what the screen shows. */
  readonly above: number;
  readonly below: number;
}

/** Rows that a message may take. */
const MOST_ROWS = 6;
const CURSOR = '_';

export const KEYS: readonly (readonly [key: string, short: string, whole: string])[] = [
  ['q', 'quit', 'ends the watch; the gateway goes on'],
  ['?', 'keys', 'shows these lines, or the servers again'],
  ['↑↓', 'choose', 'chooses a server; PageUp, PageDown, Home and End go further'],
  ['Enter', 'details', 'shows all of the chosen server with the end of its log, or the list again'],
  ['c', 'connect', 'shows how a client is connected, with the token'],
  ['r', 'restart', 'starts the chosen server anew; calls in flight end first'],
  ['e', 'on/off', 'enables or disables the chosen server in the configuration'],
  ['f', 'freeze', 'refuses every call, or lets calls through again; it asks first'],
  ['/', 'filter', 'shows only servers whose name or state has these letters'],
  ['s', 'sort', `sorts by the next of: ${ORDERS.join(', ')}`],
];

/** @param width columns that may be written to. @param rows of the whole screen. */
export function footer(
  state: WatchState,
  message: Message | null,
  { width, rows, paint }: { width: number; rows: number; paint: Paint },
): string[] {
  const question = questionOf(state, width) ?? [paint('dim', keysText(width))];
  if (message === null) return question;
  const most = Math.max(1, Math.min(MOST_ROWS, Math.floor(rows / 3)));
  const folded = message.lines.flatMap((line) => fold(line, width)).slice(-most);
  return [...folded.map((line) => paint(message.tone, line.trimEnd())), ...question];
}

/** The line between the page and the rest. */
export function aroundLine(
  state: WatchState,
  around: Around,
  { width, paint }: { width: number; paint: Paint },
): string {
  return paint('dim', cutEnd(aroundText(state, around), width));
}

function aroundText({ page, order, filter }: WatchState, around: Around): string {
  const { shown, all, above, below } = around;
  const parts = page === 'list' ? [`sorted by ${order}`] : [];
  if (page === 'list' && filter !== '')
    parts.push(`${shown} of ${plural(all, 'server')}: /${filter}`);
  if (above > 0) parts.push(`${plural(above, 'line')} above`);
  if (below > 0) parts.push(`${plural(below, 'line')} below`);
  return `-- ${parts.join(', ')}`.trimEnd();
}

/** The most rows that a question about the kill switch takes. */
export function rowsToAsk(width: number): number {
  const askings = [{ kind: 'freeze', text: '' }, { kind: 'unfreeze' }] as const;
  return Math.max(...askings.map((asking) => questionOf({ asking }, width)?.length ?? 0));
}

/** Null: nothing is asked. */
function questionOf({ asking }: Pick<WatchState, 'asking'>, width: number): string[] | null {
  switch (asking?.kind) {
    case undefined:
      return null;
    case 'filter':
      return [cutStart(`/${asking.text}${CURSOR}`, width)];
    case 'freeze':
      return [
        ...fold(
          'Refuse every call of every gateway here. Why? (Enter: freeze, Esc: do not)',
          width,
        ),
        cutStart(`reason: ${asking.text}${CURSOR}`, width),
      ];
    case 'unfreeze':
      return fold('HALT is set. Let calls through again? (y: yes, any other key: no)', width);
    default:
      return asking satisfies never;
  }
}

/** As many as fit. */
function keysText(width: number): string {
  let text = '';
  for (const [key, short] of KEYS) {
    const longer = `${text}${text === '' ? '' : '  '}${key} ${short}`;
    if (columnsOf(longer) > width) break;
    text = longer;
  }
  return text;
}
