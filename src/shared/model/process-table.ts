/**
 * Looks processes up: /proc on Linux, `ps` and `sysctl` elsewhere. The system calls are handed in, so
 * that every thread can use it and `shared` itself touches nothing.
 */
import { type ProcessView, parseProcStat } from './process-identity.ts';
import type { ProcessIdentity } from './snapshot.ts';

/** The system calls that a process table is read with. All throw Node's system errors. */
export interface SystemReader {
  readonly platform: string;
  /** `readFileSync(path, 'utf8')`. */
  readonly readFile: (path: string) => string;
  /** `readlinkSync(path)`. */
  readonly readLink: (path: string) => string;
  /** Runs a program and returns its stdout; throws when it exits other than 0. */
  readonly run: (command: string, args: readonly string[]) => string;
}

const GONE = new Set(['ENOENT', 'ESRCH']);

/** One pid as the system sees it now. */
export function lookUp(system: SystemReader, pid: number): ProcessView {
  if (system.platform !== 'linux') return lookUpByPs(system, pid);
  try {
    const stat = parseProcStat(system.readFile(`/proc/${pid}/stat`));
    return stat === null ? { kind: 'unknown' } : { kind: 'present', ...stat };
  } catch (error) {
    return GONE.has(codeOf(error)) ? { kind: 'absent' } : { kind: 'unknown' };
  }
}

/** The identity of `pid`, or null when it does not exist or cannot be read. */
export function identify(system: SystemReader, pid: number): ProcessIdentity | null {
  const view = lookUp(system, pid);
  if (view.kind !== 'present') return null;
  return { pid, start_time: view.startTime, ...whereabouts(system) };
}

/** Boot and pid namespace of the calling process. */
export function whereabouts(system: SystemReader): Pick<ProcessIdentity, 'boot_id' | 'pid_ns'> {
  if (system.platform !== 'linux') {
    return { boot_id: system.run('sysctl', ['-n', 'kern.boottime']).trim(), pid_ns: 'host' };
  }
  return {
    boot_id: system.readFile('/proc/sys/kernel/random/boot_id').trim(),
    pid_ns: system.readLink('/proc/self/ns/pid'),
  };
}

function lookUpByPs(system: SystemReader, pid: number): ProcessView {
  let line: string;
  try {
    line = system.run('ps', ['-o', 'pgid=,stat=,lstart=', '-p', String(pid)]).trim();
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? { kind: 'unknown' } : { kind: 'absent' };
  }
  const match = /^(\d+)\s+(\S+)\s+(.+)$/.exec(line);
  if (match === null) return { kind: 'absent' };
  return {
    kind: 'present',
    pgid: Number(match[1]),
    state: match[2]?.charAt(0) ?? '?',
    threads: 1,
    startTime: match[3] ?? '',
  };
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
