/**
 * Collects what a gateway shows about itself, for the state file, the health tool and the metrics.
 */
import type { GatewayConfig } from '../../shared/model/config.ts';
import type {
  ClientRecord,
  DefinitionsRecord,
  EndpointRecord,
  ReloadRecord,
} from '../../shared/model/snapshot.ts';
import type { MainFact } from '../../shared/protocol/facts.ts';
import { clip } from '../../shared/text/clean-text.ts';
import type { Policy } from '../config/policy.ts';
import type { LogSecrets } from '../log-secrets.ts';
import type { MetricsSources } from '../metrics/metrics.ts';
import { healthText } from '../operator/health.ts';
import { blockedIn } from './blocked-lines.ts';
import type { Parts } from './parts.ts';

/** Facts that only the gateway itself knows. */
export interface Own {
  readonly version: string;
  readonly sessionId: string;
  readonly startedAt: string;
  readonly endpoint: EndpointRecord;
  readonly httpConnections: number;
  readonly loopLagMs: number;
  readonly reload: ReloadRecord;
  readonly config: GatewayConfig;
  readonly policy: Policy;
}

/** Names in one list of the state file; a configuration may have any number. */
const MOST_DISABLED = 256;
const LONGEST_CLIENT = 64;

/** For the state file. @param secrets takes out of it what a client says of them. */
export function factsOf(
  parts: Parts,
  own: Own,
  secrets: Pick<LogSecrets, 'hideIn'>,
): Omit<MainFact, 'type' | 'rev'> {
  const { audit, definitions, fleet, router, halt, priorities } = parts;
  return {
    servers: fleet.records(),
    sessions: router.clients,
    clients: clientsOf(secrets.hideIn(router.introduced()) as readonly ClientRecord[]),
    disabled: disabledOf(own.config),
    leftOut: parts.catalogs.leftOut.slice(0, MOST_DISABLED),
    halt: halt.active(),
    endpoint: own.endpoint,
    loopLagMs: own.loopLagMs,
    priority: priorities.kind,
    reload: own.reload,
    audit: audit.record,
    definitions: secrets.hideIn(definitions.record()) as DefinitionsRecord,
  };
}

/** The configuration keeps the names of all its servers, and runs those that are enabled. */
function disabledOf({ reserved, servers }: GatewayConfig): string[] {
  if (reserved.length === servers.length) return [];
  const enabled = new Set(servers.map(({ name }) => name));
  const names = reserved.map(({ server }) => server).filter((name) => !enabled.has(name));
  return names.slice(0, MOST_DISABLED);
}

/** Clipped after secrets are hidden: half of one would not be recognised. */
function clientsOf(clients: readonly ClientRecord[]): ClientRecord[] {
  return clients.map(({ name, version }) => {
    return {
      name: clip(name, LONGEST_CLIENT),
      version: version === null ? null : clip(version, LONGEST_CLIENT),
    };
  });
}

/** JSON text of the health tool's result. */
export function healthOf(
  { writer, router, halt, fleet, catalogs, definitions }: Parts,
  own: Own,
): string {
  const held = definitions.held();
  return healthText({
    version: own.version,
    sessionId: own.sessionId,
    startedAt: own.startedAt,
    stateOwner: writer.owner,
    droppedMessages: router.droppedMessages,
    halt: halt.active(),
    asksOpen: router.approvals.open,
    blocked: blockedIn(own.reload),
    servers: fleet.all(),
    toolsOf: (server) => catalogs.shared.toolsCount(server),
    withheldOf: (server) => catalogs.shared.withheld(server),
    collisionsOf: (server) => catalogs.shared.collisions(server),
    heldOf: (server) => held.filter((one) => one.server === server),
    policy: own.policy,
  });
}

export function metricsOf(
  { definitions, fleet, router, halt, writer }: Parts,
  own: Own,
): MetricsSources {
  return {
    names: fleet.names,
    servers: fleet.views(),
    held: definitions.held(),
    sessions: router.clients,
    httpConnections: own.httpConnections,
    halted: halt.active().active,
    ownsState: writer.owner,
    stateWriterHeapBytes: writer.heapUsedBytes,
    droppedMessages: router.droppedMessages,
  };
}
