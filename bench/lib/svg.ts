/** A metric as horizontal bars, grouped by scenario, with a whisker from lowest to highest. Pure. */
import { type Cell, type Pivot, shown } from './pivot.ts';

const COLOURS: Readonly<Record<string, string>> = {
  'node -e 0': '#dadce0',
  direct: '#9aa0a6',
  'thread-relay': '#c3c7cb',
  'in-process': '#e8a33d',
  rea: '#1a73e8',
  'rea-free': '#174ea6',
  'rea-http': '#7baaf7',
  'rea-http-free': '#669df6',
  'mcp-hub': '#d9534f',
  'mcp-proxy': '#9c6ade',
  supergateway: '#5aa469',
};
const WIDTH = 820;
const LEFT = 230;
const RIGHT = 90;
const BAR = 14;
const GAP = 12;
const TOP = 34;
const FONT = 'font-family="system-ui,sans-serif" font-size="12"';

/** Null where there is nothing to draw. */
export function barChart({ metric, sides, rows }: Pivot, title: string): string | null {
  const groups = rows
    .map(({ scenario, cells }) => ({ scenario, cells: cells.filter(hasValue) }))
    .filter(({ cells }) => cells.length > 0);
  const values = groups.flatMap(({ cells }) =>
    cells.flatMap((cell) => [cell.lowest, cell.highest]),
  );
  if (values.length === 0) return null;
  const scale = metric.plot === 'log' ? logScale(values) : linearScale(values);
  const parts: string[] = [];
  let y = TOP + 24;
  for (const { scenario, cells } of groups) {
    const middle = y + (cells.length * BAR) / 2 + 4;
    parts.push(text(LEFT - 10, middle, scenario, 'end'));
    for (const cell of cells) {
      parts.push(bar(cell, y, scale));
      y += BAR;
    }
    y += GAP;
  }
  const axis = scale.ticks.map((tick) => {
    const x = round(scale.at(tick));
    return `<line x1="${x}" y1="${TOP + 18}" x2="${x}" y2="${y}" stroke="#ddd"/>${text(x, y + 14, shown(tick), 'middle')}`;
  });
  const unit = `${metric.name}, ${metric.unit}${metric.plot === 'log' ? ' (logarithmic)' : ''}; ${metric.better} is better`;
  const height = y + 38;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" ${FONT}>`,
    `<title>${escaped(title)}: ${escaped(metric.name)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...legend(sides),
    ...axis,
    ...parts,
    text(LEFT, y + 32, unit, 'start'),
    '</svg>\n',
  ].join('\n');
}

type Measured = Cell & { median: number; lowest: number; highest: number };

function hasValue(cell: Cell): cell is Measured {
  return cell.median !== null;
}

interface Scale {
  readonly ticks: readonly number[];
  at(value: number): number;
}

function linearScale(values: readonly number[]): Scale {
  const highest = Math.max(...values) || 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  const step = ([1, 2, 5, 10].find((one) => highest / (one * power) <= 5) ?? 10) * power;
  const count = Math.ceil(highest / step);
  const ticks = Array.from({ length: count + 1 }, (_, at) => at * step);
  const width = WIDTH - LEFT - RIGHT;
  return { ticks, at: (value) => LEFT + (value / (count * step)) * width };
}

function logScale(values: readonly number[]): Scale {
  const positive = values.filter((value) => value > 0);
  const low = Math.floor(Math.log10(Math.min(...positive)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...positive))));
  const ticks = Array.from({ length: high - low + 1 }, (_, at) => 10 ** (low + at));
  const width = WIDTH - LEFT - RIGHT;
  const at = (value: number) =>
    LEFT + ((Math.max(low, Math.log10(value)) - low) / (high - low)) * width;
  return { ticks, at };
}

function bar({ side, median, lowest, highest }: Measured, y: number, scale: Scale): string {
  const [end, from, to] = [median, lowest, highest].map((value) => round(scale.at(value))) as [
    number,
    number,
    number,
  ];
  const middle = y + BAR / 2;
  const fill = COLOURS[side] ?? '#888';
  return [
    `<rect x="${LEFT}" y="${y + 1}" width="${round(Math.max(1, end - LEFT))}" height="${BAR - 2}" fill="${fill}"/>`,
    `<line x1="${from}" y1="${middle}" x2="${to}" y2="${middle}" stroke="#333"/>`,
    text(Math.max(end, to) + 5, y + 11, shown(median), 'start'),
  ].join('');
}

function legend(sides: readonly string[]): string[] {
  return sides.map((side, at) => {
    const x = 12 + at * 112;
    return `<rect x="${x}" y="12" width="10" height="10" fill="${COLOURS[side] ?? '#888'}"/>${text(x + 15, 21, side, 'start')}`;
  });
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
