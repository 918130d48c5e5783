/** How much memory a server takes, with all that it has started. */
import { processTrees } from '../../../shared/model/process-tree.ts';
import { pageSize, readProcessTable } from '../../../shared/platform/proc.ts';

const MIB = 1024 * 1024;

/** Resident MiB of the process tree of a group; null where nobody can tell. */
export function treeMegabytes(pgid: number | null): number | null {
  if (pgid === null) return null;
  const tree = processTrees(readProcessTable(), new Set([pgid])).get(pgid);
  if (tree === undefined) return null;
  return Math.round((tree.reduce((sum, { rssPages }) => sum + rssPages, 0) * pageSize()) / MIB);
}
