/**
 * Reads /proc: the process table with CPU time and memory, and how long threads have run and have waited
 * for a CPU. A process or thread that has ended, or a system without /proc, is a value, never an error.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { parseProcStat } from '../model/process-identity.ts';
import type { TableEntry } from '../model/process-tree.ts';
import { attempt } from './errno.ts';

/** The kernel counts CPU time for user space in hundredths of a second. */
export const CLOCK_TICK_MS = 10;

/** Takes about 1 ms for 100 processes. Empty where there is no /proc. */
export function readProcessTable(): TableEntry[] {
  if (process.platform !== 'linux') return [];
  const table: TableEntry[] = [];
  for (const entry of list('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    // A process may end after the listing.
    const stat = procStat(`/proc/${entry}/stat`);
    if (stat === null) continue;
    table.push({ ...stat, pid: Number(entry), cpuTicks: stat.cpuTicks + stat.childTicks });
  }
  return table;
}

/**
 * Time that the living threads of a process have waited for a CPU so far, ms. A process that spins beside many
 * others uses little CPU and waits much. 0 where the kernel does not count it.
 */
export function waitedMs(pid: number): number {
  return list(`/proc/${pid}/task`).reduce((sum, thread) => {
    return sum + (schedstat(`/proc/${pid}/task/${thread}/schedstat`)?.waitedMs ?? 0);
  }, 0);
}

/** Time that a thread has run and has waited for a CPU so far, ms. */
export interface CpuTimes {
  readonly ranMs: number;
  readonly waitedMs: number;
}

/**
 * The times of the first thread of a process.
 *
 * @param pid `self` is this process, so that main's times are returned; `thread-self` is the calling thread.
 * @returns null when the process is gone, or where the kernel does not count.
 */
export function cpuTimesOf(pid: number | 'self' | 'thread-self'): CpuTimes | null {
  return schedstat(`/proc/${pid}/schedstat`);
}

/**
 * CPU time of a thread of this process, in steps of `CLOCK_TICK_MS`. Unlike the times of a
 * process it does not depend on how the kernel was built.
 *
 * @returns null when the thread is gone, or the process has no file descriptor left.
 */
export function threadCpuMs(tid: number): number | null {
  const stat = procStat(`/proc/self/task/${tid}/stat`);
  return stat === null ? null : stat.cpuTicks * CLOCK_TICK_MS;
}

let pageBytes: number | undefined;

/** From the kernel, because Node does not tell it. */
export function pageSize(): number {
  if (pageBytes === undefined) {
    const kib = /KernelPageSize:\s+(\d+) kB/.exec(read('/proc/self/smaps') ?? '')?.[1];
    pageBytes = Number(kib ?? 4) * 1024;
  }
  return pageBytes;
}

function procStat(path: string): ReturnType<typeof parseProcStat> {
  const text = read(path);
  return text === null ? null : parseProcStat(text);
}

function schedstat(path: string): CpuTimes | null {
  const text = read(path);
  if (text === null) return null;
  const [ranNs = 0, waitedNs = 0] = text.split(' ').map(Number);
  return { ranMs: ranNs / 1e6, waitedMs: waitedNs / 1e6 };
}

function read(path: string): string | null {
  const text = attempt(() => readFileSync(path, 'utf8'));
  return text.ok ? text.value : null;
}

function list(path: string): string[] {
  const names = attempt(() => readdirSync(path));
  return names.ok ? names.value : [];
}
