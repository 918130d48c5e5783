/** What is measured of starts with a number of servers: cold for every side, and warm for rea. */
import { setTimeout as pause } from 'node:timers/promises';
import { firstList, type Servers, titleOf } from './first-list.ts';
import type { Context } from './program.ts';
import type { Metric } from './results.ts';
import type { Point } from './rounds.ts';
import type { SideName } from './sides.ts';

export const COLD = 'cold';
export const WARM = 'warm';
/** Cold, and nothing compiled is there from earlier starts. */
export const FIRST = 'first start after an installation';

export const START_METRICS: readonly Metric[] = [
  { name: 'initialize answered', unit: 'ms', better: 'lower' },
  { name: 'complete list of tools', unit: 'ms', better: 'lower', plot: 'log' },
  { name: 'all servers answer', unit: 'ms', better: 'lower' },
  { name: 'ready without a time-out', unit: '% of servers', better: 'higher' },
];

export const START_NOTES: readonly string[] = [
  'Times are from the start of the gateway’s process. “All servers answer” is when a call to each of them has been answered.',
  'rea keeps the code that Node has compiled, for later starts in any directory: one start of 5 s came before all others. The first start after an installation has none.',
  'A warm start of rea lists the tools that it remembers from the run before; the others have no memory, and a warm start of theirs is a cold one.',
  'mcp-hub asks for its marketplace over the network before it starts servers; without a network that costs it most of a second, with one it was not measured.',
  'A server counts as ready without a time-out when it was connected at its first attempt: rea’s state file says 1 incarnation and no restart; the first list of the in-process gateway has its tools; a server of mcp-hub, which tries once, answers.',
];

/** With so long a life a gateway has kept the code of its threads, too. */
const KEPT_MS = 5000;

/** Every user but the one of the first start has had a start of this build before. */
export async function startBefore(context: Context, servers: Servers): Promise<void> {
  for (const side of context.sides.available(['rea', 'rea-before'])) {
    const names = Array.from({ length: servers.count }, (_, at) => `s${at}`);
    const list = names.map((name) => servers.kind.server(context.node, name));
    const gateway = await context.sides.start(side, list, {});
    try {
      await gateway.connect();
      await pause(KEPT_MS);
    } finally {
      await gateway.stop();
    }
  }
}

/** @param servers of a start with a home that is empty. */
export function firstPoints(context: Context, servers: Servers, atMost: number): Point[] {
  return context.sides.available(['rea', 'rea-before']).map((side) => ({
    scenario: `${titleOf(servers)}, ${FIRST}`,
    side,
    atMost,
    measure: () => {
      const [dir, home] = [context.scope.directory(), context.scope.directory()];
      return firstList(context, side, servers, { dir, home, all: false });
    },
  }));
}

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
