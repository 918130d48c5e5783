/**
 * Servers that are hard to stop, and a gateway that is stopped with SIGTERM or dies by SIGKILL: how many
 * processes of its servers live on.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive, processesUnder } from '../lib/procfs.ts';
import type { Context, Program } from '../lib/program.ts';
import { Recorder } from '../lib/recorder.ts';
import { messageOf } from '../lib/rounds.ts';
import { faultServer, RAW, type Server } from '../lib/servers.ts';
import type { SideName } from '../lib/sides.ts';
import { shuffled } from '../lib/statistics.ts';

const SIDES: readonly SideName[] = ['in-process', 'rea', 'mcp-hub', 'mcp-proxy', 'supergateway'];
const SIGNALS = ['SIGTERM', 'SIGKILL'] as const;
/** Longer than any of them takes to stop a stubborn server. */
const STOP_MS = { SIGTERM: 12_000, SIGKILL: 3000 };
const READY_MS = 60_000;

interface Tree {
  readonly name: string;
  /** Processes that it consists of. */
  readonly processes: number;
  readonly server: (node: string) => Server;
}

const TREES: readonly Tree[] = [
  { name: 'polite server', processes: 1, server: (node) => RAW.server(node, 'polite') },
  {
    name: 'ignores SIGTERM',
    processes: 1,
    server: (node) => faultServer(node, 'stubborn', 'ignore-sigterm'),
  },
  {
    name: 'ignores SIGTERM, behind a wrapper like npx',
    processes: 3,
    server: (node) => faultServer(node, 'wrapped', 'wrapper', 'ignore-sigterm.mjs'),
  },
  {
    name: 'has a child that keeps its pipes',
    processes: 2,
    server: (node) => faultServer(node, 'parent', 'grandchild-keeps-pipe'),
  },
  {
    name: 'has a child in a session of its own',
    processes: 2,
    server: (node) => faultServer(node, 'detached', 'detached-child'),
  },
];

export const orphans: Program = {
  name: 'orphans',
  title: 'Processes left behind by a gateway',
  summary: 'what lives on after SIGTERM and SIGKILL of the gateway',
  quickSeconds: 40,
  run: async (context) => {
    const { quick, sides, progress } = context;
    const repetitions = context.repetitions ?? 1;
    const recorder = new Recorder([
      { name: 'processes left', unit: 'processes', better: 'lower' },
      { name: 'all gone after', unit: 'ms', better: 'lower' },
    ]);
    for (let repetition = 1; repetition <= repetitions; repetition++) {
      for (const signal of SIGNALS) {
        const order = shuffled(sides.available(SIDES), context.random);
        // Most of it is waiting, so servers are stopped side by side, in a quick run gateways too.
        for (const some of quick ? [order] : order.map((side) => [side])) {
          progress.step(`${signal}, ${some.join(', ')}, repetition ${repetition}`);
          const points = TREES.flatMap((tree) => some.map((side) => ({ tree, side })));
          const outcomes = await Promise.allSettled(
            points.map(({ tree, side }) => leave(context, side, tree, signal)),
          );
          for (const [at, { tree, side }] of points.entries()) {
            const scenario = `${signal}, ${tree.name}`;
            const outcome = outcomes[at];
            if (outcome?.status === 'fulfilled') recorder.add(scenario, side, outcome.value);
            else {
              const note = messageOf(outcome?.reason);
              recorder.remark({ metric: recorder.first, scenario, side }, note);
            }
          }
        }
      }
    }
    return {
      repetitions,
      metrics: recorder.metrics,
      figures: recorder.figures(),
      goals: [
        {
          figure: 'orphans after the gateway’s end',
          limit: 'at most',
          unit: 'processes',
          parts: SIGNALS.flatMap((signal) =>
            TREES.map(({ name }) => {
              const place = {
                metric: 'processes left',
                scenario: `${signal}, ${name}`,
                side: 'rea',
              };
              return recorder.part(place.scenario, place, { must: 0, aim: 0 });
            }),
          ),
        },
      ],
      notes: [
        `Counted ${STOP_MS.SIGTERM / 1000} s after SIGTERM and ${STOP_MS.SIGKILL / 1000} s after SIGKILL, or as soon as none is left. “All gone after” is from the signal to the end of the last process, the gateway included; there is none where something is left.`,
        'One server in each gateway, which has answered a list of tools before.',
      ],
    };
  },
};

async function leave(
  { sides, scope, node }: Context,
  side: SideName,
  { server, processes }: Tree,
  signal: 'SIGTERM' | 'SIGKILL',
): Promise<Record<string, number>> {
  const gateway = await sides.start(side, [server(node)]);
  try {
    const connection = await gateway.connect();
    await connection.request('tools/list');
    const ready = performance.now() + READY_MS;
    const others = () => processesUnder(gateway.dir).filter((pid) => pid !== gateway.pid);
    while (others().length < processes) {
      if (performance.now() > ready) throw new Error('its server has not started');
      await pause(20);
    }
    // rea's guard is a process too, and must go like the others.
    const watched = others();
    process.kill(gateway.pid, signal);
    const begun = performance.now();
    const living = () => [gateway.pid, ...watched].filter(isAlive);
    while (living().length > 0 && performance.now() - begun < STOP_MS[signal]) await pause(5);
    const left = living().length;
    const gone = { 'all gone after': performance.now() - begun };
    return { 'processes left': left, ...(left === 0 ? gone : {}) };
  } finally {
    scope.sweep(gateway.dir);
    await gateway.stop();
  }
}
