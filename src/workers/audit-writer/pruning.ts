/**
 * Removes whole oldest segments of the audit log when all of them together are too large. A record that
 * names them is made first, so that verification can tell them from segments that somebody removed.
 */
import { lstatSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isCommandSession } from '../../shared/model/audit.ts';
import { removeAnchor } from '../../shared/platform/anchor-file.ts';
import { bestEffort, expecting } from '../../shared/platform/errno.ts';
import {
  firstLink,
  inOrder,
  type Segment,
  scanSegment,
  segmentsIn,
} from '../../shared/platform/segment-scan.ts';

export interface Pruning {
  /** Absolute path of `.rea`. */
  readonly dir: string;
  readonly stateDir: string | null;
  /** Whose log is being written. */
  readonly session: string;
  readonly keepBytes: number;
}

const COMMAND_MS = 60_000;
/** So many segments go at a time. */
const MOST = 32;
/** So many chains whose beginning is gone are named. */
const MOST_CHAINS = 128;

/** @param record makes the record durable; throws when that cannot be done, and then nothing is removed. */
export function prune(
  { dir, stateDir, session, keepBytes }: Pruning,
  record: (facts: Readonly<Record<string, unknown>>) => void,
): void {
  const all = segmentsIn(dir);
  let total = all.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= keepBytes) return;
  const going: Segment[] = [];
  for (const one of oldestFirst(all)) {
    if (total <= keepBytes || going.length >= MOST) break;
    if (one.closed === '' && isWritten(dir, one, session)) continue;
    // A chain loses its beginning, never its middle.
    if (earlierStays(one, all, going)) continue;
    going.push(one);
    total -= one.bytes;
  }
  if (going.length === 0) return;
  const removed = going.map(({ name }) => {
    const { head } = scanSegment(join(dir, name));
    return { name, records: head?.count ?? 0, hash: head?.hash ?? null };
  });
  const left = all.filter((one) => !going.includes(one));
  record({ removed, begin_at: beginnings(dir, left) });
  for (const { name, session: of } of going) {
    const isLast = !left.some((one) => one.session === of);
    if (isLast && stateDir !== null) bestEffort(() => removeAnchor(stateDir, of));
    expecting(['ENOENT'], undefined, () => unlinkSync(join(dir, name)));
  }
}

/** Those of one chain in its order, however close together they were written. */
function oldestFirst(all: readonly Segment[]): Segment[] {
  const sessions = [...new Set(all.map(({ session }) => session))];
  return sessions
    .flatMap((session) => inOrder(all.filter((one) => one.session === session)))
    .sort((a, b) => a.changedMs - b.changedMs);
}

/** True for a file that a gateway may still write to. */
function isWritten(dir: string, { session: of, changedMs }: Segment, session: string): boolean {
  if (of === session) return true;
  // A command has no record in `run`, and writes for a moment.
  if (isCommandSession(of) && Date.now() - changedMs < COMMAND_MS) return true;
  const instance = join(dir, 'run', `${of}.json`);
  return expecting(['ENOENT', 'ENOTDIR'], false, () => lstatSync(instance).isFile());
}

function earlierStays(one: Segment, all: readonly Segment[], going: readonly Segment[]): boolean {
  const chain = inOrder(all.filter(({ session }) => session === one.session));
  return chain.slice(0, chain.indexOf(one)).some((earlier) => !going.includes(earlier));
}

/** Where chains begin whose first segments are gone: the records that told of those may be gone, too. */
function beginnings(dir: string, left: readonly Segment[]): object[] {
  const sessions = [...new Set(left.map(({ session }) => session))];
  const begun = sessions.flatMap((session) => {
    const [first] = inOrder(left.filter((one) => one.session === session));
    const link = first === undefined ? null : firstLink(join(dir, first.name));
    const previous = link?.previous ?? null;
    return previous === null ? [] : [{ session, name: previous.name, hash: previous.head.hash }];
  });
  return begun.slice(0, MOST_CHAINS);
}
