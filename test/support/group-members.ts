/** Which processes of a group live, as tests look at them. */
import { readdirSync } from 'node:fs';
import { isDead } from '#src/shared/model/process-identity.ts';
import { lookUp, type SystemReader } from '#src/shared/model/process-table.ts';
import { systemReader } from '#src/shared/platform/identity.ts';

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

/** True when a group has a living process, zombies aside. */
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
