/** What a conversation tells its owner, the incarnation. Types only. */
import type { ListKind } from '../../../shared/model/lists.ts';
import type { CatalogEntry, Withheld } from '../../../shared/model/mcp.ts';
import type { ServerFeatures } from '../../../shared/model/server.ts';
import type { NoiseReport } from '../limits/noise.ts';
import type { SelfDescription } from './handshake.ts';
import type { DroppedNotifications } from './notifications.ts';

/** The lists of the server. */
export interface ListsListener {
  /** A list is complete, after all pages. The `json` of each entry is a view on the buffer of its page. */
  listed(kind: ListKind, entries: readonly CatalogEntry[]): void;
  /** Told before every list: the entries that were left out of it. */
  leftOut(kind: ListKind, withheld: Withheld): void;
  /** A list could not be fetched and will be tried again. */
  listFailed(kind: ListKind, problem: string): void;
  /** Nothing is known of a list, and nobody should wait for it; told at most once. */
  unlisted(kind: ListKind): void;
}

/** Text in `detail`, `problem` and `sample` is the server's: clipped, neither cleaned nor redacted. */
export interface ConversationListener extends ListsListener {
  /** Comes before `handshaken`. @param leftOut which part was not kept, in words; null for none. */
  described(description: SelfDescription, leftOut: string | null): void;
  handshaken(features: ServerFeatures): void;
  /**
   * The server must go: it failed the handshake, speaks none of the gateway's revisions, answers no pings, or prints too
   * much noise.
   */
  condemned(reason: 'handshake' | 'revision' | 'stall' | 'noise', detail: string): void;
  /** Something that an operator should know. */
  trouble(text: string): void;
  /** The server printed lines that are no messages. */
  noise(report: NoiseReport): void;
  /** Some notifications of the server were not passed on. */
  dropped(dropped: DroppedNotifications): void;
}
