/**
 * Process groups on this machine: the file that names them, who is in one, and the only place that
 * kills one by its number. A number whose leader started at another time is somebody else's process
 * and is never signalled.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { groupsHeader, groupToken } from '../../shared/model/groups.ts';
import { isDead, type ProcessView } from '../../shared/model/process-identity.ts';
import { lookUp, type SystemReader } from '../../shared/model/process-table.ts';
import type { ProcessIdentity } from '../../shared/model/snapshot.ts';
import { errorCode } from '../../shared/platform/errno.ts';
import { type Look, systemReader } from '../../shared/platform/identity.ts';
import { writeWholeFile } from '../../shared/platform/safe-file.ts';

/** Where the groups of one gateway process are written. `dir` is the absolute path of `.rea`. */
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
 * Kills a process group with SIGKILL, unless its number now belongs to somebody else.
 *
 * @param startTime of the leader, as recorded right after its spawn. Null only from a gateway that
 *   has the group in its own memory and could not read when it started: the number alone counts then,
 *   which nobody else can get while a member of the group lives.
 * @returns `killed` the signal was sent; `gone` the group has no process; `not_ours` the number is
 *   reused or cannot be inspected, and nothing was sent.
 */
export function killGroup(
  pgid: number,
  startTime: string | null,
  look: Look,
): 'killed' | 'gone' | 'not_ours' {
  // kill(-1) reaches every process and kill(0) one's own group.
  if (!Number.isSafeInteger(pgid) || pgid < 2) return 'not_ours';
  if (startTime !== null && !mayBe(look(pgid), startTime)) return 'not_ours';
  try {
    process.kill(-pgid, 'SIGKILL');
    return 'killed';
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return 'gone';
    if (errorCode(error) === 'EPERM') return 'not_ours';
    throw error;
  }
}

/** Whether a leader looked at now may have started then; one that is gone leaves its number to its group. */
function mayBe(leader: ProcessView, startTime: string): boolean {
  if (leader.kind === 'absent') return true;
  return leader.kind === 'present' && groupToken(leader.startTime) === groupToken(startTime);
}

/** Pids of the living processes of a group, zombies aside, by one pass over the process table. */
export function groupMembers(pgid: number, system: SystemReader = systemReader()): number[] {
  if (system.platform !== 'linux') return membersByPs(pgid, system);
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      const view = lookUp(system, pid);
      return view.kind === 'present' && view.pgid === pgid && !isDead(view);
    });
}

/** Whether a group has a living process, zombies aside. */
export function livingGroup(pgid: number, system: SystemReader = systemReader()): boolean {
  return groupMembers(pgid, system).length > 0;
}

function membersByPs(pgid: number, system: SystemReader): number[] {
  return system
    .run('ps', ['-A', '-o', 'pid=,pgid=,stat='])
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, group, state]) => Number(group) === pgid && state?.startsWith('Z') === false)
    .map(([pid]) => Number(pid));
}
