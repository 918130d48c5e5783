/**
 * A healthy server is killed with SIGKILL while its client goes on calling: how long until a call is
 * answered again, compared with the server's own start-up time.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { commandLine, processesUnder } from '../lib/procfs.ts';
import type { Context, Program } from '../lib/program.ts';
import { Recorder } from '../lib/recorder.ts';
import { EVERYTHING, RAW, type ServerKind } from '../lib/servers.ts';
import type { Gateway, SideName } from '../lib/sides.ts';
import { shuffled } from '../lib/statistics.ts';

const SIDES: readonly SideName[] = ['in-process', 'rea', 'mcp-hub', 'mcp-proxy', 'supergateway'];
const KINDS = [RAW, EVERYTHING];
const RECOVERY_LIMIT_MS = 10_000;
const ASK_EVERY_MS = 2;
const SETTLE_MS = 300;

export const recovery: Program = {
  name: 'recovery',
  title: 'Recovery after kill -9 of a healthy server',
  summary: 'kill -9 of a healthy server until the next good answer',
  run: async (context) => {
    const { quick, sides, progress } = context;
    const repetitions = context.repetitions ?? (quick ? 3 : 10);
    const recorder = new Recorder([
      { name: 'start-up of the server alone', unit: 'ms', better: 'lower', control: true },
      { name: 'recovery', unit: 'ms', better: 'lower', plot: 'log' },
    ]);
    const hopeless = new Set<string>();
    for (let repetition = 1; repetition <= repetitions; repetition++) {
      for (const kind of KINDS) {
        const startUp = { 'start-up of the server alone': await startUpMs(context, kind) };
        recorder.add(kind.name, 'direct', startUp);
        for (const side of shuffled(sides.available(SIDES), context.random)) {
          if (hopeless.has(`${side} ${kind.name}`)) continue;
          progress.step(`${kind.name}, ${side}, repetition ${repetition}`);
          const ms = await recoveryMs(context, side, kind);
          if (typeof ms === 'number') recorder.add(kind.name, side, { recovery: ms });
          else {
            hopeless.add(`${side} ${kind.name}`);
            recorder.remark({ metric: 'recovery', scenario: kind.name, side }, ms);
          }
        }
      }
    }
    const place = (metric: string, scenario: string, side: SideName) => ({
      metric,
      scenario,
      side,
    });
    return {
      repetitions,
      metrics: recorder.metrics,
      figures: recorder.figures(),
      goals: [
        {
          figure: 'recovery after kill -9 ÷ the server’s own start-up time',
          limit: 'at most',
          unit: '×',
          parts: KINDS.map(({ name }) =>
            recorder.ratio(
              name,
              place('recovery', name, 'rea'),
              place('start-up of the server alone', name, 'direct'),
              { must: 1.5, aim: 1.2 },
            ),
          ),
        },
      ],
      notes: [
        'Start-up is from the spawn to the answers to initialize and tools/list, without a gateway, measured beside each recovery.',
        `The client has no call in flight at the kill, then makes a call, and another ${ASK_EVERY_MS} ms after each refusal. After ${RECOVERY_LIMIT_MS / 1000} s it gives up, and later repetitions are left out.`,
        'Each repetition is the first death of a server in a gateway of its own.',
      ],
    };
  },
};

async function startUpMs({ sides, node }: Context, kind: ServerKind): Promise<number> {
  const begun = performance.now();
  const gateway = await sides.start('direct', [kind.server(node, 'alone')]);
  try {
    const connection = await gateway.connect();
    await connection.request('tools/list');
    return performance.now() - begun;
  } finally {
    await gateway.stop();
  }
}

/** Milliseconds, or in words why there are none. */
async function recoveryMs(
  { sides, scope, node }: Context,
  side: SideName,
  kind: ServerKind,
): Promise<number | string> {
  const gateway = await sides.start(side, [kind.server(node, 'victim')]);
  try {
    const connection = await gateway.connect();
    await connection.request('tools/list');
    const name = gateway.tool('victim', kind.tool);
    const call = async () =>
      (await connection.request('tools/call', { name, arguments: kind.args })).ok;
    while (!(await call())) await pause(ASK_EVERY_MS);
    await pause(SETTLE_MS);
    for (const pid of serversOf(gateway)) process.kill(pid, 'SIGKILL');
    return await untilAnswered(gateway, call);
  } finally {
    await gateway.stop();
    scope.sweep(gateway.dir);
  }
}

async function untilAnswered(
  gateway: Gateway,
  call: () => Promise<boolean>,
): Promise<number | string> {
  const killed = performance.now();
  let exited = false;
  void gateway.exited.then(() => {
    exited = true;
  });
  const limit = pause(RECOVERY_LIMIT_MS, 'limit' as const, { ref: false });
  while (performance.now() - killed < RECOVERY_LIMIT_MS) {
    const answer = await Promise.race([call(), limit]);
    if (answer === true) return performance.now() - killed;
    if (exited) return 'the gateway ends with its server';
    await pause(ASK_EVERY_MS);
  }
  return `no good answer within ${RECOVERY_LIMIT_MS / 1000} s`;
}

/** The processes that have the server's name as their last argument. */
function serversOf({ dir, pid }: Gateway): number[] {
  return processesUnder(dir).filter(
    (one) => one !== pid && commandLine(one).filter(Boolean).at(-1) === 'victim',
  );
}
