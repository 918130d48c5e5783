/**
 * The servers of a gateway: a row for each, those that fail first, and under it why and what to do. A row is
 * never wider than the terminal: figures that find no room are left out, and then the name is cut. Pure.
 */
import { causeOf } from '../causes/causes.ts';
import type { Tone } from './colours.ts';
import { downstreamDetails, withheldText } from './details.ts';
import { columnsOf, cutMiddle, pad } from './layout.ts';
import { type Order, ordered } from './orders.ts';
import type { Line, Row } from './paint.ts';
import { OFF, type Standing, standingOf } from './standing.ts';
import type { DownstreamView, StateView } from './state-file.ts';
import { latency, megabytes, percent, plural, relative, shown } from './words.ts';

export interface RowOptions {
  readonly verbose: boolean;
  /** Columns of the terminal. */
  readonly width: number;
  readonly now: number;
  /** The gateway is gone or writes no more: what it left may be true no longer. */
  readonly past: boolean;
  /** @default urgency */
  readonly order?: Order;
}

/** One server on the page. */
export interface ServerBlock {
  /** As the file has it. */
  readonly name: string;
  /** It is enabled. */
  readonly isOn: boolean;
  readonly word: string;
  readonly row: Row;
  /** What stands under its row. */
  readonly notes: readonly Line[];
}

interface Entry {
  /** As the file has it. */
  readonly own: string;
  readonly name: string;
  readonly standing: Standing;
  /** Empty for a server that is not enabled. */
  readonly figures: readonly string[];
  readonly server: DownstreamView | null;
}

const GAP = 2;
const LONGEST_NAME = 64;
const SHORT = 400;
const LONG = 4096;

export function serverLines(view: StateView, options: RowOptions): (Line | Row)[] {
  return serverBlocks(view, options).flatMap(({ row, notes }) => [row, ...notes]);
}

export function serverBlocks(view: StateView, options: RowOptions): ServerBlock[] {
  const all = [
    ...(view.downstreams ?? []).map((one) => entryOf(one, view.legacy, options.past)),
    ...view.disabled.map((name) => entryOff(name)),
  ];
  const entries = ordered(all, options.order ?? 'urgency');
  const figures = figureColumns(entries);
  const stateWidth = widest(entries.map(({ standing }) => standing.word));
  const names = entries.map(({ name }) => name);
  const nameWidth = Math.min(widest(names), Math.max(1, options.width - GAP - stateWidth));
  let room = options.width - nameWidth - GAP - stateWidth;
  // From the left: the first ones say most.
  const fitting = figures.findIndex((width) => {
    room -= width === 0 ? 0 : GAP + width;
    return room < 0;
  });
  const shownFigures = fitting === -1 ? figures : figures.slice(0, fitting);
  return entries.map((entry) => ({
    name: entry.own,
    isOn: entry.server !== null,
    word: entry.standing.word,
    row: rowOf(entry, { nameWidth, stateWidth, figures: shownFigures }),
    notes: [
      ...(entry.server === null ? [] : notesOf(entry.server, entry.standing, options)),
      ...(entry.server === null || !options.verbose
        ? []
        : downstreamDetails(entry.server, options.now).map((text) => ({ text }))),
    ],
  }));
}

interface Widths {
  readonly nameWidth: number;
  readonly stateWidth: number;
  readonly figures: readonly number[];
}

function rowOf({ name, standing, figures }: Entry, widths: Widths): Row {
  const cells = widths.figures.map((width, at) =>
    width === 0 ? '' : `${' '.repeat(GAP)}${pad(figures[at] ?? '', width, 'right')}`,
  );
  const title = `${pad(cutMiddle(name, widths.nameWidth), widths.nameWidth)}${' '.repeat(GAP)}`;
  const state = pad(standing.word, widths.stateWidth);
  if (standing.tone === 'dim') {
    return { before: '', cell: `${title}${state}${cells.join('')}`, after: '', tone: 'dim' };
  }
  return { before: title, cell: state, after: cells.join(''), tone: standing.tone };
}

function entryOf(server: DownstreamView, legacy: boolean, past: boolean): Entry {
  const now = standingOf(server, legacy);
  // What failed stands first all the same, but in no colour.
  const standing: Standing = past ? { ...now, word: `was ${now.word}`, tone: 'dim' } : now;
  const name = shown(server.name, LONGEST_NAME);
  return { own: server.name ?? '', name, standing, figures: figuresOf(server), server };
}

function entryOff(name: string): Entry {
  const figures: readonly string[] = [];
  return { own: name, name: shown(name, LONGEST_NAME), standing: OFF, figures, server: null };
}

function figuresOf(one: DownstreamView): string[] {
  return [
    one.tools_count === null ? '' : plural(one.tools_count, 'tool'),
    one.restarts === 0 ? '' : plural(one.restarts, 'restart'),
    one.p99_ms === null ? '' : `p99 ${latency(one.p99_ms)}`,
    one.rss_mb === null ? '' : megabytes(one.rss_mb),
    one.cpu_percent === null ? '' : `${percent(one.cpu_percent)} CPU`,
    one.in_flight === 0 ? '' : `${plural(one.in_flight, 'call')} open`,
    one.queued === 0 ? '' : `${one.queued} waiting`,
  ];
}

/** The width of each column of figures; 0 where no server has one. */
function figureColumns(entries: readonly Entry[]): number[] {
  const most = Math.max(0, ...entries.map(({ figures }) => figures.length));
  return Array.from({ length: most }, (_, at) =>
    widest(entries.map(({ figures }) => figures[at] ?? '')),
  );
}

function widest(texts: readonly string[]): number {
  return texts.reduce((width, text) => Math.max(width, columnsOf(text)), 0);
}

/** Why it does not serve and what to do; what else a person should know. */
function notesOf(server: DownstreamView, standing: Standing, options: RowOptions): Line[] {
  const { verbose, now, past } = options;
  const most = verbose ? LONG : SHORT;
  const cause = causeOf(server);
  const lines: Line[] = [];
  const note = (text: string, tone: Tone | undefined): void => {
    const used = past ? 'dim' : tone;
    lines.push({ text: `  ${text}`, ...(used === undefined ? {} : { tone: used }) });
  };
  const next = past ? null : (server.next_restart_at ?? server.retry_at);
  const later = next === null ? '' : `next try ${relative(next, now)}`;
  if (cause !== null) {
    const why = shown(cause.why, most);
    note(later === '' ? why : `${why}; ${later}`, standing.tone === 'good' ? 'warn' : undefined);
    if (cause.action !== null && !past) note(`→ ${shown(cause.action, most)}`, undefined);
  } else if (later !== '') {
    note(later, undefined);
  }
  const { state, restarts } = server.thread;
  if (!past && state !== null && state !== 'running') {
    note(`its thread is ${state}, ${plural(restarts, 'restart')}`, 'warn');
  }
  if (server.withheld_why !== null) {
    note(`${withheldText(server)}: ${shown(server.withheld_why, verbose ? LONG : 300)}`, 'warn');
  }
  return lines;
}
