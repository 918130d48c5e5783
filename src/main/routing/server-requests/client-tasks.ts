/**
 * Tasks that clients made of what servers asked them: which client a server means when it asks for one.
 * An id that two clients gave the same server means nobody. Keeps account; sends nothing.
 */

import type { Server } from '../../servers/server.ts';
import type { Client } from '../client.ts';
import type { Standing } from './standing.ts';

export interface ClientTask {
  readonly client: Client;
  readonly server: Server;
  readonly incarnation: number;
  /** The question it was made of. */
  readonly method: string;
  /** Raw id under which the client was asked, which is its progress token; and the server's own token. */
  readonly idText: string;
  readonly tokenRaw: Uint8Array | null;
  /** The calls that wait for it to end. */
  readonly standing: Standing;
}

/** Several clients have a task with the same id. */
interface Ambiguous {
  readonly ambiguous: Set<Client>;
}

/** Limit for each server; the oldest are forgotten first. */
const MAX_PER_SERVER = 256;

export class ClientTasks {
  readonly #servers = new Map<Server, Map<string, ClientTask | Ambiguous>>();

  made(
    id: string,
    { client, server, incarnation, method, idText, tokenRaw, standing }: ClientTask,
  ): void {
    const task = { client, server, incarnation, method, idText, tokenRaw, standing };
    const its = this.#servers.get(server) ?? new Map<string, ClientTask | Ambiguous>();
    this.#servers.set(server, its);
    const before = its.get(id);
    if (before !== undefined) drop(its, id);
    const others = new Set(before === undefined ? [] : clientsOf(before));
    others.delete(client);
    if (others.size > 0) standing.end();
    its.set(id, others.size === 0 ? task : { ambiguous: others.add(client) });
    const [oldest] = its.keys();
    if (its.size > MAX_PER_SERVER && oldest !== undefined) drop(its, oldest);
  }

  all(): ClientTask[] {
    const tasks = [...this.#servers.values()].flatMap((its) => [...its.values()]);
    return tasks.filter((task): task is ClientTask => !('ambiguous' in task));
  }

  of(server: Server, id: string): ClientTask | null {
    const task = this.#servers.get(server)?.get(id);
    return task === undefined || 'ambiguous' in task ? null : task;
  }

  /** The tasks of the client that have this id, one for each server that knows it. */
  withId(client: Client, id: string): ClientTask[] {
    return [...this.#servers.keys()].flatMap((server) => {
      const task = this.of(server, id);
      return task?.client === client ? [task] : [];
    });
  }

  /** The task that was asked for under this id. */
  askedAs(client: Client, idText: string): ClientTask | null {
    for (const its of this.#servers.values()) {
      for (const task of its.values()) {
        if ('ambiguous' in task || task.client !== client) continue;
        if (task.idText === idText) return task;
      }
    }
    return null;
  }

  forget(client: Client): void {
    for (const [server, its] of this.#servers) {
      for (const [id, task] of its) {
        if ('ambiguous' in task) task.ambiguous.delete(client);
        const left = 'ambiguous' in task ? task.ambiguous.size > 0 : task.client !== client;
        if (!left) drop(its, id);
      }
      if (its.size === 0) this.#servers.delete(server);
    }
  }

  /** Forgets the tasks for which this is true. @returns each with its id. */
  forgetIf(isOver: (task: ClientTask) => boolean): (ClientTask & { readonly id: string })[] {
    const over = [...this.#servers.values()].flatMap((its) =>
      [...its].flatMap(([id, task]) => {
        if ('ambiguous' in task || !isOver(task)) return [];
        drop(its, id);
        return { ...task, id };
      }),
    );
    for (const [server, its] of this.#servers) if (its.size === 0) this.serverGone(server);
    return over;
  }

  serverGone(server: Server): void {
    const its = this.#servers.get(server);
    for (const id of its?.keys() ?? []) drop(its, id);
    this.#servers.delete(server);
  }
}

/** Forgets one; the calls that waited for it wait no longer. */
function drop(its: Map<string, ClientTask | Ambiguous> | undefined, id: string): void {
  const task = its?.get(id);
  if (task !== undefined && 'standing' in task) task.standing.end();
  its?.delete(id);
}

function clientsOf(task: ClientTask | Ambiguous): Iterable<Client> {
  return 'ambiguous' in task ? task.ambiguous : [task.client];
}
