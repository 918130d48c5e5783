/**
 * The options that a gateway is started with. Types only.
 */
import type { AuditEvent } from '../../shared/model/audit.ts';
import type { GatewayConfig } from '../../shared/model/config.ts';
import type { GuardedPlaces } from '../../shared/model/guarded.ts';
import type { Policy } from '../config/policy.ts';
import type { LogFile } from '../log/log-file.ts';
import type { LogSecrets } from '../log-secrets.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Clocks } from './clocks.ts';

export interface GatewayOptions {
  readonly cwd: string;
  readonly config: GatewayConfig;
  /** Paths that no client may name to a server. */
  readonly guarded: GuardedPlaces;
  readonly version: string;
  readonly clocks: Clocks;
  readonly log: Logger;
  /** Gets every line of the log; closed with the gateway. Null: none. */
  readonly logFile: LogFile | null;
  /** Secrets to keep out of the log; more are added while the gateway runs. */
  readonly secrets: LogSecrets;
  readonly stdio: boolean;
  readonly http: HttpOptions | null;
  /** Sessions share it: clients come through relays, and without any of them it ends. */
  readonly shared: boolean;
  /** Directory of its files outside of the project, absolute; null when that could not be made. */
  readonly stateDir: string | null;
  /** Closed with the gateway. */
  readonly metrics: Metrics;
  /** What was decided before its start, for the audit log. */
  readonly decided: readonly AuditEvent[];
  /** In force already: the rules of the servers are its own. */
  readonly policy: Policy;
  /** Called when the last client is gone that it goes on for. */
  readonly onClientGone: (reason: string) => void;
}

interface HttpOptions {
  readonly host: string;
  readonly port: number;
  /** Bearer tokens; an empty list = clients need none, on loopback only. */
  readonly tokens: readonly string[];
  /** The file that holds them, absolute. */
  readonly tokenFile: string | null;
  /** Further names that clients may reach it by. */
  readonly allowedHosts: readonly string[];
}
