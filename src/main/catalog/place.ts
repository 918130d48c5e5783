/** The place of a server's entry in the merged list. Types only. */

export interface Place {
  /** The key that the entry is listed under; null: it is not listed. */
  readonly shown: string | null;
  /** Why it does not have the key that it would have without other servers; null: it has that key. */
  readonly because: Because | null;
}

export type Because =
  /** Another server has the same name. */
  | { readonly kind: 'taken'; readonly owner: string }
  /** Names with this prefix belong to another server, or to the gateway (`owner` null). */
  | { readonly kind: 'prefix'; readonly owner: string | null; readonly prefix: string }
  /** Another server listed the URI before. */
  | { readonly kind: 'held'; readonly owner: string }
  /** The configuration gives the URI to another server. */
  | { readonly kind: 'owned'; readonly owner: string }
  /** These servers have listed the URI since the same time. */
  | { readonly kind: 'contested'; readonly servers: readonly string[] };

/** An entry that is not listed under its own key. */
export interface Collision {
  readonly server: string;
  readonly key: string;
  readonly listedAs: string | null;
  readonly because: Because;
}
