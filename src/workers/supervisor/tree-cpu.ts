/** CPU time of a process tree, to tell a server that is busy starting from one that hangs. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';
import { parseProcStat } from '../../shared/model/process-identity.ts';
import { processTrees, type TableEntry } from '../../shared/model/process-tree.ts';
import { codeOf } from './errors.ts';

const CLOCK_TICK_MS = 10;

/**
 * Milliseconds that the processes of a server have used so far, those included that they have waited for; 0
 * where nothing is known.
 *
 * @param pgid its group; null: there is none.
 */
export function treeCpuMs(pgid: number | null): number {
  if (pgid === null || process.platform !== 'linux') return 0;
  const tree = processTrees(processTable(), new Set([pgid])).get(pgid) ?? [];
  return tree.reduce((ticks, { cpuTicks }) => ticks + cpuTicks, 0) * CLOCK_TICK_MS;
}

function processTable(): TableEntry[] {
  const table: TableEntry[] = [];
  for (const entry of look(() => readdirSync('/proc')) ?? []) {
    if (!/^\d+$/.test(entry)) continue;
    const text = look(() => readFileSync(`/proc/${entry}/stat`, 'utf8'));
    const stat = text === null ? null : parseProcStat(text);
    if (stat === null) continue;
    table.push({ ...stat, pid: Number(entry), cpuTicks: stat.cpuTicks + stat.childTicks });
  }
  return table;
}

/** Null: the process has ended meanwhile, or there is no descriptor left to look with. */
function look<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (codeOf(error) === null) throw error;
    return null;
  }
}
