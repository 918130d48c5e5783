/**
 * Finds the processes of each server: the members of its process group, and processes that these have
 * started in other groups (a browser, for example). Pure over one look at the process table.
 */

/** One process as `/proc/<pid>/stat` tells it. */
export interface TableEntry {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly session: number;
  readonly state: string;
  readonly startTime: string;
  /** CPU time of the process and of the children that it has waited for. */
  readonly cpuTicks: number;
  readonly rssPages: number;
}

/**
 * Group → the processes in its tree. The leader of a known group counts for that group and not for its
 * parent's; a process without living parents counts only for its own group.
 */
export function processTrees(
  table: readonly TableEntry[],
  pgids: ReadonlySet<number>,
): ReadonlyMap<number, readonly TableEntry[]> {
  const byPid = new Map(table.map((entry) => [entry.pid, entry]));
  const trees = new Map<number, TableEntry[]>();
  for (const entry of table) {
    const pgid = treeOf(entry, byPid, pgids);
    if (pgid === null) continue;
    const tree = trees.get(pgid);
    if (tree === undefined) trees.set(pgid, [entry]);
    else tree.push(entry);
  }
  return trees;
}

/** Parents may change while the table is read, so the number of steps up is bounded. */
const HIGHEST_TREE = 64;

function treeOf(
  entry: TableEntry,
  byPid: ReadonlyMap<number, TableEntry>,
  pgids: ReadonlySet<number>,
): number | null {
  let ancestor: TableEntry | undefined = entry;
  for (let height = 0; ancestor !== undefined && height < HIGHEST_TREE; height += 1) {
    if (pgids.has(ancestor.pgid)) return ancestor.pgid;
    ancestor = byPid.get(ancestor.ppid);
  }
  return null;
}
