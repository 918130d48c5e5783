/**
 * One call at a time: an SDK client with the real server-everything, as most people use MCP, and a raw
 * client with a light server, where the gateway's own part is not hidden by the client's.
 */

import { type Amount, type Call, oneByOne } from '../lib/load.ts';
import type { Context, Program } from '../lib/program.ts';
import { Recorder } from '../lib/recorder.ts';
import { EVERYTHING, RAW } from '../lib/servers.ts';
import type { Gateway, SideName } from '../lib/sides.ts';
import { median, quantile, shuffled } from '../lib/statistics.ts';

const SIDES: readonly SideName[] = [
  'direct',
  'in-process',
  'rea',
  'rea-http',
  'mcp-hub',
  'mcp-proxy',
  'supergateway',
];
const KB = 1000;
const SDK_SIZES = { '100 B': 100, '10 KB': 10 * KB };
const RAW_SIZES = { '100 B': 100, '10 KB': 10 * KB, '1 MB': 1000 * KB, '10 MB': 10_000 * KB };

export const latency: Program = {
  name: 'latency',
  title: 'Latency of one call at a time',
  summary: 'how long a call takes, one after another, 100 B to 10 MB',
  run: async (context) => {
    const repetitions = context.repetitions ?? (context.quick ? 3 : 7);
    const recorder = new Recorder([
      { name: 'p50', unit: 'ms', better: 'lower', plot: 'log' },
      { name: 'p99', unit: 'ms', better: 'lower' },
    ]);
    const sdk = await start(context, EVERYTHING.server(context.node, 'one'), sdkCalls);
    const raw = await start(context, RAW.server(context.node, 'one'), rawCalls);
    const amount = (size: number): Amount => {
      const ms = context.quick ? 250 : 1500;
      return { ms, calls: size > KB * KB ? (context.quick ? 3 : 10) : 20 };
    };
    for (let repetition = 0; repetition <= repetitions; repetition++) {
      for (const { kind, sizes, running } of [
        { kind: 'SDK client, real server', sizes: SDK_SIZES, running: sdk },
        { kind: 'raw client, light server', sizes: RAW_SIZES, running: raw },
      ]) {
        for (const [label, size] of Object.entries(sizes)) {
          for (const one of shuffled(running, context.random)) {
            context.progress.step(`${kind}, ${label}, ${one.side}, repetition ${repetition}`);
            const scenario = `${kind}, ${label}`;
            try {
              const latencies = await oneByOne(one.call(size), amount(size));
              const figures = { p50: median(latencies), p99: quantile(latencies, 0.99) };
              // The first round is for warming up only.
              if (repetition > 0) recorder.add(scenario, one.side, figures);
            } catch (error) {
              recorder.remark({ metric: 'p50', scenario, side: one.side }, String(error));
            }
          }
        }
      }
    }
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
        'direct, in-process and rea speak stdio to the client; rea-http and mcp-proxy speak Streamable HTTP, mcp-hub and supergateway HTTP with SSE.',
      ],
    };
  },
};

interface Running {
  readonly side: SideName;
  readonly gateway: Gateway;
  call(size: number): Call;
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
  await client.listTools();
  const name = gateway.tool('one', EVERYTHING.tool);
  return (size) => {
    const params = { name, arguments: { message: 'x'.repeat(size) } };
    return async () => (await client.callTool(params)).isError !== true;
  };
}

async function rawCalls(gateway: Gateway): Promise<(size: number) => Call> {
  const connection = await gateway.connect();
  await connection.request('tools/list');
  const params = { name: gateway.tool('one', RAW.tool) };
  return (bytes) => async () =>
    (await connection.request('tools/call', { ...params, arguments: { bytes } })).ok;
}
