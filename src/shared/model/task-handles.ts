/**
 * The tasks of revision 2026-07-28, an extension: a server answers a call with the id of a task, if the call says
 * that its client takes one, and the client asks for the task by that id.
 */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** Requests about a task. */
export const TASK_METHODS: ReadonlySet<string> = new Set([
  'tasks/get',
  'tasks/update',
  'tasks/cancel',
]);

/** Carries answers of a client to what a task asks, under a name that calls have for another thing. */
export const TASK_UPDATE = 'tasks/update';

/** A server tells of a task. */
export const TASK_NEWS = 'notifications/tasks';

/** By these the gateway itself says at which tasks its streams of changes look; no server gets them. */
export const LISTEN_TO_TASK = 'tasks/listen';
export const LEAVE_TASK = 'tasks/leave';
