/** The audit log that a gateway leaves in its directory, as tests look at it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inOrder, segmentsIn } from '#src/shared/platform/segment-scan.ts';
import { runRea } from './rea-command.ts';

// The shape is what the tests are about.
export type Kept = any;

/** Names of the files of the log, chain by chain, the closed ones first. */
export function auditFiles(dir: string): string[] {
  const segments = segmentsIn(join(dir, '.rea'));
  const sessions = [...new Set(segments.map(({ session }) => session))].toSorted();
  return sessions.flatMap((session) =>
    inOrder(segments.filter((one) => one.session === session)).map(({ name }) => name),
  );
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
