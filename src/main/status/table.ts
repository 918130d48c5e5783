/** The table of servers: one line for each, the last error cut to the rest of the width. */
import Table from 'cli-table3';
import type { Paint } from './paint.ts';
import type { DownstreamView } from './state-file.ts';
import { isServing } from './verdict.ts';
import { latency, megabytes, percent, shown } from './words.ts';

const HEAD = [
  'name',
  'phase',
  'circuit',
  're-\nstarts',
  'in-\nflight',
  'p99',
  'RSS',
  'CPU',
  'tools',
];
const GAP = 2;
const MIN_ERROR = 12;
const MAX_NAME = 32;
const BORDERS =
  'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right ' +
  'left left-mid mid mid-mid right right-mid middle';
const NO_BORDERS = Object.fromEntries(BORDERS.split(' ').map((place) => [place, '']));

/**
 * @param legacy true: the file has no phases, so the table shows whether a server is connected.
 * @param width columns of the terminal; the table is wider only if its figures need it.
 * @returns lines without newline.
 */
export function downstreamTable(
  downstreams: readonly DownstreamView[],
  legacy: boolean,
  width: number,
  paint: Paint,
): string[] {
  const rows = downstreams.map((one) => figures(one, legacy));
  const widths = HEAD.map((head, column) =>
    Math.max(
      ...[...head.split('\n'), ...rows.map((row) => row[column] ?? '')].map((s) => s.length),
    ),
  );
  const used = widths.reduce((sum, one) => sum + one + GAP, 0);
  const room = Math.max(MIN_ERROR, width - used);
  const table = new Table({
    head: [...HEAD, 'last error'],
    chars: NO_BORDERS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': GAP, compact: true },
    colAligns: [
      'left',
      'left',
      'left',
      'right',
      'right',
      'right',
      'right',
      'right',
      'right',
      'left',
    ],
  });
  for (const [index, row] of rows.entries()) {
    const one = downstreams[index];
    if (one === undefined) continue;
    const colour = isServing(one, legacy) ? paint.good : paint.bad;
    const [name = '', phase = '', ...rest] = row;
    table.push([name, colour(phase), ...rest, shown(one.last_error, room)]);
  }
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

function figures(one: DownstreamView, legacy: boolean): string[] {
  return [
    shown(one.name, MAX_NAME),
    one.phase ?? (legacy ? connection(one) : '–'),
    one.circuit_state ?? '–',
    String(one.restarts),
    String(one.in_flight),
    latency(one.p99_ms),
    megabytes(one.rss_mb),
    percent(one.cpu_percent),
    one.tools_count === null ? '–' : String(one.tools_count),
  ];
}

function connection(one: DownstreamView): string {
  return one.connected ? 'connected' : 'down';
}
