/**
 * Resident memory of process groups, by one pass over /proc; nothing where there is no /proc. Pages
 * shared between members count once for each.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { parseProcStat } from '../../shared/model/process-identity.ts';
import { attempt } from './system-call.ts';

const MIB = 1024 * 1024;
let pageBytes: number | undefined;

/** MiB with one decimal for each group that has a living member. */
export function measureGroups(pgids: ReadonlySet<number>): ReadonlyMap<number, number> {
  const pages = new Map<number, number>();
  if (pgids.size === 0 || process.platform !== 'linux') return pages;
  const entries = attempt(() => readdirSync('/proc'));
  for (const entry of entries.ok ? entries.value : []) {
    if (!/^\d+$/.test(entry)) continue;
    // A process may end between the listing and the look.
    const text = attempt(() => readFileSync(`/proc/${entry}/stat`, 'utf8'));
    const stat = text.ok ? parseProcStat(text.value) : null;
    if (stat === null || !pgids.has(stat.pgid)) continue;
    pages.set(stat.pgid, (pages.get(stat.pgid) ?? 0) + stat.rssPages);
  }
  const size = pageSize();
  return new Map([...pages].map(([pgid, count]) => [pgid, toMib(count * size)]));
}

function toMib(bytes: number): number {
  return Math.round((bytes / MIB) * 10) / 10;
}

/** Node does not tell the page size; the kernel does for each mapping. */
function pageSize(): number {
  if (pageBytes === undefined) {
    const maps = attempt(() => readFileSync('/proc/self/smaps', 'utf8'));
    const kib = maps.ok ? /KernelPageSize:\s+(\d+) kB/.exec(maps.value)?.[1] : undefined;
    pageBytes = Number(kib ?? 4) * 1024;
  }
  return pageBytes;
}
