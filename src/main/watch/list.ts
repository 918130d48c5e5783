/** The page with all gateways and their servers, as `rea status` shows them, and one server chosen. Pure. */

import type { Paint } from '../status/colours.ts';
import { gatewayHead, isPast, withoutServers } from '../status/gateway-lines.ts';
import type { Gateway } from '../status/gateways.ts';
import { cutEnd } from '../status/layout.ts';
import { type Line, paintedLines, type Row } from '../status/paint.ts';
import { footLines, headLines, shownGateways } from '../status/pretty.ts';
import { type ServerBlock, serverBlocks } from '../status/rows.ts';
import type { Seen } from './seen.ts';
import { idOf, type Target, type WatchState } from './state.ts';
import type { Span } from './window.ts';

export interface ListPage {
  /** The whole state in one line. */
  readonly summary: string;
  /** Below it; longer than the screen, maybe. */
  readonly lines: readonly string[];
  /** How many servers there are, without and with those that the filter leaves out. */
  readonly shown: number;
  readonly all: number;
  /** Where the chosen server stands. */
  readonly span: Span | null;
}

/** Before each row. */
const MARK = '> ';
const NO_MARK = '  ';

/** A gateway and its servers, in the order in which they are shown. */
export interface Section {
  readonly gateway: Gateway;
  readonly blocks: readonly ServerBlock[];
}

/** @param width columns that may be written to. */
export function sectionsOf(
  { facts, verdict }: Seen,
  { order }: WatchState,
  width: number,
): Section[] {
  return shownGateways(verdict).map((gateway) => {
    const { view } = gateway;
    if (view === null) return { gateway, blocks: [] };
    const past = isPast(gateway);
    const room = width - MARK.length;
    const blocks = serverBlocks(view, { verbose: false, width: room, now: facts.now, past, order });
    // While it ends it is there as what it was, and as what it will be: one of them can be chosen.
    const ending = new Set(blocks.filter(({ isOn }) => isOn).map(({ name }) => name));
    return { gateway, blocks: blocks.filter(({ name, isOn }) => isOn || !ending.has(name)) };
  });
}

/** The servers that can be chosen. @param filter '' for all of them. */
export function targetsOf(sections: readonly Section[], filter: string): Target[] {
  return sections.flatMap(({ gateway, blocks }) =>
    blocks.filter((block) => matches(block, filter)).map((block) => targetOf(gateway, block)),
  );
}

/** @param state settled. */
export function listPage(
  seen: Seen,
  sections: readonly Section[],
  state: WatchState,
  { width, paint }: { width: number; paint: Paint },
): ListPage {
  const { facts, verdict, askedIn } = seen;
  const options = { verbose: false, width, tokenOf: null, askedIn };
  const [first, ...head] = headLines(facts, verdict, options);
  const lines = paintedLines(head, width, paint);
  const add = (more: readonly (Line | Row)[]) => lines.push(...paintedLines(more, width, paint));
  let count = 0;
  let all = 0;
  let span: Span | null = null;
  for (const { gateway, blocks } of sections) {
    add([{ text: '' }, ...gatewayHead(gateway, facts, options)]);
    all += blocks.length;
    const { view } = gateway;
    if (view !== null && blocks.length === 0) add(withoutServers(view) ?? []);
    for (const block of blocks) {
      if (!matches(block, state.filter)) continue;
      const isChosen = targetOf(gateway, block).id === state.chosen;
      const from = lines.length;
      lines.push(...blockLines(block, isChosen, width, paint));
      if (isChosen) span = { from, to: lines.length };
      count += 1;
    }
  }
  add(footLines(facts, verdict, false));
  const summary = first === undefined ? '' : (paintedLines([first], width, paint)[0] ?? '');
  return { summary, lines, shown: count, all, span };
}

function targetOf({ sessionId, pid, view }: Gateway, { name }: ServerBlock): Target {
  const server = name.split('#', 1)[0] ?? name;
  const isOn = view?.disabled.includes(server) !== true;
  return { id: idOf(sessionId ?? pid, name), server, lane: name, pid, sessionId, isOn };
}

/** By the name, and by how it stands. */
function matches({ name, word }: ServerBlock, filter: string): boolean {
  const wanted = filter.toLowerCase();
  return name.toLowerCase().includes(wanted) || word.includes(wanted);
}

/** Of what is said under a row as much as one line takes: the page of the server has all of it. */
function blockLines(
  { row, notes }: ServerBlock,
  isChosen: boolean,
  width: number,
  paint: Paint,
): string[] {
  const room = width - MARK.length;
  const cut = notes.map((note) => ({ ...note, text: cutEnd(note.text, room) }));
  const [first = '', ...rest] = paintedLines([row, ...cut], room, paint);
  const marked = isChosen ? paint('chosen', MARK + first) : NO_MARK + first;
  return [marked, ...rest.map((line) => NO_MARK + line)];
}
