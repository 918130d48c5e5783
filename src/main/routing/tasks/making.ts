/**
 * The hooks of a call that asks for a task: the task in its answer is recorded as its client's.
 */
import { type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { kindAt } from '../../../shared/json/json-slice.ts';
import type { Hooks } from '../../calls/call.ts';
import type { Server } from '../../servers/server.ts';
import type { Client } from '../client.ts';
import { MAX_TASKS, shown, type Tasks } from './tasks.ts';

/** Why a request that asks for a task is refused. */
export const TOO_MANY_TASKS = {
  code: 'ERR_QUEUE_FULL',
  outcome: 'not_sent',
  message: `this client has ${MAX_TASKS} tasks running already; the call was not sent`,
  retryAt: null,
} as const;

export function asksForTask(frame: Frame): boolean {
  const task = rangeOf(frame, SLOT.paramsTask);
  return task !== null && kindAt(frame.line, task[0]) === 'object';
}

/** @returns null when the client has as many tasks as it may. */
export function hooksOfMaking(tasks: Tasks, client: Client, server: Server): Partial<Hooks> | null {
  if (tasks.isFull(client, performance.now())) return null;
  return {
    tasks: 'created',
    onTasks: ({ tasks: told }, call) => {
      const note = told?.notes[0];
      if (note === undefined) return [];
      const maker = { client, server: server.holding(call.target), call };
      return shown(tasks.made(maker, note, performance.now()), note);
    },
  };
}
