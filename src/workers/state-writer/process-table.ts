/** Reads /proc: the process table with CPU time and memory, and how long threads have waited for a CPU. */
import { readdirSync, readFileSync } from 'node:fs';
import { parseProcStat } from '../../shared/model/process-identity.ts';
import type { TableEntry } from '../../shared/model/process-tree.ts';
import { attempt } from '../../shared/platform/errno.ts';

/** Takes about 1 ms for 100 processes. Empty where there is no /proc. */
export function readProcessTable(): TableEntry[] {
  if (process.platform !== 'linux') return [];
  const entries = attempt(() => readdirSync('/proc'));
  const table: TableEntry[] = [];
  for (const entry of entries.ok ? entries.value : []) {
    if (!/^\d+$/.test(entry)) continue;
    // A process may end after the listing.
    const text = attempt(() => readFileSync(`/proc/${entry}/stat`, 'utf8'));
    const stat = text.ok ? parseProcStat(text.value) : null;
    if (stat === null) continue;
    table.push({ ...stat, pid: Number(entry), cpuTicks: stat.cpuTicks + stat.childTicks });
  }
  return table;
}

/**
 * How long the living threads of a process have waited for a CPU so far, in ms. A process that spins beside
 * many others uses little CPU and waits much. 0 where the kernel does not count it.
 */
export function waitedMs(pid: number): number {
  const threads = attempt(() => readdirSync(`/proc/${pid}/task`));
  return (threads.ok ? threads.value : []).reduce((sum, thread) => {
    return sum + (schedstat(`/proc/${pid}/task/${thread}/schedstat`)?.waitedMs ?? 0);
  }, 0);
}

/** How long a thread has run and has waited for a CPU so far, in ms. */
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

function schedstat(path: string): CpuTimes | null {
  const text = attempt(() => readFileSync(path, 'utf8'));
  if (!text.ok) return null;
  const [ranNs = 0, waitedNs = 0] = text.value.split(' ').map(Number);
  return { ranMs: ranNs / 1e6, waitedMs: waitedNs / 1e6 };
}

let pageBytes: number | undefined;

/** From the kernel, because Node does not tell it. */
export function pageSize(): number {
  if (pageBytes === undefined) {
    const maps = attempt(() => readFileSync('/proc/self/smaps', 'utf8'));
    const kib = maps.ok ? /KernelPageSize:\s+(\d+) kB/.exec(maps.value)?.[1] : undefined;
    pageBytes = Number(kib ?? 4) * 1024;
  }
  return pageBytes;
}
