/** One pass over /proc: every process with its place, CPU time and memory; none where there is no /proc. */
import { readdirSync, readFileSync } from 'node:fs';
import { parseProcStat } from '../../shared/model/process-identity.ts';
import type { TableEntry } from '../../shared/model/process-tree.ts';
import { attempt } from '../../shared/platform/errno.ts';

/** About 1 ms for 100 processes. */
export function readProcessTable(): TableEntry[] {
  if (process.platform !== 'linux') return [];
  const entries = attempt(() => readdirSync('/proc'));
  const table: TableEntry[] = [];
  for (const entry of entries.ok ? entries.value : []) {
    if (!/^\d+$/.test(entry)) continue;
    // A process may end between the listing and the look.
    const text = attempt(() => readFileSync(`/proc/${entry}/stat`, 'utf8'));
    const stat = text.ok ? parseProcStat(text.value) : null;
    if (stat === null) continue;
    table.push({ ...stat, pid: Number(entry), cpuTicks: stat.cpuTicks + stat.childTicks });
  }
  return table;
}

/**
 * How long the living threads of a process have waited for a CPU so far, in ms: a process that spins
 * beside many others uses little and waits for the rest. 0 where the kernel does not count it.
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
 * @param pid of whose first thread; `self` is this process, in which the gateway's main runs there, and
 *   `thread-self` the calling thread.
 * @returns null when it is gone, or where the kernel does not count it.
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

/** Node does not tell the page size; the kernel does for each mapping. */
export function pageSize(): number {
  if (pageBytes === undefined) {
    const maps = attempt(() => readFileSync('/proc/self/smaps', 'utf8'));
    const kib = maps.ok ? /KernelPageSize:\s+(\d+) kB/.exec(maps.value)?.[1] : undefined;
    pageBytes = Number(kib ?? 4) * 1024;
  }
  return pageBytes;
}
