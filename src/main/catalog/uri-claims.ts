/**
 * Which server lists which URI, and since when: of a URI that several list the one that had it before
 * all others keeps it, and one that came to several at once is nobody's until the configuration says
 * whose it is. Keeps account of one kind of list; decides nothing about requests.
 */
import type { HeldUri } from '../../shared/model/remembered.ts';
import type { Reserved } from './reserved.ts';

/**
 * Since when a server lists something, as a place in an order: earlier runs, the first lists of this one
 * (which all count as told at the same time), and each change after that.
 */
export type Since = number;
export const EARLIER_RUN: Since = 0;
export const THIS_RUN: Since = 1;

/** What there is to say of a URI that is not simply its only server's. */
export type Dispute =
  /** The configuration gives it to this server, whether it lists it or not. */
  | { readonly kind: 'owned'; readonly owner: string }
  /** It had it before the others. */
  | { readonly kind: 'held'; readonly owner: string }
  /** These came at once. */
  | { readonly kind: 'contested'; readonly servers: readonly string[] };

export class UriClaims {
  readonly #servers = new Map<string, Map<string, Since>>();
  readonly #remembered = new Set<string>();
  #first = new Map<string, string>();
  #disputes = new Map<string, Dispute>();

  /** What a server lists now. What it listed already it has listed since then. @returns whether that differs. */
  set(server: string, uris: readonly string[], since: (uri: string) => Since): boolean {
    const before = this.#servers.get(server);
    const claims = new Map(uris.map((uri) => [uri, before?.get(uri) ?? since(uri)]));
    this.#servers.set(server, claims);
    const isSame = before?.size === claims.size && uris.every((uri) => before.has(uri));
    return !isSame;
  }

  /** The server had it in an earlier run. It need not have told anything in this one. */
  remember(server: string, uri: string): void {
    const claims = this.#servers.get(server) ?? new Map<string, Since>();
    this.#servers.set(server, claims.set(uri, EARLIER_RUN));
    this.#remembered.add(uri);
  }

  /** Since when a server has what is known of it from an earlier run: others may have had it before. */
  sinceEarlier(uri: string): Since {
    return this.#remembered.has(uri) ? THIS_RUN : EARLIER_RUN;
  }

  /** Takes over all that another account knows. */
  adopt(other: UriClaims): void {
    for (const [server, claims] of other.#servers) this.#servers.set(server, new Map(claims));
  }

  /** Decides anew. @param servers in the order of the configuration; what others claimed is forgotten. */
  settle(servers: readonly string[], reserved: Reserved): void {
    for (const server of this.#servers.keys()) {
      if (!servers.includes(server)) this.#servers.delete(server);
    }
    const first = new Map<string, string>();
    const several = new Map<string, string[]>();
    this.#disputes = new Map();
    for (const { server, uri } of this.claimed(servers)) {
      const other = first.get(uri);
      if (other === undefined) {
        first.set(uri, server);
        const owner = reserved.ownerOfUri(uri);
        if (owner !== null) this.#disputes.set(uri, { kind: 'owned', owner });
      } else {
        several.set(uri, [...(several.get(uri) ?? [other]), server]);
      }
    }
    this.#first = first;
    for (const [uri, claimants] of several) {
      if (!this.#disputes.has(uri)) this.#disputes.set(uri, this.#decide(uri, claimants));
    }
  }

  /** All claims, in the order of the servers and then of their lists. */
  *claimed(servers: readonly string[]): Iterable<HeldUri> {
    for (const server of servers) {
      for (const uri of this.#servers.get(server)?.keys() ?? []) yield { uri, server };
    }
  }

  disputeOf(uri: string): Dispute | null {
    return this.#disputes.get(uri) ?? null;
  }

  /** The server that has a URI; null: none, or it is not clear which. */
  holderOf(uri: string): string | null {
    const dispute = this.#disputes.get(uri);
    if (dispute === undefined) return this.#first.get(uri) ?? null;
    return dispute.kind === 'contested' ? null : dispute.owner;
  }

  /** What is worth remembering: URIs that their server keeps against others. */
  *held(): Iterable<HeldUri> {
    for (const [uri, dispute] of this.#disputes) {
      if (dispute.kind === 'held') yield { uri, server: dispute.owner };
    }
  }

  #decide(uri: string, claimants: readonly string[]): Dispute {
    let earliest: readonly string[] = [];
    let since = Number.POSITIVE_INFINITY;
    for (const server of claimants) {
      const own = this.#servers.get(server)?.get(uri) ?? Number.POSITIVE_INFINITY;
      if (own < since) earliest = [server];
      else if (own === since) earliest = [...earliest, server];
      since = Math.min(since, own);
    }
    const [owner] = earliest;
    return owner !== undefined && earliest.length === 1
      ? { kind: 'held', owner }
      : { kind: 'contested', servers: claimants };
  }
}
