/** Results as text for a terminal. Pure. */
import { cellText, GOAL_HEAD, goalRows, pivots, remarks } from './pivot.ts';
import type { Goal, ProgramResult } from './results.ts';

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
