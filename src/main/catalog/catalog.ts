/**
 * The merged catalogue: the last known tools, prompts, resources and templates of every server, live
 * or from an earlier run. Owns the answers to the list requests, says which server a name or URI
 * belongs to, and decides when a first list may wait.
 */
import type { ServerConfig } from '../../shared/model/config.ts';
import { LIST_KINDS, type ListKind, type UriKind } from '../../shared/model/lists.ts';
import type { CatalogEntry, Withheld } from '../../shared/model/mcp.ts';
import type { HeldUri } from '../../shared/model/remembered.ts';
import { CollisionReports } from './collisions.ts';
import { heldWhy, hold } from './held-definitions.ts';
import { ListWaiters } from './list-waiters.ts';
import { MergedList, type Target } from './merged-list.ts';
import { HEALTH_TOOL } from './own-tools.ts';
import { NOTHING_RESERVED, type Reserved } from './reserved.ts';
import { NOTHING_WITHHELD, ToldLists } from './told-lists.ts';
import { isOffered } from './tool-rule.ts';
import { EARLIER_RUN, type Since, THIS_RUN } from './uri-claims.ts';
import { UriOwners, type UriResolution } from './uri-owners.ts';

/** The target of a request with an exposed name. */
export type Resolution =
  | ({ readonly kind: 'target' } & Target)
  | ({ readonly kind: 'pending' } & Pending)
  /** `why`: in words, what of the server that names like this belong to is not known. */
  | { readonly kind: 'unknown'; readonly why: string | null };

/** Servers that may have what is not known yet: they have not told the list in this run. */
export interface Pending {
  /** One at least. */
  readonly servers: readonly string[];
  /** What is asked for is theirs in any case; else it may be another server's. */
  readonly areOwners: boolean;
}

interface ServerEntry {
  readonly config: ServerConfig;
  /** What it has told in this run. */
  readonly lists: ToldLists;
  /** The `Since` of everything in its first list of a kind. */
  joined: Since;
  /** Its tools, with those that are not allowed; null: it has never listed any. */
  tools: readonly CatalogEntry[] | null;
  /** The known tools were listed by another program of the same name. */
  outdated: boolean;
}

export class Catalog {
  readonly #servers = new Map<string, ServerEntry>();
  readonly #lists: Readonly<Record<ListKind, MergedList>>;
  /** Tools that a rule denies, and what is withheld: not listed, but whoever calls one is told why. */
  readonly #denied: Readonly<Record<'tools' | 'prompts', MergedList>>;
  readonly #onChange: (kind: ListKind) => void;
  readonly #reports: CollisionReports;
  readonly #onHeld: (kind: UriKind, held: readonly HeldUri[]) => void;
  #reserved: Reserved;
  /** The `Since` of the last change in any server's lists. */
  #lastChange: Since = THIS_RUN;
  readonly #uris: UriOwners;
  readonly #waiters: ListWaiters;

  constructor(options: {
    readonly servers: readonly ServerConfig[];
    /** @default nothing */
    readonly reserved?: Reserved;
    readonly listWaitMs: number;
    /** Called after a merged list has become different. */
    readonly onChange: (kind: ListKind) => void;
    /** A server offers something that belongs to another one; in words, once for each change. */
    readonly onCollision: (server: string, message: string) => void;
    /** The URIs that servers hold against others may have changed: worth remembering. @default nobody */
    readonly onHeld?: (kind: UriKind, held: readonly HeldUri[]) => void;
  }) {
    this.#reports = new CollisionReports(options.onCollision);
    this.#waiters = new ListWaiters(options.listWaitMs, (kind) => this.#isIncomplete(kind));
    this.#onChange = options.onChange;
    this.#onHeld = options.onHeld ?? (() => {});
    const { servers, reserved = NOTHING_RESERVED } = options;
    this.#reserved = reserved;
    for (const config of servers) this.#servers.set(config.name, newEntry(config, THIS_RUN));
    this.#lists = {
      tools: new MergedList({ servers, reserved, keys: 'names', own: [HEALTH_TOOL] }),
      prompts: new MergedList({ servers, reserved, keys: 'names', own: [] }),
      resources: new MergedList({ servers, reserved, keys: 'uris', own: [] }),
      templates: new MergedList({ servers, reserved, keys: 'uris', own: [] }),
    };
    this.#denied = {
      tools: new MergedList({ servers, reserved, keys: 'names', own: [] }),
      prompts: new MergedList({ servers, reserved, keys: 'names', own: [] }),
    };
    this.#uris = new UriOwners(this.#lists, [...this.#servers.keys()], reserved);
  }

  /** A list of an earlier run, served until the server has told its own. */
  restore(
    server: string,
    fingerprint: string,
    kind: ListKind,
    entries: readonly CatalogEntry[],
  ): void {
    const entry = this.#servers.get(server);
    if (entry === undefined || entry.lists.has(kind)) return;
    // Nobody has accepted what that program says.
    if (entry.config.fingerprint !== fingerprint || entry.config.blocked !== null) return;
    const { claims } = this.#lists[kind];
    this.#set(entry, kind, entries, (uri) => claims.sinceEarlier(uri));
  }

  /**
   * URIs that servers held against others in earlier runs: they keep them, before any server has listed
   * anything. To be called before `restore`.
   */
  remember(kind: UriKind, held: readonly HeldUri[]): void {
    for (const { server, uri } of held) {
      if (this.#servers.has(server)) this.#lists[kind].claims.remember(server, uri);
    }
  }

  /**
   * Other servers, or the same ones with other settings. The lists of a server that stays are kept, and
   * shown until it tells them again.
   *
   * @param replaced servers that run again from the start and have yet to tell their lists.
   */
  reconfigure(
    servers: readonly ServerConfig[],
    reserved: Reserved,
    replaced: ReadonlySet<string>,
  ): void {
    const before = new Map(this.#servers);
    this.#reserved = reserved;
    this.#servers.clear();
    this.#lastChange += 1;
    for (const config of servers) {
      const entry = newEntry(config, this.#lastChange);
      const known = before.get(config.name);
      this.#servers.set(config.name, entry);
      if (known === undefined) continue;
      entry.tools = known.tools;
      entry.outdated = known.outdated || known.config.fingerprint !== config.fingerprint;
      if (replaced.has(config.name)) continue;
      entry.joined = known.joined;
      entry.lists.adopt(known.lists);
    }
    for (const list of Object.values(this.#denied)) list.reconfigure(servers, reserved);
    this.#uris.reconfigure([...this.#servers.keys()], reserved);
    for (const kind of LIST_KINDS) {
      let changed = this.#lists[kind].reconfigure(servers, reserved);
      for (const entry of kind === 'tools' ? this.#servers.values() : []) {
        if (entry.tools !== null && this.#set(entry, kind, entry.tools, () => EARLIER_RUN))
          changed = true;
      }
      this.#looked(kind);
      if (changed) this.#onChange(kind);
    }
    this.#waiters.wake();
  }

  /** Copies everything that another catalogue of the same servers knows. */
  adopt(other: Catalog): void {
    this.#lastChange = other.#lastChange + 1;
    for (const [server, entry] of this.#servers) {
      const known = other.#servers.get(server);
      entry.tools = known?.tools ?? null;
      entry.outdated = known?.outdated ?? false;
      if (known === undefined) continue;
      // A client's own instance has yet to tell its lists: whatever it lists counts as new then.
      const isOwn = entry.config.instances === 'session';
      entry.joined = isOwn && known.lists.any ? this.#lastChange : known.joined;
      if (isOwn) continue;
      entry.lists.adopt(known.lists);
    }
    for (const kind of LIST_KINDS) this.#lists[kind].adopt(other.#lists[kind]);
    for (const kind of ['tools', 'prompts'] as const) {
      this.#denied[kind].adopt(other.#denied[kind]);
    }
    this.#uris.adopt(other.#uris);
    this.#uris.templatesChanged();
  }

  /** A list that a server has just told, and what is left out of it. */
  update(
    server: string,
    kind: ListKind,
    entries: readonly CatalogEntry[],
    withheld: Withheld = NOTHING_WITHHELD,
  ): void {
    const entry = this.#servers.get(server);
    if (entry === undefined) return;
    const since = entry.lists.has(kind) ? ++this.#lastChange : entry.joined;
    entry.lists.tell(kind, withheld);
    if (kind === 'tools') entry.outdated = false;
    const changed = this.#set(entry, kind, entries, () => since);
    this.#waiters.wake();
    if (changed) this.#onChange(kind);
  }

  /** The server could not tell a list: nobody waits for it, and what was known of it stays. */
  unlisted(server: string, kind: ListKind): void {
    this.#servers.get(server)?.lists.unlisted(kind);
    this.#waiters.wake();
  }

  /** The server takes long to start: requests that may be for another one do not wait for it. */
  takesLong(server: string): void {
    this.#servers.get(server)?.lists.takesLong();
  }

  /** The server failed: list requests no longer wait for its first lists. */
  settle(server: string): void {
    if (this.#servers.get(server)?.lists.fail() === true) this.#waiters.wake();
  }

  /** JSON text of a whole merged list. */
  list(kind: ListKind): Uint8Array {
    return this.#lists[kind].json;
  }

  /** True when the server's tools are known, from this run or an earlier one. */
  knows(server: string): boolean {
    return this.#lists.tools.of(server) !== null && this.#servers.get(server)?.outdated !== true;
  }

  /** Of all servers. */
  get names(): readonly string[] {
    return [...this.#servers.keys()];
  }

  /** The tools of a server that are listed. */
  toolsOf(server: string): readonly CatalogEntry[] {
    return this.#lists.tools.of(server) ?? [];
  }

  /** Names that clients see of the tools of all servers but this one. */
  exposedTools(except: string): readonly string[] {
    return this.#lists.tools.keysOfOthers(except);
  }

  /** Number of tools a server is known to have, null while none were ever seen. */
  toolsCount(server: string): number | null {
    return this.#lists.tools.of(server)?.length ?? null;
  }

  /** Entries of the lists of a server that are left out. */
  withheld(server: string): Withheld {
    return this.#servers.get(server)?.lists.withheld ?? NOTHING_WITHHELD;
  }

  /** Number of entries of a server that are renamed or not listed, since they belong to another one. */
  collisions(server: string): number {
    return Object.values(this.#lists).reduce((sum, list) => sum + list.collisionsOf(server), 0);
  }

  /** Every listed tool by its exposed name, without the gateway's own. */
  toolTargets(): Iterable<[string, Target]> {
    return this.#lists.tools.targets();
  }

  /** The server that has an exposed tool or prompt; also one that is denied or withheld. */
  target(kind: 'tools' | 'prompts', exposed: string): Target | null {
    return this.#lists[kind].resolve(exposed) ?? this.#denied[kind].resolve(exposed);
  }

  /** The server that an exposed tool or prompt belongs to. */
  byName(kind: 'tools' | 'prompts', exposed: string): Resolution {
    const target = this.target(kind, exposed);
    if (target !== null) return { ...target, kind: 'target' };
    const owner = this.#reserved.ownerOfName(exposed);
    let why: string | null = null;
    const mayHave: string[] = [];
    for (const [server, { config, lists }] of this.#servers) {
      if (config.prefix === '') {
        if (config.blocked !== null) continue;
        const isFree = owner === null || owner.server === server;
        if (isFree && !lists.slow && !lists.isSettled(kind)) mayHave.push(server);
      } else if (exposed.startsWith(`${config.prefix}__`)) {
        if (config.blocked !== null) {
          why = `server "${server}" is not started: ${config.blocked}`;
          continue;
        }
        if (!lists.isSettled(kind)) {
          return { kind: 'pending', servers: [server], areOwners: true };
        }
        const lacks = lists.lacks(kind);
        if (lacks !== null) why = `server "${server}" ${lacks}`;
      }
    }
    if (mayHave.length > 0) return { kind: 'pending', servers: mayHave, areOwners: false };
    return { kind: 'unknown', why };
  }

  /** The server that a resource or a template belongs to. */
  byUri(uri: string): UriResolution {
    return this.#uris.of(uri);
  }

  /** Servers that have not told their resources in this run and are waited for. */
  pendingResources(): Pending | null {
    const servers: string[] = [];
    for (const [server, { lists }] of this.#servers) {
      const areKnown = lists.isSettled('resources') && lists.isSettled('templates');
      if (!lists.failed && !lists.slow && !areKnown) servers.push(server);
    }
    return servers.length === 0 ? null : { servers, areOwners: false };
  }

  /**
   * Calls back when a list request may be answered: at once when every server is known, else when each
   * unknown server has told its list or failed, at most `listWaitMs` after the run's first such request.
   */
  whenListable(kind: ListKind, now: number, callback: () => void): void {
    this.#waiters.add(kind, now, callback);
  }

  /** Requests wait for no list any more. */
  endWait(): void {
    this.#waiters.end();
  }

  #set(
    entry: ServerEntry,
    kind: ListKind,
    entries: readonly CatalogEntry[],
    since: (key: string) => Since,
  ): boolean {
    const { config } = entry;
    if (kind === 'tools') entry.tools = entries;
    const isListed = (one: CatalogEntry) =>
      heldWhy(one) === undefined && (kind !== 'tools' || isOffered(one, config));
    const offered = entries.filter(isListed);
    if (kind === 'tools' || kind === 'prompts') {
      const listed = new Set(offered);
      const denied = entries.filter((one) => !listed.has(one));
      this.#denied[kind].set(config.name, denied, since);
    }
    this.#holdFormer(config.name, kind, entries);
    const changed = this.#lists[kind].set(config.name, offered, since);
    this.#looked(kind);
    return changed;
  }

  /** Calls that wait with the former form of what is withheld now are not made. */
  #holdFormer(server: string, kind: ListKind, entries: readonly CatalogEntry[]): void {
    const held = entries.filter((one) => heldWhy(one) !== undefined);
    if (kind === 'templates') this.#uris.hold(server, held);
    if (held.length === 0) return;
    const whys = new Map(held.map((one) => [one.key, heldWhy(one) ?? null]));
    for (const former of this.#lists[kind].of(server) ?? []) {
      const why = whys.get(former.key);
      if (why !== undefined) hold(former, why);
    }
  }

  /** To be called when a list may have changed. */
  #looked(kind: ListKind): void {
    const { collisions, claims } = this.#lists[kind];
    this.#reports.look(kind, this.#servers.keys(), collisions);
    if (kind === 'templates') this.#uris.templatesChanged();
    if (kind === 'resources' || kind === 'templates') this.#onHeld(kind, [...claims.held()]);
  }

  #isIncomplete(kind: ListKind): boolean {
    for (const server of this.#servers.keys()) if (this.#isAwaited(server, kind)) return true;
    return false;
  }

  /** True while nothing at all is known of a list that may come. */
  #isAwaited(server: string, kind: ListKind): boolean {
    const lists = this.#servers.get(server)?.lists;
    if (lists === undefined || lists.failed || lists.isSettled(kind)) return false;
    return this.#lists[kind].of(server) === null;
  }
}

function newEntry(config: ServerConfig, joined: Since): ServerEntry {
  return { config, joined, lists: new ToldLists(), tools: null, outdated: false };
}
