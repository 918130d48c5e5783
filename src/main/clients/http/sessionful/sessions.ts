/**
 * All sessions of the HTTP listener. Finds a session for the principal that opened it, ends idle ones, and
 * opens no more than the limit, and none once the gateway is stopping. Many clients leave without ending their
 * session: at the limit an older session is closed at once to make room.
 */

import type { HttpLimits, HttpOptions } from '../options.ts';
import { EventBudget } from './event-budget.ts';
import { leaver } from './eviction.ts';
import { HttpSession, type SessionHooks } from './session.ts';

/** Longest time between two sweeps for idle sessions and old events. */
const SWEEP_MS = 60_000;

export class Sessions {
  readonly #byId = new Map<string, HttpSession>();
  readonly #hooks: SessionHooks;
  readonly #limits: HttpLimits;
  readonly #sweeper: NodeJS.Timeout;
  #accepting = true;

  constructor({ open, credit, log }: HttpOptions, limits: HttpLimits) {
    this.#limits = limits;
    this.#hooks = {
      open,
      credit,
      now: () => performance.now(),
      log,
      limits,
      budget: new EventBudget(limits.maxTotalEventBytes),
      onOpen: (session) => this.#add(session),
      onClose: (session) => this.#byId.delete(session.id ?? ''),
    };
    this.#sweeper = setInterval(() => this.#sweep(), Math.min(limits.idleMs / 4, SWEEP_MS));
    this.#sweeper.unref();
  }

  get accepting(): boolean {
    return this.#accepting;
  }

  /** @param principal null when no tokens are in use. */
  get(id: string, principal: string | null): HttpSession | undefined {
    const session = this.#byId.get(id);
    return session?.principal === principal ? session : undefined;
  }

  /**
   * A session, which counts once its client's `initialize` is accepted; or the reason for a refusal, to be
   * read by the client.
   */
  create(principal: string | null): HttpSession | string {
    if (!this.#accepting) return 'The gateway is stopping';
    if (this.#byId.size >= this.#limits.maxSessions && this.#leaver(principal) === null) {
      return 'Too many sessions, and each has a call in flight: try again later';
    }
    return new HttpSession(this.#hooks, principal);
  }

  stopAccepting(): void {
    this.#accepting = false;
  }

  async closeAll(reason: string): Promise<void> {
    this.stopAccepting();
    clearInterval(this.#sweeper);
    await Promise.all([...this.#byId.values()].map((session) => session.close(reason)));
  }

  /** Called once the client is accepted: only then may it displace another session. */
  #add(session: HttpSession): void {
    for (let over = this.#byId.size + 1 - this.#limits.maxSessions; over > 0; over--) {
      const other = this.#leaver(session.principal);
      // Every other session may have a call in flight by now: then the limit is exceeded for a while.
      if (other === null) break;
      this.#hooks.log.debug({ session: other.id }, 'a session made room for another client');
      // Leaves the map at once.
      void other.close('another client came and there were too many sessions');
    }
    this.#byId.set(session.id ?? '', session);
  }

  #leaver(principal: string | null): HttpSession | null {
    const all = [...this.#byId.values()].map((session) => ({ session, ...session.standing() }));
    return leaver(all, principal)?.session ?? null;
  }

  #sweep(): void {
    for (const session of this.#byId.values()) {
      if (session.idleMs() >= this.#limits.idleMs) void session.close('idle for too long');
      else session.dropOldEvents();
    }
  }
}
