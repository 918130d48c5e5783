/**
 * Which client was asked to visit which URL, so that the word of its completion finds it, and for which calls
 * it is doing so. Keeps account; sends nothing.
 */
import { type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { isName, member } from '../../../shared/json/json-slice.ts';
import type { Server } from '../../servers/server.ts';
import type { Client } from '../client.ts';
import type { Standing } from './standing.ts';

/** Limit for each server; the oldest are forgotten first. */
const MAX_PER_SERVER = 1024;

interface Visit {
  readonly client: Client;
  /** The calls that wait until it is complete; null: the client has not agreed to it, or no call waits. */
  standing: Standing | null;
}

export class Elicitations {
  readonly #servers = new Map<Server, Map<string, Visit>>();

  asked(server: Server, id: string, client: Client): void {
    const its = this.#servers.get(server) ?? new Map<string, Visit>();
    this.#servers.set(server, its);
    drop(its, id);
    its.set(id, { client, standing: null });
    const [oldest] = its.keys();
    if (its.size > MAX_PER_SERVER && oldest !== undefined) drop(its, oldest);
  }

  /** The client agrees to visit the URL, which is where it takes its time. */
  agreed(server: Server, id: string, standing: Standing): void {
    const visit = this.#servers.get(server)?.get(id);
    if (visit === undefined) return standing.end();
    visit.standing?.end();
    visit.standing = standing;
  }

  completed(server: Server, id: string): void {
    this.#servers.get(server)?.get(id)?.standing?.end();
  }

  /** The visits that calls wait for. */
  visits(): { readonly server: Server; readonly standing: Standing }[] {
    return [...this.#servers].flatMap(([server, its]) =>
      [...its.values()].flatMap(({ standing }) => (standing === null ? [] : { server, standing })),
    );
  }

  /** The client that was asked; null when it has left, or no client was asked. */
  whoWasAsked(server: Server, id: string): Client | null {
    return this.#servers.get(server)?.get(id)?.client ?? null;
  }

  serverRetired(server: Server): void {
    const its = this.#servers.get(server);
    for (const id of its?.keys() ?? []) drop(its, id);
    this.#servers.delete(server);
  }

  forget(client: Client): void {
    for (const [server, its] of this.#servers) {
      for (const [id, visit] of its) if (visit.client === client) drop(its, id);
      if (its.size === 0) this.#servers.delete(server);
    }
  }
}

function drop(its: Map<string, Visit> | undefined, id: string): void {
  its?.get(id)?.standing?.end();
  its?.delete(id);
}

/** True when a client's answer says that a person will visit the URL. */
export function agrees(frame: Frame): boolean {
  const result = rangeOf(frame, SLOT.result);
  const at = result === null ? null : member(frame.line, result, 'action');
  return at !== null && isName(frame.line, at[0], at[1], 'accept');
}
