/**
 * Resident memory of the gateway's own process with 10 and 50 light servers behind it, all of them ready
 * and none called.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { majorOf } from '../lib/machine.ts';
import { memoryOf } from '../lib/procfs.ts';
import type { Context, Program } from '../lib/program.ts';
import { goalPart, Recorder } from '../lib/recorder.ts';
import { inRounds } from '../lib/rounds.ts';
import { RAW } from '../lib/servers.ts';
import type { SideName } from '../lib/sides.ts';

const SIDES: readonly SideName[] = ['in-process', 'rea', 'mcp-hub'];
const COUNTS = [10, 50] as const;
const OWN = ', a thread for each';
const SHARED = ', shared threads';
const READY_LIMIT_MS = 120_000;
/** After the last server is ready: what is only needed for starting may be given back. */
const SETTLE_MS = 3000;
/** The goal depends on the Node: newer versions of V8 need more for a thread. */
const LIMITS = { old: { must: 11, aim: 9 }, new: { must: 14, aim: 12 } };

export const memory: Program = {
  name: 'memory',
  title: 'Memory of the gateway',
  summary: 'resident memory of the gateway with 10 and 50 servers behind it',
  quickSeconds: 20,
  run: async (context) => {
    const { quick, sides } = context;
    const repetitions = context.repetitions ?? (quick ? 1 : 2);
    const recorder = new Recorder([
      { name: 'RSS', unit: 'MiB', better: 'lower', plot: 'linear' },
      { name: 'RSS for each further server', unit: 'MiB', better: 'lower' },
      { name: 'OS threads', unit: 'threads', better: 'lower' },
    ]);
    const points = COUNTS.flatMap((count) => [
      ...sides.available(SIDES).map((side) => ({
        scenario: `${count} servers`,
        side,
        measure: () => measure(context, side, count),
      })),
      ...sides.available(['rea']).map((side) => ({
        scenario: `${count} servers${OWN}`,
        side,
        measure: () => measure(context, side, count, 'dedicated'),
      })),
      ...sides.available(['rea']).map((side) => ({
        scenario: `${count} servers${SHARED}`,
        side,
        measure: () => measure(context, side, count, 'shared'),
      })),
    ]);
    await inRounds(context, recorder, points, { repetitions, firstInQuick: 'rea' });
    const rss = (side: SideName, count: number, how = '') =>
      recorder.values({ metric: 'RSS', scenario: `${count} servers${how}`, side });
    const addEach = (side: SideName, how: string) => {
      rss(side, COUNTS[1], how).forEach((many, at) => {
        const few = rss(side, COUNTS[0], how)[at] as number;
        const each = (many - few) / (COUNTS[1] - COUNTS[0]);
        recorder.add(`from 10 to 50${how}`, side, { 'RSS for each further server': each });
      });
    };
    for (const side of sides.available(SIDES)) addEach(side, '');
    for (const side of sides.available(['rea'])) {
      addEach(side, OWN);
      addEach(side, SHARED);
    }
    const each = {
      metric: 'RSS for each further server',
      scenario: `from 10 to 50${OWN}`,
      side: 'rea',
    };
    const limits = majorOf(context.version) < 22 ? LIMITS.old : LIMITS.new;
    return {
      repetitions,
      metrics: recorder.metrics,
      figures: recorder.figures(),
      goals: [
        {
          figure: 'RSS per server in a thread of its own',
          limit: 'at most',
          unit: 'MiB',
          parts: [
            recorder.part('each further server', each, limits),
            goalPart(
              'whole gateway ÷ 50',
              rss('rea', 50, OWN).map((whole) => whole / 50),
              limits,
            ),
          ],
        },
        {
          figure: 'RSS ÷ in-process',
          limit: 'at most',
          unit: '×',
          parts: [
            recorder.ratio(
              `${COUNTS[0]} servers`,
              { metric: 'RSS', scenario: `${COUNTS[0]} servers`, side: 'rea' },
              { metric: 'RSS', scenario: `${COUNTS[0]} servers`, side: 'in-process' },
              { must: 1.8, aim: 1.4 },
            ),
          ],
        },
        {
          figure: 'RSS per server in shared threads',
          limit: 'at most',
          unit: 'MiB',
          parts: [
            recorder.part(
              'each further server',
              { ...each, scenario: `from 10 to 50${SHARED}` },
              { must: 2.5, aim: 1.5 },
            ),
          ],
        },
      ],
      notes: [
        `VmRSS of the gateway’s process ${SETTLE_MS / 1000} s after its first complete list of tools. The servers are processes of their own and not in it.`,
        'rea: as is the default, which depends on the number of servers, and, apart, each server in a thread of its own, and all in shared threads.',
        'No call is made: buffers and queues are empty, and no thread has been under pressure to collect its garbage. For memory under load see the storms.',
        'Node versions differ. Compare only figures of the same one.',
      ],
    };
  },
};

async function measure(
  { sides, scope, node }: Context,
  side: SideName,
  count: number,
  threads?: 'dedicated' | 'shared',
) {
  const names = Array.from({ length: count }, (_, at) => `s${at}`);
  const gateway = await sides.start(
    side,
    names.map((name) => RAW.server(node, name)),
    threads === undefined ? {} : { threads },
  );
  try {
    const connection = await gateway.connect();
    const deadline = performance.now() + READY_LIMIT_MS;
    for (let listed = 0; listed < count; ) {
      const { message } = await connection.request('tools/list');
      listed = ((message?.result?.tools ?? []) as { name: string }[]).filter(({ name }) =>
        name.endsWith(`__${RAW.tool}`),
      ).length;
      if (performance.now() > deadline) throw new Error(`${listed} of ${count} servers are ready`);
      if (listed < count) await pause(50);
    }
    await pause(SETTLE_MS);
    const { rssMiB, threads } = memoryOf(gateway.pid);
    return { RSS: rssMiB, 'OS threads': threads };
  } finally {
    await gateway.stop();
    scope.sweep(gateway.dir);
  }
}
