/**
 * A server as its supervisor sees it: the events of its life, its capabilities and its profile. Types only.
 */

/** The events of a server's life. Their messages carry `server`, `incarnation` and `at`, too. */
export type SupervisorEvent =
  | {
      readonly event: 'child_died_unexpectedly';
      /** `exit`, `stall`, `noise`, `handshake`, `revision`, `start_timeout`, `spawn_failed`. */
      readonly reason: DeathReason;
      readonly code: number | null;
      readonly signal: string | null;
      readonly detail: string;
    }
  | { readonly event: 'respawned' }
  | { readonly event: 'health_changed'; readonly healthy: boolean }
  | { readonly event: 'starting' }
  | { readonly event: 'spawned'; readonly pid: number }
  | { readonly event: 'ready'; readonly features: ServerFeatures }
  | { readonly event: 'stable' }
  | { readonly event: 'backoff'; readonly delayMs: number; readonly crashLoop: boolean }
  /** A server over HTTP cannot be reached: told when that begins, and every few seconds while it lasts. */
  | {
      readonly event: 'unreachable';
      readonly detail: string;
      readonly begins: boolean;
      /** How long it has lasted. */
      readonly forMs: number;
      readonly delayMs: number;
    }
  | { readonly event: 'stopped' }
  /** A healthy server is being recycled, to be idle or to restart; it takes no calls until then. */
  | { readonly event: 'draining'; readonly into: 'idle' | 'restart' }
  /** The server has ended and starts again when it is needed. */
  | { readonly event: 'idle' }
  | { readonly event: 'noise'; readonly lines: number; readonly sample: string };

/** The capabilities of a server that its supervisor uses. */
export interface ServerFeatures {
  readonly tools: boolean;
  readonly prompts: boolean;
  readonly resources: boolean;
  readonly logging: boolean;
}

/** A server's own description in its handshake, passed on to clients. */
export interface ServerProfile {
  /** Raw JSON of its `capabilities`, `{}` where they are missing or larger than 64 KiB. */
  readonly capabilities: string;
  /** At most 8192 UTF-16 units, and a note if they were clipped; "" when it has none. */
  readonly instructions: string;
  /** Its `serverInfo`, each at most 200 UTF-16 units. */
  readonly name: string;
  readonly version: string;
}

export type DeathReason =
  | 'exit'
  | 'stall'
  | 'noise'
  | 'handshake'
  | 'revision'
  | 'login'
  | 'start_timeout'
  | 'spawn_failed';
