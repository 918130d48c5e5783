/**
 * Puts another configuration in force while the gateway runs. Servers without a change go on undisturbed.
 */
import type { GatewayConfig } from '../../shared/model/config.ts';
import { difference, keysOfNextStart } from '../config/difference.ts';
import { firstNames } from '../config/first-of.ts';
import { creditLimits, heapProblem } from '../servers/capacity.ts';
import type { GatewayOptions } from './options.ts';
import type { Parts } from './parts.ts';
import type { Reconfigured } from './reload.ts';

/**
 * @param options what the gateway was started with.
 * @param present the configuration that is in force.
 * @returns `done`, or the reason why nothing has changed.
 */
export function putInForce(
  { fleet, credit, profiles }: Parts,
  options: GatewayOptions,
  present: GatewayConfig,
  config: GatewayConfig,
): Reconfigured {
  const { log, metrics, secrets } = options;
  const change = difference(present.servers, config.servers);
  const problem =
    heapProblem(config, options.config.threads.heapMb) ?? fleet.roomProblem(config, change);
  if (problem !== null) return { kind: 'refused', problem };
  // Later: if changes came faster than a server starts, its calls would wait forever.
  if (fleet.isSettling(change)) return { kind: 'later' };
  const names = (servers: readonly { name: string }[]) => servers.map(({ name }) => name);
  secrets.expect(config.servers);
  credit.setLimits(creditLimits(config));
  metrics.expect(names(config.servers));
  profiles.reconfigure(config.servers);
  fleet.reconfigure(config, change);
  log.info(
    {
      added: firstNames(names(change.added)),
      removed: firstNames(names(change.removed)),
      restarted: firstNames(names(change.replaced)),
      adjusted: firstNames(names(change.adjusted)),
    },
    'the configuration is in force',
  );
  const later = keysOfNextStart(options.config, config);
  if (later.length > 0) log.warn(`from the next start of rea serve on: ${later.join(', ')}`);
  return { kind: 'done' };
}
