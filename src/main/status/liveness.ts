/**
 * Tells if the process named by a file still runs: by its whole identity or, for files of earlier
 * gateways with only a pid, by the pid, the time the file was written and the command line.
 */
import { basename } from 'node:path';
import { isDead, judge, type Liveness } from '../../shared/model/process-identity.ts';
import { lookUp, type SystemReader, whereabouts } from '../../shared/model/process-table.ts';
import type { ProcessIdentity } from '../../shared/model/snapshot.ts';
import { unlessRefused } from '../../shared/platform/errno.ts';
import { systemLook } from '../../shared/platform/identity.ts';
import { readRange, withRegularFile } from '../../shared/platform/safe-file.ts';

export interface Judges {
  readonly holder: (identity: ProcessIdentity) => Liveness;
  /** @param namedMs time of the last write to the file with the pid. */
  readonly barePid: (pid: number, namedMs: number) => Liveness;
}

/** Clock ticks of /proc are hundredths of a second on every Linux that Node runs on. */
const TICK_MS = 10;
const CLOCK_SLACK_MS = 2000;
const MAX_COMMAND_BYTES = 16 * 1024;
/** How the program of `rea serve` is called, installed or run from a folder. */
const PROGRAM = /^(?:rea|rea-gateway|(?:rea|rea-gateway|index|main|cli)\.[cm]?[jt]s)$/;

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
      if (startedMs !== null && startedMs > namedMs + CLOCK_SLACK_MS) return 'dead';
      const words = commandOf(system, pid);
      return words === null || isServe(words) ? 'alive' : 'dead';
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
  const view = lookUp(system, pid);
  if (view.kind !== 'present') return null;
  if (system.platform !== 'linux') {
    const startedMs = Date.parse(view.startTime);
    return Number.isNaN(startedMs) ? null : startedMs;
  }
  const boot = /^btime (\d+)$/m.exec(system.readFile('/proc/stat'));
  return boot === null ? null : Number(boot[1]) * 1000 + Number(view.startTime) * TICK_MS;
}

/** The words that a process was started with; null when they cannot be read. A kernel thread has none. */
function commandOf(system: SystemReader, pid: number): readonly string[] | null {
  if (system.platform !== 'linux') {
    const run = () => system.run('ps', ['-ww', '-o', 'command=', '-p', String(pid)]);
    const line = unlessRefused(null, run);
    return line === null ? null : line.slice(0, MAX_COMMAND_BYTES).trim().split(/\s+/);
  }
  const read = withRegularFile(`/proc/${pid}/cmdline`, (descriptor) => ({
    kind: 'words' as const,
    words: readRange(descriptor, 0, MAX_COMMAND_BYTES).toString().split('\0'),
  }));
  return read.kind === 'words' ? read.words : null;
}

/** Whether a command line is one of `rea serve`, of any version. */
function isServe(words: readonly string[]): boolean {
  const before = words.slice(0, Math.max(0, words.indexOf('serve')));
  return before.some((word) => PROGRAM.test(basename(word)));
}
