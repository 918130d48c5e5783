/**
 * Finds out when main does not get a CPU, and which process trees use it instead. On an overloaded machine a
 * look at the whole process table takes hundreds of milliseconds, so this reads one small file for each known
 * process, and only while main has something to do. Decides nothing.
 */
import { type CpuTimes, cpuTimesOf } from '../../shared/platform/proc.ts';
import type { TreeDemand } from '../../shared/protocol/usage.ts';

/**
 * Starved: main, or this thread, waits for a CPU for this part of the time. This thread counts too, because
 * the kernel counts a wait only when it is over.
 */
const STARVED = 0.3;
/** Idle: main runs or waits to run for less than this part of the time. */
const RESTING = 0.03;
/** Time between two samples, while main works and while it is idle. */
const WORKING_LOOK_MS = 100;
const RESTING_LOOK_MS = 500;
/** Older samples of a process are not compared with. */
const OLD_MS = 1000;
/** Looking at the trees takes at most this part of this thread's time, while main is starved and otherwise. */
const STARVED_SHARE = 0.2;
const ORDINARY_SHARE = 0.01;

export interface StarvationSystem {
  /** Monotonic, ms. */
  readonly now: () => number;
  /** Times of the first thread of a process; main is the first thread of `self`. Null when not known. */
  readonly times: (pid: number | 'self' | 'thread-self') => CpuTimes | null;
}

const THIS_MACHINE: StarvationSystem = { now: () => performance.now(), times: cpuTimesOf };

interface Seen extends CpuTimes {
  readonly at: number;
}

export class StarvationWatch {
  readonly #system: StarvationSystem;
  #main: Seen | null;
  #own: Seen | null;
  #waits = 0;
  #nextMs = RESTING_LOOK_MS;
  /** By pid. */
  #before: ReadonlyMap<number, Seen> = new Map();
  #treesAt = Number.NEGATIVE_INFINITY;
  #treesMs = 0;

  constructor(system = THIS_MACHINE) {
    this.#system = system;
    this.#main = this.#see('self');
    this.#own = this.#see('thread-self');
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
   * @returns the cores that each tree has wanted since the look before; null unless main is starved.
   */
  look(trees: ReadonlyMap<number, readonly number[]>): readonly TreeDemand[] | null {
    const now = this.#system.now();
    const [main, own] = [this.#see('self'), this.#see('thread-self')];
    const { ran, waited } = coresOf(this.#main, main);
    const isStarved = Math.max(waited, coresOf(this.#own, own).waited) >= STARVED;
    this.#main = main;
    this.#own = own;
    this.#waits = waited;
    const works = isStarved || ran + waited >= RESTING;
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
        const times = this.#see(pid);
        if (times !== null) seen.set(pid, times);
        const earlier = before.get(pid) ?? null;
        const isOld = earlier !== null && times !== null && times.at - earlier.at > OLD_MS;
        return coresOf(isOld ? null : earlier, times);
      });
      const sum = (which: 'ran' | 'waited') => cores.reduce((all, one) => all + one[which], 0);
      return { pgid, ranCores: sum('ran'), wantedCores: sum('ran') + sum('waited') };
    });
    this.#before = seen;
    return demands;
  }

  #see(pid: number | 'self' | 'thread-self'): Seen | null {
    const times = this.#system.times(pid);
    return times === null ? null : { at: this.#system.now(), ...times };
  }
}

/** Cores that a thread ran on and waited for between two looks; 0 when not known. */
function coresOf(before: Seen | null, after: Seen | null): { ran: number; waited: number } {
  if (before === null || after === null) return { ran: 0, waited: 0 };
  const ms = after.at - before.at;
  if (ms <= 0) return { ran: 0, waited: 0 };
  return {
    ran: Math.max(0, after.ranMs - before.ranMs) / ms,
    waited: Math.max(0, after.waitedMs - before.waitedMs) / ms,
  };
}
