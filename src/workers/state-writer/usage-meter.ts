/**
 * Memory and CPU time of each server's process tree, from successive looks at the process table. Remembers
 * the previous look. Reads nothing itself except how long a busy tree has waited for a CPU.
 */
import { processTrees, type TableEntry } from '../../shared/model/process-tree.ts';
import { CLOCK_TICK_MS, pageSize, waitedMs } from '../../shared/platform/proc.ts';
import type { TreeSession, TreeUsage } from '../../shared/protocol/usage.ts';

const MIB = 1024 * 1024;

interface Before {
  /** Ticks of all processes of the tree. */
  readonly ticks: number;
  readonly cpuMs: number;
  readonly wantedMs: number;
  /** Time that its living threads had waited for a CPU, ms; null while the tree was not busy. */
  readonly waitedMs: number | null;
  /** Cores that the tree wanted since the look before. */
  readonly wantedCores: number;
  readonly at: number;
}

/** Percent of a core. The wait for a CPU is read only for trees that use at least this much. */
export const BUSY_PERCENT = 5;
/** Or that wanted this many cores before: with a low CPU share a tree may use little. */
const STILL_WANTED_CORES = 0.25;

export class UsageMeter {
  readonly #waited: (pid: number) => number;
  #before: ReadonlyMap<number, Before> = new Map();
  #pids: ReadonlyMap<number, readonly number[]> = new Map();

  /** @param waited how long the living threads of a process have waited for a CPU so far, ms. */
  constructor(waited: (pid: number) => number = waitedMs) {
    this.#waited = waited;
  }

  /** The processes of each tree at the last look, by its group. */
  get pids(): ReadonlyMap<number, readonly number[]> {
    return this.#pids;
  }

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
    const trees = processTrees(table, pgids);
    this.#pids = new Map([...trees].map(([pgid, tree]) => [pgid, tree.map(({ pid }) => pid)]));
    for (const [pgid, tree] of trees) {
      const ticks = sum(tree, ({ cpuTicks }) => cpuTicks);
      const before = this.#before.get(pgid);
      // The time of an ended process that its tree did not reap is lost; the sum never shrinks.
      const spentMs = Math.max(0, ticks - (before?.ticks ?? 0)) * CLOCK_TICK_MS;
      const cpuMs = (before?.cpuMs ?? 0) + spentMs;
      const percent = before === undefined ? null : (100 * spentMs) / (now - before.at);
      const isBusy = percent !== null && percent >= BUSY_PERCENT;
      const stillWants = (before?.wantedCores ?? 0) >= STILL_WANTED_CORES;
      const waitedMs = isBusy || stillWants ? sum(tree, ({ pid }) => this.#waited(pid)) : null;
      const newlyWaitedMs = Math.max(0, (waitedMs ?? 0) - (before?.waitedMs ?? waitedMs ?? 0));
      const wantedMs = (before?.wantedMs ?? 0) + spentMs + newlyWaitedMs;
      const wantedCores =
        before === undefined ? 0 : (wantedMs - before.wantedMs) / (now - before.at);
      seen.set(pgid, { ticks, cpuMs, wantedMs, waitedMs, wantedCores, at: now });
      usages.set(pgid, {
        pgid,
        rssMb: tenths((sum(tree, ({ rssPages }) => rssPages) * pageSize()) / MIB),
        cpuMs,
        wantedMs: Math.round(wantedMs),
        cpuPercent: percent === null ? null : tenths(percent),
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
