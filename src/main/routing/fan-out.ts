/**
 * Sends the servers' own messages to the clients that they concern. The messages of one client's own
 * server reach no other client.
 */
import { notificationLine } from '../../shared/json/json-rpc.ts';
import type { NotificationMessage } from '../../shared/protocol/from-supervisor.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Catalogs } from '../catalog/catalogs.ts';
import type { Server } from '../servers/server.ts';
import type { Client } from './client.ts';
import type { ResourceRequests } from './resources/resource-requests.ts';
import type { Elicitations } from './server-requests/elicitations.ts';
import type { TaskRequests } from './tasks/task-requests.ts';

export interface FanOutOptions {
  readonly clients: ReadonlySet<Client>;
  readonly catalogs: Catalogs;
  readonly resources: ResourceRequests;
  readonly tasks: TaskRequests;
  readonly elicitations: Elicitations;
}

export class FanOut {
  readonly #options: FanOutOptions;

  constructor(options: FanOutOptions) {
    this.#options = options;
  }

  /** A list of this catalogue has become different: a notification without parameters. */
  announce(catalog: Catalog, method: string): void {
    const line = notificationLine(method, null);
    const { clients, catalogs } = this.#options;
    for (const client of clients) {
      if (catalogs.of(client) === catalog) client.announce([line.subarray(0, line.length - 1)]);
    }
  }

  notification(server: Server, message: NotificationMessage): void {
    const { tasks } = this.#options;
    const { concerns } = message;
    switch (concerns.kind) {
      case 'task':
        return tasks.notification(server, message, concerns.note);
      case 'call': {
        const { call, token } = concerns;
        const progress = { ...message, type: 'progress', call, token } as const;
        if (!server.progress(progress)) tasks.progress(server, progress);
        return;
      }
      case 'one_of':
        return this.#toOwner(server, message, concerns.calls);
      case 'elicitation':
        return this.#elicited(server, concerns.id, message.line);
      case 'all':
        return this.#broadcast(server, message, concerns.only);
    }
  }

  /** An answer that asks its client to visit URLs is about to be passed on. */
  urlsAsked(server: Server, call: number, ids: readonly string[]): void {
    const { clients, elicitations } = this.#options;
    const owner = server.callsInFlight.ownerOf(call);
    for (const client of clients) {
      if (client !== owner) continue;
      for (const id of ids) elicitations.asked(server, id, client);
    }
  }

  /** To the one client that has all of these calls; to none when there are several. */
  #toOwner(server: Server, { level, line }: NotificationMessage, calls: readonly number[]): void {
    const owners = new Set(calls.map((call) => server.callsInFlight.ownerOf(call)));
    const [owner] = owners;
    if (owners.size > 1) return;
    const [only, ...more] = calls;
    const of = only === undefined || more.length > 0 ? null : server.callsInFlight.idOf(only);
    for (const client of this.#clientsOf(server)) {
      if (client === owner) client.log(level, [line], of);
    }
  }

  /** @param only the call that it can be about, if it can be about one alone. */
  #broadcast(server: Server, { method, level, line }: NotificationMessage, only?: number): void {
    if (method === 'notifications/resources/updated') {
      const listeners = this.#options.resources.listeners(server.current);
      for (const client of listeners) client.notify([line]);
    } else if (method === 'notifications/message') {
      const { callsInFlight } = server;
      const owner = only === undefined ? null : callsInFlight.ownerOf(only);
      const of = only === undefined ? null : callsInFlight.idOf(only);
      for (const client of this.#clientsOf(server)) {
        client.log(level, [line], owner === client ? of : null);
      }
    } else {
      for (const client of this.#clientsOf(server)) client.notify([line]);
    }
  }

  /** A client has done what a URL was for; an unknown id is told to all that could have been asked. */
  #elicited(server: Server, id: string, line: Uint8Array): void {
    const { elicitations } = this.#options;
    elicitations.completed(server, id);
    const asked = elicitations.whoWasAsked(server, id);
    if (asked !== null) return asked.notify([line]);
    for (const client of this.#clientsOf(server)) {
      if (client.grant(null).supports('elicitation', 'url')) client.notify([line]);
    }
  }

  /** All clients, or the one that the server belongs to. */
  *#clientsOf({ owner }: Server): Iterable<Client> {
    for (const client of this.#options.clients) {
      if (owner === null || owner === client) yield client;
    }
  }
}
