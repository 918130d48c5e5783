/** Where an entry of a server's list is found in the merged list. Types only. */

export interface Place {
  /** The key it is listed under; null: it is not listed. */
  readonly shown: string | null;
  /** Why not under the key that it would have alone; null where it is. */
  readonly because: Because | null;
}

export type Because =
  /** Another server has the same name. */
  | { readonly kind: 'taken'; readonly owner: string }
  /** Names that begin so belong to another server; null: to the gateway. */
  | { readonly kind: 'prefix'; readonly owner: string | null; readonly prefix: string }
  /** Another server had the URI before. */
  | { readonly kind: 'held'; readonly owner: string }
  /** The configuration gives the URI to another server. */
  | { readonly kind: 'owned'; readonly owner: string }
  /** These servers have had it since the same time. */
  | { readonly kind: 'contested'; readonly servers: readonly string[] };

/** An entry that is not listed under its own key. */
export interface Collision {
  readonly server: string;
  readonly key: string;
  readonly listedAs: string | null;
  readonly because: Because;
}
