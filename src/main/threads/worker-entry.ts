/** Where the entry of a worker lies: beside the source when that is what runs, else beside the build. */
import { programFile } from '../own-files.ts';

/**
 * Threads hold bytes outside the heap and little that dies young; Node's default of 48 MiB only makes
 * each of them larger.
 */
export const YOUNG_GENERATION_MB = 2;

/** `launcher` and `pattern-probe` run in processes of their own, the others in threads. */
export type WorkerName =
  | 'supervisor'
  | 'state-writer'
  | 'audit-writer'
  | 'inspector'
  | 'launcher'
  | 'pattern-probe';

export function workerEntry(name: WorkerName): URL {
  return programFile(`workers/${name}/entry`);
}
