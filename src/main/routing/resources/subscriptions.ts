/**
 * The subscriptions of clients to the resources of servers. A server is asked once for each URI however
 * many clients listen, again after each restart, and told to stop when the last one has gone. Keeps
 * account; sends nothing.
 */

import type { Server } from '../../servers/server.ts';
import type { Client } from '../client.ts';

export class Subscriptions {
  /** Server → URI → clients. */
  readonly #servers = new Map<Server, Map<string, Set<Client>>>();

  /** @returns whether the server must be asked: this is the first listener. */
  add(server: Server, uri: string, client: Client): boolean {
    const uris = this.#servers.get(server) ?? new Map<string, Set<Client>>();
    this.#servers.set(server, uris);
    const clients = uris.get(uri) ?? new Set<Client>();
    uris.set(uri, clients);
    clients.add(client);
    return clients.size === 1;
  }

  /** @returns whether the server must be told: nobody listens any more. */
  remove(server: Server, uri: string, client: Client): boolean {
    const uris = this.#servers.get(server);
    const clients = uris?.get(uri);
    if (clients === undefined || !clients.delete(client)) return false;
    if (clients.size > 0) return false;
    uris?.delete(uri);
    // A server of one client goes with it; nothing may hold on to it here.
    if (uris?.size === 0) this.#servers.delete(server);
    return true;
  }

  /** Ends everything a client listened to. @returns what nobody listens to any more. */
  drop(client: Client): { readonly server: Server; readonly uri: string }[] {
    const unused: { server: Server; uri: string }[] = [];
    for (const [server, uris] of this.#servers) {
      for (const uri of uris.keys()) {
        if (this.remove(server, uri, client)) unused.push({ server, uri });
      }
    }
    return unused;
  }

  /** The server retires: its listeners are those of its successor, or nobody's. */
  retire(server: Server, successor: Server | null): void {
    const uris = this.#servers.get(server);
    this.#servers.delete(server);
    if (successor === null) return;
    for (const [uri, listening] of uris ?? []) {
      for (const client of listening) this.add(successor, uri, client);
    }
  }

  /** The URIs of a server that somebody listens to. */
  urisOf(server: Server): string[] {
    return [...(this.#servers.get(server)?.keys() ?? [])];
  }

  /**
   * All clients with a subscription at the server. The URI of an update selects none of them: it may name
   * a part of the resource that was subscribed to.
   */
  listeners(server: Server): Set<Client> {
    const all = new Set<Client>();
    for (const clients of this.#servers.get(server)?.values() ?? []) {
      for (const client of clients) all.add(client);
    }
    return all;
  }
}
