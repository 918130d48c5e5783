/**
 * The events that routing and the fleet report for metrics: one method for each, called where it happens
 * and therefore cheap. Servers go by their configured names, never by lane. Nothing is reported that a
 * client or a server could make grow: no tool, no session, no text.
 */
import type { ErrorCode } from '../../shared/model/errors.ts';
import type { Failure } from './failures.ts';

/**
 * How a request ended: `ok` a result; `error` the server's own JSON-RPC error, or a result that says
 * `isError`; `refused` never sent; `timeout`; `unknown` lost with its server; `undeliverable` answered,
 * but not with something that can be passed on; `cancelled` by its client.
 */
export type CallOutcome =
  | 'ok'
  | 'error'
  | 'refused'
  | 'timeout'
  | 'unknown'
  | 'undeliverable'
  | 'cancelled';

/** How the gateway's question about a call ended; `unable`: there was nobody to ask. */
export const ASK_ANSWERS = ['once', 'session', 'no', 'late', 'unable', 'withdrawn'] as const;

export type AskAnswer = (typeof ASK_ANSWERS)[number];

export interface Observer {
  /**
   * Exactly once for each request that was meant for a server.
   *
   * @param code what the gateway said went wrong, null when it said nothing.
   * @param ms since it was handed to the server; null when it never was, or may take any time.
   */
  callEnded(server: string, outcome: CallOutcome, code: ErrorCode | null, ms: number | null): void;
  /** Secrets were found in an answer of this server, so many of each kind. */
  redacted(server: string, counts: Readonly<Record<string, number>>): void;
  /** A question of the gateway's own about a call of this server has ended. */
  asked(server: string, answer: AskAnswer): void;
  circuitOpened(server: string): void;
  /** A process was started in place of one that had ended. */
  restarted(server: string): void;
  threadLost(server: string, why: 'stalled' | 'crashed'): void;
  /** Lines on stdout that were no messages. */
  noise(server: string, lines: number): void;
  /** CPU time of its process tree since the last look. */
  cpuUsed(server: string, ms: number): void;
}

/** For a gateway that is asked for no metrics. */
export const NO_OBSERVER: Observer = {
  callEnded: () => {},
  redacted: () => {},
  asked: () => {},
  circuitOpened: () => {},
  restarted: () => {},
  threadLost: () => {},
  noise: () => {},
  cpuUsed: () => {},
};

/** The outcome of a request that the gateway answered with an error of its own. */
export function outcomeOf({ code, outcome }: Pick<Failure, 'code' | 'outcome'>): CallOutcome {
  if (code === 'ERR_TIMEOUT') return 'timeout';
  switch (outcome) {
    case 'not_sent':
      return 'refused';
    case 'unknown':
      return 'unknown';
    case 'answered':
      return 'undeliverable';
  }
}
