/** Requests about tasks (an extension of revision 2026-07-28): which are served, and for whom. Pure. */
import { TAKES_TASKS } from '../../../shared/model/client-can.ts';
import { MISSING_CAPABILITY } from '../../../shared/model/errors.ts';
import { TASK_METHODS, TASKS_EXTENSION } from '../../../shared/model/task-handles.ts';
import { offersTasks } from '../../catalog/advertised.ts';
import type { Profiles } from '../../catalog/profiles.ts';
import type { Refusal } from '../claims/claim.ts';
import type { Declared } from './routed.ts';

/** Some server has tasks. */
export function areOffered(profiles: Profiles): boolean {
  return profiles.all().some(({ profile }) => offersTasks(profile));
}

/** False where no server has tasks: then there is no such method. */
export function isServed(method: string, profiles: Profiles): boolean {
  return TASK_METHODS.has(method) && areOffered(profiles);
}

/** Null: the request is about no task, or says that its client takes them. */
export function taskRefusal(method: string, { can }: Declared): Refusal | null {
  if (!TASK_METHODS.has(method) || (can & TAKES_TASKS) !== 0) return null;
  return tasksNotDeclared(method);
}

/** @param what is asked for. */
export function tasksNotDeclared(what: string): Refusal {
  return {
    code: MISSING_CAPABILITY,
    message: `${what} is for clients that declare the extension ${TASKS_EXTENSION} in this request`,
    data: { requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } },
  };
}
