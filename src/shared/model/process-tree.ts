/**
 * Which processes belong to which server: the members of its process group, and what those have
 * started in groups of their own (a browser, for example). Pure over one look at the process table.
 */

/** One process as `/proc/<pid>/stat` tells it. */
export interface TableEntry {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly session: number;
  readonly state: string;
  readonly startTime: string;
  /** Of the process itself and of the children it has waited for. */
  readonly cpuTicks: number;
  readonly rssPages: number;
}

/**
 * Processes by the group whose tree they are in. One that leads a known group of its own is not
 * counted for its parent's; one whose parents are gone, only by its group.
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

/** Parents may change while the table is read, so the way up is bounded instead of trusted. */
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
