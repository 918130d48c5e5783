/**
 * Memory and CPU time of each server's process tree, from one look at the process table after the
 * other. Remembers what each tree had used before; looks at nothing itself.
 */
import { processTrees, type TableEntry } from '../../shared/model/process-tree.ts';
import type { TreeSession, TreeUsage } from '../../shared/wire/protocol.ts';
import { pageSize } from './process-table.ts';

const MIB = 1024 * 1024;
/** The kernel counts CPU time for user space in hundredths of a second. */
const TICK_MS = 10;

interface Before {
  /** Ticks of all processes that were there. */
  readonly ticks: number;
  readonly cpuMs: number;
  readonly at: number;
}

export class UsageMeter {
  #before: ReadonlyMap<number, Before> = new Map();

  /**
   * Every tree that has a process, by its group.
   *
   * @param now monotonic, ms.
   */
  measure(
    table: readonly TableEntry[],
    pgids: ReadonlySet<number>,
    now: number,
  ): ReadonlyMap<number, TreeUsage> {
    const usages = new Map<number, TreeUsage>();
    const seen = new Map<number, Before>();
    for (const [pgid, tree] of processTrees(table, pgids)) {
      const ticks = sum(tree, ({ cpuTicks }) => cpuTicks);
      const before = this.#before.get(pgid);
      // What a process used that was waited for by none of its tree is lost, never taken back.
      const spentMs = Math.max(0, ticks - (before?.ticks ?? 0)) * TICK_MS;
      const cpuMs = (before?.cpuMs ?? 0) + spentMs;
      seen.set(pgid, { ticks, cpuMs, at: now });
      usages.set(pgid, {
        pgid,
        rssMb: tenths((sum(tree, ({ rssPages }) => rssPages) * pageSize()) / MIB),
        cpuMs,
        cpuPercent: before === undefined ? null : tenths((100 * spentMs) / (now - before.at)),
        sessions: sessionsOf(tree, pgid),
      });
    }
    this.#before = seen;
    return usages;
  }
}

function sessionsOf(tree: readonly TableEntry[], pgid: number): TreeSession[] {
  const sessions = new Map<number, TreeSession>();
  for (const { session: id, pid, startTime, state } of tree) {
    if (state === 'Z' || state === 'X' || sessions.has(id)) continue;
    sessions.set(id, { id, pid, startTime });
  }
  return [...sessions.values()].sort((a, b) => Number(b.id === pgid) - Number(a.id === pgid));
}

function sum(tree: readonly TableEntry[], figure: (entry: TableEntry) => number): number {
  return tree.reduce((total, entry) => total + figure(entry), 0);
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
