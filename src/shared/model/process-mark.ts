/**
 * The mark in the environment of a server's processes, by which they are found after they have left its
 * process group: a browser that it has started, a dev server, a daemon. Pure.
 */
import { type Use, useOf } from './persons-programs.ts';
import type { TableEntry } from './process-tree.ts';

export const MARK_VARIABLE = 'REA_PROCESS';

/** Before the mark of a server whose detached processes are left alone: nobody looks for it to end them. */
const LEAVE = 'leave.';

/** What becomes of the detached processes of a server when it ends. */
export type Detached = 'end' | 'leave';

/** The beginning of the mark of all processes of a lane; without a lane, of a gateway. */
export function markOf(session: string, lane: string | null, detached: Detached): string {
  return `${detached === 'leave' ? LEAVE : ''}${session}.${lane === null ? '' : `${lane}.`}`;
}

/** A process that carries the mark, or belongs to one that does. */
export interface Candidate extends TableEntry {
  readonly program: string;
  /** The arguments with spaces between them, the program first. */
  readonly commandLine: string;
}

/**
 * Adds to the marked processes those that belong to them: their descendants, which may have another
 * environment, and the members of the sessions that they have begun.
 *
 * @param groups process groups of servers. Their members are ended with the groups and are not returned;
 *   what they have started is.
 * @param sessions of earlier looks; those found now are added.
 */
export function withKin(
  table: readonly TableEntry[],
  marked: ReadonlySet<number>,
  groups: ReadonlySet<number>,
  sessions: Set<number>,
): TableEntry[] {
  const kin = new Map<number, TableEntry>();
  let isNew = true;
  while (isNew) {
    isNew = false;
    for (const entry of table) {
      const { pid, ppid, pgid, session } = entry;
      const isOurs =
        marked.has(pid) ||
        groups.has(pgid) ||
        groups.has(session) ||
        sessions.has(session) ||
        kin.has(ppid);
      if (!isOurs || kin.has(pid)) continue;
      kin.set(pid, entry);
      // A session is ours when we know who has begun it.
      if (session === pid) sessions.add(session);
      isNew = true;
    }
  }
  return [...kin.values()].filter(
    ({ pgid, state }) => !groups.has(pgid) && state !== 'Z' && state !== 'X',
  );
}

export interface Sorted {
  readonly ending: readonly Candidate[];
  /** A person's programs, and all that was started in them. */
  readonly left: readonly Candidate[];
}

/** Tells a person's programs from the others. */
export function sorted(candidates: readonly Candidate[]): Sorted {
  const byPid = new Map(candidates.map((one) => [one.pid, one]));
  const ending: Candidate[] = [];
  const left: Candidate[] = [];
  for (const one of candidates) (isLeft(one, byPid) ? left : ending).push(one);
  return { ending, left };
}

/** Parents may change while the table is read, so the number of steps up is bounded. */
const HIGHEST_TREE = 64;

function isLeft(candidate: Candidate, byPid: ReadonlyMap<number, Candidate>): boolean {
  let one: Candidate | undefined = candidate;
  for (let height = 0; one !== undefined && height < HIGHEST_TREE; height += 1) {
    const use: Use = useOf(one.program, one.commandLine);
    if (use === 'persons') return true;
    one = byPid.get(one.ppid);
  }
  return false;
}
