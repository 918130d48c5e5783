/**
 * The merged catalogue: the last known tools, prompts, resources and templates of every server, live
 * or from an earlier run. Owns the answers to the list requests, says which server a name or URI
 * belongs to, and decides when a first list may wait.
 */
import type { DownstreamConfig } from '../../shared/model/config.ts';
import { LIST_KINDS, type ListKind } from '../../shared/model/lists.ts';
import type { CatalogEntry } from '../../shared/wire/protocol.ts';
import { CollisionReports } from './collisions.ts';
import { HEALTH_TOOL } from './health.ts';
import { MergedList, type Target } from './merged-list.ts';
import { toolFilter } from './tool-filter.ts';
import { literalsOf, matchesTemplate } from './uri-template.ts';

/** Where a request with an exposed name goes. */
export type Resolution =
  | ({ readonly kind: 'target' } & Target)
  /** Unknown yet, but this server has not said what it has in this run. */
  | { readonly kind: 'pending'; readonly server: string }
  | { readonly kind: 'unknown' };

interface ServerEntry {
  readonly config: DownstreamConfig;
  readonly allows: (tool: string) => boolean;
  /** Kinds it has told of in this run. */
  readonly live: Set<ListKind>;
  /** Its tools, also those that are not allowed; null: it has never told. */
  tools: readonly CatalogEntry[] | null;
  /** What is known was told by another program of the same name. */
  outdated: boolean;
  /** It failed once: nobody waits for its first lists any longer. */
  failed: boolean;
}

export class Catalog {
  readonly #servers = new Map<string, ServerEntry>();
  readonly #lists: Readonly<Record<ListKind, MergedList>>;
  readonly #onChange: (kind: ListKind) => void;
  readonly #listWaitMs: number;
  readonly #reports: CollisionReports;
  #waiters: { readonly kind: ListKind; readonly done: () => void }[] = [];
  #waitEnds: number | null = null;

  constructor(options: {
    readonly servers: readonly DownstreamConfig[];
    readonly listWaitMs: number;
    /** Called after a merged list has become different. */
    readonly onChange: (kind: ListKind) => void;
    /** A server offers what another one has already; in words, once for each change. */
    readonly onCollision: (server: string, message: string) => void;
  }) {
    this.#reports = new CollisionReports(options.onCollision);
    this.#listWaitMs = options.listWaitMs;
    this.#onChange = options.onChange;
    const { servers } = options;
    for (const config of servers) this.#servers.set(config.name, newEntry(config));
    this.#lists = {
      tools: new MergedList({ servers, keys: 'names', own: [HEALTH_TOOL] }),
      prompts: new MergedList({ servers, keys: 'names', own: [] }),
      resources: new MergedList({ servers, keys: 'uris', own: [] }),
      templates: new MergedList({ servers, keys: 'uris', own: [] }),
    };
  }

  /** A list of an earlier run, served until the server has told its own. */
  restore(
    server: string,
    fingerprint: string,
    kind: ListKind,
    entries: readonly CatalogEntry[],
  ): void {
    const entry = this.#servers.get(server);
    if (entry === undefined || entry.live.has(kind)) return;
    if (entry.config.fingerprint !== fingerprint) return;
    this.#set(entry, kind, entries);
  }

  /**
   * Other servers, or the same ones with other settings. What one that stays has told is kept, and
   * listed until it tells again.
   *
   * @param replaced those that have yet to speak for themselves again.
   */
  reconfigure(servers: readonly DownstreamConfig[], replaced: ReadonlySet<string>): void {
    const before = new Map(this.#servers);
    this.#servers.clear();
    for (const config of servers) {
      const entry = newEntry(config);
      const known = before.get(config.name);
      this.#servers.set(config.name, entry);
      if (known === undefined) continue;
      entry.tools = known.tools;
      entry.outdated = known.outdated || known.config.fingerprint !== config.fingerprint;
      if (replaced.has(config.name)) continue;
      entry.failed = known.failed;
      for (const kind of known.live) entry.live.add(kind);
    }
    for (const kind of LIST_KINDS) {
      let changed = this.#lists[kind].reconfigure(servers);
      for (const entry of kind === 'tools' ? this.#servers.values() : []) {
        if (entry.tools !== null && this.#set(entry, kind, entry.tools)) changed = true;
      }
      if (changed) this.#onChange(kind);
    }
    this.#wake();
  }

  /** Takes over all that another catalogue of the same servers knows. */
  adopt(other: Catalog): void {
    for (const [server, entry] of this.#servers) {
      const known = other.#servers.get(server);
      entry.tools = known?.tools ?? null;
      entry.outdated = known?.outdated ?? false;
      // Each client's own instance has yet to speak for itself.
      if (known === undefined || entry.config.instances === 'session') continue;
      entry.failed = known.failed;
      for (const kind of known.live) entry.live.add(kind);
    }
    for (const kind of LIST_KINDS) {
      for (const server of this.#servers.keys()) {
        const entries = other.#lists[kind].of(server);
        if (entries !== null) this.#lists[kind].set(server, entries);
      }
    }
  }

  /** A complete list that a server has just told. */
  update(server: string, kind: ListKind, entries: readonly CatalogEntry[]): void {
    const entry = this.#servers.get(server);
    if (entry === undefined) return;
    entry.live.add(kind);
    if (kind === 'tools') entry.outdated = false;
    const changed = this.#set(entry, kind, entries);
    this.#wake();
    if (changed) this.#onChange(kind);
  }

  /** The server failed: nobody waits for its first lists any longer. */
  settle(server: string): void {
    const entry = this.#servers.get(server);
    if (entry === undefined || entry.failed) return;
    entry.failed = true;
    this.#wake();
  }

  /** JSON text of a whole merged list. */
  list(kind: ListKind): Uint8Array {
    return this.#lists[kind].json;
  }

  /** Whether what a server offers is known, from it or from an earlier run. */
  knows(server: string): boolean {
    return this.#lists.tools.of(server) !== null && this.#servers.get(server)?.outdated !== true;
  }

  /** Number of tools a server is known to have, null while none were ever seen. */
  toolsCount(server: string): number | null {
    return this.#lists.tools.of(server)?.length ?? null;
  }

  /** How much of what a server offers another one has already. */
  collisions(server: string): number {
    return Object.values(this.#lists)
      .flatMap(({ collisions }) => collisions)
      .filter((one) => one.server === server).length;
  }

  /** Which server an exposed tool or prompt belongs to. */
  byName(kind: 'tools' | 'prompts', exposed: string): Resolution {
    const target = this.#lists[kind].resolve(exposed);
    if (target !== null) return { kind: 'target', ...target };
    for (const [server, { config, live }] of this.#servers) {
      const own = config.prefix === '' || exposed.startsWith(`${config.prefix}__`);
      if (!live.has(kind) && own) {
        return { kind: 'pending', server };
      }
    }
    return { kind: 'unknown' };
  }

  /** Which server a resource belongs to: the one that lists it, else the first with a template for it. */
  byUri(uri: string): string | null {
    const listed = this.#lists.resources.resolve(uri) ?? this.#lists.templates.resolve(uri);
    if (listed !== null) return listed.server;
    for (const server of this.#servers.keys()) {
      const templates = this.#lists.templates.of(server) ?? [];
      if (templates.some(({ key }) => matchesTemplate(literalsOf(key), uri))) return server;
    }
    return null;
  }

  /** A server that has not told its resources in this run, null when all have. */
  pendingResources(): string | null {
    for (const [server, { live, failed }] of this.#servers) {
      if (!failed && !(live.has('resources') && live.has('templates'))) return server;
    }
    return null;
  }

  /**
   * Calls back when a list request may be answered: at once when every server is known, else when each
   * unknown one has told or failed, at most `listWaitMs` after the first such request of the run.
   */
  whenListable(kind: ListKind, now: number, callback: () => void): void {
    if (!this.#incomplete(kind)) return callback();
    this.#waitEnds ??= now + this.#listWaitMs;
    const left = this.#waitEnds - now;
    if (left <= 0) return callback();
    const waiter = {
      kind,
      done: () => {
        clearTimeout(timer);
        callback();
      },
    };
    const timer = setTimeout(() => {
      this.#waiters = this.#waiters.filter((one) => one !== waiter);
      callback();
    }, left);
    this.#waiters.push(waiter);
  }

  #set(entry: ServerEntry, kind: ListKind, entries: readonly CatalogEntry[]): boolean {
    const list = this.#lists[kind];
    if (kind === 'tools') entry.tools = entries;
    const offered = kind === 'tools' ? allowed(entry, entries) : entries;
    const changed = list.set(entry.config.name, offered);
    this.#reports.look(kind, this.#servers.keys(), list.collisions);
    return changed;
  }

  #incomplete(kind: ListKind): boolean {
    for (const [server, { failed }] of this.#servers) {
      if (!failed && this.#lists[kind].of(server) === null) return true;
    }
    return false;
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = waiters.filter(({ kind }) => this.#incomplete(kind));
    for (const waiter of waiters) if (!this.#waiters.includes(waiter)) waiter.done();
  }
}

function newEntry(config: DownstreamConfig): ServerEntry {
  const allows = toolFilter(config);
  return { config, allows, live: new Set(), tools: null, outdated: false, failed: false };
}

function allowed(entry: ServerEntry, tools: readonly CatalogEntry[]): readonly CatalogEntry[] {
  return tools.filter(({ key }) => entry.allows(key));
}
