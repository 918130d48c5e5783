/** CPU time of a process tree: tells a server that is busy starting from one that hangs. Linux only. */
import { processTrees } from '../../../shared/model/process-tree.ts';
import { CLOCK_TICK_MS, readProcessTable } from '../../../shared/platform/proc.ts';

/**
 * Milliseconds of CPU that the processes of a server have used so far, including ended ones that they have
 * reaped; 0 where it is not known.
 *
 * @param pgid the server's process group; null for none.
 */
export function treeCpuMs(pgid: number | null): number {
  if (pgid === null) return 0;
  const tree = processTrees(readProcessTable(), new Set([pgid])).get(pgid) ?? [];
  return tree.reduce((ticks, { cpuTicks }) => ticks + cpuTicks, 0) * CLOCK_TICK_MS;
}
