/**
 * Whether a server may open what this process may not look at: one of its processes has another user, a group
 * or a capability that this one has not, as with `sudo`. Asked only when a look was refused.
 */
import { readFileSync } from 'node:fs';
import { processTrees } from '../../../shared/model/process-tree.ts';
import { errorCode } from '../../../shared/platform/errno.ts';
import { readProcessTable } from '../../../shared/platform/proc.ts';

/** One pass over all processes is some milliseconds. */
const KEPT_MS = 1000;

interface Held {
  readonly users: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
  /** A bit for each. */
  readonly capabilities: bigint;
}

export class Rights {
  readonly #pid: () => number | null;
  #exceed = true;
  #askedAt = Number.NEGATIVE_INFINITY;

  /** @param pid of the server; it leads its process group. */
  constructor(pid: () => number | null) {
    this.#pid = pid;
  }

  exceedOurs(): boolean {
    // Nothing elsewhere tells what a process may do without starting a program: the ordinary case is taken.
    if (process.platform !== 'linux') return false;
    const now = performance.now();
    if (now - this.#askedAt < KEPT_MS) return this.#exceed;
    this.#exceed = exceeds(this.#pid());
    // When it has been answered: it may have taken a while.
    this.#askedAt = performance.now();
    return this.#exceed;
  }
}

function exceeds(pid: number | null): boolean {
  const [ours, leader] = [heldBy('self'), pid === null ? null : heldBy(pid)];
  // It is hidden from us, or gone: then it opens nothing.
  if (pid === null || ours === null || leader === null) return true;
  const tree = processTrees(readProcessTable(), new Set([pid])).get(pid) ?? [];
  const all = [leader, ...tree.map((entry) => heldBy(entry.pid))];
  return all.some((held) => held !== null && !isWithin(held, ours));
}

function isWithin(held: Held, ours: Held): boolean {
  return (
    [...held.users].every((user) => ours.users.has(user)) &&
    [...held.groups].every((group) => ours.groups.has(group)) &&
    (held.capabilities & ~ours.capabilities) === 0n
  );
}

/** Null: there is no such process, or it is not shown. */
function heldBy(pid: number | 'self'): Held | null {
  const status = statusOf(pid);
  const listed = (name: string) =>
    new RegExp(`^${name}:(.*)$`, 'm')
      .exec(status ?? '')?.[1]
      ?.trim()
      .split(/\s+/);
  const [users, group, groups, permitted] = ['Uid', 'Gid', 'Groups', 'CapPrm'].map(listed);
  if (users === undefined || group === undefined) return null;
  return {
    users: new Set(users),
    groups: new Set([...group, ...(groups ?? [])].filter((one) => one !== '')),
    capabilities: BigInt(`0x${permitted?.[0] ?? '0'}`),
  };
}

function statusOf(pid: number | 'self'): string | null {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch (error) {
    if (errorCode(error) === '') throw error;
    return null;
  }
}
