/**
 * Owns the catalogues: one shared by all clients, and one for each client that has instances of servers
 * for itself. There, the lists of its own instances stand in place of the shared ones.
 */
import type { GatewayConfig, ReservedConfig, ServerConfig } from '../../shared/model/config.ts';
import type { ListKind, UriKind } from '../../shared/model/lists.ts';
import type { CatalogEntry, Withheld } from '../../shared/model/mcp.ts';
import type { HeldUri } from '../../shared/model/remembered.ts';
import type { CallOwner } from '../calls/call.ts';
import { Catalog } from './catalog.ts';
import { Reserved } from './reserved.ts';
import { NOTHING_WITHHELD } from './told-lists.ts';

export interface CatalogsOptions {
  readonly servers: readonly ServerConfig[];
  /** @default nothing */
  readonly reserved?: readonly ReservedConfig[];
  readonly listWaitMs: number;
  /** Called after a merged list has changed. */
  readonly onChange: (catalog: Catalog, kind: ListKind) => void;
  /** A server offers something that belongs to another one; in words, once for each change. */
  readonly onCollision: (server: string, message: string) => void;
  /** The URIs that servers hold against others may have changed: worth remembering. @default nobody */
  readonly onHeld?: (kind: UriKind, held: readonly HeldUri[]) => void;
}

/** The parts of a configuration that decide what is offered. */
export type Offering = Pick<GatewayConfig, 'servers' | 'reserved'>;

/** The source of a server's lists: the lane it runs in. */
interface Teller {
  readonly config: Pick<ServerConfig, 'name'>;
  readonly owner: CallOwner | null;
}

export class Catalogs {
  /** The catalogue of clients without instances of their own; the next run remembers it. */
  readonly shared: Catalog;
  readonly #options: CatalogsOptions;
  readonly #own = new Map<CallOwner, Catalog>();
  /** Owners that stand for several clients. */
  readonly #several = new Set<CallOwner>();
  #servers: readonly ServerConfig[];
  #reserved: Reserved;

  constructor(options: CatalogsOptions) {
    this.#options = options;
    this.#servers = options.servers;
    this.#reserved = new Reserved(options.reserved ?? []);
    this.shared = this.#make(options);
  }

  of(client: CallOwner): Catalog {
    return this.#own.get(client) ?? this.shared;
  }

  /** Gives a client its own catalogue, which begins as a copy of the shared one. */
  open(client: CallOwner): void {
    if (this.#own.has(client)) return;
    // Collisions are reported once, by the shared catalogue, which has them, too.
    const own = this.#make({ onCollision: () => {} });
    own.adopt(this.shared);
    this.#own.set(client, own);
  }

  /** For clients that cannot be told apart: a catalogue without the servers that have an instance for each. */
  openSeveral(owner: CallOwner): void {
    this.#several.add(owner);
    this.#leaveOut(owner);
  }

  /** Names of the servers that some clients do not see, because they cannot be told apart. */
  get leftOut(): readonly string[] {
    if (this.#several.size === 0) return [];
    return this.#servers.filter(isOfEach).map(({ name }) => name);
  }

  /** Other servers, or other settings. @param replaced servers that have yet to tell their lists again. */
  reconfigure({ servers, reserved }: Offering, replaced: ReadonlySet<string>): void {
    this.#servers = servers;
    this.#reserved = new Reserved(reserved);
    this.shared.reconfigure(servers, this.#reserved, replaced);
    for (const [owner, catalog] of this.#own) {
      const seen = this.#several.has(owner) ? servers.filter((one) => !isOfEach(one)) : servers;
      catalog.reconfigure(seen, this.#reserved, replaced);
    }
    for (const owner of this.#several) this.#leaveOut(owner);
  }

  close(client: CallOwner): void {
    this.#own.delete(client);
    this.#several.delete(client);
  }

  update(
    { config, owner }: Teller,
    kind: ListKind,
    entries: readonly CatalogEntry[],
    withheld: Withheld = NOTHING_WITHHELD,
  ): void {
    for (const catalog of this.#of(owner)) catalog.update(config.name, kind, entries, withheld);
  }

  /** The server could not tell a list. */
  unlisted({ config, owner }: Teller, kind: ListKind): void {
    for (const catalog of this.#of(owner)) catalog.unlisted(config.name, kind);
  }

  /** The server takes long to start. */
  takesLong({ config, owner }: Teller): void {
    for (const catalog of this.#of(owner)) catalog.takesLong(config.name);
  }

  /** The server failed: list requests no longer wait for its first lists. */
  settle({ config, owner }: Teller): void {
    for (const catalog of this.#of(owner)) catalog.settle(config.name);
  }

  /** The gateway is stopping: list requests wait for no server any more. */
  endWait(): void {
    for (const catalog of this.#of(null)) catalog.endWait();
  }

  /** The client has no instance of the server: its own catalogue does not wait for that server's lists. */
  settleFor(client: CallOwner, server: string): void {
    this.#own.get(client)?.settle(server);
  }

  #leaveOut(owner: CallOwner): void {
    if (this.#own.has(owner) || !this.#servers.some(isOfEach)) return;
    this.open(owner);
    const seen = this.#servers.filter((one) => !isOfEach(one));
    this.#own.get(owner)?.reconfigure(seen, this.#reserved, new Set());
  }

  /** The catalogues that show the lists of an owner's server; null: of a shared one. */
  #of(owner: CallOwner | null): readonly Catalog[] {
    if (owner === null) return [this.shared, ...this.#own.values()];
    const own = this.#own.get(owner);
    return own === undefined ? [this.shared] : [this.shared, own];
  }

  #make(tell: Pick<CatalogsOptions, 'onCollision' | 'onHeld'>): Catalog {
    const { listWaitMs, onChange } = this.#options;
    const catalog: Catalog = new Catalog({
      servers: this.#servers,
      reserved: this.#reserved,
      listWaitMs,
      onChange: (kind) => onChange(catalog, kind),
      onCollision: tell.onCollision,
      ...(tell.onHeld === undefined ? {} : { onHeld: tell.onHeld }),
    });
    return catalog;
  }
}

/** Each client has an instance of its own. */
function isOfEach({ instances }: ServerConfig): boolean {
  return instances === 'session';
}
