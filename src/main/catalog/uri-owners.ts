/**
 * Finds the server of a resource: the one that the configuration names, else the one that lists it, else
 * the one with the matching template that has the longest literal beginning. The same for a template
 * named in a request. Reads the lists of one catalogue; changes nothing.
 */
import type { UriKind } from '../../shared/model/lists.ts';
import type { CatalogEntry } from '../../shared/model/mcp.ts';
import type { MergedList } from './merged-list.ts';
import type { Reserved } from './reserved.ts';
import { TemplateIndex } from './template-index.ts';

export type UriResolution =
  | { readonly kind: 'server'; readonly server: string }
  /** The URI is known, but no server may have it. */
  | { readonly kind: 'withheld'; readonly why: string }
  /** Only a template makes the URI that waits for a person to accept it. */
  | { readonly kind: 'held'; readonly server: string; readonly template: CatalogEntry }
  | { readonly kind: 'unknown' };

interface HeldTemplates {
  readonly templates: readonly CatalogEntry[];
  readonly index: TemplateIndex;
}

export class UriOwners {
  readonly #lists: Readonly<Record<UriKind, MergedList>>;
  #servers: readonly string[] = [];
  #reserved: Reserved;
  /** Null: has to be built. */
  #templates: TemplateIndex | null = null;
  /** Templates that are withheld, by server. */
  readonly #held = new Map<string, HeldTemplates>();

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

  /** Sets the templates of a server that are withheld. */
  hold(server: string, templates: readonly CatalogEntry[]): void {
    if (templates.length === 0) this.#held.delete(server);
    else {
      const uris = templates.map(({ key: uri }) => ({ uri, server }));
      this.#held.set(server, { templates, index: new TemplateIndex(uris) });
    }
  }

  /** Copies what another catalogue of the same servers withholds. */
  adopt(other: UriOwners): void {
    for (const [server, held] of other.#held) this.#held.set(server, held);
  }

  /** To be called when the templates of a server may have changed. */
  templatesChanged(): void {
    this.#templates = null;
  }

  of(uri: string): UriResolution {
    const owner = this.#reserved.ownerOfUri(uri);
    if (owner !== null) return this.#at(owner);
    return this.#listed('resources', uri) ?? this.#listed('templates', uri) ?? this.#expanded(uri);
  }

  /** Null: no server lists the URI. */
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
    if (found === null) return this.#ofHeld(uri);
    // The configuration may give the template to another server, or several may contest it.
    return this.#listed('templates', found.uri) ?? { kind: 'unknown' };
  }

  #ofHeld(uri: string): UriResolution {
    for (const [server, { templates, index }] of this.#held) {
      if (!this.#servers.includes(server)) continue;
      const found = templates.find(({ key }) => key === uri)?.key ?? index.find(uri)?.uri;
      const template = templates.find(({ key }) => key === found);
      if (template !== undefined) return { kind: 'held', server, template };
    }
    return { kind: 'unknown' };
  }

  #at(server: string): UriResolution {
    if (this.#servers.includes(server)) return { kind: 'server', server };
    return { kind: 'withheld', why: `it belongs to server "${server}", which is not enabled` };
  }
}
