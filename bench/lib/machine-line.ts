/** The machine in one line. Pure. */
import type { Machine } from './machine.ts';

export function machineLine(machine: Machine): string {
  const { system, cpu, cores, memoryGiB, gateway, node } = machine;
  return `rea ${gateway} on Node ${node}; ${system}, ${cores} × ${cpu}, ${memoryGiB} GiB`;
}
