/** What the stress programs share: their arguments, their table, their verdict. */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Whether the module of this URL is the program that Node was started with. */
export function isMain(url: string): boolean {
  const program = process.argv[1];
  return program !== undefined && realpathSync(program) === fileURLToPath(url);
}

/** @throws RangeError for an argument that is not a count. */
export function numbers(args: readonly string[]): number[] {
  return args.map((arg) => {
    if (!/^[1-9]\d*$/.test(arg)) throw new RangeError(`not a number: ${arg}`);
    return Number(arg);
  });
}

type Cell = string | number;

/** Prints the rows under their column names, and sets the exit code. */
export function conclude(
  title: string,
  rows: readonly Readonly<Record<string, Cell>>[],
  passed: boolean,
): void {
  const columns = Object.keys(rows[0] ?? {});
  const lines = [columns, ...rows.map((row) => columns.map((column) => String(row[column])))];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  const pad = (line: readonly string[]): string =>
    line
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  process.stdout.write(`${title}, Node ${process.version}\n${lines.map(pad).join('\n')}\n`);
  process.stdout.write(passed ? 'passed\n' : 'FAILED\n');
  process.exitCode = passed ? 0 : 1;
}
