/**
 * Who listens to which resource of which server. A server is asked once for each URI however many
 * clients listen, again after each restart, and told to stop when the last one has gone. Keeps
 * account; sends nothing.
 */

import type { Session } from '../../clients/session.ts';
import type { Downstream } from '../../servers/server.ts';

export class Subscriptions {
  /** Server → URI → sessions. */
  readonly #servers = new Map<Downstream, Map<string, Set<Session>>>();

  /** @returns whether the server must be asked: this is the first listener. */
  add(server: Downstream, uri: string, session: Session): boolean {
    const uris = this.#servers.get(server) ?? new Map<string, Set<Session>>();
    this.#servers.set(server, uris);
    const sessions = uris.get(uri) ?? new Set<Session>();
    uris.set(uri, sessions);
    sessions.add(session);
    return sessions.size === 1;
  }

  /** @returns whether the server must be told: nobody listens any more. */
  remove(server: Downstream, uri: string, session: Session): boolean {
    const uris = this.#servers.get(server);
    const sessions = uris?.get(uri);
    if (sessions === undefined || !sessions.delete(session)) return false;
    if (sessions.size > 0) return false;
    uris?.delete(uri);
    // A server of one client goes with it; nothing may hold on to it here.
    if (uris?.size === 0) this.#servers.delete(server);
    return true;
  }

  /** Ends everything a session listened to. @returns what nobody listens to any more. */
  drop(session: Session): { readonly downstream: Downstream; readonly uri: string }[] {
    const unused: { downstream: Downstream; uri: string }[] = [];
    for (const [downstream, uris] of this.#servers) {
      for (const uri of uris.keys()) {
        if (this.remove(downstream, uri, session)) unused.push({ downstream, uri });
      }
    }
    return unused;
  }

  /** The server leaves: its listeners are those of its heir, or nobody's. */
  leave(server: Downstream, heir: Downstream | null): void {
    const uris = this.#servers.get(server);
    this.#servers.delete(server);
    if (heir === null) return;
    for (const [uri, sessions] of uris ?? []) {
      for (const session of sessions) this.add(heir, uri, session);
    }
  }

  /** The URIs of a server that somebody listens to. */
  urisOf(server: Downstream): string[] {
    return [...(this.#servers.get(server)?.keys() ?? [])];
  }

  /**
   * Everyone who listens to the server: an update may name a part of what was subscribed to, so its
   * URI decides nothing.
   */
  listeners(server: Downstream): Set<Session> {
    const all = new Set<Session>();
    for (const sessions of this.#servers.get(server)?.values() ?? []) {
      for (const session of sessions) all.add(session);
    }
    return all;
  }
}
