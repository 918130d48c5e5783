/** The options of the HTTP edge, and the defaults of its limits. */

import type { ByteCredit } from '../../../shared/memory/byte-credit.ts';
import type { OpenClient } from '../port.ts';
import { MAX_UNSENT_BYTES } from '../unsent.ts';

export interface HttpOptions extends Partial<HttpLimits> {
  /** A name or address. One that is not loopback needs `tokens`. */
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  /**
   * Bearer tokens. Each names a principal. With any, every request but `/healthz` needs one. All clients share a token
   * that is the only one; of two or more, each belongs to one client.
   *
   * @default none
   */
  readonly tokens?: readonly string[];
  /** Further names of the gateway, as `Host` and as the host of `Origin`. @default none */
  readonly allowedHosts?: readonly string[];
  /** The file with the tokens; named in the reply to a client that is refused. @default it is not named */
  readonly tokenFile?: string | null;
  readonly open: OpenClient;
  /** Counts the bytes that clients have not taken. */
  readonly credit: Pick<ByteCredit, 'addUnits'>;
  /** Largest body of one POST. */
  readonly maxBodyBytes: number;
  readonly log: EdgeLog;
  /** The answer of `/readyz`. @default always ready */
  readonly ready?: () => Readiness;
}

/** One word, which is the answer of `/readyz`; `ok` comes with 200, the others with 503. */
export type Readiness = 'ok' | 'starting' | 'stopping';

/** Times are milliseconds. */
export interface HttpLimits {
  /** A session without exchange, open stream or request in flight ends after this. @default 1800000 */
  readonly idleMs: number;
  /** At a stop, how long clients may take to read what was written. @default 1000 */
  readonly closeMs: number;
  /** For a further client another session ends, or the client is refused with 503. @default 256 */
  readonly maxSessions: number;
  /** Further connections are closed at once, before they use up what threads and servers need. @default 1024 */
  readonly maxConnections: number;
  /** Further requests of the session, pings apart, are answered with an error. @default 128 */
  readonly maxInFlight: number;
  /** Events of one session kept for a client that comes back. @default 512 */
  readonly maxEvents: number;
  /** Bytes of the events kept for one session. @default 4194304 */
  readonly maxEventBytes: number;
  /** Bytes of the events of all sessions; the oldest go first. @default 67108864 */
  readonly maxTotalEventBytes: number;
  /** How long the events of ended streams are kept. @default 300000 */
  readonly eventAgeMs: number;
  /** Between two comments on a stream that is silent otherwise. @default 15000 */
  readonly keepAliveMs: number;
  /** When a client is asked to come back after its stream broke. @default 1000 */
  readonly retryMs: number;
  /** An answer that comes within this is the whole response, as JSON. @default 20 */
  readonly promptMs: number;
  /**
   * The same for a request without a session, where only a whole response can say by its status what its client cannot do,
   * and nothing else comes before that answer.
   *
   * @default 2000
   */
  readonly wholeMs: number;
  /** Unless it is larger than this. @default 65536 */
  readonly promptBytes: number;
  /** Longest pause within a body. @default 30000 */
  readonly bodyIdleMs: number;
  /** A stream is closed when its client takes nothing for this long while something waits. @default 60000 */
  readonly slowClientMs: number;
  /**
   * Bytes of responses without a session that one principal may leave unread. Above that, the response that it stopped
   * reading first is cut off.
   *
   * @default 134217728
   */
  readonly maxUnreadBytes: number;
}

/** The part of a logger that the edge uses. */
export interface EdgeLog {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const DEFAULT_LIMITS: HttpLimits = {
  idleMs: 30 * 60_000,
  closeMs: 1000,
  maxSessions: 256,
  maxConnections: 1024,
  maxInFlight: 128,
  maxEvents: 512,
  maxEventBytes: 4 * 1024 * 1024,
  maxTotalEventBytes: 64 * 1024 * 1024,
  eventAgeMs: 5 * 60_000,
  keepAliveMs: 15_000,
  retryMs: 1000,
  promptMs: 20,
  wholeMs: 2000,
  promptBytes: 64 * 1024,
  bodyIdleMs: 30_000,
  slowClientMs: 60_000,
  maxUnreadBytes: 4 * MAX_UNSENT_BYTES,
};
