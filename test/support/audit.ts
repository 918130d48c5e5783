/** The audit log that a gateway leaves in its directory, as tests look at it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { segmentName } from '#src/shared/model/audit.ts';
import { runRea } from './rea-command.ts';

// The shape is what the tests are about.
export type Kept = any;

/** Names of the files of the log, the closed ones first. */
export function auditFiles(dir: string): string[] {
  return readdirSync(join(dir, '.rea'))
    .filter((name) => segmentName(name) !== null)
    .toSorted((a, b) => segmentOrder(a).localeCompare(segmentOrder(b)));
}

/** All whole records, in order. */
export function auditRecords(dir: string): Kept[] {
  return auditFiles(dir).flatMap((name) => {
    const lines = readFileSync(join(dir, '.rea', name), 'utf8').split('\n');
    return lines.slice(0, -1).map((line) => JSON.parse(line));
  });
}

/** Runs `rea audit verify`. */
export function verify(
  dir: string,
  ...more: readonly string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return runRea(['audit', 'verify', '--cwd', dir, ...more]);
}

function segmentOrder(name: string): string {
  const named = segmentName(name);
  return `${named?.session} ${named?.closed === '' ? '~' : named?.closed}`;
}
