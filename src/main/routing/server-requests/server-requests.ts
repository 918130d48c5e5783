/**
 * Requests of servers to clients (sampling, elicitation, roots): each goes to the one client that it is
 * for (addressee.ts), under an id of the gateway, and the answer back. No other client ever sees it. Under
 * HALT, or where it is denied, no client is asked (calls/gate/asks.ts), and open requests are withdrawn.
 * The clocks of the calls that may have caused it stand meanwhile (standing.ts); once the last of these has
 * waited too long, the question is withdrawn. A question of a task, or of no call, may take any time.
 */

import { decodeString, type Frame, rangeOf, textAt } from '../../../shared/json/frame.ts';
import { idNumber } from '../../../shared/json/id-number.ts';
import { type Edit, errorParts, joinExact, replaceRanges } from '../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { member } from '../../../shared/json/json-slice.ts';
import { readTaskId } from '../../../shared/json/keys.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import { JSON_RPC } from '../../../shared/model/errors.ts';
import { RELATED_TASK } from '../../../shared/model/related-task.ts';
import type {
  ReverseCancelledMessage,
  ReverseRequestMessage,
} from '../../../shared/protocol/from-supervisor.ts';
import type { Call } from '../../calls/call.ts';
import { withoutClaim } from '../../calls/claim.ts';
import { type AskRefusal, forbidden, refusalParts } from '../../calls/gate/asks.ts';
import type { Halt } from '../../calls/gate/halt.ts';
import type { Server } from '../../servers/server.ts';
import type { Client } from '../client.ts';
import { rawId, shown, streamOf, type Task, type Tasks } from '../tasks/tasks.ts';
import { withdrawQuestion } from '../withdraw.ts';
import { type Addressee, addresseeOf, anotherOf, notSupported } from './addressee.ts';
import { type ClientTask, ClientTasks } from './client-tasks.ts';
import { agrees, type Elicitations } from './elicitations.ts';
import { mayPark, TOO_MANY_PARKED } from './parked-calls.ts';
import type { RequestIds } from './request-ids.ts';
import { Standing } from './standing.ts';

/** Unanswered requests that one server may have. */
const MAX_PENDING_PER_SERVER = 64;
const ENDED = new Set(['completed', 'failed', 'cancelled']);
const MAX_STATUS_BYTES = 100;
/** Names of questions that are the gateway's own. */
const OF_GATEWAY = /^rea\//i;

interface Pending {
  readonly client: Client;
  readonly server: Server;
  readonly incarnation: number;
  readonly method: string;
  /** See `Addressee`. */
  readonly question: string;
  /** The request of its client by whose answer that was asked; null: it was asked by a request. */
  parked: string | null;
  /** What may have caused it. */
  readonly cause: Pick<ReverseRequestMessage, 'incarnation' | 'needs' | 'calls'>;
  /** The server's own id and progress token, raw JSON. */
  readonly idRaw: Uint8Array;
  readonly tokenRaw: Uint8Array | null;
  /** The client's task that made the server ask, if any. */
  readonly task: Task | null;
  readonly makesTask: boolean;
  /** The task of the client that it is about; null: about none. */
  readonly aboutTask: string | null;
  /** The URL that it asks the client to visit; null: none. */
  readonly elicitationId: string | null;
  readonly standing: Standing;
}

const encoder = new TextEncoder();
const TOO_LATE = 'no answer in time (ask_timeout_ms)';
const NEWLINE = encoder.encode('\n');

export interface ServerRequestsOptions {
  readonly clients: ReadonlySet<Client>;
  readonly tasks: Tasks;
  readonly elicitations: Elicitations;
  readonly halted: () => Halt;
  readonly ids: RequestIds;
  /** How often a client is told that a call waits for its answer. */
  readonly waitingMs: number;
}

export class ServerRequests {
  readonly #options: ServerRequestsOptions;
  readonly #clientTasks = new ClientTasks();
  /** By the id that the client sees. */
  readonly #pending = new Map<string, Pending>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: ServerRequestsOptions) {
    this.#options = options;
  }

  /** True while a request of this server has no answer yet. */
  isOpen(server: Server): boolean {
    for (const pending of this.#pending.values()) if (pending.server === server) return true;
    return false;
  }

  /** A server asks. */
  ask(server: Server, message: ReverseRequestMessage): void {
    const { incarnation, method, line, id, token, makesTask, relatedTask } = message;
    const idRaw = line.slice(id[0], id[1]);
    const target = this.#target(server, message);
    if ('code' in target) {
      const parts = refusalParts({ server, method, idRaw }, target);
      return server.sendLine(incarnation, joinExact([...parts, NEWLINE]));
    }
    const idText = this.#mintId();
    const own = encoder.encode(idText);
    const { client, relatedTo, task, question } = target;
    const { elicitationId } = message;
    if (elicitationId !== null) this.#options.elicitations.asked(server, elicitationId, client);
    const calls = this.#callsFor(server, target, message);
    this.#pending.set(idText, {
      client,
      server,
      incarnation,
      method,
      question,
      parked: client.grant(relatedTo).byAnswer ? relatedTo : null,
      cause: { incarnation, needs: message.needs, calls: message.calls },
      idRaw,
      tokenRaw: token === null ? null : line.slice(token[0], token[1]),
      task,
      makesTask,
      aboutTask: message.taskId,
      elicitationId,
      standing: new Standing(server.callsInFlight, calls, (call) => this.#tooLate(idText, call)),
    });
    this.#timer ??= setInterval(() => this.#tellWaiting(), this.#options.waitingMs).unref();
    const edits: Edit[] = [{ at: id, with: own }];
    if (token !== null) edits.push({ at: token, with: own });
    if (task !== null && relatedTask !== null) edits.push(...shown(task, relatedTask));
    client.ask(replaceRanges(line, edits), relatedTo, ownName(message));
  }

  /** A client answers; ignored unless it is the one that was asked. */
  answer(client: Client, frame: Frame): void {
    const idText = String(idNumber(textAt(frame, SLOT.id) ?? ''));
    const pending = this.#pending.get(idText);
    const id = rangeOf(frame, SLOT.id);
    if (pending === undefined || pending.client !== client || id === null) return;
    this.#pending.delete(idText);
    const { server, elicitationId, standing } = pending;
    const refusal = this.#forbidden(pending);
    const made = refusal === null && pending.makesTask ? madeTask(frame) : null;
    // With a task, or at a URL, the client is still at it.
    if (made !== null) this.#clientTasks.made(made, { ...pending, idText });
    else if (refusal === null && elicitationId !== null && agrees(frame)) {
      this.#options.elicitations.agreed(server, elicitationId, standing);
    } else standing.end();
    // The answer comes too late.
    if (refusal !== null) return this.#refuse(pending, refusal);
    if (pending.aboutTask !== null && endsTask(pending.method, frame)) {
      this.#clientTasks.of(server, pending.aboutTask)?.standing.end();
    }
    const edits = [{ at: id, with: pending.idRaw }, ...asServerKnows(pending.task, frame)];
    send(pending, replaceRanges(frame.line, edits));
    server.released();
  }

  /** Another request of the client that a question may belong to, when the one that it was asked about is over; null: none. */
  another(client: Client, id: string): string | null {
    const pending = this.#pending.get(id);
    if (pending?.client !== client) return null;
    return anotherOf(client, pending.server, pending.cause);
  }

  /** A question is asked by the answer to that request now. */
  moved(id: string, key: string): void {
    const pending = this.#pending.get(id);
    if (pending !== undefined) pending.parked = key;
  }

  /** A client reports progress on what it was asked. */
  progress(client: Client, frame: Frame): void {
    const token = rangeOf(frame, SLOT.paramsProgressToken);
    const idText = String(idNumber(textAt(frame, SLOT.paramsProgressToken) ?? ''));
    const asked = this.#pending.get(idText) ?? this.#clientTasks.askedAs(client, idText);
    if (token === null || asked?.client !== client || asked.tokenRaw === null) return;
    const edits = [{ at: token, with: asked.tokenRaw }, ...withoutClaim(frame)];
    send(asked, replaceRanges(frame.line, edits));
  }

  /** A client tells the status of a task that it made for a server. */
  status(client: Client, frame: Frame): void {
    const at = rangeOf(frame, SLOT.paramsTaskId);
    const id = at === null ? null : readTaskId(frame.line, at);
    for (const task of id === null ? [] : this.#clientTasks.withId(client, id)) {
      send(task, replaceRanges(frame.line, withoutClaim(frame)));
      if (hasEnded(frame.line, rangeOf(frame, SLOT.params))) task.standing.end();
    }
  }

  /** A server no longer wants an answer. */
  cancelled(server: Server, message: ReverseCancelledMessage): void {
    const { line, id, incarnation } = message;
    const idRaw = line.slice(id[0], id[1]);
    for (const [idText, pending] of this.#pending) {
      if (pending.server !== server || pending.incarnation !== incarnation) continue;
      if (Buffer.compare(pending.idRaw, idRaw) !== 0) continue;
      this.#settle(idText, pending);
      const parts = replaceRanges(line, [{ at: id, with: encoder.encode(idText) }]);
      pending.client.withdraw(idText, parts, streamFor(pending));
      server.released();
      return;
    }
  }

  /** HALT was set, or the configuration has changed: open questions that may not be asked any more are withdrawn. */
  reconsider(): void {
    for (const [idText, pending] of this.#pending) {
      const refusal = this.#forbidden(pending);
      if (refusal === null) continue;
      this.#settle(idText, pending);
      withdrawQuestion(pending.client, idText, streamFor(pending), refusal.why);
      this.#refuse(pending, refusal);
    }
    this.#cancelTasks((task) => this.#forbidden({ ...task, question: task.method }) !== null);
  }

  /** The client is gone: the servers that asked it hear so at once. */
  forget(client: Client): void {
    this.#clientTasks.forget(client);
    for (const [idText, pending] of this.#pending) {
      if (pending.client !== client) continue;
      this.#settle(idText, pending);
      send(pending, errorParts(pending.idRaw, JSON_RPC.internalError, 'the client is gone'));
      pending.server.released();
    }
  }

  /** The server is gone: its clients need not answer any more. */
  serverGone(server: Server): void {
    this.#clientTasks.serverGone(server);
    for (const [idText, pending] of this.#pending) {
      if (pending.server !== server) continue;
      this.#settle(idText, pending);
      withdrawQuestion(pending.client, idText, null, 'the server is gone');
    }
  }

  /** The client to be asked, or the reason why no client is. */
  #target(server: Server, message: ReverseRequestMessage): Addressee | AskRefusal {
    const open = [...this.#pending.values()].filter((one) => one.server === server);
    if (open.length >= MAX_PENDING_PER_SERVER) {
      return notSupported('too many requests are unanswered');
    }
    const refusal = this.#forbidden({ server, question: message.method });
    const known = { ...this.#options, clientTasks: this.#clientTasks };
    const target = refusal ?? addresseeOf(known, server, message);
    return 'code' in target || mayPark(open, target) ? target : TOO_MANY_PARKED;
  }

  #forbidden({ server, question }: Pick<Pending, 'server' | 'question'>): AskRefusal | null {
    return forbidden(question, server.asks, this.#options.halted());
  }

  /** The server of a question that somebody was asked hears that there will be no answer. */
  #refuse(pending: Pending, refusal: AskRefusal): void {
    send(pending, refusalParts(pending, refusal, 'unknown'));
    pending.server.released();
  }

  /** The calls that may have caused the question: the one that it belongs to, of its task those that wait for the result. */
  #callsFor(
    server: Server,
    { client, task }: Addressee,
    { call, incarnation }: ReverseRequestMessage,
  ): readonly Call[] {
    const calls = server.callsInFlight.callsOf(client, incarnation);
    if (call !== null) return calls.filter(({ id }) => id === call);
    return task === null ? calls : calls.filter(({ idText }) => task.resultRequests.has(idText));
  }

  /** The question is no longer open. */
  #settle(idText: string, { standing }: Pending): void {
    this.#pending.delete(idText);
    standing.end();
  }

  /** The calls of a question have waited too long for its answer. */
  #tooLate(idText: string, call: Call): void {
    const pending = this.#pending.get(idText);
    if (pending === undefined) return this.#cancelTasks((task) => task.idText === idText);
    this.#settle(idText, pending);
    withdrawQuestion(pending.client, idText, call.idText, TOO_LATE);
    this.#refuse(pending, { code: JSON_RPC.timeout, why: TOO_LATE });
  }

  /** The client need not go on with the tasks that it has made of these questions. */
  #cancelTasks(isOver: (task: ClientTask) => boolean): void {
    for (const { id, client } of this.#clientTasks.forgetIf(isOver)) {
      const params = `{"taskId":${JSON.stringify(id)}}`;
      const line = `{"jsonrpc":"2.0","id":${this.#mintId()},"method":"tasks/cancel","params":${params}}`;
      client.ask([encoder.encode(line)], null, null);
    }
  }

  /** Clients whose calls stand hear so: most give a call up that they hear nothing of. */
  #tellWaiting(): void {
    const waiting = new Map<Call, Server>();
    for (const { standing, task, server, client, incarnation } of this.#pending.values()) {
      const calls =
        task === null ? standing.calls : server.callsInFlight.callsOf(client, incarnation);
      for (const call of calls) {
        if (task === null || task.resultRequests.has(call.idText)) waiting.set(call, server);
      }
    }
    let atWork = false;
    const { elicitations } = this.#options;
    for (const { standing, server } of [...this.#clientTasks.all(), ...elicitations.visits()]) {
      for (const call of standing.calls) {
        atWork = true;
        waiting.set(call, server);
      }
    }
    for (const [call, server] of waiting) server.callsInFlight.tellWaiting(call);
    if (this.#pending.size > 0 || atWork || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #mintId(): string {
    return this.#options.ids.mint();
  }
}

/** What the server calls its question, unless only the gateway's own may be called so. */
function ownName({ name }: ReverseRequestMessage): string | null {
  return name !== null && OF_GATEWAY.test(name) ? null : name;
}

/** The client's request that carries further messages about a server's request on its stream. */
function streamFor({ client, server, task }: Pending): string | null {
  return task === null ? server.callOf(client) : streamOf(task);
}

function send(
  { server, incarnation }: Pick<Pending, 'server' | 'incarnation'>,
  parts: readonly Uint8Array[],
): void {
  server.sendLine(incarnation, joinExact([...parts, NEWLINE]));
}

/** The task that a client made of a request; null when it answered otherwise. */
function madeTask(frame: Frame): string | null {
  const { line } = frame;
  const result = rangeOf(frame, SLOT.result);
  const task = result === null ? null : member(line, result, 'task');
  const id = task === null ? null : member(line, task, 'taskId');
  return id === null ? null : readTaskId(line, id);
}

/** True when a client's answer to a question about its task says that the task is over. */
function endsTask(method: string, frame: Frame): boolean {
  const result = rangeOf(frame, SLOT.result);
  // The result itself, or an error: the client does not know the task.
  return method === 'tasks/result' || result === null || hasEnded(frame.line, result);
}

function hasEnded(line: Uint8Array, task: ByteRange | null): boolean {
  const at = task === null ? null : member(line, task, 'status');
  return at !== null && at[1] - at[0] < MAX_STATUS_BYTES && ENDED.has(decodeString(line, at) ?? '');
}

/** The edits that put the server's own task id where the client's answer names the task by another. */
function asServerKnows(task: Task | null, frame: Frame): Edit[] {
  const meta = rangeOf(frame, SLOT.resultMeta);
  if (task === null || task.id === task.shownId || meta === null) return [];
  const related = member(frame.line, meta, RELATED_TASK);
  const at = related === null ? null : member(frame.line, related, 'taskId');
  return at === null ? [] : [{ at, with: rawId(task.id) }];
}
