/** A server as it is started once: its own settings, apart from what would start it again or leave something of it. */
import type { ServerConfig } from '../../../shared/model/config.ts';

/** No server may take longer to start than this, unless it works or reports progress. */
export const MOST_START_MS = 60_000;
/** No server is looked at for longer, whatever it does. */
export const MOST_MS = 120_000;
/** It is pinged after such a silence; a gateway has more time. */
export const IDLE_MS = 300;
/** How long it may take to end when its input has ended. */
export const EOF_MS = 2000;

export function startedOnce(server: ServerConfig): ServerConfig {
  const { startTimeoutMs, restart, liveness } = server;
  return {
    ...server,
    start: 'eager',
    instances: 'shared',
    idleStopMs: 0,
    detached: 'end',
    startTimeoutMs: Math.min(startTimeoutMs, MOST_START_MS),
    // One death makes a crash loop, after which it waits.
    restart: { ...restart, intensity: 1, backoffMaxMs: 2 * MOST_MS, stableMs: MOST_MS },
    liveness: { ...liveness, idleMs: Math.min(liveness.idleMs, IDLE_MS) },
  };
}
