/**
 * A client as routing knows it: where answers, questions and notifications for it go, and what it can
 * do. Nothing here says for how long it is there: a session of many requests, or a single one.
 */
import type { LogLevel } from '../../shared/model/log-levels.ts';
import type { ClientRecord } from '../../shared/model/snapshot.ts';
import type { CallOwner, Withdrawable } from '../calls/call.ts';
import type { Grant } from './grant.ts';

export interface Client extends CallOwner {
  /** The least severe level of log messages that it wants for its session; null: it has not said. */
  readonly logLevel: LogLevel | null;
  /** How it has named itself; null: it has not. */
  readonly record: ClientRecord | null;
  /** Several clients may come as this one, which cannot be told apart. */
  readonly several: boolean;
  /** What it can be asked about a request of its own. @param about its id; null: about none in particular. */
  grant(about: string | null): Grant;
  /** Refuses a request. @param idText raw JSON of its id. */
  refused(idText: string, code: number, message: string): void;
  /** Gives a large answer of the gateway's own once the client has read what it got before. */
  whenRead(idText: string, answer: () => void): void;
  /**
   * Asks it something.
   *
   * @param parts together a request.
   * @param relatedTo id of the client's request that it is about, or null.
   * @param name the asker's own for it; null: it has none.
   */
  ask(parts: readonly Uint8Array[], relatedTo: string | null, name: string | null): void;
  /**
   * It need not answer a question any more.
   *
   * @param question raw id under which it was asked.
   * @param parts together a notification that says so.
   * @param relatedTo id of the client's request that it was about, or null.
   */
  withdraw(question: string, parts: readonly Uint8Array[], relatedTo: string | null): void;
  /**
   * Sends progress of a task; not to a client that does not read.
   *
   * @param relatedTo raw id of a request on whose stream it goes, or null.
   */
  progress(parts: readonly Uint8Array[], relatedTo: string | null): void;
  /** Sends a notification of the gateway's own, also to a client that does not read. */
  announce(parts: readonly Uint8Array[]): void;
  /**
   * Sends a notification of a server; not to a client that does not read.
   *
   * @param onlyStreams to its streams that have asked for it, and nowhere else. @default false
   */
  notify(parts: readonly Uint8Array[], onlyStreams?: boolean): void;
  /**
   * Sends a log message of a server, unless the client asked for less or does not read.
   *
   * @param of the call that it is about, if it can be about no other and is this client's.
   */
  log(level: string | null, parts: readonly Uint8Array[], of: string | null): void;
  /** The gateway is stopping: what stays open for changes ends. */
  stopping(): void;
  /** Remembers a request, so that the client can cancel it. */
  track(request: Withdrawable): void;
  /** Forgets a request that goes on in another form. */
  untrack(request: Withdrawable): void;
}
