/**
 * Who listens to which resource of which server. A server is asked once for each URI however many
 * clients listen, again after each restart, and told to stop when the last one has gone. Keeps
 * account; sends nothing.
 */
import type { Session } from './session.ts';

export class Subscriptions {
  /** Server → URI → sessions. */
  readonly #servers = new Map<string, Map<string, Set<Session>>>();

  /** @returns whether the server must be asked: this is the first listener. */
  add(server: string, uri: string, session: Session): boolean {
    const uris = this.#servers.get(server) ?? new Map<string, Set<Session>>();
    this.#servers.set(server, uris);
    const sessions = uris.get(uri) ?? new Set<Session>();
    uris.set(uri, sessions);
    sessions.add(session);
    return sessions.size === 1;
  }

  /** @returns whether the server must be told: nobody listens any more. */
  remove(server: string, uri: string, session: Session): boolean {
    const sessions = this.#servers.get(server)?.get(uri);
    if (sessions === undefined || !sessions.delete(session)) return false;
    if (sessions.size > 0) return false;
    this.#servers.get(server)?.delete(uri);
    return true;
  }

  /** Ends everything a session listened to. @returns what nobody listens to any more. */
  drop(session: Session): { readonly server: string; readonly uri: string }[] {
    const unused: { server: string; uri: string }[] = [];
    for (const [server, uris] of this.#servers) {
      for (const uri of uris.keys()) {
        if (this.remove(server, uri, session)) unused.push({ server, uri });
      }
    }
    return unused;
  }

  /** The URIs of a server that somebody listens to. */
  urisOf(server: string): string[] {
    return [...(this.#servers.get(server)?.keys() ?? [])];
  }

  /**
   * Everyone who listens to the server: an update may name a part of what was subscribed to, so its
   * URI decides nothing.
   */
  listeners(server: string): Set<Session> {
    const all = new Set<Session>();
    for (const sessions of this.#servers.get(server)?.values() ?? []) {
      for (const session of sessions) all.add(session);
    }
    return all;
  }
}
