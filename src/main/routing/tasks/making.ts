/**
 * The hooks of a call that may make a task, because it asks for one or because its client takes one instead of a
 * result: the task in its answer is recorded as its client's.
 */
import { type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { kindAt } from '../../../shared/json/json-slice.ts';
import { TAKES_TASKS } from '../../../shared/model/client-can.ts';
import { TASK_METHODS } from '../../../shared/model/task-handles.ts';
import type { Hooks } from '../../calls/call.ts';
import { offersTasks } from '../../catalog/advertised.ts';
import type { Profiles } from '../../catalog/profiles.ts';
import type { Server } from '../../servers/server.ts';
import type { ServerRequest } from '../request.ts';
import { MAX_TASKS, MAX_TASKS_OF_ALL, shown, type Tasks } from './tasks.ts';

/** Why a request that may make a task is refused. */
export const TOO_MANY_TASKS = {
  code: 'ERR_QUEUE_FULL',
  outcome: 'not_sent',
  message: `this client has ${MAX_TASKS} tasks running already, or all clients have ${MAX_TASKS_OF_ALL}; the call was not sent`,
  retryAt: null,
} as const;

/** Of almost every call. */
export const NO_HOOKS: Partial<Hooks> = {};

export interface Making {
  readonly hooks: Partial<Hooks>;
  /** What its server is told that the client can do, see `canOf`. */
  readonly can: number;
}

/** @returns null when the client has as many tasks as it may. */
export function makingOf(
  { client, frame, idText, method }: ServerRequest,
  server: Server,
  { tasks, profiles }: { readonly tasks: Tasks; readonly profiles: Profiles },
): Making | null {
  const { can } = client.grant(idText);
  if (TASK_METHODS.has(method)) return { hooks: NO_HOOKS, can };
  const takes =
    method === 'tools/call' &&
    (can & TAKES_TASKS) !== 0 &&
    offersTasks(profiles.of(server.config.name));
  const making = { hooks: NO_HOOKS, can: takes ? can : can & ~TAKES_TASKS };
  if (!takes && !asksForTask(frame)) return making;
  if (tasks.isFull(client, performance.now())) return null;
  const hooks: Partial<Hooks> = {
    tasks: takes ? 'handle' : 'created',
    onTasks: ({ tasks: told }, call) => {
      const note = told?.notes[0];
      if (note === undefined) return [];
      const maker = { client, server: server.holding(call.target), call, isHandle: takes };
      return shown(tasks.made(maker, note, performance.now()), note);
    },
  };
  return { ...making, hooks };
}

function asksForTask(frame: Frame): boolean {
  const task = rangeOf(frame, SLOT.paramsTask);
  return task !== null && kindAt(frame.line, task[0]) === 'object';
}
