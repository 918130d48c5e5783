/** How much a gateway with this configuration must have room for: threads, lanes, bytes. Pure. */

import type { CreditLimits } from '../../shared/memory/byte-credit.ts';
import type { GatewayConfig } from '../../shared/model/config.ts';

const MIB = 1024 * 1024;

/** Servers with one lane each. */
export function sharedServers({ servers }: GatewayConfig): number {
  return servers.filter(({ instances }) => instances === 'shared').length;
}

/** Lanes that there is room for: a later configuration may have more servers. */
export function roomFor(config: GatewayConfig): number {
  return 2 * mostLanes(config) + 64;
}

/** How many lanes there can be at the same time; one that is closing counts beside its successor. */
export function mostLanes({ servers }: GatewayConfig): number {
  const most = servers.map(({ instances, maxInstances }) =>
    instances === 'shared' ? 1 : 2 * maxInstances,
  );
  return most.reduce((sum, lanes) => sum + lanes, 0);
}

/** Above the soft limit there is room for one more message, whichever it is. */
export function creditLimits({ limits, servers }: GatewayConfig): CreditLimits {
  const largest = Math.max(0, ...servers.map(({ maxMessageBytes }) => maxMessageBytes));
  const { byteCreditBytes } = limits;
  return { softBytes: byteCreditBytes - largest, hardBytes: byteCreditBytes };
}

/** Threads keep the heap that they were started with. @returns why it is too small, in one line, or null. */
export function heapProblem({ servers }: GatewayConfig, heapMb: number): string | null {
  const tooLarge = servers.find(({ maxMessageBytes }) => maxMessageBytes * 2 > heapMb * MIB);
  if (tooLarge === undefined) return null;
  return `has max_message_bytes ${tooLarge.maxMessageBytes} for server "${tooLarge.name}", which needs a larger threads.heap_mb than the ${heapMb} that this gateway was started with; restart rea serve`;
}
