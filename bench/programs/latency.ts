/**
 * One call at a time: an SDK client with the real server-everything, as most people use MCP, and a raw
 * client with a light server, where the gateway's own part is not hidden by the client's.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { type Call, oneByOne } from '../lib/load.ts';
import type { Context, Program } from '../lib/program.ts';
import { Recorder } from '../lib/recorder.ts';
import { TRANSPORTS } from '../lib/results.ts';
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
  'rea-http',
  'mcp-hub',
  'mcp-proxy',
  'supergateway',
];
const KB = 1000;
/** Beyond it some of them take many seconds for a call, and it is no use that HTTP is made for. */
const LARGEST_OVER_HTTP = 1000 * KB;
const SDK_SIZES = { '100 B': 100, '10 KB': 10 * KB };
const RAW_SIZES = { '100 B': 100, '10 KB': 10 * KB, '1 MB': 1000 * KB, '10 MB': 10_000 * KB };

export const latency: Program = {
  name: 'latency',
  title: 'Latency of one call at a time',
  summary: 'how long a call takes, one after another, 100 B to 10 MB',
  quickSeconds: 50,
  run: async (context) => {
    const repetitions = context.repetitions ?? (context.quick ? 3 : 7);
    const recorder = new Recorder([
      { name: 'p50', unit: 'ms', better: 'lower', plot: 'log' },
      { name: 'p99', unit: 'ms', better: 'lower' },
    ]);
    const sdk = await start(context, EVERYTHING.server(context.node, 'one'), sdkCalls);
    const raw = await start(context, RAW.server(context.node, 'one'), rawCalls);
    const points = [
      ...pointsOf('SDK client, real server', SDK_SIZES, sdk, context.quick),
      ...pointsOf('raw client, light server', RAW_SIZES, raw, context.quick),
    ];
    await inRounds(context, recorder, points, { repetitions, warmUp: true });
    for (const { gateway } of [...sdk, ...raw]) await gateway.stop();
    const against = (kind: string, size: string, must: number, aim: number) => {
      const scenario = `${kind}, ${size}`;
      const place = (side: SideName) => ({ metric: 'p50', scenario, side });
      return recorder.ratio(size, place('rea'), place('direct'), { must, aim });
    };
    return {
      repetitions,
      metrics: recorder.metrics,
      figures: recorder.figures(),
      goals: [
        {
          figure: 'call latency ÷ direct SDK call, real server',
          limit: 'at most',
          unit: '×',
          parts: [
            against('SDK client, real server', '100 B', 3, 2),
            against('SDK client, real server', '10 KB', 2.3, 1.6),
          ],
          note: 'SDK client over stdio, p50',
        },
        {
          figure: 'call latency ÷ direct raw call',
          limit: 'at most',
          unit: '×',
          parts: [
            against('raw client, light server', '1 MB', 5, 3),
            against('raw client, light server', '10 MB', 2, 1.3),
          ],
          note: 'raw client over stdio, p50',
        },
      ],
      notes: [
        'With the SDK client the text goes both ways; with the raw client only the result has the size.',
        '10 MB over stdio only.',
        'thread-relay hands bytes through a worker thread, unread: the floor of rea’s design, no gateway.',
        'direct, thread-relay, in-process and rea speak stdio to the client; rea-http and mcp-proxy speak Streamable HTTP, mcp-hub and supergateway HTTP with SSE.',
      ],
    };
  },
};

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
  const ms = quick ? 250 : 1500;
  return Object.entries(sizes).flatMap(([label, size]) => {
    const calls = size < 1000 * KB ? 20 : quick ? 3 : 10;
    return running
      .filter(({ side }) => size <= LARGEST_OVER_HTTP || TRANSPORTS[side] === 'stdio')
      .map(({ side, call }) => ({
        scenario: `${kind}, ${label}`,
        side,
        warmUp: size < 1000 * KB,
        measure: async () => {
          const latencies = await oneByOne(call(size), { ms, calls, capMs: 4 * ms });
          return { p50: median(latencies), p99: quantile(latencies, 0.99) };
        },
      }));
  });
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
