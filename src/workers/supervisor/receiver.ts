/** The conversation as an HTTP connection sees it: it takes what the connection reads. Types only. */
import type { LineFramer } from '../../shared/json/framing.ts';
import type { CallFailedMessage } from '../../shared/protocol/from-supervisor.ts';
import type { Readers } from './limits/readers.ts';
import type { RequestId } from './link.ts';

/** How a request ended that will have no answer. */
export type Loss = Pick<CallFailedMessage, 'code' | 'outcome' | 'message'> & {
  /** What an HTTP error said to a request of the gateway's own, whole. */
  readonly body?: Uint8Array;
};

export interface Receiver {
  /** A framer for one more stream of messages from the server; each response needs its own. @param id its request. */
  source(id: RequestId | null): LineFramer;
  /** Whether more output of the server is still worth reading. */
  readonly reading: boolean;
  /** All open streams of the server. */
  readonly readers: Readers;
  /** Runs `task` and charges its time to this server (`Workload`). */
  work(task: () => void): void;
  /** A part of a response has been read and dealt with. @param bytes its length. */
  taken(bytes: number): void;
  /** The server gave a sign of life. */
  heard(): void;
  /** Finds out now whether the server still lives. */
  suspect(): void;
  /** A call was refused for its credentials: finds out whether what anybody may ask for is refused, too. */
  unauthorized(): void;
  /** Whether the answer to a request is still waited for. */
  isOpen(id: RequestId): boolean;
  /** A request will have no answer. Ignored when none is waited for. */
  lost(id: RequestId, loss: Loss): void;
  /** Notifications of the server may have been lost. */
  missed(): void;
}
