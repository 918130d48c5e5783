/**
 * What rules and audit log cost: this build with both, and the same build with neither (`rea-free`), in one
 * interleaved run. Beside it a sync of the same disk alone, which a call that writes has to wait for.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from '../lib/environment.ts';
import { inParallel, oneByOne } from '../lib/load.ts';
import { mainThreadMs, memoryOf, processMs } from '../lib/procfs.ts';
import type { Context, Program } from '../lib/program.ts';
import { goalPart, Recorder } from '../lib/recorder.ts';
import type { Goal } from '../lib/results.ts';
import { inRounds, type Point } from '../lib/rounds.ts';
import { RAW } from '../lib/servers.ts';
import { type Gateway, REA, type SideName } from '../lib/sides.ts';
import { median } from '../lib/statistics.ts';
import { type Connection, untilServing } from '../lib/wire.ts';

const SIDES: readonly SideName[] = ['rea', 'rea-free', 'rea-before'];
const KB = 1000;
const IN_FLIGHT = 32;
/** As people write one. Nothing that is called here is denied by it. */
const POLICY = {
  autonomy_level: 'L2',
  tools: { deny: ['*__delete_*', 'billing__*'] },
  blocked_paths: ['.env', 'secrets/', 'keys/**/*.pem', '~/.ssh'],
};
/** Of the light server: the tool whose name says that it reads, and the one that writes. */
const KINDS = { 'call that reads': 'echo', 'call that writes': 'put' } as const;
type Kind = keyof typeof KINDS;
const one = (kind: Kind) => `${kind}, one at a time`;
const many = (kind: Kind) => `${kind}, ${IN_FLIGHT} in flight`;
const DISK = 'a sync of the disk alone';
const MEMORY = 'gateway after all calls';
/** As long as the record of a call. */
const RECORD_BYTES = 550;
/** Memory is looked at when what was begun has ended. */
const SETTLE_MS = 3000;
const DECISIONS = fileURLToPath(new URL('../servers/policy-decision.mjs', import.meta.url));
const DIST = dirname(dirname(REA));

interface Running {
  readonly side: SideName;
  readonly gateway: Gateway;
  readonly connection: Connection;
}

export const governance: Program = {
  name: 'governance',
  title: 'What rules and audit log cost',
  summary: 'calls with rules and audit log beside calls without, 1 KB',
  quickSeconds: 40,
  run: async (context) => {
    const { quick, scope } = context;
    const repetitions = context.repetitions ?? (quick ? 3 : 5);
    const recorder = new Recorder([
      { name: 'p50', unit: 'ms', better: 'lower' },
      { name: 'throughput', unit: 'calls/s', better: 'higher' },
      { name: 'main busy', unit: 'ms per call', better: 'lower' },
      { name: 'CPU of the gateway', unit: 'ms per call', better: 'lower' },
      { name: 'load generator busy', unit: 'of one core', better: 'lower', control: true },
      { name: 'RSS', unit: 'MiB', better: 'lower' },
      { name: 'decision by the rules', unit: 'µs', better: 'lower', control: true },
    ]);
    const running = await start(context);
    const kinds = Object.keys(KINDS) as Kind[];
    const points: Point[] = [
      ...kinds.flatMap((kind) =>
        running.map((side) => ({
          scenario: one(kind),
          side: side.side,
          measure: () => latency(side, kind, quick),
        })),
      ),
      ...kinds.flatMap((kind) =>
        running.map((side) => ({
          scenario: many(kind),
          side: side.side,
          measure: () => throughput(side, kind, quick),
        })),
      ),
      { scenario: DISK, side: 'rea', measure: async () => syncAlone(join(scope.directory(), 'f')) },
      { scenario: 'decision', side: 'rea', measure: async () => decision(context) },
    ];
    await inRounds(context, recorder, points, { repetitions, warmUp: true });
    await pause(SETTLE_MS);
    for (const { side, gateway } of running) {
      recorder.add(MEMORY, side, { RSS: memoryOf(gateway.pid).rssMiB });
      await gateway.stop();
    }
    return {
      repetitions,
      metrics: recorder.metrics,
      figures: recorder.figures(),
      goals: goals(recorder),
      notes: [
        `Raw client and light server over stdio; 1 KB of arguments and 1 KB of result. rea: audit log on, ${JSON.stringify(POLICY)}. rea-free: the same build, {"audit":"off"} and no rules.`,
        `${DISK}: ${RECORD_BYTES} bytes are appended to a file on the same disk, and one fdatasync waited for.`,
        'Main busy is the time on a CPU of the gateway’s main thread (schedstat); CPU is that of all its threads.',
        'decision by the rules: level, two lists of patterns and annotations, for a tool that is looked at for the first time since the rules have changed. For any later call it is looked up.',
      ],
    };
  },
};

/** All sides at the same time, so that their measurements can be interleaved. */
async function start({ sides, node, progress }: Context): Promise<Running[]> {
  const running: Running[] = [];
  for (const side of sides.available(SIDES)) {
    progress.step(`starting ${side}`);
    const gateway = await sides.start(side, [RAW.server(node, 'one')], { policy: POLICY });
    const connection = await gateway.connect();
    const tools = Object.values(KINDS).map((tool) => gateway.tool('one', tool));
    await untilServing(connection, tools);
    running.push({ side, gateway, connection });
  }
  return running;
}

function callOf({ gateway, connection }: Running, kind: Kind): () => Promise<boolean> {
  const params = {
    name: gateway.tool('one', KINDS[kind]),
    arguments: { bytes: KB, text: 'x'.repeat(KB) },
  };
  return async () => (await connection.request('tools/call', params)).ok;
}

async function latency(side: Running, kind: Kind, quick: boolean) {
  const ms = quick ? 400 : 1200;
  const main = mainThreadMs(side.gateway.pid);
  const latencies = await oneByOne(callOf(side, kind), { ms, calls: 50, capMs: 10 * ms });
  return {
    p50: median(latencies),
    'main busy': (mainThreadMs(side.gateway.pid) - main) / latencies.length,
  };
}

async function throughput(side: Running, kind: Kind, quick: boolean) {
  const { pid } = side.gateway;
  const [main, all] = [mainThreadMs(pid), processMs(pid)];
  const { callsPerSecond, calls, generatorBusy } = await inParallel(callOf(side, kind), IN_FLIGHT, {
    ms: quick ? 700 : 2000,
    calls: IN_FLIGHT,
    capMs: 60_000,
  });
  return {
    throughput: callsPerSecond,
    'main busy': (mainThreadMs(pid) - main) / calls,
    'CPU of the gateway': (processMs(pid) - all) / calls,
    'load generator busy': generatorBusy,
  };
}

/** The median of appending a record and one sync, which is what a call that writes waits for. */
function syncAlone(path: string): Record<string, number> {
  const record = Buffer.alloc(RECORD_BYTES, 'x');
  const descriptor = openSync(path, 'a', 0o600);
  try {
    const taken = Array.from({ length: 200 }, () => {
      const from = performance.now();
      writeSync(descriptor, record);
      fdatasyncSync(descriptor);
      return performance.now() - from;
    });
    return { p50: median(taken) };
  } finally {
    closeSync(descriptor);
  }
}

/** In a process of its own, on the Node that runs the gateways. */
function decision({ node, scope }: Context): Record<string, number> {
  const env = cleanEnvironment(scope.directory(), node);
  const { first } = JSON.parse(execFileSync(node, [DECISIONS, DIST], { encoding: 'utf8', env }));
  return { 'decision by the rules': Number(first) };
}

function goals(recorder: Recorder): Goal[] {
  const values = (metric: string, scenario: string, side: SideName) =>
    recorder.values({ metric, scenario, side });
  const against = (metric: string, scenario: string, limits: { must: number; aim: number }) =>
    recorder.ratio(
      scenario,
      { metric, scenario, side: 'rea' },
      { metric, scenario, side: 'rea-free' },
      limits,
    );
  const writes = one('call that writes');
  const [free, syncs] = [values('p50', writes, 'rea-free'), values('p50', DISK, 'rea')];
  const beyondSync = values('p50', writes, 'rea').flatMap((ms, at) => {
    const [without, sync] = [free[at], syncs[at]];
    return without === undefined || sync === undefined ? [] : [(ms - sync) / without];
  });
  const kinds = Object.keys(KINDS) as Kind[];
  const latencies = { must: 1.3, aim: 1.15 };
  return [
    {
      figure: 'call latency ÷ without rules and audit log',
      limit: 'at most',
      unit: '×',
      parts: [
        against('p50', one('call that reads'), latencies),
        goalPart(`${writes}, less one sync of the disk`, beyondSync, latencies),
      ],
      note: 'p50; a call that writes waits for one sync of the disk, which is measured beside it and taken off',
    },
    {
      figure: 'throughput ÷ without rules and audit log',
      limit: 'at least',
      unit: '×',
      parts: kinds.map((kind) => against('throughput', many(kind), { must: 0.8, aim: 0.9 })),
      note: `${IN_FLIGHT} in flight`,
    },
    {
      figure: 'main-thread busy per call ÷ without rules and audit log',
      limit: 'at most',
      unit: '×',
      parts: kinds.map((kind) => against('main busy', many(kind), { must: 1.2, aim: 1.1 })),
      note: `${IN_FLIGHT} in flight`,
    },
    {
      figure: 'decision by the rules',
      limit: 'at most',
      unit: 'µs',
      parts: [
        recorder.part(
          'for the first time',
          { metric: 'decision by the rules', scenario: 'decision', side: 'rea' },
          { must: 2, aim: 1.5 },
        ),
      ],
    },
  ];
}
