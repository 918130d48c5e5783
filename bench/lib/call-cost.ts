/** What a call of one client costs who waits for it, and the main thread of the gateway. */
import { oneByOne } from './load.ts';
import { mainThreadMs } from './procfs.ts';
import type { Context } from './program.ts';
import type { Metric } from './results.ts';
import type { ServerKind } from './servers.ts';
import type { Gateway, SideName } from './sides.ts';
import { median } from './statistics.ts';
import { type Connection, untilServing } from './wire.ts';

/** What `measureCalls` tells. */
export const CALL_COST: readonly Metric[] = [
  { name: 'p50', unit: 'ms', better: 'lower' },
  { name: 'main busy', unit: 'ms', better: 'lower' },
];
/** For the notes of a program. */
export const MAIN_BUSY = 'main busy: CPU time of the gateway’s main thread for each call.';

/** A gateway in front of one server, which answers, and its raw client. */
export interface Caller {
  readonly gateway: Gateway;
  readonly connection: Connection;
  /** The server's tool as the gateway names it. */
  readonly tool: string;
}

export async function startCaller(
  { sides, node, progress }: Context,
  side: SideName,
  kind: ServerKind,
): Promise<Caller> {
  progress.step(`starting ${side}`);
  const gateway = await sides.start(side, [kind.server(node, 'one')]);
  const connection = await gateway.connect();
  const tool = gateway.tool('one', kind.tool);
  await untilServing(connection, [tool]);
  return { gateway, connection, tool };
}

/** One call after the other, for at least `ms` milliseconds and ten calls. @throws when one fails. */
export async function measureCalls(
  { gateway: { pid }, connection, tool }: Caller,
  args: object,
  ms: number,
): Promise<Record<string, number>> {
  const params = { name: tool, arguments: args };
  const before = mainThreadMs(pid);
  const latencies = await oneByOne(
    async () => (await connection.request('tools/call', params)).ok,
    { ms, calls: 10, capMs: 4 * ms },
  );
  return {
    p50: median(latencies),
    'main busy': (mainThreadMs(pid) - before) / latencies.length,
  };
}
