/**
 * Whose a resource is: the server's that the configuration gives it to, else the one's that lists it,
 * else the one's whose template for it has the longest literal beginning. Requests that name a template
 * itself go the same way. Reads the lists of one catalogue; changes nothing.
 */
import type { UriKind } from '../../shared/model/lists.ts';
import type { MergedList } from './merged-list.ts';
import type { Reserved } from './reserved.ts';
import { TemplateIndex } from './template-index.ts';

export type UriResolution =
  | { readonly kind: 'server'; readonly server: string }
  /** It is known, and nobody's. */
  | { readonly kind: 'withheld'; readonly why: string }
  | { readonly kind: 'unknown' };

export class UriOwners {
  readonly #lists: Readonly<Record<UriKind, MergedList>>;
  #servers: readonly string[] = [];
  #reserved: Reserved;
  /** Null: to be built anew. */
  #templates: TemplateIndex | null = null;

  constructor(
    lists: Readonly<Record<UriKind, MergedList>>,
    servers: readonly string[],
    reserved: Reserved,
  ) {
    this.#lists = lists;
    this.#servers = servers;
    this.#reserved = reserved;
  }

  reconfigure(servers: readonly string[], reserved: Reserved): void {
    this.#servers = servers;
    this.#reserved = reserved;
    this.#templates = null;
  }

  /** Some server may have other templates now. */
  templatesChanged(): void {
    this.#templates = null;
  }

  of(uri: string): UriResolution {
    const owner = this.#reserved.ownerOfUri(uri);
    if (owner !== null) return this.#at(owner);
    return this.#listed('resources', uri) ?? this.#listed('templates', uri) ?? this.#expanded(uri);
  }

  /** Null: nobody lists it. */
  #listed(kind: UriKind, uri: string): UriResolution | null {
    const { claims } = this.#lists[kind];
    const dispute = claims.disputeOf(uri);
    if (dispute?.kind === 'contested') {
      const [one = '', other = ''] = dispute.servers;
      const why = `servers "${one}" and "${other}" both list it, and neither is named its owner`;
      return { kind: 'withheld', why };
    }
    const holder = claims.holderOf(uri);
    return holder === null ? null : this.#at(holder);
  }

  #expanded(uri: string): UriResolution {
    this.#templates ??= new TemplateIndex(this.#lists.templates.claims.claimed(this.#servers));
    const found = this.#templates.find(uri);
    if (found === null) return { kind: 'unknown' };
    // Its template may be another one's by the configuration, or nobody's.
    return this.#listed('templates', found.uri) ?? { kind: 'unknown' };
  }

  #at(server: string): UriResolution {
    if (this.#servers.includes(server)) return { kind: 'server', server };
    return { kind: 'withheld', why: `it belongs to server "${server}", which is not enabled` };
  }
}
