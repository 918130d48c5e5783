/**
 * The owners of tasks: every task that a server made for a client, from the answer that told of it until
 * the client leaves. A client sees its own tasks only: under the server's id, or under another
 * one when two servers gave it the same; a task that it was given instead of a result under an id of the gateway's
 * own, which nobody can guess. Keeps account; sends nothing.
 */
import { randomBytes } from 'node:crypto';
import type { Edit } from '../../../shared/json/json-rpc.ts';
import type { TaskNote } from '../../../shared/model/mcp.ts';
import type { Call } from '../../calls/call.ts';
import type { Server } from '../../servers/server.ts';
import type { Client } from '../client.ts';

export interface Task {
  readonly client: Client;
  readonly server: Server;
  /** The server's id of it, and the one that the client knows. */
  readonly id: string;
  readonly shownId: string;
  /** It was given instead of a result (revision 2026-07-28): requests about it come in another form than others. */
  readonly isHandle: boolean;
  /** The call that made it; its progress token lives as long as the task. */
  readonly call: number;
  readonly tokenRaw: Uint8Array | null;
  /** `ended`: its result can still be fetched. `lost`: its server died. */
  state: 'running' | 'ended' | 'lost';
  /** When it ended, monotonic milliseconds; null: it runs, or its client has its result already. */
  owedSince: number | null;
  /** When it was told of first, and when the server may forget it, monotonic milliseconds. */
  readonly madeAt: number;
  expiresAt: number;
  /** When the server last told of it, monotonic milliseconds. */
  toldAt: number;
  /** Raw ids of the client's requests for its result, the oldest first. */
  readonly resultRequests: Set<string>;
}

/** Limits on the tasks of one client, and of all. */
export const MAX_TASKS = 1000;
export const MAX_TASKS_OF_ALL = 10_000;
const HANDLE_BYTES = 18;
/** A server is kept so long for a client that has not fetched a result. */
const OWED_MS = 30_000;
/** A task that may take any time is taken to be at work so long after the last word about it. */
const SILENT_MS = 3_600_000;

/** The call that made a task, its client, and the server that has it. */
export interface Maker {
  readonly client: Client;
  readonly server: Server;
  readonly call: Pick<Call, 'id' | 'tokenRaw'>;
  /** @default false */
  readonly isHandle?: boolean;
}

export class Tasks {
  readonly #byClient = new Map<Client, Map<string, Task>>();
  readonly #byServer = new Map<Server, Map<string, Task>>();
  readonly #byCall = new Map<number, Task>();
  readonly #lives = new WeakMap<Server, number>();
  #count = 0;

  /** A server has made a task. Of its older ones with the same id nothing is known any more. */
  made({ client, server, call, isHandle = false }: Maker, note: TaskNote, now: number): Task {
    const reused = this.ofServer(server, note.id);
    if (reused !== null) this.#forget(reused);
    const own = this.#byClient.get(client) ?? new Map<string, Task>();
    this.#byClient.set(client, own);
    const task: Task = {
      client,
      server,
      id: note.id,
      shownId: isHandle ? mintHandle() : freeId(own, note.id),
      isHandle,
      call: call.id,
      tokenRaw: call.tokenRaw,
      state: note.ended ? 'ended' : 'running',
      owedSince: note.ended ? now : null,
      madeAt: now,
      expiresAt: endOf(now, note),
      toldAt: now,
      resultRequests: new Set(),
    };
    own.set(task.shownId, task);
    this.#count += 1;
    const its = this.#byServer.get(server) ?? new Map<string, Task>();
    this.#byServer.set(server, its.set(task.id, task));
    this.#byCall.set(call.id, task);
    return task;
  }

  /** True when the client has as many tasks as it may, or all clients have, all of them alive. */
  isFull(client: Client, now: number): boolean {
    const own = this.#byClient.get(client);
    if (own !== undefined && own.size >= MAX_TASKS) return !this.#makesRoom(own, now);
    if (this.#count < MAX_TASKS_OF_ALL) return false;
    return ![...this.#byClient.values()].some((its) => this.#makesRoom(its, now));
  }

  /** By the id that the client knows. */
  ofClient(client: Client, shownId: string): Task | null {
    return this.#byClient.get(client)?.get(shownId) ?? null;
  }

  /** By the id that the server knows. */
  ofServer(server: Server, id: string): Task | null {
    return this.#byServer.get(server)?.get(id) ?? null;
  }

  /** The task that this call made, while it runs. */
  ofCall(call: number): Task | null {
    const task = this.#byCall.get(call);
    return task?.state === 'running' ? task : null;
  }

  /** The servers that have tasks of the client. */
  serversOf(client: Client): Set<Server> {
    const servers = new Set<Server>();
    for (const { state, server } of this.#byClient.get(client)?.values() ?? []) {
      if (state !== 'lost') servers.add(server);
    }
    return servers;
  }

  /** True when a task of the client may be at work there. */
  atWork(client: Client, server: Server, now: number): boolean {
    for (const task of this.#byClient.get(client)?.values() ?? []) {
      if (task.server !== server || task.state !== 'running') continue;
      if (task.expiresAt > now) return true;
    }
    return false;
  }

  /** True when any client's task may be at work there, or has ended lately and its result is still to be fetched. */
  isBusy(server: Server, now: number): boolean {
    return isAnyWanted(this.#byServer.get(server)?.values() ?? [], now);
  }

  /** True when a task of the client may be at work, or has ended lately and its result is still to be fetched. */
  isClientBusy(client: Client, now: number): boolean {
    return isAnyWanted(this.#byClient.get(client)?.values() ?? [], now);
  }

  /** Which of the server's processes it is now, as far as tasks go: another one knows nothing of them. */
  lifeOf(server: Server): number {
    return this.#lives.get(server) ?? 0;
  }

  /** The server told of a task that goes on. */
  told(task: Task, now: number): void {
    task.toldAt = now;
  }

  /** The server keeps a task for another time than it said before. */
  kept(task: Task, note: TaskNote): void {
    task.expiresAt = endOf(task.madeAt, note);
  }

  /** The server told of its end; the client may not have its result yet. */
  ended(task: Task, now: number): void {
    if (task.state === 'running') task.owedSince = now;
    this.#end(task);
  }

  /** Its result will not be asked for: the client has it, or the server has forgotten the task. */
  settled(task: Task): void {
    task.owedSince = null;
    this.#end(task);
  }

  /** The server died, and its tasks with it; their clients are told when they ask. */
  serverGone(server: Server): void {
    for (const task of this.#byServer.get(server)?.values() ?? []) {
      task.state = 'lost';
      this.#byCall.delete(task.call);
    }
    this.#byServer.delete(server);
    this.#lives.set(server, this.lifeOf(server) + 1);
  }

  /** The client is gone. @returns its tasks that still run. */
  drop(client: Client): Task[] {
    const own = [...(this.#byClient.get(client)?.values() ?? [])];
    for (const task of own) this.#forget(task);
    return own.filter(({ state }) => state === 'running');
  }

  #end(task: Task): void {
    if (task.state === 'running') task.state = 'ended';
    this.#byCall.delete(task.call);
    task.server.released();
  }

  /** One that is over goes. */
  #makesRoom(tasks: ReadonlyMap<string, Task>, now: number): boolean {
    for (const task of tasks.values()) {
      if (task.state === 'running' && task.expiresAt > now) continue;
      this.#forget(task);
      return true;
    }
    return false;
  }

  #forget(task: Task): void {
    const { client, server } = task;
    const own = this.#byClient.get(client);
    if (own?.delete(task.shownId)) this.#count -= 1;
    if (own?.size === 0) this.#byClient.delete(client);
    const its = this.#byServer.get(server);
    if (its?.get(task.id) === task && its.delete(task.id) && its.size === 0) {
      this.#byServer.delete(server);
    }
    this.#byCall.delete(task.call);
  }
}

function isAnyWanted(tasks: Iterable<Task>, now: number): boolean {
  for (const { state, owedSince, expiresAt, toldAt } of tasks) {
    if (expiresAt <= now || state === 'lost') continue;
    // One with a time of its own has that; another one is given up when nothing is heard of it.
    const goesOn = expiresAt !== Infinity || now - toldAt < SILENT_MS;
    if (state === 'running' && goesOn) return true;
    if (owedSince !== null && now - owedSince < OWED_MS) return true;
  }
  return false;
}

function endOf(madeAt: number, { ttlMs }: TaskNote): number {
  return ttlMs === null ? Infinity : madeAt + ttlMs;
}

function mintHandle(): string {
  return `rea.${randomBytes(HANDLE_BYTES).toString('base64url')}`;
}

function freeId(own: ReadonlyMap<string, Task>, id: string): string {
  let free = id;
  for (let n = 2; own.has(free); n++) free = `${id}~${n}`;
  return free;
}

/** The edits that show a client the task id that it knows. */
export function shown(task: Task, note: TaskNote): readonly Edit[] {
  return task.shownId === task.id ? [] : [{ at: note.idAt, with: rawId(task.shownId) }];
}

/** The client's request that waits for the task's result: messages about the task go on its stream. */
export function streamOf(task: Task): string | null {
  const [oldest] = task.resultRequests;
  return oldest ?? null;
}

/** JSON text of an id. */
export function rawId(id: string): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(id));
}
