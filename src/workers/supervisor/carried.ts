/** What an HTTP connection tells the conversation that it carries. Types only. */
import type { LineFramer } from '../../shared/json/framing.ts';
import type { CallFailedMessage } from '../../shared/protocol/from-supervisor.ts';
import type { Readers } from './limits/readers.ts';
import type { RequestId } from './link.ts';

/** How a request ended that will have no answer. */
export type Loss = Pick<CallFailedMessage, 'code' | 'outcome' | 'message'>;

export interface Conversation {
  /** A stream of messages of the server; each response is one. */
  source(): LineFramer;
  /** Whether what the server says is still worth reading. */
  readonly reading: boolean;
  /** All that is read from the server. */
  readonly readers: Readers;
  /** Does what bytes of the server give cause to; the time counts as the server's. */
  work(task: () => void): void;
  /** A part of a response has been read and dealt with. @param bytes of it. */
  taken(bytes: number): void;
  /** A sign of life. */
  heard(): void;
  /** Find out now whether the server still lives. */
  suspect(): void;
  /** Whether the answer to a request is still waited for. */
  isOpen(id: RequestId): boolean;
  /** A request will have no answer. Ignored when nobody waits for one. */
  lost(id: RequestId, loss: Loss): void;
  /** The server may have said something that did not arrive. */
  missed(): void;
}
