/** What is measured of starts with a number of servers: cold for every side, and warm for rea. */
import { firstList, type Servers, titleOf } from './first-list.ts';
import type { Context } from './program.ts';
import type { Metric } from './results.ts';
import type { Point } from './rounds.ts';
import type { SideName } from './sides.ts';

export const COLD = 'cold';
export const WARM = 'warm';

export const START_METRICS: readonly Metric[] = [
  { name: 'initialize answered', unit: 'ms', better: 'lower' },
  { name: 'complete list of tools', unit: 'ms', better: 'lower', plot: 'log' },
  { name: 'all servers answer', unit: 'ms', better: 'lower' },
  { name: 'ready without a time-out', unit: '% of servers', better: 'higher' },
];

export const START_NOTES: readonly string[] = [
  'Times are from the start of the gateway’s process. “All servers answer” is when a call to each of them has been answered.',
  'A warm start of rea lists the tools that it remembers from the run before; the others have no memory, and a warm start of theirs is a cold one.',
  'mcp-hub asks for its marketplace over the network before it starts servers; without a network that costs it most of a second, with one it was not measured.',
  'A server counts as ready without a time-out when it was connected at its first attempt: rea’s state file says 1 incarnation and no restart; the first list of the in-process gateway has its tools; a server of mcp-hub, which tries once, answers.',
];

/**
 * @param sides cold.
 * @param all whether every server is called, too.
 * @param atMost rounds.
 */
export function startPoints(
  context: Context,
  servers: Servers,
  { sides, all, atMost }: { sides: readonly SideName[]; all: boolean; atMost: number },
): Point[] {
  const dirs = new Map<SideName, string>();
  const cold = context.sides.available(sides).map((side) => ({
    scenario: `${titleOf(servers)}, ${COLD}`,
    side,
    atMost,
    measure: () => {
      const dir = context.scope.directory();
      dirs.set(side, dir);
      return firstList(context, side, servers, { dir, all });
    },
  }));
  const warm = context.sides.available(['rea', 'rea-before']).map((side) => ({
    scenario: `${titleOf(servers)}, ${WARM}`,
    side,
    atMost,
    measure: () => {
      const dir = dirs.get(side);
      if (dir === undefined) throw new Error('there was no cold start before');
      return firstList(context, side, servers, { dir, all });
    },
  }));
  // Another scenario, so that it comes after all of the cold ones, whatever their order.
  return [...cold, ...warm.filter(({ side }) => sides.includes(side))];
}
