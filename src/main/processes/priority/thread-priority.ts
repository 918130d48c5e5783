/**
 * The CPU share of one supervisor thread, set by nice, against the other threads of the gateway: a server
 * that floods keeps its thread busy even when the share of the server itself is low. An ordinary user can
 * only lower the share: the thread then stays low until it is replaced.
 */
import { setPriority } from 'node:os';
import type { Share } from '../../../shared/model/snapshot.ts';
import { unlessRefused } from '../../../shared/platform/errno.ts';
import { type CpuTimes, threadTimes } from '../../../shared/platform/proc.ts';
import { loweredFrom } from './apply.ts';
import { mayRaiseNice, thisMachine } from './mechanism.ts';
import {
  NEW_SERVER,
  type ShareEvent,
  type SharePolicy,
  type ShareState,
  stepShare,
  wantedShare,
} from './share.ts';

export interface ThreadSystem {
  readonly canRaise: boolean;
  /** Nice value of a thread that was not lowered. */
  readonly normal: number;
  /** Null when the times of the thread are not known. */
  readonly times: (tid: number) => CpuTimes | null;
  readonly setNice: (tid: number, nice: number) => void;
}

/** Samples further apart start a new episode of starvation. */
const STARVATION_MS = 1000;
/** Samples closer together are too short to measure: main may receive several at once. */
const LOOK_MS = 50;

export class ThreadPriority {
  readonly #policy: SharePolicy;
  readonly #system: ThreadSystem;
  #tid = 0;
  #state: ShareState = NEW_SERVER;
  #inForce: Share = 'normal';
  /** Latest sample while the gateway was starved. */
  #starved: ({ readonly at: number } & CpuTimes) | null = null;

  constructor(mode: SharePolicy['mode'], system: ThreadSystem = ownThreads()) {
    this.#policy = { mode, canRaise: system.canRaise };
    this.#system = system;
  }

  /**
   * Takes a sample of the thread.
   *
   * @param tid 0 while there is none.
   * @param at monotonic, ms.
   * @param contended a server of another thread was called since the previous sample.
   */
  look(tid: number, at: number, contended: boolean): void {
    const times = this.#timesOf(tid);
    if (times === null) return;
    const { ranMs, waitedMs } = times;
    const usage = { at, cpuMs: ranMs, wantedMs: ranMs + waitedMs, contended };
    this.#step({ type: 'usage', ...usage });
  }

  /**
   * Takes a sample while the gateway is starved. Two samples within `STARVATION_MS` show how many cores the
   * thread wants.
   *
   * @param at now, monotonic, ms.
   */
  starved(tid: number, at: number, contended: boolean): void {
    const times = this.#system.canRaise ? this.#timesOf(tid) : null;
    if (times === null) return;
    const before = this.#starved;
    if (before !== null && at - before.at < LOOK_MS) return;
    this.#starved = { at, ...times };
    if (before === null || at - before.at > STARVATION_MS) return;
    const ranCores = (times.ranMs - before.ranMs) / (at - before.at);
    const wantedCores = ranCores + (times.waitedMs - before.waitedMs) / (at - before.at);
    this.#step({ type: 'starvation', ranCores, wantedCores, contended });
  }

  #timesOf(tid: number): CpuTimes | null {
    if (tid !== this.#tid) {
      this.#tid = tid;
      this.#state = NEW_SERVER;
      this.#inForce = 'normal';
      this.#starved = null;
    }
    return tid === 0 ? null : this.#system.times(tid);
  }

  #step(event: ShareEvent): void {
    this.#state = stepShare(this.#policy, this.#state, event);
    this.#apply(wantedShare(this.#policy, this.#state));
  }

  #apply(share: Share): void {
    const { normal, canRaise, setNice } = this.#system;
    if (share === this.#inForce || (share === 'normal' && !canRaise)) return;
    this.#inForce = share;
    setNice(this.#tid, loweredFrom(normal, share));
  }
}

/** The threads of this process. */
function ownThreads(): ThreadSystem {
  const machine = thisMachine();
  return {
    canRaise: mayRaiseNice(machine),
    normal: machine.nice,
    times: threadTimes,
    // The thread has just ended, or the system does not allow it: its share stays as it is.
    setNice: (tid, nice) => unlessRefused(undefined, () => setPriority(tid, nice)),
  };
}
