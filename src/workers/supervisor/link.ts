/**
 * The connection to one server: a child's pipes or HTTP. Carries whole lines to the server and tells which
 * calls never left. Does not know what a message means and decides nothing about the server's life. Types
 * only.
 */

import type { OutgoingHttpHeaders } from 'node:http';
import type { Frame } from '../../shared/json/frame.ts';
import type { TokenReply } from '../../shared/model/login.ts';
import type { Reply } from './conversation/reply.ts';

/** A call's number, or the id of a request of the gateway's own: a number as JSON text. */
export type RequestId = number | string;

/** The conversation's end of a link. */
export interface Line {
  /**
   * Sends one line, which ends in a newline.
   *
   * @param id of the request in it; null for a message that has no answer.
   * @param headers by which HTTP repeats what the request says; a pipe has none.
   */
  write(line: Uint8Array, id: RequestId | null, headers?: OutgoingHttpHeaders): void;
  /** Whether requests go with headers of their own. */
  readonly wantsHeaders: boolean;
  /**
   * Takes back a request that has not left, or else stops waiting for its answer.
   *
   * @returns whether it has certainly not left.
   */
  withdraw(id: RequestId): boolean;
  /** The answer to a call has arrived, on this stream or another one. @param error the answer, if it is one. */
  answered(id: RequestId, error: Frame | null): void;
  /** A ping of the gateway's own has ended. */
  pinged(id: string, reply: Reply): void;
  /** The server accepted this protocol version; the next line confirms it. */
  handshaken(version: string): void;
  /** The server speaks this revision, which has no handshake: requests may go, and nothing without an answer. */
  opened(version: string): void;
  /** Bytes that wait for the server to take them. */
  readonly queuedBytes: number;
}

/** The supervisor's end of a link. */
export interface Link extends Line {
  /** Null when there is no process. */
  readonly pid: number | null;
  /** Start time of the process as the system tells it; null while it is not known. */
  readonly startTime: string | null;
  /** Calls that the server has certainly not carried out. */
  unsentCalls(): number[];
  /** Takes what main knows of the server's token; a process has none. */
  tokenGiven?(reply: TokenReply): void;
  /** Asks the server to end: closes its input, or ends its session. */
  endInput(): void;
  /** Signals the server's process group; a connection ends at once. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** Calls back when nothing of the server is left, or what is left does not end. Only after its end. */
  whenClear(callback: () => void): void;
}
