/**
 * Which client was asked to visit which URL, so that the word of its completion finds it. Keeps account;
 * sends nothing.
 */

import type { Server } from '../../servers/server.ts';
import type { Client } from '../client.ts';

/** Limit for each server; the oldest are forgotten first. */
const MAX_PER_SERVER = 1024;

export class Elicitations {
  readonly #servers = new Map<Server, Map<string, Client>>();

  asked(server: Server, id: string, client: Client): void {
    const its = this.#servers.get(server) ?? new Map<string, Client>();
    this.#servers.set(server, its);
    its.delete(id);
    its.set(id, client);
    const [oldest] = its.keys();
    if (its.size > MAX_PER_SERVER && oldest !== undefined) its.delete(oldest);
  }

  /** The client that was asked; null when it has left, or no client was asked. */
  whoWasAsked(server: Server, id: string): Client | null {
    return this.#servers.get(server)?.get(id) ?? null;
  }

  serverRetired(server: Server): void {
    this.#servers.delete(server);
  }

  forget(client: Client): void {
    for (const [server, its] of this.#servers) {
      for (const [id, asked] of its) if (asked === client) its.delete(id);
      if (its.size === 0) this.#servers.delete(server);
    }
  }
}
