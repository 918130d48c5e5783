/**
 * Which client was asked to visit which URL, so that the word of its completion finds it. Keeps account;
 * sends nothing.
 */

import type { Session } from '../../clients/session.ts';
import type { Downstream } from '../../servers/server.ts';

/** Of each server; the oldest are forgotten first. */
const MAX_PER_SERVER = 1024;

export class Elicitations {
  readonly #servers = new Map<Downstream, Map<string, Session>>();

  asked(downstream: Downstream, id: string, session: Session): void {
    const its = this.#servers.get(downstream) ?? new Map<string, Session>();
    this.#servers.set(downstream, its);
    its.delete(id);
    its.set(id, session);
    const [oldest] = its.keys();
    if (its.size > MAX_PER_SERVER && oldest !== undefined) its.delete(oldest);
  }

  /** Null: nobody who is still there was asked. */
  whoWasAsked(downstream: Downstream, id: string): Session | null {
    return this.#servers.get(downstream)?.get(id) ?? null;
  }

  serverLeft(downstream: Downstream): void {
    this.#servers.delete(downstream);
  }

  forget(session: Session): void {
    for (const [downstream, its] of this.#servers) {
      for (const [id, asked] of its) if (asked === session) its.delete(id);
      if (its.size === 0) this.#servers.delete(downstream);
    }
  }
}
