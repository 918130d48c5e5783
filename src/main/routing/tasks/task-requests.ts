/**
 * Requests and messages about tasks: takes each to the server or the client whose task it is, under the
 * id known there. A task of somebody else is answered like one that does not exist.
 */

import { rangeOf } from '../../../shared/json/frame.ts';
import { replaceRanges } from '../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { readTaskId } from '../../../shared/json/keys.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import { JSON_RPC } from '../../../shared/model/errors.ts';
import type { TaskNote } from '../../../shared/model/mcp.ts';
import type {
  AnswerMessage,
  NotificationMessage,
  ProgressMessage,
} from '../../../shared/protocol/from-supervisor.ts';
import type { Edit } from '../../calls/call-table.ts';
import { failureParts } from '../../calls/failures.ts';
import type { Session } from '../../clients/session.ts';
import type { Downstream } from '../../servers/server.ts';
import type { Hooks, ServerRequest } from '../request.ts';
import { type Ask, TaskList } from './task-list.ts';
import { MAX_TASKS, rawId, shown, streamOf, type Task, Tasks } from './tasks.ts';

/** How requests get to a server. */
export interface Sender {
  submit(
    request: ServerRequest,
    downstream: Downstream,
    edits: readonly Edit[],
    hooks: Partial<Hooks>,
  ): void;
  readonly ask: Ask;
  /** The gateway answers a request itself. */
  refused(failure: ReturnType<typeof lost>): void;
  /** Whether the server says that it has this part of `tasks`. */
  offers(downstream: Downstream, part: 'list' | 'cancel'): boolean;
}

export class TaskRequests {
  readonly tasks = new Tasks();
  readonly #sender: Sender;

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  /** A client asks for the status, the result or the end of a task. */
  route(request: ServerRequest): void {
    const { session, frame, method, idText, idRaw } = request;
    if (method === 'tasks/list') return this.#list(request);
    const at = rangeOf(frame, SLOT.paramsTaskId);
    const shownId = at === null ? null : readTaskId(frame.line, at);
    if (shownId === null || at === null) {
      const message = `${method} needs params.taskId (a string)`;
      return session.refused(idText, JSON_RPC.invalidParams, message);
    }
    const task = this.tasks.ofSession(session, shownId);
    if (task === null) {
      const message = `Unknown task: ${shownId.slice(0, 200)}`;
      return session.refused(idText, JSON_RPC.invalidParams, message);
    }
    if (task.state === 'lost') {
      const failure = lost(task);
      this.#sender.refused(failure);
      return session.answer(request, failureParts(method, idRaw, failure));
    }
    const edits = task.id === shownId ? [] : [{ at, with: rawId(task.id) }];
    this.#sender.submit(request, task.downstream, edits, {
      tasks: method === 'tasks/result' ? 'result' : 'status',
      onTasks: (answer) => this.#told(task, answer),
      lapsed: this.#lapsed(task),
      ...(method === 'tasks/result' ? this.#resultHooks(task, idText) : {}),
      ...(method === 'tasks/get' ? this.#statusHooks(task) : {}),
    });
  }

  /** What is to be done with a request that asks for a task, null when the client has too many. */
  hooksOfMaking(session: Session): Partial<Hooks> | null {
    if (this.tasks.isFull(session, performance.now())) return null;
    return {
      tasks: 'created',
      onTasks: ({ tasks }, call) => {
        const note = tasks?.notes[0];
        if (note === undefined) return [];
        return shown(this.tasks.made(call, session, note, performance.now()), note);
      },
    };
  }

  /** Progress of a call that is not in flight any more: of the task that it made. */
  progress(downstream: Downstream, { call, line, token }: ProgressMessage): void {
    const task = this.tasks.ofCall(call);
    if (task === null || task.downstream !== downstream || task.tokenRaw === null) return;
    task.session.send(replaceRanges(line, [{ at: token, with: task.tokenRaw }]), streamOf(task));
  }

  /** A server tells of a task, or something in its course: nobody else's business. */
  notification(downstream: Downstream, message: NotificationMessage, note: TaskNote): void {
    const { method, level, line } = message;
    const task = this.tasks.ofServer(downstream, note.id);
    if (task === null) return;
    this.#heard(task, method === 'notifications/tasks/status' && note.ended);
    const parts = replaceRanges(line, shown(task, note));
    if (method === 'notifications/message') task.session.log(level, parts);
    else task.session.notify(parts);
  }

  /** The task of the session that a client's message names by this id, and what to replace in it. */
  named(session: Session, shownId: string, at: ByteRange): { task: Task; edits: Edit[] } | null {
    const task = this.tasks.ofSession(session, shownId);
    if (task === null || task.state === 'lost') return null;
    return { task, edits: task.id === shownId ? [] : [{ at, with: rawId(task.id) }] };
  }

  /** The session has ended: nobody wants what its tasks do. */
  forget(session: Session): void {
    for (const task of this.tasks.drop(session)) {
      const { downstream, id } = task;
      if (!this.#sender.offers(downstream, 'cancel')) continue;
      const hooks = { lapsed: this.#lapsed(task) };
      this.#sender.ask(downstream, 'tasks/cancel', { taskId: id }, { hooks });
    }
  }

  #list(request: ServerRequest): void {
    const servers = [...this.tasks.serversOf(request.session)];
    const listing = servers.filter((server) => this.#sender.offers(server, 'list'));
    new TaskList(request, listing, { tasks: this.tasks, ask: this.#sender.ask });
  }

  #resultHooks(task: Task, idText: string): Partial<Hooks> {
    task.resultRequests.add(idText);
    return {
      patient: true,
      // That it has failed is a result, too.
      onEnd: (_ok, answered) => {
        task.resultRequests.delete(idText);
        if (answered) this.tasks.settled(task);
      },
    };
  }

  #statusHooks(task: Task): Partial<Hooks> {
    return {
      // The server does not know it any more.
      onEnd: (ok, answered) => {
        if (answered && !ok) this.tasks.settled(task);
      },
    };
  }

  /** A server may use the same id again after a new start: what waited through that is for nobody. */
  #lapsed(task: Task): Hooks['lapsed'] {
    const life = this.tasks.lifeOf(task.downstream);
    return (server) =>
      server === task.downstream && this.tasks.lifeOf(server) === life ? null : lost(task);
  }

  #heard(task: Task, hasEnded: boolean): void {
    const now = performance.now();
    if (hasEnded) this.tasks.ended(task, now);
    else this.tasks.told(task, now);
  }

  #told(task: Task, { tasks }: AnswerMessage): readonly Edit[] {
    const note = tasks?.notes.find(({ id }) => id === task.id);
    if (note === undefined) return [];
    this.#heard(task, note.ended);
    return shown(task, note);
  }
}

/** Why a request that asks for a task is refused. */
export const TOO_MANY_TASKS = {
  code: 'ERR_QUEUE_FULL',
  outcome: 'not_sent',
  message: `this client has ${MAX_TASKS} tasks running already; the call was not sent`,
  retryAt: null,
} as const;

function lost({ downstream }: Task) {
  const server = downstream.config.name;
  return {
    code: 'ERR_OUTCOME_UNKNOWN',
    server,
    phase: downstream.phase,
    outcome: 'unknown',
    message: `server "${server}" died and its tasks with it; this one may have been executed`,
    retryAt: null,
  } as const;
}
