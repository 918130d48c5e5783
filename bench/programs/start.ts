/**
 * What a client waits for when it starts a gateway: the answer to `initialize`, and the first list with the tools
 * of all servers, with 1 to 100 servers, cold (first run in a directory) and warm (second run).
 */
import { cleanEnvironment } from '../lib/environment.ts';
import { ANSWERED, COMPLETE, READY, type Servers, titleOf } from '../lib/first-list.ts';
import { majorOf } from '../lib/machine.ts';
import type { Context, Program } from '../lib/program.ts';
import { Recorder } from '../lib/recorder.ts';
import { inRounds, type Point } from '../lib/rounds.ts';
import { EVERYTHING, RAW } from '../lib/servers.ts';
import { NODE_ALONE, type SideName } from '../lib/sides.ts';
import {
  COLD,
  firstPoints,
  START_METRICS,
  START_NOTES,
  startBefore,
  startPoints,
  WARM,
} from '../lib/start-points.ts';

const SIDES: readonly SideName[] = ['in-process', 'rea', 'rea-before', 'mcp-hub'];
const ONE: Servers = { kind: RAW, count: 1 };
const FEW: readonly Servers[] = [
  ONE,
  { kind: EVERYTHING, count: 1 },
  { kind: RAW, count: 10 },
  { kind: EVERYTHING, count: 10 },
];
const MANY: readonly Servers[] = [
  { kind: RAW, count: 50 },
  { kind: RAW, count: 100 },
];
/** Rounds with many servers, which take long and vary little. */
const AT_MOST_MANY = 3;
const INITIALIZE = { old: { must: 7, aim: 5 }, new: { must: 5, aim: 4 } };

export const start: Program = {
  name: 'start',
  title: 'Starts',
  summary: '1 to 100 servers: answer to initialize, first complete list of tools, cold and warm',
  quickSeconds: 40,
  run: async (context) => {
    const { quick } = context;
    const repetitions = context.repetitions ?? (quick ? 2 : 10);
    const recorder = new Recorder(START_METRICS);
    await startBefore(context, ONE);
    const many = quick ? MANY.slice(-1) : MANY;
    const points = [
      floor(context),
      ...firstPoints(context, ONE, repetitions),
      ...FEW.flatMap((servers) =>
        startPoints(context, servers, { sides: SIDES, all: false, atMost: repetitions }),
      ),
      ...many.flatMap((servers) =>
        startPoints(context, servers, {
          sides: SIDES,
          all: true,
          atMost: quick ? 1 : AT_MOST_MANY,
        }),
      ),
    ];
    await inRounds(context, recorder, points, { repetitions, firstInQuick: 'rea' });
    const place = (metric: string, count: number, when: string, side: string = 'rea') => ({
      metric,
      scenario: `${titleOf({ kind: RAW, count })}, ${when}`,
      side,
    });
    const list = (count: number, limits: { must: number; aim: number }) =>
      recorder.ratio(
        `${count} light servers`,
        place(COMPLETE, count, COLD),
        place(COMPLETE, count, COLD, 'in-process'),
        limits,
      );
    const initialize = INITIALIZE[majorOf(context.version) < 22 ? 'old' : 'new'];
    return {
      repetitions,
      metrics: recorder.metrics,
      figures: recorder.figures(),
      goals: [
        {
          figure: '`initialize` answered ÷ `node -e 0`',
          limit: 'at most',
          unit: '×',
          parts: [
            recorder.ratio(
              'one light server',
              place(ANSWERED, 1, COLD),
              place(ANSWERED, 1, COLD, NODE_ALONE),
              initialize,
            ),
          ],
        },
        {
          figure: 'first complete tools/list, cold ÷ in-process',
          limit: 'at most',
          unit: '×',
          parts: [list(10, { must: 1.4, aim: 1 }), list(100, { must: 1.3, aim: 1.1 })],
        },
        {
          figure: 'first complete tools/list after a warm start, 100 servers',
          limit: 'at most',
          unit: 'ms',
          parts: [recorder.part(RAW.name, place(COMPLETE, 100, WARM), { must: 2000, aim: 1000 })],
        },
        {
          figure: '100 servers cold: ready without one time-out',
          limit: 'at least',
          unit: '%',
          parts: [recorder.part(RAW.name, place(READY, 100, COLD), { must: 100, aim: 100 })],
        },
      ],
      notes: [
        ...START_NOTES,
        '`node -e 0` is from the start to the end of a process of Node that does nothing, beside the starts with one light server.',
        `With 50 and 100 servers at most ${AT_MOST_MANY} repetitions.`,
      ],
    };
  },
};

function floor({ scope, node }: Context): Point {
  return {
    scenario: `${titleOf(ONE)}, ${COLD}`,
    side: NODE_ALONE,
    measure: async () => {
      const dir = scope.directory();
      const started = scope.spawn(node, ['-e', '0'], {
        cwd: dir,
        env: cleanEnvironment(dir, node),
      });
      await started.exited;
      const took = performance.now() - started.spawned;
      await scope.stop(started);
      return { [ANSWERED]: took };
    },
  };
}
