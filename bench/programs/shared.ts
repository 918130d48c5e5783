/**
 * What a session of `rea serve --shared` pays: the same calls to the same server through its relay, and to a gateway
 * of its own, in one interleaved run; and the memory of the relay.
 */

import { oneByOne } from '../lib/load.ts';
import { mainThreadMs, memoryOf } from '../lib/procfs.ts';
import type { Context, Program } from '../lib/program.ts';
import { goalPart, Recorder } from '../lib/recorder.ts';
import { inRounds, type Point } from '../lib/rounds.ts';
import { RAW } from '../lib/servers.ts';
import type { Gateway, SideName } from '../lib/sides.ts';
import { median } from '../lib/statistics.ts';
import { type Connection, untilServing } from '../lib/wire.ts';

const SIDES: readonly SideName[] = ['rea', 'rea-shared'];
const KB = 1000;
const CALLS = 'one at a time, 1 KB';
const FIRST_MEMORY = 'session before its calls';
const MEMORY = 'session after all calls';

interface Running {
  readonly side: SideName;
  readonly gateway: Gateway;
  readonly connection: Connection;
}

export const shared: Program = {
  name: 'shared',
  title: 'What a shared gateway costs its sessions',
  summary: 'calls through the relay of `rea serve --shared` beside calls to a gateway of its own',
  quickSeconds: 15,
  run: async (context) => {
    const { quick } = context;
    const repetitions = context.repetitions ?? (quick ? 3 : 10);
    const recorder = new Recorder([
      { name: 'p50', unit: 'ms', better: 'lower' },
      { name: 'busy', unit: 'ms per call', better: 'lower' },
      { name: 'RSS', unit: 'MiB', better: 'lower' },
    ]);
    const running = await start(context);
    for (const { side, gateway } of running) {
      recorder.add(FIRST_MEMORY, side, { RSS: memoryOf(gateway.pid).rssMiB });
    }
    const points: Point[] = running.map((side) => ({
      scenario: CALLS,
      side: side.side,
      measure: () => latency(side, quick),
    }));
    await inRounds(context, recorder, points, { repetitions, warmUp: true });
    for (const { side, gateway } of running) {
      recorder.add(MEMORY, side, { RSS: memoryOf(gateway.pid).rssMiB });
      await gateway.stop();
    }
    const values = (side: SideName) => recorder.values({ metric: 'p50', scenario: CALLS, side });
    const own = values('rea');
    const added = values('rea-shared').flatMap((ms, at) => {
      const without = own[at];
      return without === undefined ? [] : [ms - without];
    });
    return {
      repetitions,
      metrics: recorder.metrics,
      figures: recorder.figures(),
      goals: [
        {
          figure: 'added by the relay',
          limit: 'at most',
          unit: 'ms',
          parts: [goalPart(CALLS, added, { must: 0.15, aim: 0.1 })],
          note: 'p50 of a call through the relay less p50 of one to a gateway of its own, in the same round',
        },
        {
          figure: 'memory of the relay',
          limit: 'at most',
          unit: 'MiB',
          parts: [
            recorder.part(
              'after all calls',
              { metric: 'RSS', scenario: MEMORY, side: 'rea-shared' },
              { must: 50, aim: 45 },
            ),
          ],
        },
      ],
      notes: [
        'Raw client and light server over stdio. `rea` is a gateway of the session’s own; `rea-shared` is the relay, whose gateway is another process.',
        'Busy is the time on a CPU of the main thread of what the client has started: the gateway, or the relay.',
      ],
    };
  },
};

async function start({ sides, node, progress }: Context): Promise<Running[]> {
  const running: Running[] = [];
  for (const side of sides.available(SIDES)) {
    progress.step(`starting ${side}`);
    const gateway = await sides.start(side, [RAW.server(node, 'one')]);
    const connection = await gateway.connect();
    await untilServing(connection, [gateway.tool('one', 'echo')]);
    running.push({ side, gateway, connection });
  }
  return running;
}

async function latency({ gateway, connection }: Running, quick: boolean) {
  const ms = quick ? 400 : 1200;
  const params = {
    name: gateway.tool('one', 'echo'),
    arguments: { bytes: KB, text: 'x'.repeat(KB) },
  };
  const before = mainThreadMs(gateway.pid);
  const call = async () => (await connection.request('tools/call', params)).ok;
  const latencies = await oneByOne(call, { ms, calls: 50, capMs: 10 * ms });
  return {
    p50: median(latencies),
    busy: (mainThreadMs(gateway.pid) - before) / latencies.length,
  };
}
