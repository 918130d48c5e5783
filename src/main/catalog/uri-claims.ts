/**
 * Records which server lists which URI, and since when. When several list the same URI, the first of
 * them keeps it; when they came at the same time, no server has it until the configuration names an
 * owner. Covers one kind of list; decides nothing about requests.
 */
import type { HeldUri } from '../../shared/model/remembered.ts';
import type { Reserved } from './reserved.ts';

/**
 * The time at which a server first listed something, as a place in an order: earlier runs, then the
 * first lists of this run (all count as told at the same time), then each change after that.
 */
export type Since = number;
export const EARLIER_RUN: Since = 0;
export const THIS_RUN: Since = 1;

/** Why a URI does not simply belong to the only server that lists it. */
export type Dispute =
  /** The configuration gives the URI to this server, whether or not the server lists it. */
  | { readonly kind: 'owned'; readonly owner: string }
  /** This server listed the URI before the others. */
  | { readonly kind: 'held'; readonly owner: string }
  /** These servers have listed the URI since the same time. */
  | { readonly kind: 'contested'; readonly servers: readonly string[] };

export class UriClaims {
  readonly #servers = new Map<string, Map<string, Since>>();
  readonly #remembered = new Set<string>();
  #first = new Map<string, string>();
  #disputes = new Map<string, Dispute>();

  /** Replaces the list of a server; a URI it listed before keeps its `Since`. @returns true when it differs. */
  set(server: string, uris: readonly string[], since: (uri: string) => Since): boolean {
    const before = this.#servers.get(server);
    const claims = new Map(uris.map((uri) => [uri, before?.get(uri) ?? since(uri)]));
    this.#servers.set(server, claims);
    const isSame = before?.size === claims.size && uris.every((uri) => before.has(uri));
    return !isSame;
  }

  /** The server held the URI in an earlier run. It may have listed nothing in this one yet. */
  remember(server: string, uri: string): void {
    const claims = this.#servers.get(server) ?? new Map<string, Since>();
    this.#servers.set(server, claims.set(uri, EARLIER_RUN));
    this.#remembered.add(uri);
  }

  /** The `Since` of a URI from a list of an earlier run; later if another server held it in that run. */
  sinceEarlier(uri: string): Since {
    return this.#remembered.has(uri) ? THIS_RUN : EARLIER_RUN;
  }

  /** Copies the claims of another catalogue. */
  adopt(other: UriClaims): void {
    for (const [server, claims] of other.#servers) this.#servers.set(server, new Map(claims));
  }

  /** Decides all URIs again. @param servers in the order of the configuration; other servers are forgotten. */
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

  /** The server that has a URI; null when no server lists it, or several since the same time. */
  holderOf(uri: string): string | null {
    const dispute = this.#disputes.get(uri);
    if (dispute === undefined) return this.#first.get(uri) ?? null;
    return dispute.kind === 'contested' ? null : dispute.owner;
  }

  /** URIs that one server keeps against others: the next run has to know them. */
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
