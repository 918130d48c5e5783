/**
 * Which client a request of a server is for. One that names a task goes to the client that the task
 * belongs to. Otherwise a server behind stdio does not say whose call made it ask: the request is for
 * the one client that has calls or tasks there, and for nobody when that is not clear. Without any such
 * client it is for the only one there is, if the server may ask unsolicited. Sends nothing.
 */
import { JSON_RPC } from '../../../shared/model/errors.ts';
import type { ClientNeed } from '../../../shared/model/mcp.ts';
import type { ReverseRequestMessage } from '../../../shared/protocol/from-supervisor.ts';
import type { Session } from '../../clients/session.ts';
import type { Downstream } from '../../servers/server.ts';
import { streamOf, type Task, type Tasks } from '../tasks/tasks.ts';
import { asksOf, type Refusal, unsolicited } from './asks.ts';
import type { ClientTasks } from './client-tasks.ts';

export interface Addressee {
  readonly session: Session;
  /** The client's request on whose stream it is asked. */
  readonly relatedTo: string | null;
  /** The client's task in whose course it is asked. */
  readonly task: Task | null;
  /** The method of the question that it puts, or of the earlier one that it is about. */
  readonly question: string;
}

export interface Known {
  readonly sessions: () => ReadonlySet<Session>;
  readonly tasks: Tasks;
  readonly clientTasks: ClientTasks;
}

/** The client to be asked, or why there is none. */
export function addresseeOf(
  known: Known,
  downstream: Downstream,
  message: ReverseRequestMessage,
): Addressee | Refusal {
  const found = whoseIs(known, downstream, message);
  if (found === null) return notSupported('it is not clear which client this is for');
  if ('code' in found) return found;
  const { session } = found;
  if (session.congested) return notSupported('the client does not read');
  const missing = message.needs.find((need) => !declares(session, need));
  if (missing === undefined) return found;
  const why = `the client does not support it (its capabilities lack ${missing})`;
  // What is wrong with a capability it has part of is what is asked for.
  return missing.includes('.') ? { code: JSON_RPC.invalidParams, why } : notSupported(why);
}

export function notSupported(why: string): Refusal {
  return { code: JSON_RPC.methodNotFound, why };
}

/** Null: that is not clear. */
function whoseIs(
  known: Known,
  downstream: Downstream,
  { method, relatedTask, taskId }: ReverseRequestMessage,
): Addressee | Refusal | null {
  if (method === 'tasks/get' || method === 'tasks/result' || method === 'tasks/cancel') {
    const task = taskId === null ? null : known.clientTasks.of(downstream, taskId);
    if (task === null) return UNKNOWN_TASK;
    return { session: task.session, relatedTo: null, task: null, question: task.method };
  }
  const uncaused = unsolicited(method, asksOf(downstream));
  if (relatedTask !== null) {
    const task = known.tasks.ofServer(downstream, relatedTask.id);
    // The task of a client that is gone: its questions are nobody else's.
    if (task === null) return UNKNOWN_TASK;
    if (uncaused !== null && !isInvolved(known, task.session, downstream)) return uncaused;
    return { session: task.session, relatedTo: streamOf(task), task, question: method };
  }
  const sessions = candidates(known, downstream);
  const involved = sessions.filter((session) => isInvolved(known, session, downstream));
  if (uncaused !== null && involved.length === 0) return uncaused;
  const possible = involved.length > 0 ? involved : sessions;
  const [only] = possible;
  if (only === undefined || possible.length > 1) return null;
  return { session: only, relatedTo: downstream.callOf(only), task: null, question: method };
}

const UNKNOWN_TASK: Refusal = { code: JSON_RPC.invalidParams, why: 'unknown task' };

/** Those that can have caused a request of this server. */
function candidates({ sessions }: Known, { owner }: Downstream): readonly Session[] {
  const all = [...sessions()];
  return owner === null ? all : all.filter((session) => session === owner);
}

/** Whether the client has a call in flight at the server, or a task that may be at work there. */
function isInvolved({ tasks }: Known, session: Session, downstream: Downstream): boolean {
  if (downstream.callOf(session) !== null) return true;
  return tasks.atWork(session, downstream, performance.now());
}

/** Whether the client said at `initialize` that it can do this; an empty `elicitation` means forms. */
function declares(session: Session, need: ClientNeed): boolean {
  if (need === 'elicitation.form' && !session.supports('elicitation', 'url')) {
    return session.supports('elicitation');
  }
  return session.supports(...need.split('.'));
}
