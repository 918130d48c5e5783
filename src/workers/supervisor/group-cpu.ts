/** CPU time of a process group, to tell a server that is busy starting from one that hangs. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';
import { parseProcStat } from '../../shared/model/process-identity.ts';
import { codeOf } from './errors.ts';

const CLOCK_TICK_MS = 10;

/**
 * Milliseconds that the living members of a group have used so far; 0 where nothing is known.
 *
 * @param pgid null: there is no group.
 */
export function groupCpuMs(pgid: number | null): number {
  if (pgid === null || process.platform !== 'linux') return 0;
  let ticks = 0;
  for (const entry of look(() => readdirSync('/proc')) ?? []) {
    if (!/^\d+$/.test(entry)) continue;
    const text = look(() => readFileSync(`/proc/${entry}/stat`, 'utf8'));
    const stat = text === null ? null : parseProcStat(text);
    if (stat?.pgid === pgid) ticks += stat.cpuTicks;
  }
  return ticks * CLOCK_TICK_MS;
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
