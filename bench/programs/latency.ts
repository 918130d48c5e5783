/**
 * One call at a time, and one every 5 ms: an SDK client with the real server-everything, as most people use MCP, and a raw
 * client with a light server, where the gateway's own part is not hidden by the client's.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { atPace, type Call, oneByOne } from '../lib/load.ts';
import type { Context, Program } from '../lib/program.ts';
import { Recorder } from '../lib/recorder.ts';
import { type Goal, TRANSPORTS } from '../lib/results.ts';
import { inRounds, type Point } from '../lib/rounds.ts';
import { EVERYTHING, RAW } from '../lib/servers.ts';
import type { Gateway, SideName } from '../lib/sides.ts';
import { median, quantile } from '../lib/statistics.ts';
import { untilServing } from '../lib/wire.ts';

const SIDES: readonly SideName[] = [
  'direct',
  'thread-relay',
  'in-process',
  'rea',
  'rea-before',
  'rea-free',
  'rea-http',
  'rea-http-free',
  'mcp-hub',
  'mcp-proxy',
  'supergateway',
];
const KB = 1000;
/** Beyond it some of them take many seconds for a call, and it is no use that HTTP is made for. */
const LARGEST_OVER_HTTP = 1000 * KB;
/** As agents call: between two calls every thread has gone to sleep. */
const EVERY_MS = 5;
const GRACE_MS = 4000;
const SDK = 'SDK client, real server';
const RAW_CLIENT = 'raw client, light server';
const BACK_TO_BACK = `${RAW_CLIENT}, 100 B`;
const PACED = `${BACK_TO_BACK}, one every ${EVERY_MS} ms`;
/** Large ones take long and vary little. */
const AT_MOST_LARGE = 2;
const SDK_SIZES = { '100 B': 100, '10 KB': 10 * KB };
const RAW_SIZES = { '100 B': 100, '10 KB': 10 * KB, '1 MB': 1000 * KB, '10 MB': 10_000 * KB };

export const latency: Program = {
  name: 'latency',
  title: 'Latency of one call at a time',
  summary: 'how long a call takes, one after another and one every 5 ms, 100 B to 10 MB',
  quickSeconds: 50,
  run: async (context) => {
    const repetitions = context.repetitions ?? (context.quick ? 3 : 5);
    const recorder = new Recorder([
      { name: 'p50', unit: 'ms', better: 'lower', plot: 'log' },
      { name: 'p99', unit: 'ms', better: 'lower' },
    ]);
    const sdk = await start(context, EVERYTHING.server(context.node, 'one'), sdkCalls);
    const raw = await start(context, RAW.server(context.node, 'one'), rawCalls);
    const points = [
      ...pointsOf(SDK, SDK_SIZES, sdk, context.quick),
      ...pointsOf(RAW_CLIENT, RAW_SIZES, raw, context.quick),
      ...pacedPoints(raw, context.quick),
    ];
    await inRounds(context, recorder, points, { repetitions, warmUp: true });
    for (const { gateway } of [...sdk, ...raw]) await gateway.stop();
    return {
      repetitions,
      metrics: recorder.metrics,
      figures: recorder.figures(),
      goals: goals(recorder),
      notes: [
        'With the SDK client the text goes both ways; with the raw client only the result has the size.',
        `10 MB over stdio only. 1 MB and more at most ${AT_MOST_LARGE} times.`,
        `One every ${EVERY_MS} ms: begun whether the last one was answered or not.`,
        'rea-free and rea-http-free are the same build with `audit: off`; goals are about the default.',
        'thread-relay hands bytes through a worker thread, unread: the floor of rea’s design, no gateway.',
        'direct, thread-relay, in-process, rea and rea-free speak stdio to the client; rea-http, rea-http-free and mcp-proxy speak Streamable HTTP, mcp-hub and supergateway HTTP with SSE.',
      ],
    };
  },
};

/** What is divided, and by what. */
type Pair = readonly [above: SideName, below: SideName];

function goals(recorder: Recorder): Goal[] {
  const against = (
    label: string,
    scenario: string,
    sides: Pair,
    limits: { must: number; aim: number },
  ) => {
    const place = (side: SideName) => ({ metric: 'p50', scenario, side });
    return recorder.ratio(label, place(sides[0]), place(sides[1]), limits);
  };
  const stdio: Pair = ['rea', 'in-process'];
  const http = (rival: SideName): Pair => ['rea-http', rival];
  return [
    {
      figure: 'stdio call ÷ in-process',
      limit: 'at most',
      unit: '×',
      parts: [
        against('back to back', BACK_TO_BACK, stdio, { must: 1.2, aim: 1 }),
        against(`one every ${EVERY_MS} ms`, PACED, stdio, { must: 1.5, aim: 1.2 }),
      ],
      note: 'raw client, light server, 100 B, p50',
    },
    {
      figure: 'HTTP call ÷ supergateway',
      limit: 'at most',
      unit: '×',
      parts: [
        against('raw client', BACK_TO_BACK, http('supergateway'), { must: 1.6, aim: 1.3 }),
        against('SDK client', `${SDK}, 100 B`, http('supergateway'), { must: 1.1, aim: 1 }),
      ],
      note: 'raw client with a light server, SDK client with a real one, 100 B, p50',
    },
    {
      figure: 'HTTP call ÷ mcp-hub',
      limit: 'at most',
      unit: '×',
      parts: [against('SDK client', `${SDK}, 100 B`, http('mcp-hub'), { must: 1, aim: 0.8 })],
      note: 'real server, 100 B, p50',
    },
  ];
}

interface Running {
  readonly side: SideName;
  readonly gateway: Gateway;
  readonly call: (size: number) => Call;
}

function pointsOf(
  kind: string,
  sizes: Readonly<Record<string, number>>,
  running: readonly Running[],
  quick: boolean,
): Point[] {
  const ms = quick ? 250 : 700;
  return Object.entries(sizes).flatMap(([label, size]) => {
    const calls = size < 1000 * KB ? 20 : quick ? 3 : 10;
    return running
      .filter(({ side }) => size <= LARGEST_OVER_HTTP || TRANSPORTS[side] === 'stdio')
      .map(({ side, call }) => ({
        scenario: `${kind}, ${label}`,
        side,
        warmUp: size < 1000 * KB,
        ...(size < 1000 * KB ? {} : { atMost: AT_MOST_LARGE }),
        measure: async () => {
          const latencies = await oneByOne(call(size), { ms, calls, capMs: 4 * ms });
          return { p50: median(latencies), p99: quantile(latencies, 0.99) };
        },
      }));
  });
}

function pacedPoints(running: readonly Running[], quick: boolean): Point[] {
  const pace = { everyMs: EVERY_MS, ms: quick ? 500 : 1500, graceMs: GRACE_MS };
  return running.map(({ side, call }) => ({
    scenario: PACED,
    side,
    measure: async () => {
      const { latencies, failures } = await atPace(call(100), pace);
      if (failures > 0) throw new Error(`${failures} calls were not answered with a result`);
      return { p50: median(latencies), p99: quantile(latencies, 0.99) };
    },
  }));
}

/** All sides at the same time, so that their measurements can be interleaved. */
async function start(
  { sides, progress }: Context,
  server: ReturnType<typeof RAW.server>,
  calls: (gateway: Gateway) => Promise<(size: number) => Call>,
): Promise<Running[]> {
  const running: Running[] = [];
  for (const side of sides.available(SIDES)) {
    progress.step(`starting ${side}`);
    const gateway = await sides.start(side, [server]);
    running.push({ side, gateway, call: await calls(gateway) });
  }
  return running;
}

async function sdkCalls(gateway: Gateway): Promise<(size: number) => Call> {
  const client = await gateway.connectSdk();
  const name = gateway.tool('one', EVERYTHING.tool);
  while (!(await client.listTools()).tools.some((tool) => tool.name === name)) await pause(50);
  return (size) => {
    const params = { name, arguments: { message: 'x'.repeat(size) } };
    return async () => (await client.callTool(params)).isError !== true;
  };
}

async function rawCalls(gateway: Gateway): Promise<(size: number) => Call> {
  const connection = await gateway.connect();
  const params = { name: gateway.tool('one', RAW.tool) };
  await untilServing(connection, [params.name]);
  return (bytes) => async () =>
    (await connection.request('tools/call', { ...params, arguments: { bytes } })).ok;
}
