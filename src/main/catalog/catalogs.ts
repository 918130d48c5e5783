/**
 * Whose catalogue is whose. Servers are mostly shared and so is what they offer; a client that has
 * servers of its own sees a catalogue of its own, with what its instances tell in place of what is
 * known of the server in general.
 */
import type { GatewayConfig, ReservedConfig, ServerConfig } from '../../shared/model/config.ts';
import type { ListKind, UriKind } from '../../shared/model/lists.ts';
import type { CatalogEntry } from '../../shared/model/mcp.ts';
import type { HeldUri } from '../../shared/model/remembered.ts';
import type { CallOwner } from '../calls/call.ts';
import { Catalog } from './catalog.ts';
import { Reserved } from './reserved.ts';

export interface CatalogsOptions {
  readonly servers: readonly ServerConfig[];
  /** @default nothing */
  readonly reserved?: readonly ReservedConfig[];
  readonly listWaitMs: number;
  /** Called after a merged list has become different. */
  readonly onChange: (catalog: Catalog, kind: ListKind) => void;
  /** A server offers what is another one's; in words, once for each change. */
  readonly onCollision: (server: string, message: string) => void;
  /** What servers keep against others may have become different: worth remembering. @default nobody */
  readonly onHeld?: (kind: UriKind, held: readonly HeldUri[]) => void;
}

/** What of a configuration decides what is offered. */
export type Offering = Pick<GatewayConfig, 'servers' | 'reserved'>;

/** Who tells of a server: the lane it runs in. */
interface Teller {
  readonly config: Pick<ServerConfig, 'name'>;
  readonly owner: CallOwner | null;
}

export class Catalogs {
  /** What clients without instances of their own see; also what is remembered of every server. */
  readonly shared: Catalog;
  readonly #options: CatalogsOptions;
  readonly #own = new Map<CallOwner, Catalog>();
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

  /** Gives a client a catalogue of its own, which begins as what is known now. */
  open(client: CallOwner): void {
    if (this.#own.has(client)) return;
    // What collides does so in the shared catalogue too, and is told once.
    const own = this.#make({ onCollision: () => {} });
    own.adopt(this.shared);
    this.#own.set(client, own);
  }

  /** Other servers, or other settings. @param replaced those that have yet to speak again. */
  reconfigure({ servers, reserved }: Offering, replaced: ReadonlySet<string>): void {
    this.#servers = servers;
    this.#reserved = new Reserved(reserved);
    for (const catalog of this.#of(null)) catalog.reconfigure(servers, this.#reserved, replaced);
  }

  close(client: CallOwner): void {
    this.#own.delete(client);
  }

  update({ config, owner }: Teller, kind: ListKind, entries: readonly CatalogEntry[]): void {
    for (const catalog of this.#of(owner)) catalog.update(config.name, kind, entries);
  }

  /** The server failed: nobody waits for its first lists any longer. */
  settle({ config, owner }: Teller): void {
    for (const catalog of this.#of(owner)) catalog.settle(config.name);
  }

  /** The client has no instance of the server: its own catalogue waits for no lists of it. */
  settleFor(client: CallOwner, server: string): void {
    this.#own.get(client)?.settle(server);
  }

  /** The catalogues that a server has a say in. */
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
