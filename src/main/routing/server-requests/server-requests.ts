/**
 * Requests of servers to clients (sampling, elicitation, roots): each goes to the one client that it is
 * for (addressee.ts), under an id of the gateway, and the answer back. Nobody else ever sees it. Under
 * HALT, or where it is denied, nobody is asked (asks.ts), and open questions are withdrawn. A person may
 * take any time to answer.
 */

import { type Frame, rangeOf, textAt } from '../../../shared/json/frame.ts';
import {
  type Edit,
  errorParts,
  joinExact,
  notificationLine,
  replaceRanges,
} from '../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { member } from '../../../shared/json/json-slice.ts';
import { readTaskId } from '../../../shared/json/keys.ts';
import { JSON_RPC } from '../../../shared/model/errors.ts';
import { RELATED_TASK } from '../../../shared/model/related-task.ts';
import type {
  ReverseCancelledMessage,
  ReverseRequestMessage,
} from '../../../shared/protocol/from-supervisor.ts';
import type { Halt } from '../../calls/gate/halt.ts';
import type { Session } from '../../clients/session.ts';
import type { Downstream } from '../../servers/server.ts';
import { rawId, shown, streamOf, type Task, type Tasks } from '../tasks/tasks.ts';
import { type Addressee, addresseeOf, notSupported } from './addressee.ts';
import { asksOf, forbidden, type Refusal, refusalParts } from './asks.ts';
import { ClientTasks } from './client-tasks.ts';
import type { Elicitations } from './elicitations.ts';

/** Unanswered requests that one server may have. */
const MAX_PENDING_PER_SERVER = 64;

interface Pending {
  readonly session: Session;
  readonly downstream: Downstream;
  readonly incarnation: number;
  readonly method: string;
  /** See `Addressee`. */
  readonly question: string;
  /** The server's own id and progress token, raw JSON. */
  readonly idRaw: Uint8Array;
  readonly tokenRaw: Uint8Array | null;
  /** In whose course it asks. */
  readonly task: Task | null;
  readonly makesTask: boolean;
}

const encoder = new TextEncoder();
const NEWLINE = encoder.encode('\n');

export interface ReverseOptions {
  readonly sessions: () => ReadonlySet<Session>;
  readonly tasks: Tasks;
  readonly elicitations: Elicitations;
  readonly halted: () => Halt;
}

export class ReverseRequests {
  readonly #options: ReverseOptions;
  readonly #clientTasks = new ClientTasks();
  /** By the raw text of the id that the client sees. */
  readonly #pending = new Map<string, Pending>();
  #lastId = 0;

  constructor(options: ReverseOptions) {
    this.#options = options;
  }

  /** Whether a request of this server has no answer yet. */
  isOpen(downstream: Downstream): boolean {
    for (const pending of this.#pending.values())
      if (pending.downstream === downstream) return true;
    return false;
  }

  /** A server asks. */
  ask(downstream: Downstream, message: ReverseRequestMessage): void {
    const { incarnation, method, line, id, token, makesTask, relatedTask } = message;
    const idRaw = line.slice(id[0], id[1]);
    const target = this.#target(downstream, message);
    if ('code' in target) {
      const parts = refusalParts({ downstream, method, idRaw }, target);
      return downstream.tell(incarnation, joinExact([...parts, NEWLINE]));
    }
    const idText = this.#mintId();
    const own = encoder.encode(idText);
    const { session, relatedTo, task, question } = target;
    const { elicitationId } = message;
    if (elicitationId !== null)
      this.#options.elicitations.asked(downstream, elicitationId, session);
    this.#pending.set(idText, {
      session,
      downstream,
      incarnation,
      method,
      question,
      idRaw,
      tokenRaw: token === null ? null : line.slice(token[0], token[1]),
      task,
      makesTask,
    });
    const edits: Edit[] = [{ at: id, with: own }];
    if (token !== null) edits.push({ at: token, with: own });
    if (task !== null && relatedTask !== null) edits.push(...shown(task, relatedTask));
    session.ask(replaceRanges(line, edits), relatedTo);
  }

  /** A client answers; ignored unless it is the one that was asked. */
  answer(session: Session, frame: Frame): void {
    const idText = textAt(frame, SLOT.id) ?? '';
    const pending = this.#pending.get(idText);
    const id = rangeOf(frame, SLOT.id);
    if (pending === undefined || pending.session !== session || id === null) return;
    this.#pending.delete(idText);
    const refusal = this.#forbidden(pending);
    // The answer comes too late.
    if (refusal !== null) return this.#refuse(pending, refusal);
    const made = pending.makesTask ? madeTask(frame) : null;
    if (made !== null) this.#clientTasks.made(made, { ...pending, idText });
    const edits = [{ at: id, with: pending.idRaw }, ...asServerKnows(pending.task, frame)];
    tell(pending, replaceRanges(frame.line, edits));
    pending.downstream.released();
  }

  /** A client reports progress on what it was asked. */
  progress(session: Session, frame: Frame): void {
    const token = rangeOf(frame, SLOT.paramsProgressToken);
    const idText = textAt(frame, SLOT.paramsProgressToken) ?? '';
    const asked = this.#pending.get(idText) ?? this.#clientTasks.askedAs(session, idText);
    if (token === null || asked?.session !== session || asked.tokenRaw === null) return;
    tell(asked, replaceRanges(frame.line, [{ at: token, with: asked.tokenRaw }]));
  }

  /** A client tells the status of a task that it made for a server. */
  status(session: Session, frame: Frame): void {
    const at = rangeOf(frame, SLOT.paramsTaskId);
    const id = at === null ? null : readTaskId(frame.line, at);
    for (const task of id === null ? [] : this.#clientTasks.withId(session, id)) {
      tell(task, [frame.line]);
    }
  }

  /** A server no longer wants an answer. */
  cancelled(downstream: Downstream, message: ReverseCancelledMessage): void {
    const { line, id, incarnation } = message;
    const idRaw = line.slice(id[0], id[1]);
    for (const [idText, pending] of this.#pending) {
      if (pending.downstream !== downstream || pending.incarnation !== incarnation) continue;
      if (Buffer.compare(pending.idRaw, idRaw) !== 0) continue;
      this.#pending.delete(idText);
      const parts = replaceRanges(line, [{ at: id, with: encoder.encode(idText) }]);
      pending.session.ask(parts, streamFor(pending));
      downstream.released();
      return;
    }
  }

  /** HALT was set, or the configuration has changed: open questions that may not be asked any more are withdrawn. */
  reconsider(): void {
    for (const [idText, pending] of this.#pending) {
      const refusal = this.#forbidden(pending);
      if (refusal === null) continue;
      this.#pending.delete(idText);
      withdraw(pending, idText, { why: refusal.why, relatedTo: streamFor(pending) });
      this.#refuse(pending, refusal);
    }
    for (const { id, session } of this.#clientTasks.forgetIf(
      (task) => this.#forbidden({ ...task, question: task.method }) !== null,
    )) {
      const params = `{"taskId":${JSON.stringify(id)}}`;
      const line = `{"jsonrpc":"2.0","id":${this.#mintId()},"method":"tasks/cancel","params":${params}}`;
      session.ask([encoder.encode(line)], null);
    }
  }

  /** The session is gone: whoever asked it hears so at once. */
  forget(session: Session): void {
    this.#clientTasks.forget(session);
    for (const [idText, pending] of this.#pending) {
      if (pending.session !== session) continue;
      this.#pending.delete(idText);
      tell(pending, errorParts(pending.idRaw, JSON_RPC.internalError, 'the client is gone'));
      pending.downstream.released();
    }
  }

  /** The server is gone: its clients need not answer any more. */
  serverGone(downstream: Downstream): void {
    this.#clientTasks.serverGone(downstream);
    for (const [idText, pending] of this.#pending) {
      if (pending.downstream !== downstream) continue;
      this.#pending.delete(idText);
      withdraw(pending, idText, { why: 'the server is gone', relatedTo: null });
    }
  }

  /** The client to be asked, or why there is none. */
  #target(downstream: Downstream, message: ReverseRequestMessage): Addressee | Refusal {
    const open = [...this.#pending.values()].filter((one) => one.downstream === downstream);
    if (open.length >= MAX_PENDING_PER_SERVER) {
      return notSupported('too many requests are unanswered');
    }
    const refusal = this.#forbidden({ downstream, question: message.method });
    const known = { ...this.#options, clientTasks: this.#clientTasks };
    return refusal ?? addresseeOf(known, downstream, message);
  }

  #forbidden({ downstream, question }: Pick<Pending, 'downstream' | 'question'>): Refusal | null {
    return forbidden(question, asksOf(downstream), this.#options.halted());
  }

  /** The server of a question that somebody was asked hears that there will be no answer. */
  #refuse(pending: Pending, refusal: Refusal): void {
    tell(pending, refusalParts(pending, refusal, 'unknown'));
    pending.downstream.released();
  }

  #mintId(): string {
    this.#lastId += 1;
    return `"rea:${this.#lastId}"`;
  }
}

/** The client need not answer any more. */
function withdraw(
  { session }: Pending,
  idText: string,
  { why, relatedTo }: { readonly why: string; readonly relatedTo: string | null },
): void {
  const params = `{"requestId":${idText},"reason":${JSON.stringify(why)}}`;
  const line = notificationLine('notifications/cancelled', params);
  session.ask([line.subarray(0, line.length - 1)], relatedTo);
}

/** The client's request on whose stream it hears more of a question. */
function streamFor({ session, downstream, task }: Pending): string | null {
  return task === null ? downstream.callOf(session) : streamOf(task);
}

function tell(
  { downstream, incarnation }: Pick<Pending, 'downstream' | 'incarnation'>,
  parts: readonly Uint8Array[],
): void {
  downstream.tell(incarnation, joinExact([...parts, NEWLINE]));
}

/** The task that a client made of a request; null when it answered otherwise. */
function madeTask(frame: Frame): string | null {
  const { line } = frame;
  const result = rangeOf(frame, SLOT.result);
  const task = result === null ? null : member(line, result, 'task');
  const id = task === null ? null : member(line, task, 'taskId');
  return id === null ? null : readTaskId(line, id);
}

/** What to replace where the client's answer names the task under another id than its server knows. */
function asServerKnows(task: Task | null, frame: Frame): Edit[] {
  const meta = rangeOf(frame, SLOT.resultMeta);
  if (task === null || task.id === task.shownId || meta === null) return [];
  const related = member(frame.line, meta, RELATED_TASK);
  const at = related === null ? null : member(frame.line, related, 'taskId');
  return at === null ? [] : [{ at, with: rawId(task.id) }];
}
