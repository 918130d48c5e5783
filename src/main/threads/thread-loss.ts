/**
 * One loss of a supervisor thread: finds the suspect, ends the child processes, tells each server, evicts,
 * and says when another thread is due. Ends and starts no worker itself.
 */
import type { RecordedGroup, ThreadVitals } from '../../shared/memory/vitals.ts';
import type { Logger } from '../logger.ts';
import type { Tenant } from './tenant.ts';
import type { Tenants } from './tenants.ts';

export type LossReason = 'stalled' | 'crashed';

/** The parts of a thread that its loss involves. */
export interface LosingThread {
  readonly tenants: Tenants;
  readonly vitals: ThreadVitals;
  /** @param lane null: not known, or its detached processes are left alone. */
  readonly endGroup: (group: RecordedGroup, lane: string | null) => Promise<void>;
  readonly log: Logger;
}

export class ThreadLoss {
  readonly #thread: LosingThread;
  readonly #why: LossReason;
  readonly #suspect: Tenant | null;
  /** When the suspect and the other servers are due again, monotonic ms. */
  #suspectDue = 0;
  #othersDue = 0;

  private constructor(thread: LosingThread, why: LossReason, suspect: Tenant | null) {
    this.#thread = thread;
    this.#why = why;
    this.#suspect = suspect;
  }

  /**
   * A running thread is lost. The server it was working for is the suspect, unless it has the thread to
   * itself: then no other server suffers.
   */
  static ofRunning(thread: LosingThread, why: LossReason): ThreadLoss {
    const { tenants, vitals } = thread;
    const slot = tenants.size < 2 ? null : vitals.worksFor();
    return new ThreadLoss(thread, why, slot === null ? null : (tenants.at(slot) ?? null));
  }

  /** The system has refused to start a thread: no server is at fault. */
  static ofStart(thread: LosingThread): ThreadLoss {
    return new ThreadLoss(thread, 'crashed', null);
  }

  /** Ends the process groups that the thread has recorded. Resolves when they are gone, or do not end. */
  async endChildren(): Promise<void> {
    const { tenants, vitals, endGroup } = this.#thread;
    const ending: Promise<void>[] = [];
    for (const slot of tenants.slots()) {
      const group = vitals.group(slot);
      if (group === null) continue;
      const config = tenants.at(slot)?.config;
      ending.push(endGroup(group, config?.detached === 'end' ? config.lane : null));
      tenants.at(slot)?.onKilled(group.incarnation);
      vitals.setGroup(slot, null);
    }
    await Promise.all(ending);
  }

  /**
   * Logs the loss and tells every server of it. The back-off is for the suspect; without it the others have
   * no reason to wait.
   *
   * @param now monotonic, ms.
   */
  announce(detail: string, backoffMs: number, now: number): void {
    const { tenants, log } = this.#thread;
    const suspect = this.#suspect;
    const othersMs = suspect === null ? backoffMs : 0;
    this.#suspectDue = now + backoffMs;
    this.#othersDue = now + othersMs;
    const told = tenants.all();
    const then = told.some(({ retired }) => !retired) ? '; replacing it' : '';
    log.error(
      { detail, restartInMs: othersMs, ...(suspect && { suspect: suspect.config.lane }) },
      `a supervisor thread ${this.#why}${then}`,
    );
    const ofOthers =
      suspect === null ? detail : `${detail}, while it worked for ${suspect.config.lane}`;
    for (const tenant of told) {
      if (tenant === suspect) tenant.onLost(this.#why, detail, backoffMs);
      else tenant.onLost(this.#why, ofOthers, othersMs);
    }
  }

  /**
   * The lost worker has ended: removes the servers that the next one is started without, which are the
   * suspect, evicted to a thread of its own, and the retired.
   *
   * @param now monotonic, ms.
   * @returns milliseconds until the next thread is due.
   */
  evict(now: number): number {
    const { tenants } = this.#thread;
    const suspect = this.#suspect;
    for (const tenant of tenants.all()) {
      if (tenant.retired || tenant === suspect) tenants.remove(tenant);
    }
    if (suspect?.retired === false) suspect.onEvicted(Math.max(0, this.#suspectDue - now));
    return Math.max(0, this.#othersDue - now);
  }
}
