/**
 * Tells when main is kept from running, and by which process trees. A whole look at the process table takes
 * hundreds of milliseconds on a machine on which everybody waits, so this reads one small file for
 * each known process, while main has something to do. Decides nothing.
 */
import type { TreeDemand } from '../../shared/wire/protocol.ts';
import { type CpuTimes, cpuTimesOf, mainCpuTimes } from './process-table.ts';

/** Part of the time that main waits for a CPU. */
const STARVED = 0.3;
/** A look this late shows the same: what main waits for is counted only when it runs again. */
const LATE_MS = 50;
/** Part of the time that main runs or waits to run, below which nothing can keep it from much. */
const RESTING = 0.03;
/** How often to look: soon while main has something to do. */
const WORKING_LOOK_MS = 100;
const RESTING_LOOK_MS = 500;
/** Looking at the trees takes at most this part of this thread's time, while main starves and while not. */
const STARVED_SHARE = 0.2;
const ORDINARY_SHARE = 0.01;

export interface StarvationSystem {
  /** Monotonic, ms. */
  readonly now: () => number;
  readonly main: () => CpuTimes;
  /** Of the first thread of a process; zeros when it is gone. */
  readonly process: (pid: number) => CpuTimes;
}

const THIS_MACHINE: StarvationSystem = {
  now: () => performance.now(),
  main: mainCpuTimes,
  process: cpuTimesOf,
};

interface Seen extends CpuTimes {
  readonly at: number;
}

export class StarvationWatch {
  readonly #system: StarvationSystem;
  #main: Seen;
  #waits = 0;
  #nextMs = RESTING_LOOK_MS;
  /** By pid. */
  #before: ReadonlyMap<number, Seen> = new Map();
  #treesAt = Number.NEGATIVE_INFINITY;
  #treesMs = 0;

  constructor(system = THIS_MACHINE) {
    this.#system = system;
    this.#main = { at: system.now(), ...system.main() };
  }

  /** Part of the time between the last two looks that main has waited for a CPU. */
  get mainWaits(): number {
    return this.#waits;
  }

  /** When to look again, ms from now. */
  get nextMs(): number {
    return this.#nextMs;
  }

  /**
   * @param trees the processes of each tree, by its group.
   * @returns what each tree has wanted since it was looked at before; null unless main is starved.
   */
  look(trees: ReadonlyMap<number, readonly number[]>): readonly TreeDemand[] | null {
    const now = this.#system.now();
    const main = { at: now, ...this.#system.main() };
    const { ran, waited } = coresOf(this.#main, main);
    this.#waits = waited;
    const isLate = now - this.#main.at - this.#nextMs > LATE_MS;
    const isStarved = waited >= STARVED || isLate;
    const works = isStarved || ran + waited >= RESTING;
    this.#main = main;
    this.#nextMs = works ? WORKING_LOOK_MS : RESTING_LOOK_MS;
    const share = isStarved ? STARVED_SHARE : ORDINARY_SHARE;
    if (!works || now - this.#treesAt < this.#treesMs / share) return null;
    const demands = this.#lookAtTrees(trees);
    this.#treesAt = now;
    this.#treesMs = this.#system.now() - now;
    return isStarved ? demands : null;
  }

  #lookAtTrees(trees: ReadonlyMap<number, readonly number[]>): readonly TreeDemand[] {
    const before = this.#before;
    const seen = new Map<number, Seen>();
    const demands = [...trees].map(([pgid, pids]) => {
      const cores = pids.map((pid) => {
        const times = { at: this.#system.now(), ...this.#system.process(pid) };
        seen.set(pid, times);
        return coresOf(before.get(pid) ?? times, times);
      });
      const sum = (which: 'ran' | 'waited') => cores.reduce((all, one) => all + one[which], 0);
      return { pgid, ranCores: sum('ran'), wantedCores: sum('ran') + sum('waited') };
    });
    this.#before = seen;
    return demands;
  }
}

/** Cores that something ran on and waited for between two looks at it. */
function coresOf(before: Seen, after: Seen): { ran: number; waited: number } {
  const ms = after.at - before.at;
  if (ms <= 0) return { ran: 0, waited: 0 };
  return {
    ran: Math.max(0, after.ranMs - before.ranMs) / ms,
    waited: Math.max(0, after.waitedMs - before.waitedMs) / ms,
  };
}
