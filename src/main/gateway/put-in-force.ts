/**
 * Puts another configuration in force while the gateway runs. Servers without a change go on undisturbed.
 */
import type { GatewayConfig } from '../../shared/model/config.ts';
import { putPolicyInForce } from '../audit/policy-change.ts';
import { difference, keysOfNextStart } from '../config/difference.ts';
import { firstNames } from '../config/first-of.ts';
import { loosened } from '../config/loosened.ts';
import type { Policy } from '../config/policy.ts';
import { creditLimits, heapProblem } from '../servers/capacity.ts';
import { shownLine } from './file-problems.ts';
import type { GatewayOptions } from './options.ts';
import type { Parts } from './parts.ts';
import type { Reconfigured } from './reload.ts';

/** A configuration with its policy. */
export interface InForce {
  readonly config: GatewayConfig;
  readonly policy: Policy;
}

/**
 * @param options what the gateway was started with.
 * @param present what is in force.
 * @returns `done`, or the reason why nothing has changed.
 */
export function putInForce(
  { audit, definitions, fleet, credit, profiles }: Parts,
  options: GatewayOptions,
  present: InForce,
  { config, policy }: InForce,
): Reconfigured {
  const { log, metrics, secrets } = options;
  const change = difference(present.config.servers, config.servers);
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
  definitions.setMode(policy.pins.definitions);
  const facts = {
    added: firstNames(names(change.added)),
    removed: firstNames(names(change.removed)),
    restarted: firstNames(names(change.replaced)),
    adjusted: firstNames(names(change.adjusted)),
  };
  audit.event({ event: 'config', facts });
  log.info(facts, 'the configuration is in force');
  const before = { policy: present.policy, servers: present.config.servers };
  const looser = loosened(before, { policy, servers: config.servers }).map(shownLine);
  putPolicyInForce(audit, log, present.policy, policy, looser);
  const later = keysOfNextStart(options.config, config);
  if (later.length > 0) log.warn(`from the next start of rea serve on: ${later.join(', ')}`);
  return { kind: 'done', loosened: looser };
}
