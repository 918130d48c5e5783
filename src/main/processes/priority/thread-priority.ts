/**
 * The share of one supervisor thread against the other threads of the gateway: a server that floods
 * keeps its thread busy, however low its own share is. Nice works between threads of one process, and
 * an ordinary user can only lower it: the thread then stays low until it is replaced.
 */
import { readFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import type { Share } from '../../../shared/model/snapshot.ts';
import { unlessRefused } from '../../../shared/platform/errno.ts';
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
  /** How long a thread has run and has waited to run, ms; null when that cannot be told. */
  readonly times: (tid: number) => { readonly ranMs: number; readonly waitedMs: number } | null;
  readonly setNice: (tid: number, nice: number) => void;
}

/** Two looks at a starved gateway that are further apart belong to two starvations, */
const STARVATION_MS = 1000;
/** and what is nearer, because main hears of several at once, says little. */
const LOOK_MS = 50;

export class ThreadPriority {
  readonly #policy: SharePolicy;
  readonly #system: ThreadSystem;
  #tid = 0;
  #state: ShareState = NEW_SERVER;
  #inForce: Share = 'normal';
  /** At the newest starvation. */
  #starved: { readonly at: number; readonly ranMs: number; readonly waitedMs: number } | null =
    null;

  constructor(mode: SharePolicy['mode'], system: ThreadSystem = ownThreads()) {
    this.#policy = { mode, canRaise: system.canRaise };
    this.#system = system;
  }

  /**
   * One look at the thread.
   *
   * @param tid 0 while there is none.
   * @param at monotonic, ms.
   * @param contended a server of another thread was called since the look before.
   */
  look(tid: number, at: number, contended: boolean): void {
    const times = this.#timesOf(tid);
    if (times === null) return;
    const { ranMs, waitedMs } = times;
    const usage = { at, cpuMs: ranMs, wantedMs: ranMs + waitedMs, contended };
    this.#step({ type: 'usage', ...usage });
  }

  /**
   * One look while the gateway is starved; two that follow each other soon tell what the thread wants.
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

  #timesOf(tid: number): ReturnType<ThreadSystem['times']> {
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

/** Those of this process. */
function ownThreads(): ThreadSystem {
  const machine = thisMachine();
  return {
    canRaise: mayRaiseNice(machine),
    normal: machine.nice,
    times: (tid) =>
      unlessRefused(null, () => {
        const text = readFileSync(`/proc/self/task/${tid}/schedstat`, 'utf8');
        const [ran = 0, waited = 0] = text.split(' ').map(Number);
        return { ranMs: ran / 1e6, waitedMs: waited / 1e6 };
      }),
    // The thread has just ended, or the system does not allow it: its share stays as it is.
    setNice: (tid, nice) => unlessRefused(undefined, () => setPriority(tid, nice)),
  };
}
