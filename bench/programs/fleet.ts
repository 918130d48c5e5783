/**
 * Fleets that take long to start: when the first client has the complete list of tools, cold and warm, and whether
 * all servers start without one time-out. Smaller ones are measured by `start`.
 */
import { COMPLETE, READY, type Servers, titleOf } from '../lib/first-list.ts';
import type { Program } from '../lib/program.ts';
import { Recorder } from '../lib/recorder.ts';
import { inRounds } from '../lib/rounds.ts';
import { EVERYTHING, RAW } from '../lib/servers.ts';
import type { SideName } from '../lib/sides.ts';
import { COLD, START_METRICS, START_NOTES, startPoints, WARM } from '../lib/start-points.ts';

const SIDES: readonly SideName[] = ['in-process', 'rea', 'mcp-hub'];
const REAL: Servers = { kind: EVERYTHING, count: 100 };
const LIGHT: Servers = { kind: RAW, count: 200 };

export const fleet: Program = {
  name: 'fleet',
  title: 'Large fleets',
  summary: '200 light and 100 real servers: first complete list of tools, start without time-out',
  quickSeconds: 35,
  run: async (context) => {
    const { quick } = context;
    const repetitions = context.repetitions ?? 1;
    const recorder = new Recorder(START_METRICS);
    // 100 real ones take more than a quick run has.
    const points = (quick ? [LIGHT] : [LIGHT, REAL]).flatMap((servers) =>
      startPoints(context, servers, { sides: SIDES, all: true, atMost: repetitions }),
    );
    await inRounds(context, recorder, points, { repetitions, firstInQuick: 'rea' });
    const place = (metric: string, when: string) => ({
      metric,
      scenario: `${titleOf(REAL)}, ${when}`,
      side: 'rea',
    });
    return {
      repetitions,
      metrics: recorder.metrics,
      figures: recorder.figures(),
      goals: [
        {
          figure: 'first complete tools/list after a warm start, 100 servers',
          limit: 'at most',
          unit: 'ms',
          parts: [recorder.part(EVERYTHING.name, place(COMPLETE, WARM), { must: 2000, aim: 1000 })],
        },
        {
          figure: '100 servers cold: ready without one time-out',
          limit: 'at least',
          unit: '%',
          parts: [recorder.part(EVERYTHING.name, place(READY, COLD), { must: 100, aim: 100 })],
        },
      ],
      notes: START_NOTES,
    };
  },
};
