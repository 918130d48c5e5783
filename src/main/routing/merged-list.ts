/**
 * One kind of list (tools, prompts, resources, templates) merged over all servers, as bytes: every
 * entry is what its server sent. Names are replaced by exposed ones; URIs never are, and the first
 * server to offer one owns it.
 */
import type { CatalogEntry } from '../../shared/wire/protocol.ts';
import { exposedName, NameTable } from './names.ts';

/** Where a key of the merged list goes; `keyRaw` is the raw JSON string its server knows it by. */
export interface Target {
  readonly server: string;
  readonly keyRaw: Uint8Array;
}

/** A server as a list sees it. */
export interface ListedServer {
  readonly name: string;
  readonly prefix: string;
}

/** Two servers offer the same key. */
export interface Collision {
  /** The later server in the configuration, and the one that has the key. */
  readonly server: string;
  readonly owner: string;
  readonly key: string;
  /** The name it is listed under instead; null: it is not listed. */
  readonly listedAs: string | null;
}

export interface MergedListOptions {
  /** In the order of the configuration, which is the order of the list. */
  readonly servers: readonly ListedServer[];
  /** `names` are exposed with the server's prefix, `uris` as they are. */
  readonly keys: 'names' | 'uris';
  /** Entries of the gateway's own, put first. */
  readonly own: readonly object[];
}

const encoder = new TextEncoder();
const COMMA = encoder.encode(',');

export class MergedList {
  readonly #options: MergedListOptions;
  readonly #entries = new Map<string, readonly CatalogEntry[]>();
  /** Entries under the names they are listed with: with many servers few change at a time. */
  readonly #shown = new WeakMap<
    CatalogEntry,
    { readonly name: string; readonly json: Uint8Array }
  >();
  #servers: readonly ListedServer[];
  #targets = new Map<string, Target>();
  #collisions: readonly Collision[] = [];
  #json: Uint8Array;

  constructor(options: MergedListOptions) {
    this.#options = options;
    this.#servers = options.servers;
    this.#json = this.#rebuild();
  }

  /** JSON text of the whole array. */
  get json(): Uint8Array {
    return this.#json;
  }

  get collisions(): readonly Collision[] {
    return this.#collisions;
  }

  /** Replaces what a server offers. @returns whether the merged list has become different. */
  set(server: string, entries: readonly CatalogEntry[]): boolean {
    const earlier = this.#entries.get(server) ?? [];
    if (isSame(earlier, entries)) {
      if (!this.#entries.has(server)) this.#entries.set(server, entries);
      return false;
    }
    this.#entries.set(server, entries);
    return this.#hasChanged();
  }

  /** Other servers; what those that are left have told stays. @returns whether the list is different. */
  reconfigure(servers: readonly ListedServer[]): boolean {
    this.#servers = servers;
    const names = new Set(servers.map(({ name }) => name));
    for (const name of this.#entries.keys()) if (!names.has(name)) this.#entries.delete(name);
    return this.#hasChanged();
  }

  /** Null: the server has never told. */
  of(server: string): readonly CatalogEntry[] | null {
    return this.#entries.get(server) ?? null;
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
    const exposed = this.#names();
    for (const { name: server, prefix } of this.#servers) {
      for (const entry of this.#entries.get(server) ?? []) {
        const { key, json, keyAt } = entry;
        const keyRaw = json.subarray(keyAt[0], keyAt[1]);
        const shown = exposed === null ? key : exposed.exposed(server, key);
        const owner = this.#targets.get(exposed === null ? key : exposedName(prefix, key));
        const isOther = owner !== undefined && owner.server !== server;
        if (isOther) {
          const listedAs = exposed === null ? null : shown;
          collisions.push({ server, owner: owner.server, key, listedAs });
        }
        if (this.#targets.has(shown)) continue;
        this.#targets.set(shown, { server, keyRaw });
        parts.push(exposed === null ? json : this.#renamed(entry, shown));
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

  #names(): NameTable | null {
    if (this.#options.keys === 'uris') return null;
    const table = new NameTable(this.#servers.map(({ name }) => name));
    for (const { name, prefix } of this.#servers) {
      const entries = this.#entries.get(name) ?? [];
      table.add(
        name,
        prefix,
        entries.map(({ key }) => key),
      );
    }
    return table;
  }
}

/** Byte for byte. */
function isSame(one: readonly CatalogEntry[], other: readonly CatalogEntry[]): boolean {
  if (one.length !== other.length) return false;
  return one.every(({ json }, at) => Buffer.compare(json, other[at]?.json ?? COMMA) === 0);
}
