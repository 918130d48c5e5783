/** CPU time of a process tree, to tell a server that is busy starting from one that hangs. Linux only. */
import { processTrees } from '../../../shared/model/process-tree.ts';
import { readProcessTable } from '../../state-writer/process-table.ts';

const CLOCK_TICK_MS = 10;

/**
 * Milliseconds that the processes of a server have used so far, those included that they have waited for; 0
 * where nothing is known.
 *
 * @param pgid its group; null: there is none.
 */
export function treeCpuMs(pgid: number | null): number {
  if (pgid === null) return 0;
  const tree = processTrees(readProcessTable(), new Set([pgid])).get(pgid) ?? [];
  return tree.reduce((ticks, { cpuTicks }) => ticks + cpuTicks, 0) * CLOCK_TICK_MS;
}
