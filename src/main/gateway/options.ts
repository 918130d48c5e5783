/**
 * What a gateway is started with.
 */
import type { GatewayConfig } from '../../shared/model/config.ts';
import type { GuardedPlaces } from '../../shared/model/guarded.ts';
import type { LogSecrets } from '../log-secrets.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics/metrics.ts';

export interface GatewayOptions {
  readonly cwd: string;
  readonly config: GatewayConfig;
  /** Paths that no client may name to a server. */
  readonly guarded: GuardedPlaces;
  readonly version: string;
  readonly log: Logger;
  /** What the log may not hold; learns of more. */
  readonly secrets: LogSecrets;
  readonly stdio: boolean;
  readonly http: HttpOptions | null;
  /** What it keeps outside of the project, absolute; null where that could not be made. */
  readonly stateDir: string | null;
  /** Closed with the gateway. */
  readonly metrics: Metrics;
  /** Whether the health tool tells errors and exits. */
  readonly exposeDiagnostics: boolean;
  /** The stdio client is gone and there is no other, with the reason. */
  readonly onClientGone: (reason: string) => void;
}

interface HttpOptions {
  readonly host: string;
  readonly port: number;
  /** Bearer tokens; none = nobody needs one, on loopback only. */
  readonly tokens: readonly string[];
  /** Where they stand, absolute. */
  readonly tokenFile: string | null;
}
