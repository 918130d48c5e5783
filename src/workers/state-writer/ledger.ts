/**
 * The newest record of each source of facts. A fact is a whole record, so that an older one that comes late
 * is dropped and a repeated one changes nothing.
 */
import type { LaneRecord, SupervisorRecord } from '../../shared/model/snapshot.ts';
import { UNROUTED } from '../../shared/model/unrouted.ts';
import type { MainFact, SupervisorFact } from '../../shared/protocol/facts.ts';

/** Whether a fact changed anything, and whether a person may be waiting to see it. */
export type Change = 'none' | 'counter' | 'urgent';

export class Ledger {
  readonly #supervisors = new Map<string, SupervisorFact>();
  #main: MainFact | null = null;

  /**
   * The lanes that exist now. They change as clients with instances of their own come and go.
   *
   * @param configured the lanes until main has sent its first fact.
   */
  lanes(configured: readonly string[]): readonly string[] {
    return this.#main === null ? configured : Object.keys(this.#main.servers);
  }

  supervisor(server: string): SupervisorRecord | null {
    return this.#supervisors.get(server)?.record ?? null;
  }

  routing(server: string): LaneRecord {
    const servers = this.#main?.servers ?? {};
    return (Object.hasOwn(servers, server) ? servers[server] : undefined) ?? UNROUTED;
  }

  /** Null until main has sent its first fact. */
  get main(): MainFact | null {
    return this.#main;
  }

  takeSupervisor(fact: SupervisorFact): Change {
    const before = this.#supervisors.get(fact.server);
    if (before !== undefined && !isNewer(fact, before)) return 'none';
    this.#supervisors.set(fact.server, fact);
    return before === undefined || isUrgent(before.record, fact.record) ? 'urgent' : 'counter';
  }

  takeMain(fact: MainFact): Change {
    const before = this.#main;
    if (before !== null && fact.rev <= before.rev) return 'none';
    this.#main = fact;
    for (const lane of this.#supervisors.keys()) {
      if (!Object.hasOwn(fact.servers, lane)) this.#supervisors.delete(lane);
    }
    const isSame = before === null || sameKeys(before.servers, fact.servers);
    return isSame ? 'counter' : 'urgent';
  }
}

function sameKeys(one: object, other: object): boolean {
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length && keys.every((key) => Object.hasOwn(other, key))
  );
}

function isNewer(fact: SupervisorFact, before: SupervisorFact): boolean {
  if (fact.generation !== before.generation) return fact.generation > before.generation;
  if (fact.incarnation !== before.incarnation) return fact.incarnation > before.incarnation;
  return fact.rev > before.rev;
}

/** People watch for starts, deaths and phases. */
function isUrgent(before: SupervisorRecord, now: SupervisorRecord): boolean {
  return (
    before.phase !== now.phase ||
    before.pid !== now.pid ||
    before.incarnation !== now.incarnation ||
    before.last_exit?.at !== now.last_exit?.at
  );
}
