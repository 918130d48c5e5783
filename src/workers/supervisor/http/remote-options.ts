/** What a remote is made of, and what it tells. Types only. */
import type { EndpointConfig } from '../../../shared/model/config.ts';
import type { Receiver } from '../receiver.ts';

export interface RemoteOptions {
  readonly server: string;
  readonly endpoint: EndpointConfig;
  readonly gatewayVersion: string;
  readonly maxMessageBytes: number;
  /** Takes secrets out of the server's words and makes them one line. */
  readonly redact: (text: string) => string;
  readonly listener: RemoteListener;
}

/** What a remote tells its owner, the incarnation. */
export interface RemoteListener {
  /** Takes what is read. Not asked for before the constructor has returned. */
  readonly conversation: Receiver;
  /** A token was read from its file and is used from now on. */
  tokenRead(token: string): void;
  /** Asks main for the token of a login; `tokenGiven` is the answer. @param refused the one that the server refuses. */
  tokenWanted(refused: string | null): void;
  /** Instead of `disconnected`: nothing goes on until a person has logged in. */
  loginWanted(detail: string): void;
  /** Something that an operator should know, without secrets. */
  trouble(message: string): void;
  /** The connection has ended. This, `away` or `loginWanted` is called once, after the constructor, and nothing after it. */
  disconnected(detail: string): void;
  /** There is no server at the other end. @param waitedMs how long it took to find out. */
  away(detail: string, waitedMs: number): void;
}
