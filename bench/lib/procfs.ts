/** What Linux tells about processes: CPU time, memory, who still lives. Looks only. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const TICK_MS = 10;

/** Milliseconds on a CPU of the process's main thread. */
export function mainThreadMs(pid: number): number {
  // Nanoseconds on the CPU, nanoseconds waiting for one, slices.
  const [onCpu] = (read(`/proc/${pid}/task/${pid}/schedstat`) ?? '').split(' ');
  return Number(onCpu) / 1e6;
}

/** Milliseconds on a CPU of all threads of the process. */
export function processMs(pid: number): number {
  const fields = statFields(pid);
  return fields === null ? Number.NaN : (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Resident memory in MiB, now and at its highest, and the number of threads. */
export function memoryOf(pid: number): { rssMiB: number; peakMiB: number; threads: number } {
  const status = read(`/proc/${pid}/status`) ?? '';
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return {
    rssMiB: field('VmRSS') / 1024,
    peakMiB: field('VmHWM') / 1024,
    threads: field('Threads'),
  };
}

export function isAlive(pid: number): boolean {
  const fields = statFields(pid);
  return fields !== null && fields[0] !== 'Z' && fields[0] !== 'X';
}

/** Living processes whose working directory is `dir` or below it: servers inherit that of their gateway. */
export function processesUnder(dir: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => pid !== process.pid && isAlive(pid) && `${cwdOf(pid)}/`.startsWith(`${dir}/`));
}

/** Arguments of a process, empty when it is gone. */
export function commandLine(pid: number): string[] {
  return (read(`/proc/${pid}/cmdline`) ?? '').split('\0');
}

/** The fields after the name, which may hold anything: state is the first. */
function statFields(pid: number): string[] | null {
  const stat = read(`/proc/${pid}/stat`);
  return stat === null ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function cwdOf(pid: number): string | null {
  return unlessGone(() => readlinkSync(`/proc/${pid}/cwd`));
}

function read(path: string): string | null {
  return unlessGone(() => readFileSync(path, 'utf8'));
}

function unlessGone<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return null;
    throw error;
  }
}
