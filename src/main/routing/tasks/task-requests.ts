/**
 * Requests and messages about tasks: takes each to the server or client that has the task, under the id
 * known there. A request for another client's task is answered as if the task did not exist.
 */

import { rangeOf } from '../../../shared/json/frame.ts';
import type { Edit } from '../../../shared/json/json-rpc.ts';
import { replaceRanges } from '../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { readTaskId } from '../../../shared/json/keys.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import { TAKES_TASKS } from '../../../shared/model/client-can.ts';
import { JSON_RPC } from '../../../shared/model/errors.ts';
import type { TaskNote } from '../../../shared/model/mcp.ts';
import { LEAVE_TASK, LISTEN_TO_TASK, TASK_NEWS } from '../../../shared/model/task-handles.ts';
import type {
  AnswerMessage,
  NotificationMessage,
  ProgressMessage,
} from '../../../shared/protocol/from-supervisor.ts';
import type { Hooks } from '../../calls/call.ts';
import { type Observer, outcomeOf } from '../../calls/observer.ts';
import { advertises } from '../../catalog/advertised.ts';
import type { Profiles } from '../../catalog/profiles.ts';
import type { Server } from '../../servers/server.ts';
import type { Client } from '../client.ts';
import type { ServerRequest } from '../request.ts';
import type { Sender } from '../send.ts';
import { TaskList } from './task-list.ts';
import { rawId, shown, streamOf, type Task, type Tasks } from './tasks.ts';

export interface TaskRequestsOptions {
  readonly sender: Sender;
  readonly tasks: Tasks;
  readonly profiles: Profiles;
  readonly observer: Observer;
}

export class TaskRequests {
  readonly #options: TaskRequestsOptions;
  /** The tasks that streams of a client listen to, by the client's ids: a server is told of the end also after a task was forgotten. */
  readonly #listened = new WeakMap<Client, Map<string, Task>>();

  constructor(options: TaskRequestsOptions) {
    this.#options = options;
  }

  /** A client asks for the status, the result or the end of a task, or answers what a task asks. */
  route(request: ServerRequest): void {
    const { client, frame, method, idText, idRaw } = request;
    if (method === 'tasks/list') return this.#list(request);
    const at = rangeOf(frame, SLOT.paramsTaskId);
    const shownId = at === null ? null : readTaskId(frame.line, at);
    if (shownId === null || at === null) {
      const message = `${method} needs params.taskId (a string)`;
      return client.refused(idText, JSON_RPC.invalidParams, message);
    }
    const task = this.#find(request, shownId);
    if (task === null) {
      const message = `Unknown task: ${shownId.slice(0, 200)}`;
      return client.refused(idText, JSON_RPC.invalidParams, message);
    }
    if (task.state === 'lost') {
      const failure = lost(task);
      const { server, code } = failure;
      this.#options.observer.callEnded(server, outcomeOf(failure), code, null);
      return client.answer(request, request.form.failure(method, idRaw, failure));
    }
    const edits = task.id === shownId ? [] : [{ at, with: rawId(task.id) }];
    this.#options.sender.submit(request, task.server, edits, {
      tasks: method === 'tasks/result' ? 'result' : 'status',
      onTasks: (answer) => this.#told(task, answer),
      lapsed: this.#lapsed(task),
      ...(method === 'tasks/result' ? this.#resultHooks(task, idText) : {}),
      ...(method === 'tasks/get' ? this.#statusHooks(task) : {}),
      ...(method === 'tasks/cancel' && task.isHandle ? this.#cancelHooks(task) : {}),
    });
  }

  /** Progress of a call that is not in flight any more: of the task that it made. */
  progress(server: Server, { call, line, token }: ProgressMessage): void {
    const task = this.#tasks.ofCall(call);
    if (task === null || task.server !== server || task.tokenRaw === null) return;
    task.client.progress(replaceRanges(line, [{ at: token, with: task.tokenRaw }]), streamOf(task));
  }

  /** A server tells of a task, or something in its course: nobody else's business. */
  notification(server: Server, message: NotificationMessage, note: TaskNote): void {
    const { method, level, line } = message;
    const task = this.#tasks.ofServer(server, note.id);
    if (task === null) return;
    if (task.isHandle) return this.#news(task, message, note);
    this.#heard(task, method === 'notifications/tasks/status' && note.ended);
    const parts = replaceRanges(line, shown(task, note));
    if (method === 'notifications/message') task.client.log(level, parts, null);
    else task.client.notify(parts);
  }

  /**
   * A stream of the client is to be told of a task, or is not any more.
   *
   * @param can what can be asked there, see `canOf`.
   * @param done whether its server agrees; called once.
   */
  listen(
    {
      client,
      taskId,
      can,
    }: { readonly client: Client; readonly taskId: string; readonly can: number },
    on: boolean,
    done: (ok: boolean) => void,
  ): void {
    const listened = this.#listened.get(client) ?? new Map<string, Task>();
    this.#listened.set(client, listened);
    const task = on ? this.#tasks.ofClient(client, taskId) : listened.get(taskId);
    if (!on) listened.delete(taskId);
    if (!task?.isHandle) return done(false);
    const end = (ok: boolean) => {
      if (ok && on) listened.set(taskId, task);
      done(ok);
    };
    if (!this.#ask(task, on ? LISTEN_TO_TASK : LEAVE_TASK, can, end)) end(false);
  }

  /** The task of the client that a client's message names by this id, and what to replace in it. */
  named(client: Client, shownId: string, at: ByteRange): { task: Task; edits: Edit[] } | null {
    const task = this.#tasks.ofClient(client, shownId);
    if (task === null || task.state === 'lost' || task.isHandle) return null;
    return { task, edits: task.id === shownId ? [] : [{ at, with: rawId(task.id) }] };
  }

  /** The client is gone, and its tasks are cancelled. */
  forget(client: Client): void {
    const listened = this.#listened.get(client)?.values() ?? [];
    for (const task of listened) this.#ask(task, LEAVE_TASK, TAKES_TASKS);
    this.#listened.delete(client);
    for (const task of this.#tasks.drop(client)) {
      const { server, isHandle } = task;
      if (!isHandle && !this.#offers(server, 'cancel')) continue;
      this.#ask(task, 'tasks/cancel', isHandle ? TAKES_TASKS : 0);
    }
  }

  /** @returns false: its server cannot be asked, or has no such task any more. */
  #ask(task: Task, method: string, can: number, onEnd?: (ok: boolean) => void): boolean {
    if (task.state === 'lost') return false;
    const hooks = { lapsed: this.#lapsed(task), ...(onEnd === undefined ? {} : { onEnd }) };
    const params = { taskId: task.id };
    return this.#options.sender.ask(task.server, method, params, { hooks, can }) !== null;
  }

  /** A task of the client that is meant for requests of this form, and whose time is not over. */
  #find({ client, idText }: ServerRequest, shownId: string): Task | null {
    const task = this.#tasks.ofClient(client, shownId);
    const takesHandles = (client.grant(idText).can & TAKES_TASKS) !== 0;
    if (task === null || task.isHandle !== takesHandles) return null;
    return task.isHandle && task.expiresAt <= performance.now() ? null : task;
  }

  #list(request: ServerRequest): void {
    const servers = [...this.#tasks.serversOf(request.client)];
    const listing = servers.filter((server) => this.#offers(server, 'list'));
    new TaskList(request, listing, { tasks: this.#tasks, sender: this.#options.sender });
  }

  get #tasks(): Tasks {
    return this.#options.tasks;
  }

  /** True when the server advertises this part of `tasks`. */
  #offers({ config }: Server, part: 'list' | 'cancel'): boolean {
    return advertises(this.#options.profiles.of(config.name), 'tasks', part);
  }

  #resultHooks(task: Task, idText: string): Partial<Hooks> {
    task.resultRequests.add(idText);
    return {
      untimed: true,
      // A failure of the task is a result, too.
      onEnd: (_ok, answered) => {
        task.resultRequests.delete(idText);
        if (answered) this.#tasks.settled(task);
      },
    };
  }

  #statusHooks(task: Task): Partial<Hooks> {
    return {
      // The server does not know it any more.
      onEnd: (ok, answered) => {
        if (answered && !ok) this.#tasks.settled(task);
      },
    };
  }

  #cancelHooks(task: Task): Partial<Hooks> {
    return {
      // Its client may never ask for it again.
      onEnd: (ok) => {
        if (ok) this.#tasks.settled(task);
      },
    };
  }

  /** A server may use the same id again after a new start: what waited through that is for nobody. */
  #lapsed(task: Task): Hooks['lapsed'] {
    const life = this.#tasks.lifeOf(task.server);
    return (target) =>
      target === task.server && this.#tasks.lifeOf(task.server) === life ? null : lost(task);
  }

  /** Under HALT nobody hears what a task asks. */
  #news(task: Task, { method, line }: NotificationMessage, note: TaskNote): void {
    if (method !== TASK_NEWS || task.server.halted().active) return;
    this.#heard(task, note.ended);
    this.#tasks.kept(task, note);
    task.client.notify(replaceRanges(line, shown(task, note)), true);
  }

  #heard(task: Task, hasEnded: boolean): void {
    const now = performance.now();
    if (hasEnded) this.#tasks.ended(task, now);
    else this.#tasks.told(task, now);
  }

  #told(task: Task, { tasks }: AnswerMessage): readonly Edit[] {
    const notes = tasks?.notes ?? [];
    // Of a handle nothing but the gateway's id is ever shown.
    const note = task.isHandle ? notes[0] : notes.find(({ id }) => id === task.id);
    if (note === undefined) return [];
    this.#heard(task, note.ended);
    if (task.isHandle) this.#tasks.kept(task, note);
    // It comes with its result.
    if (task.isHandle && note.ended) this.#tasks.settled(task);
    return shown(task, note);
  }
}

function lost({ server: { config, phase } }: Task) {
  return {
    code: 'ERR_OUTCOME_UNKNOWN',
    server: config.name,
    phase,
    outcome: 'unknown',
    message: `server "${config.name}" died and its tasks with it; this one may have been executed`,
    retryAt: null,
  } as const;
}
