/**
 * Finds the client that a server's request is for. A request that names a task goes to the owner of the task, and one
 * that belongs to a call to the client of the call. Otherwise a server behind stdio does not say which call made it ask:
 * the request is for the one client that has calls or tasks there, or had some that the server may still work on, and for
 * no client when there are several. When no client has any, it is for the only client of the gateway, if the server may
 * ask unsolicited. Sends nothing.
 */
import { canBeAsked } from '../../../shared/model/client-can.ts';
import { JSON_RPC } from '../../../shared/model/errors.ts';
import type { ClientNeed } from '../../../shared/model/mcp.ts';
import type { ReverseRequestMessage } from '../../../shared/protocol/from-supervisor.ts';
import type { Call } from '../../calls/call.ts';
import { type AskRefusal, unsolicited } from '../../calls/gate/asks.ts';
import type { Server } from '../../servers/server.ts';
import type { Client } from '../client.ts';
import type { Grant } from '../grant.ts';
import { streamOf, type Task, type Tasks } from '../tasks/tasks.ts';
import type { ClientTasks } from './client-tasks.ts';

export interface Addressee {
  readonly client: Client;
  /** The client's request that it is asked on the stream of. */
  readonly relatedTo: string | null;
  /** The client's task that made the server ask. */
  readonly task: Task | null;
  /** The method of the question that it puts, or of the earlier one that it is about. */
  readonly question: string;
}

export interface Known {
  readonly clients: ReadonlySet<Client>;
  readonly tasks: Tasks;
  readonly clientTasks: ClientTasks;
}

/** The client to be asked, or the reason why no client is. */
export function addresseeOf(
  known: Known,
  server: Server,
  message: ReverseRequestMessage,
): Addressee | AskRefusal {
  const found = whoseIs(known, server, message);
  if (found === null) return notSupported('it is not clear which client this is for');
  if ('code' in found) return found;
  const { client } = found;
  if (client.needsDrain) return notSupported('the client does not read');
  const grant = client.grant(found.relatedTo);
  if (grant.refusal !== null) return notSupported(grant.refusal);
  // An answer can ask only what the protocol knows.
  if (grant.byAnswer && message.needs.length === 0)
    return notSupported('its client does not know it');
  const missing = message.needs.find((need) => !declares(grant, need));
  if (missing === undefined) return found;
  const why = `the client does not support it (its capabilities lack ${missing})`;
  // The client has the capability, but not the part asked for: the params are at fault, not the method.
  return missing.includes('.') ? { code: JSON_RPC.invalidParams, why } : notSupported(why);
}

export function notSupported(why: string): AskRefusal {
  return { code: JSON_RPC.methodNotFound, why };
}

/** Null: that is not clear. */
function whoseIs(
  known: Known,
  server: Server,
  message: ReverseRequestMessage,
): Addressee | AskRefusal | null {
  const { method, call, incarnation, relatedTask, taskId } = message;
  if (method === 'tasks/get' || method === 'tasks/result' || method === 'tasks/cancel') {
    const task = taskId === null ? null : known.clientTasks.of(server, taskId);
    if (task === null) return UNKNOWN_TASK;
    return { client: task.client, relatedTo: null, task: null, question: task.method };
  }
  const uncaused = unsolicited(method, server.asks);
  if (relatedTask !== null) return ownerOf(known, server, relatedTask.id, method, uncaused);
  const all = candidates(known, server);
  if (call !== null) {
    const client = all.find((one) => one === server.callsInFlight.ownerOf(call));
    if (client === undefined) return NOBODY;
    const calls = server.callsInFlight.callsOf(client, incarnation);
    const relatedTo = calls.find(({ id }) => id === call)?.idText ?? null;
    return { client, relatedTo, task: null, question: method };
  }
  const involved = all.filter((client) => isInvolved(known, client, server));
  if (uncaused !== null && involved.length === 0) return uncaused;
  const possible = involved.length > 0 ? involved : all;
  const [only] = possible;
  if (only === undefined || possible.length > 1) return null;
  const { callsInFlight } = server;
  // It may be the question of a client that has left its call: no other one is asked.
  if (mayBeOfEnded(server, message) && callsInFlight.othersLeft(only, incarnation)) return null;
  const relatedTo = requestOf(only, server, message);
  return relatedTo === undefined ? null : { client: only, relatedTo, task: null, question: method };
}

/** Of a task of a client's; when that has left, requests about the task go to no other one. */
function ownerOf(
  known: Known,
  server: Server,
  id: string,
  question: string,
  uncaused: AskRefusal | null,
): Addressee | AskRefusal {
  const task = known.tasks.ofServer(server, id);
  if (task === null) return UNKNOWN_TASK;
  if (uncaused !== null && !isInvolved(known, task.client, server)) return uncaused;
  return { client: task.client, relatedTo: streamOf(task), task, question };
}

/**
 * The request of the client that it is asked about; null: about none. One that is asked by the answer to a request is
 * asked at once only about one that has none yet. Undefined: several clients come as this one, and the question may be
 * for any of them.
 */
function requestOf(
  client: Client,
  server: Server,
  message: ReverseRequestMessage,
): string | null | undefined {
  const oldest = server.callOf(client);
  if (oldest === null || !client.grant(oldest).byAnswer) return oldest;
  const { incarnation, needs } = message;
  const calls = server.callsInFlight.callsOf(client, incarnation);
  if (client.several && (calls.length > 1 || mayBeOfEnded(server, message))) return undefined;
  return ableOf(client, calls, needs) ?? oldest;
}

/**
 * Another request of the client that was in flight when the question came, and still is; null: none, or several clients
 * come as this one.
 */
export function anotherOf(
  client: Client,
  server: Server,
  { incarnation, needs, calls }: Pick<ReverseRequestMessage, 'incarnation' | 'needs' | 'calls'>,
): string | null {
  if (client.several) return null;
  const open = server.callsInFlight.callsOf(client, incarnation);
  const possible = open.filter(
    (one) => calls.includes(one.id) && client.grant(one.idText).byAnswer,
  );
  return ableOf(client, possible, needs);
}

/** The first of these that its client can be asked about; one that has no answer yet comes before the others. */
function ableOf(
  client: Client,
  calls: readonly Call[],
  needs: readonly ClientNeed[],
): string | null {
  const able = calls
    .map(({ idText }) => ({ idText, grant: client.grant(idText) }))
    .filter(({ grant }) => grant.refusal === null && needs.every((need) => declares(grant, need)));
  return (able.find(({ grant }) => !grant.isAway) ?? able[0])?.idText ?? null;
}

/** True when it may belong to a call that has ended, also one that ended here while the question was on its way. */
function mayBeOfEnded(server: Server, { calls, mayBeOfOthers }: ReverseRequestMessage): boolean {
  return mayBeOfOthers || calls.some((call) => server.callsInFlight.ownerOf(call) === null);
}

const NOBODY: AskRefusal = notSupported('the client of the call is gone');
const UNKNOWN_TASK: AskRefusal = { code: JSON_RPC.invalidParams, why: 'unknown task' };

/** The clients that can have caused a request of this server. */
function candidates({ clients }: Known, { owner }: Server): readonly Client[] {
  const all = [...clients];
  return owner === null ? all : all.filter((client) => client === owner);
}

/** True when the client has a call in flight at the server, or a task that may be at work there. */
function isInvolved({ tasks }: Known, client: Client, server: Server): boolean {
  if (server.callOf(client) !== null) return true;
  return tasks.atWork(client, server, performance.now());
}

/** True when the client declared the capability. */
function declares(grant: Grant, need: ClientNeed): boolean {
  return canBeAsked((...path) => grant.supports(...path), ...need.split('.'));
}
