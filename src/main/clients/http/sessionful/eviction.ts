/**
 * Chooses the session that makes room when the table is full and a client comes. Pure.
 *
 * Between principals: the one with the most sessions pays, never one with fewer than the newcomer's
 * principal has, so that no principal pushes out others by opening many. Among the sessions of the
 * principals that pay, one that never made a call goes first, because most of them belong to clients that
 * came, looked and left without a word; then one that made calls, then one that made calls and listens on
 * a stream; each time the one unused longest. One with a call in flight never goes.
 */

const LOOKING =
  /^(?:initialize|ping|logging\/setLevel|(?:tools|prompts|resources|resources\/templates|tasks)\/list)$/;

/** True for methods by which a client looks at what is offered, without using it. */
export function isLooking(method: string): boolean {
  return LOOKING.test(method);
}

/** How a session stands. */
export interface Standing {
  /** Null when no tokens are in use. */
  readonly principal: string | null;
  /** It has asked for more than a handshake, a ping and lists. */
  readonly called: boolean;
  /** It waits for an answer, or a task of its runs. */
  readonly inFlight: boolean;
  /** A stream is open, or an exchange goes on. */
  readonly open: boolean;
  /** When it was last used, monotonic milliseconds. */
  readonly lastUsed: number;
}

/** The one to end for a client of this principal, or null when none may go. */
export function leaver<T extends Standing>(
  sessions: readonly T[],
  principal: string | null,
): T | null {
  const counts = new Map<string | null, number>([[principal, 0]]);
  for (const one of sessions) counts.set(one.principal, (counts.get(one.principal) ?? 0) + 1);
  const own = counts.get(principal) ?? 0;
  const pays = (one: T, count: number) =>
    counts.get(one.principal) === count && (count > own || one.principal === principal);
  for (const count of [...new Set(counts.values())].sort((a, b) => b - a)) {
    const first = firstToGo(sessions.filter((one) => pays(one, count)));
    if (first !== null) return first;
  }
  return null;
}

function firstToGo<T extends Standing>(sessions: readonly T[]): T | null {
  let first: { readonly session: T; readonly rank: number } | null = null;
  for (const session of sessions) {
    const rank = rankOf(session);
    if (rank === null) continue;
    const sooner =
      first === null ||
      rank < first.rank ||
      (rank === first.rank && session.lastUsed < first.session.lastUsed);
    if (sooner) first = { session, rank };
  }
  return first?.session ?? null;
}

/** The lower, the sooner it goes; null: not at all. */
function rankOf({ called, inFlight, open }: Standing): number | null {
  if (called && inFlight) return null;
  if (!called) return open || inFlight ? 1 : 0;
  return open ? 3 : 2;
}
