/**
 * Tells if the process named by a file still runs: by its whole identity or, for files of earlier
 * gateways with only a pid, by the pid and the time the file was written.
 */
import { isDead, judge, type Liveness } from '../../shared/model/process-identity.ts';
import { lookUp, type SystemReader, whereabouts } from '../../shared/model/process-table.ts';
import type { ProcessIdentity } from '../../shared/model/snapshot.ts';
import { systemLook } from '../../shared/platform/identity.ts';

export interface Judges {
  readonly holder: (identity: ProcessIdentity) => Liveness;
  /** @param namedMs time of the last write to the file with the pid. */
  readonly barePid: (pid: number, namedMs: number) => Liveness;
}

/** Clock ticks of /proc are hundredths of a second on every Linux that Node runs on. */
const TICK_MS = 10;
const CLOCK_SLACK_MS = 2000;

/** Judges by the process table of this machine; says `unknown` where there is none to read. */
export function systemJudges(system: SystemReader): Judges {
  const look = systemLook(system);
  const here = whereaboutsOrNull(system);
  return {
    holder: (identity) => (here === null ? 'unknown' : judge(identity, here, look)),
    barePid: (pid, namedMs) => {
      const view = look(pid);
      if (isDead(view)) return 'dead';
      const startedMs = startOf(system, pid);
      return startedMs !== null && startedMs > namedMs + CLOCK_SLACK_MS ? 'dead' : 'alive';
    },
  };
}

function whereaboutsOrNull(system: SystemReader): ReturnType<typeof whereabouts> | null {
  try {
    return whereabouts(system);
  } catch (error) {
    // There is no /proc, or no `sysctl` in its place: a system error, or the exit status of a program.
    if (error instanceof Error && ('code' in error || 'status' in error)) return null;
    throw error;
  }
}

/** Unix time in milliseconds at which a process started, or null when it is not known. */
function startOf(system: SystemReader, pid: number): number | null {
  if (system.platform !== 'linux') return null;
  const view = lookUp(system, pid);
  if (view.kind !== 'present') return null;
  const boot = /^btime (\d+)$/m.exec(system.readFile('/proc/stat'));
  return boot === null ? null : Number(boot[1]) * 1000 + Number(view.startTime) * TICK_MS;
}
