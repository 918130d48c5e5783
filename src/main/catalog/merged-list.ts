/**
 * One kind of list (tools, prompts, resources, templates) merged over all servers, as bytes: every
 * entry is what its server sent. Names are replaced by exposed names; URIs are never changed, and each
 * is listed for at most one server.
 */
import type { CatalogEntry } from '../../shared/model/mcp.ts';
import { NameTable } from './names.ts';
import type { Because, Collision, Place } from './place.ts';
import { NOTHING_RESERVED, type Reserved } from './reserved.ts';
import { EARLIER_RUN, type Since, UriClaims } from './uri-claims.ts';

/** The server behind a key of the merged list; `keyRaw` is that server's own key, as a raw JSON string. */
export interface Target {
  readonly server: string;
  readonly keyRaw: Uint8Array;
  readonly entry: CatalogEntry;
}

/** A server as a list sees it. */
export interface ListedServer {
  readonly name: string;
  readonly prefix: string;
}

export interface MergedListOptions {
  /** In the order of the configuration, which is the order of the list. */
  readonly servers: readonly ListedServer[];
  /** @default nothing */
  readonly reserved?: Reserved;
  /** `names` are exposed with the server's prefix, `uris` as they are. */
  readonly keys: 'names' | 'uris';
  /** Entries of the gateway's own, put first. */
  readonly own: readonly object[];
}

type PlaceOf = (server: string, key: string) => Place;

const encoder = new TextEncoder();
const COMMA = encoder.encode(',');

export class MergedList {
  /** Empty for a list of names: these are kept apart by prefix and hash. */
  readonly claims = new UriClaims();
  readonly #options: MergedListOptions;
  readonly #entries = new Map<string, readonly CatalogEntry[]>();
  /** The JSON of entries with their exposed names. Kept: with many servers few change at a time. */
  readonly #shown = new WeakMap<
    CatalogEntry,
    { readonly name: string; readonly json: Uint8Array }
  >();
  #servers: readonly ListedServer[];
  #reserved: Reserved;
  #targets = new Map<string, Target>();
  #collisions: readonly Collision[] = [];
  #collisionCounts = new Map<string, number>();
  #json: Uint8Array;

  constructor(options: MergedListOptions) {
    this.#options = options;
    this.#servers = options.servers;
    this.#reserved = options.reserved ?? NOTHING_RESERVED;
    this.#json = this.#rebuild();
  }

  /** JSON text of the whole array. */
  get json(): Uint8Array {
    return this.#json;
  }

  get collisions(): readonly Collision[] {
    return this.#collisions;
  }

  /** How many entries of a server collide. */
  collisionsOf(server: string): number {
    return this.#collisionCounts.get(server) ?? 0;
  }

  /**
   * Replaces the entries of a server.
   *
   * @param since the `Since` of an entry that it did not have before.
   * @returns true when the merged list has changed.
   */
  set(
    server: string,
    entries: readonly CatalogEntry[],
    since: (key: string) => Since = () => EARLIER_RUN,
  ): boolean {
    const earlier = this.#entries.get(server) ?? [];
    const keys = this.#options.keys === 'uris' ? entries.map(({ key }) => key) : [];
    const claimed = this.claims.set(server, keys, since);
    if (isSame(earlier, entries) && !claimed) {
      if (!this.#entries.has(server)) this.#entries.set(server, entries);
      return false;
    }
    this.#entries.set(server, entries);
    return this.#hasChanged();
  }

  /** Sets the servers; entries of those that stay are kept. @returns true when the list has changed. */
  reconfigure(servers: readonly ListedServer[], reserved: Reserved): boolean {
    this.#servers = servers;
    this.#reserved = reserved;
    const names = new Set(servers.map(({ name }) => name));
    for (const name of this.#entries.keys()) if (!names.has(name)) this.#entries.delete(name);
    return this.#hasChanged();
  }

  /** Copies everything that another list of the same servers knows. */
  adopt(other: MergedList): void {
    this.claims.adopt(other.claims);
    for (const [server, entries] of other.#entries) this.#entries.set(server, entries);
    this.#json = this.#rebuild();
  }

  /** Null: the server has never told this list. */
  of(server: string): readonly CatalogEntry[] | null {
    return this.#entries.get(server) ?? null;
  }

  /** The keys that entries of the other servers are listed under. */
  keysOfOthers(server: string): string[] {
    const keys: string[] = [];
    for (const [key, target] of this.#targets) if (target.server !== server) keys.push(key);
    return keys;
  }

  /** All keys of the list, and what they stand for. */
  targets(): Iterable<[string, Target]> {
    return this.#targets;
  }

  resolve(key: string): Target | null {
    return this.#targets.get(key) ?? null;
  }

  #hasChanged(): boolean {
    const before = this.#json;
    this.#json = this.#rebuild();
    return Buffer.compare(before, this.#json) !== 0;
  }

  #rebuild(): Uint8Array {
    const parts: Uint8Array[] = this.#options.own.map((entry) =>
      encoder.encode(JSON.stringify(entry)),
    );
    this.#targets = new Map();
    const collisions: Collision[] = [];
    this.#collisionCounts = new Map();
    const placeOf = this.#options.keys === 'uris' ? this.#uris() : this.#names();
    for (const { name: server } of this.#servers) {
      for (const entry of this.#entries.get(server) ?? []) {
        const { key, json, keyAt } = entry;
        const { shown, because } = placeOf(server, key);
        if (because !== null) {
          collisions.push({ server, key, listedAs: shown, because });
          this.#collisionCounts.set(server, this.collisionsOf(server) + 1);
        }
        if (shown === null || this.#targets.has(shown)) continue;
        const keyRaw = json.subarray(keyAt[0], keyAt[1]);
        this.#targets.set(shown, { server, keyRaw, entry });
        parts.push(shown === key ? json : this.#renamed(entry, shown));
      }
    }
    this.#collisions = collisions;
    const separated = parts.flatMap((part, at) => (at === 0 ? [part] : [COMMA, part]));
    return Buffer.concat([encoder.encode('['), ...separated, encoder.encode(']')]);
  }

  #renamed(entry: CatalogEntry, name: string): Uint8Array {
    const before = this.#shown.get(entry);
    if (before?.name === name) return before.json;
    const { json, keyAt } = entry;
    const renamed = Buffer.concat([
      json.subarray(0, keyAt[0]),
      encoder.encode(JSON.stringify(name)),
      json.subarray(keyAt[1]),
    ]);
    this.#shown.set(entry, { name, json: renamed });
    return renamed;
  }

  #names(): PlaceOf {
    const table = new NameTable(
      this.#servers.map(({ name }) => name),
      this.#reserved,
    );
    for (const { name, prefix } of this.#servers) {
      const entries = this.#entries.get(name) ?? [];
      table.add(
        name,
        prefix,
        entries.map(({ key }) => key),
      );
    }
    return (server, key) => table.place(server, key);
  }

  #uris(): PlaceOf {
    this.claims.settle(
      this.#servers.map(({ name }) => name),
      this.#reserved,
    );
    return (server, uri) => {
      const because = this.#withheld(server, uri);
      return { shown: because === null ? uri : null, because };
    };
  }

  #withheld(server: string, uri: string): Because | null {
    const dispute = this.claims.disputeOf(uri);
    if (dispute === null) return null;
    return dispute.kind !== 'contested' && dispute.owner === server ? null : dispute;
  }
}

/** Compares byte for byte. */
function isSame(one: readonly CatalogEntry[], other: readonly CatalogEntry[]): boolean {
  if (one.length !== other.length) return false;
  return one.every(({ json }, at) => Buffer.compare(json, other[at]?.json ?? COMMA) === 0);
}
