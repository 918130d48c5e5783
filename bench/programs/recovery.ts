/**
 * A healthy server is killed with SIGKILL while its client goes on calling: how long until a call is
 * answered again, compared with the server's own start-up time.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { commandLine, processesUnder } from '../lib/procfs.ts';
import type { Context, Program } from '../lib/program.ts';
import { Recorder } from '../lib/recorder.ts';
import { TRANSPORTS } from '../lib/results.ts';
import { inRounds } from '../lib/rounds.ts';
import { EVERYTHING, RAW, type ServerKind } from '../lib/servers.ts';
import type { Gateway, SideName } from '../lib/sides.ts';
import { untilServing } from '../lib/wire.ts';

const SIDES: readonly SideName[] = ['in-process', 'rea', 'mcp-hub', 'mcp-proxy', 'supergateway'];
const KINDS = [RAW, EVERYTHING];
/** A quick run does not wait as long for those that never recover. */
const RECOVERY_LIMIT_MS = { full: 10_000, quick: 4000 };
const ASK_EVERY_MS = 2;
const SETTLE_MS = 300;

export const recovery: Program = {
  name: 'recovery',
  title: 'Recovery after kill -9 of a healthy server',
  summary: 'kill -9 of a healthy server until the next good answer',
  quickSeconds: 25,
  run: async (context) => {
    const { sides } = context;
    const repetitions = context.repetitions ?? 3;
    const recorder = new Recorder([
      { name: 'start-up of the server alone', unit: 'ms', better: 'lower', control: true },
      { name: 'recovery', unit: 'ms', better: 'lower', plot: 'log' },
    ]);
    const points = KINDS.flatMap((kind) => [
      {
        scenario: kind.name,
        side: 'direct' as const,
        measure: () => startUp(context, kind),
      },
      ...sides.available(SIDES).map((side) => ({
        scenario: kind.name,
        side,
        measure: () => recover(context, side, kind),
      })),
    ]);
    await inRounds(context, recorder, points, { repetitions, firstInQuick: 'rea' });
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
        `The client has no call in flight at the kill, then makes a call, and another ${ASK_EVERY_MS} ms after each refusal. After ${RECOVERY_LIMIT_MS.full / 1000} s (in a quick run ${RECOVERY_LIMIT_MS.quick / 1000} s) it gives up, over HTTP tries a new session for as long, and later repetitions are left out.`,
        'Each repetition is the first death of a server in a gateway of its own.',
      ],
    };
  },
};

async function startUp({ sides, node }: Context, kind: ServerKind) {
  const begun = performance.now();
  const gateway = await sides.start('direct', [kind.server(node, 'alone')]);
  try {
    const connection = await gateway.connect();
    await connection.request('tools/list');
    return { 'start-up of the server alone': performance.now() - begun };
  } finally {
    await gateway.stop();
  }
}

async function recover(context: Context, side: SideName, kind: ServerKind) {
  const { sides, scope, node, quick } = context;
  const limitMs = RECOVERY_LIMIT_MS[quick ? 'quick' : 'full'];
  const gateway = await sides.start(side, [kind.server(node, 'victim')]);
  try {
    const connection = await gateway.connect();
    const name = gateway.tool('victim', kind.tool);
    const call = async () =>
      (await connection.request('tools/call', { name, arguments: kind.args })).ok;
    await untilServing(connection, [name]);
    await pause(SETTLE_MS);
    for (const pid of serversOf(gateway)) process.kill(pid, 'SIGKILL');
    return { recovery: await untilAnswered(gateway, name, call, limitMs) };
  } finally {
    await gateway.stop();
    scope.sweep(gateway.dir);
  }
}

/** Milliseconds; throws when there is no hope. */
async function untilAnswered(
  gateway: Gateway,
  name: string,
  call: () => Promise<boolean>,
  limitMs: number,
): Promise<number> {
  const killed = performance.now();
  let exited = false;
  void gateway.exited.then(() => {
    exited = true;
  });
  const limit = pause(limitMs, 'limit' as const, { ref: false });
  while (performance.now() - killed < limitMs) {
    const answer = await Promise.race([call(), limit]);
    if (answer === true) return performance.now() - killed;
    if (exited) throw new Error('the gateway ends with its server');
    await pause(ASK_EVERY_MS);
  }
  const served = await servesNewSession(gateway, name, limitMs);
  throw new Error(
    `no good answer within ${limitMs / 1000} s; ${served ? 'a new session is served' : 'a new session neither'}`,
  );
}

/** Over stdio there is no other session to be had. */
async function servesNewSession(gateway: Gateway, name: string, limitMs: number): Promise<boolean> {
  if (TRANSPORTS[gateway.side] === 'stdio') return false;
  const attempt = gateway
    .connect()
    .then((connection) => untilServing(connection, [name]))
    .then(
      () => true,
      () => false,
    );
  return Promise.race([attempt, pause(limitMs, false, { ref: false })]);
}

/** The processes that have the server's name as their last argument. */
function serversOf({ dir, pid }: Gateway): number[] {
  return processesUnder(dir).filter(
    (one) => one !== pid && commandLine(one).filter(Boolean).at(-1) === 'victim',
  );
}
