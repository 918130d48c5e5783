/**
 * Clears up after gateways that died without their guard: ends their process groups and removes their
 * files from `.rea/run`. Runs once at start. Leaves a gateway alone that lives, or that it cannot judge.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type GroupsFile,
  groupToken,
  type ProcessGroup,
  parseGroups,
} from '../../shared/model/groups.ts';
import { judge, type Liveness, type ProcessView } from '../../shared/model/process-identity.ts';
import { markOf } from '../../shared/model/process-mark.ts';
import type { ProcessIdentity } from '../../shared/model/snapshot.ts';
import { errorText, expecting } from '../../shared/platform/errno.ts';
import type { Look } from '../../shared/platform/identity.ts';
import { readSmallFile, removeFile, type SafeRead } from '../../shared/platform/safe-file.ts';
import { type Hunt, STRAGGLER_TERM_MS, Stragglers } from '../../shared/platform/stragglers.ts';
import { endGroups } from './end-groups.ts';
import { groupsPath, isOurs } from './groups.ts';
import { instancePath, parseInstance, picturePath } from './instance.ts';

export interface Reaped {
  /** Process groups that had to be ended. */
  readonly ended: readonly { readonly server: string; readonly pgid: number }[];
  /** Names of the files removed from `run`. */
  readonly removed: readonly string[];
  /** One line for each file that was malformed or could not be removed, for the log. */
  readonly problems: readonly string[];
}

const NAMES = /^([A-Za-z0-9-]{1,64})\.(?:json|groups|state\.json)$/;
const TEMPORARY = /^\..+\.tmp$/;
/** A groups file grows by some 30 bytes at each spawn. */
const MAX_GROUPS_BYTES = 64 * 1024 * 1024;
const MAX_INSTANCE_BYTES = 64 * 1024;
/** Files of a gateway in another pid namespace are left alone this long. */
const FOREIGN_MS = 24 * 60 * 60 * 1000;
const TEMPORARY_MS = 60 * 1000;
const NOTHING: GroupsFile = { gateway: null, groups: [] };

/**
 * Clears up `<dir>/run`. Resolves when the groups of dead gateways are gone, or after a second; the files
 * that name them are removed by then and not before, so that a gateway that starts meanwhile waits, too.
 *
 * @param dir absolute path of `.rea`.
 * @param me identity of this process.
 * @param look reads one pid of the process table.
 */
export async function reapDeadGateways(
  dir: string,
  me: ProcessIdentity,
  look: Look,
): Promise<Reaped> {
  const run = join(dir, 'run');
  const names = expecting(['ENOENT'], [], () => readdirSync(run));
  const dead: string[] = [];
  const orphans: ProcessGroup[] = [];
  const hunts: Hunt[] = [];
  const removed: string[] = [];
  const problems: string[] = [];

  const remove = (path: string): void => {
    try {
      if (removeFile(path)) removed.push(path.slice(run.length + 1));
    } catch (error) {
      problems.push(`${path} cannot be removed: ${errorText(error)}`);
    }
  };

  for (const sessionId of sessionsOf(names)) {
    const left = whatIsLeft(dir, sessionId);
    if (left.unreadable !== null) {
      problems.push(`${run}: files of ${sessionId} cannot be read: ${left.unreadable}`);
      continue;
    }
    const life = left.gateway === null ? 'dead' : liveness(left.gateway, me, look);
    const foreign = life === 'unknown' && left.ageMs < FOREIGN_MS;
    if (life === 'alive' || foreign) continue;
    if (left.gateway === null)
      problems.push(`${run}: files of ${sessionId} are malformed, removed`);
    const local = life === 'dead' && sameBoot(left.gateway, me);
    if (local) {
      orphans.push(...left.groups);
      hunts.push({
        mark: markOf(sessionId, null, 'end'),
        groups: left.groups.filter((group) => isOurs(group, look)).map(({ pgid }) => pgid),
        since: Number(left.gateway?.start_time) || 0,
      });
    }
    dead.push(sessionId);
  }
  // First, while parents and children can still be told.
  const stragglers = hunts.map((hunt) => endStragglers(hunt));
  const { signalled, gone } = endGroups(orphans, look);
  await Promise.all([gone, ...stragglers]);
  for (const sessionId of dead) {
    remove(picturePath(dir, sessionId));
    remove(groupsPath(dir, sessionId));
    remove(instancePath(dir, sessionId));
  }
  for (const name of names.filter((entry) => TEMPORARY.test(entry))) {
    const isDead = dead.some((sessionId) => name.startsWith(`.${sessionId}.`));
    // Of a gateway that nothing else names: it may be about to be.
    if (isDead || ageOf(join(run, name)) > TEMPORARY_MS) remove(join(run, name));
  }
  const ended = signalled.map(({ server, pgid }) => ({ server, pgid }));
  return { ended, removed, problems };
}

function endStragglers(hunt: Hunt): Promise<void> {
  return new Promise((resolve) => new Stragglers(hunt).end(STRAGGLER_TERM_MS, resolve));
}

function sessionsOf(names: readonly string[]): Set<string> {
  const sessions = new Set<string>();
  for (const name of names) {
    const sessionId = NAMES.exec(name)?.[1];
    if (sessionId !== undefined && name !== 'last.json') sessions.add(sessionId);
  }
  return sessions;
}

interface Leftover {
  /** Why the gateway cannot be judged, or null. */
  readonly unreadable: string | null;
  /** Null when neither the groups file nor the record names the process. */
  readonly gateway: ProcessIdentity | null;
  readonly groups: readonly ProcessGroup[];
  /** Milliseconds since the younger of the two files was last written. */
  readonly ageMs: number;
}

function whatIsLeft(dir: string, sessionId: string): Leftover {
  const groups = readSmallFile(groupsPath(dir, sessionId), MAX_GROUPS_BYTES);
  const instance = readSmallFile(instancePath(dir, sessionId), MAX_INSTANCE_BYTES);
  const listed = groups.kind === 'file' ? parseGroups(groups.bytes.toString('utf8')) : NOTHING;
  const record = instance.kind === 'file' ? parseInstance(instance.bytes.toString('utf8')) : null;
  return {
    unreadable: refusal(groups) ?? refusal(instance),
    gateway: listed.gateway ?? record?.identity ?? null,
    groups: listed.groups,
    ageMs: Math.min(ageOf(groupsPath(dir, sessionId)), ageOf(instancePath(dir, sessionId))),
  };
}

/** A file that could not be read (out of descriptors, for example) is not malformed. */
function refusal(read: SafeRead): string | null {
  return read.kind === 'unreadable' ? read.detail : null;
}

/** Compares the parts of identities as tokens, since a groups file holds them so. */
function liveness(gateway: ProcessIdentity, me: ProcessIdentity, look: Look): Liveness {
  const inWords = (view: ProcessView): ProcessView =>
    view.kind === 'present' ? { ...view, startTime: groupToken(view.startTime) } : view;
  return judge(words(gateway), words(me), (pid) => inWords(look(pid)));
}

function sameBoot(gateway: ProcessIdentity | null, me: ProcessIdentity): boolean {
  return gateway !== null && words(gateway).boot_id === words(me).boot_id;
}

function words(identity: ProcessIdentity): ProcessIdentity {
  return {
    pid: identity.pid,
    start_time: groupToken(identity.start_time),
    boot_id: groupToken(identity.boot_id),
    pid_ns: groupToken(identity.pid_ns),
  };
}

function ageOf(path: string): number {
  return expecting(
    ['ENOENT'],
    Number.POSITIVE_INFINITY,
    () => Date.now() - lstatSync(path).mtimeMs,
  );
}
