/**
 * A server as its supervisor sees it: how it lives and dies, and what it says that it can do.
 */

/** A supervisor's life, in order. Kept names first. Every event carries `server`, `incarnation`, `at`. */
export type SupervisorEvent =
  | {
      readonly event: 'child_died_unexpectedly';
      /** `exit`, `stall`, `noise`, `handshake`, `start_timeout`, `spawn_failed`. */
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
  | { readonly event: 'stopped' }
  /** A healthy server is ending, to be idle or to begin anew; it takes no calls until then. */
  | { readonly event: 'draining'; readonly into: 'idle' | 'restart' }
  /** It has ended and starts when it is needed. */
  | { readonly event: 'idle' }
  | { readonly event: 'noise'; readonly lines: number; readonly sample: string };

/** What of a server's capabilities decides how it is talked with. */
export interface ServerFeatures {
  readonly tools: boolean;
  readonly prompts: boolean;
  readonly resources: boolean;
  readonly logging: boolean;
}

/** What a server says of itself in its handshake, for clients to hear. */
export interface ServerProfile {
  /** Raw JSON of its `capabilities`, `{}` where they are missing or larger than 64 KiB. */
  readonly capabilities: string;
  /** At most 8192 UTF-16 units of them and a note that they were clipped; "" where it has none. */
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
  | 'start_timeout'
  | 'spawn_failed';
