/** Results as text for a terminal. Pure. */
import { cellText, GOAL_HEAD, goalRows, pivots, remarks } from './pivot.ts';
import type { Goal, ProgramResult } from './results.ts';
import { median } from './statistics.ts';

export function programTables(result: ProgramResult): string {
  const { title, repetitions, seconds } = result;
  const head = `\n${title}: median (spread) of ${repetitions}, ${seconds} s\n`;
  const tables = pivots(result).map(({ metric, sides, rows }) =>
    textTable([
      [`${metric.name}, ${metric.unit}`, ...sides],
      ...rows.map(({ scenario, cells }) => [scenario, ...cells.map(cellText)]),
    ]),
  );
  const notes = remarks(result)
    .map((remark) => `  ${remark}\n`)
    .join('');
  return `${head}${tables.join('\n')}${notes}`;
}

export function goalTable(goals: readonly Goal[]): string {
  if (goals.length === 0) return '';
  return `\n${textTable([GOAL_HEAD, ...goalRows(goals)])}`;
}

/** This build beside an earlier one: the ratio of each round, its median, lowest and highest. */
export function buildsTable({ title, figures, repetitions, seconds }: ProgramResult): string {
  const rows = figures
    .filter(({ side }) => side === 'rea')
    .flatMap(({ metric, scenario, values }) => {
      const earlier = figures.find(
        (one) => one.side === 'rea-before' && one.metric === metric && one.scenario === scenario,
      );
      const ratios = values.flatMap((now, at) => {
        const before = earlier?.values[at];
        return before === undefined || before === 0 ? [] : [now / before];
      });
      if (earlier === undefined || ratios.length === 0) return [];
      const shown = [median(earlier.values), median(values)].map((value) => value.toPrecision(3));
      const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
      return [[`${metric}, ${scenario}`, ...shown, `${median(ratios).toFixed(3)} ×`, range]];
    });
  const head = ['', 'before', 'now', 'now ÷ before', 'of all rounds'];
  return `\n${title}: ${repetitions} rounds, ${seconds} s\n${textTable([head, ...rows])}`;
}

/** Columns as wide as their widest cell; the first to the left, the others to the right. */
function textTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  return `${rows.map(line).join('\n')}\n`;
}
