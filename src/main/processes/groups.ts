/**
 * Process groups on this machine: the file that names them, their members, and the only code that kills a
 * group by number. If the leader of that number started at another time, the number was reused: it is
 * never signalled.
 */
import { join } from 'node:path';
import { groupsHeader, groupToken } from '../../shared/model/groups.ts';
import { type ProcessView } from '../../shared/model/process-identity.ts';
import type { ProcessIdentity } from '../../shared/model/snapshot.ts';
import { errorCode } from '../../shared/platform/errno.ts';
import { type Look } from '../../shared/platform/identity.ts';
import { writeWholeFile } from '../../shared/platform/safe-file.ts';

/** A group, and when its leader started. */
export interface OwnGroup {
  readonly pgid: number;
  readonly startTime: string | null;
}

/** The groups file of one gateway process. `dir` is the absolute path of `.rea`. */
export function groupsPath(dir: string, sessionId: string): string {
  return join(dir, 'run', `${sessionId}.groups`);
}

/**
 * Creates the groups file of this gateway, 0600, with its header already in it: a gateway that starts
 * at the same time never sees it empty. Throws EEXIST when the session has one.
 *
 * @returns its absolute path.
 */
export function createGroupsFile(
  dir: string,
  sessionId: string,
  identity: ProcessIdentity,
): string {
  const path = groupsPath(dir, sessionId);
  writeWholeFile(path, groupsHeader(identity), 'create');
  return path;
}

/**
 * Signals a process group, unless its number was reused.
 *
 * @param startTime of the leader, as recorded right after its spawn. Null only for a gateway's own
 *   group with a start time that could not be read: then the number alone counts. The system does not
 *   reuse it while a member of the group lives.
 * @returns `sent`; `gone` the group has no process; `not_ours` the number is reused or cannot be
 *   inspected, and nothing was sent.
 */
export function signalGroup(
  { pgid, startTime }: OwnGroup,
  look: Look,
  signal: 'SIGTERM' | 'SIGKILL',
): 'sent' | 'gone' | 'not_ours' {
  // kill(-1) reaches every process and kill(0) one's own group.
  if (!Number.isSafeInteger(pgid) || pgid < 2) return 'not_ours';
  if (!isOurs({ pgid, startTime }, look)) return 'not_ours';
  try {
    process.kill(-pgid, signal);
    return 'sent';
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return 'gone';
    if (errorCode(error) === 'EPERM') return 'not_ours';
    throw error;
  }
}

/** False when the number belongs to another process by now. */
export function isOurs({ pgid, startTime }: OwnGroup, look: Look): boolean {
  return startTime === null || mayBe(look(pgid), startTime);
}

/** True when the leader may be the one that started then: a number without a leader still is its group's. */
function mayBe(leader: ProcessView, startTime: string): boolean {
  if (leader.kind === 'absent') return true;
  return leader.kind === 'present' && groupToken(leader.startTime) === groupToken(startTime);
}
