/**
 * What a supervised server is reached through, whatever it is: a child's pipes or HTTP. Carries whole
 * lines towards the server and tells which calls never left. Knows no meaning of a message and decides
 * nothing about the server's life.
 */

/** A call's number, or the id of a request of the gateway's own as raw JSON text. */
export type RequestId = number | string;

/** The conversation's end of a link. */
export interface Line {
  /**
   * Sends one line, which ends in a newline. @param id of the request in it; null for what has no
   * answer.
   */
  write(line: Uint8Array, id: RequestId | null): void;
  /** Takes back a request that did not leave, or stops waiting for the answer. @returns whether it did not leave. */
  withdraw(id: RequestId): boolean;
  /** The answer to a request has arrived, by whatever way: no more of it is waited for. */
  answered(id: RequestId): void;
  /** The server accepted this protocol version; the next line says so to it. */
  handshaken(version: string): void;
  /** Bytes that wait for the server to take them. */
  readonly queuedBytes: number;
}

/** The supervisor's end of a link. */
export interface Link extends Line {
  /** Null when there is no process. */
  readonly pid: number | null;
  /** Start time of the process as the system tells it, null while it is not known. */
  readonly startTime: string | null;
  /** Calls of which it is certain that they were not carried out. */
  unsentCalls(): number[];
  /** The server is to end by itself. */
  endInput(): void;
  /** The server is to end, or (SIGKILL) is ended. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
}
