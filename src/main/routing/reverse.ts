/**
 * Requests of servers to clients (sampling, elicitation, roots). One that names a task goes to whom the
 * task belongs. Otherwise a server behind stdio does not say whose call made it ask: the request goes to
 * the one session that has calls or tasks there, or to the only session there is, and is refused when
 * that is not clear. Nobody else ever sees it. A person may take any time to answer.
 */
import { JSON_RPC } from '../../shared/model/errors.ts';
import { RELATED_TASK } from '../../shared/model/related-task.ts';
import { clip } from '../../shared/wire/clean-text.ts';
import { decodeString, type Frame, rangeOf, stringAt, textAt } from '../../shared/wire/frame.ts';
import {
  type Edit,
  errorParts,
  joinExact,
  notificationLine,
  replaceRanges,
} from '../../shared/wire/json-rpc.ts';
import { SLOT } from '../../shared/wire/json-scan.ts';
import { member } from '../../shared/wire/json-slice.ts';
import type {
  ClientNeed,
  ReverseCancelledMessage,
  ReverseRequestMessage,
} from '../../shared/wire/protocol.ts';
import { ClientTasks } from './client-tasks.ts';
import type { Downstream } from './downstream.ts';
import type { Elicitations } from './elicitations.ts';
import type { Session } from './session.ts';
import { rawId, shown, streamOf, type Task, type Tasks } from './tasks.ts';

/** Unanswered requests that one server may have. */
const MAX_PENDING_PER_SERVER = 64;

interface Pending {
  readonly session: Session;
  readonly downstream: Downstream;
  readonly incarnation: number;
  readonly method: string;
  /** The server's own id and progress token, raw JSON. */
  readonly idRaw: Uint8Array;
  readonly tokenRaw: Uint8Array | null;
  /** In whose course it asks. */
  readonly task: Task | null;
  readonly makesTask: boolean;
}

interface Target {
  readonly session: Session;
  /** The client's request on whose stream it is asked. */
  readonly relatedTo: string | null;
  readonly task: Task | null;
}

/** Why nobody is asked. */
interface Refusal {
  readonly code: number;
  readonly why: string;
}

const encoder = new TextEncoder();
const NEWLINE = encoder.encode('\n');

export class ReverseRequests {
  readonly #sessions: () => ReadonlySet<Session>;
  readonly #tasks: Tasks;
  readonly #clientTasks = new ClientTasks();
  readonly #elicitations: Elicitations;
  /** By the raw text of the id that the client sees. */
  readonly #pending = new Map<string, Pending>();
  #lastId = 0;

  constructor(
    sessions: () => ReadonlySet<Session>,
    known: { readonly tasks: Tasks; readonly elicitations: Elicitations },
  ) {
    this.#sessions = sessions;
    this.#tasks = known.tasks;
    this.#elicitations = known.elicitations;
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
      const parts = errorParts(idRaw, target.code, `${clip(method, 200)}: ${target.why}`);
      return downstream.tell(incarnation, joinExact([...parts, NEWLINE]));
    }
    this.#lastId += 1;
    const idText = `"rea:${this.#lastId}"`;
    const own = encoder.encode(idText);
    const { session, relatedTo, task } = target;
    const { elicitationId } = message;
    if (elicitationId !== null) this.#elicitations.asked(downstream, elicitationId, session);
    this.#pending.set(idText, {
      session,
      downstream,
      incarnation,
      method,
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
    const id = stringAt(frame, SLOT.paramsTaskId);
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
      const { session, task } = pending;
      session.ask(parts, task === null ? downstream.callOf(session) : streamOf(task));
      downstream.released();
      return;
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
      const params = `{"requestId":${idText},"reason":"the server is gone"}`;
      const line = notificationLine('notifications/cancelled', params);
      pending.session.ask([line.subarray(0, line.length - 1)], null);
    }
  }

  /** Who can have caused a request of this server. */
  #candidates({ owner }: Downstream): readonly Session[] {
    const sessions = [...this.#sessions()];
    return owner === null ? sessions : sessions.filter((session) => session === owner);
  }

  /** Whom to ask, or why nobody. */
  #target(downstream: Downstream, message: ReverseRequestMessage): Target | Refusal {
    const open = [...this.#pending.values()].filter((one) => one.downstream === downstream);
    if (open.length >= MAX_PENDING_PER_SERVER) return refusal('too many requests are unanswered');
    const target = this.#whoseIs(downstream, message);
    if (target === null) return refusal('it is not clear which client this is for');
    if ('code' in target) return target;
    if (target.session.congested) return refusal('the client does not read');
    const missing = message.needs.find((need) => !declares(target.session, need));
    if (missing === undefined) return target;
    const why = `the client does not support it (its capabilities lack ${missing})`;
    // What is wrong with a capability it has part of is what is asked for.
    return missing.includes('.') ? { code: JSON_RPC.invalidParams, why } : refusal(why);
  }

  /** Null: that is not clear. */
  #whoseIs(downstream: Downstream, message: ReverseRequestMessage): Target | Refusal | null {
    const { method, relatedTask, taskId } = message;
    if (method === 'tasks/get' || method === 'tasks/result' || method === 'tasks/cancel') {
      const task = taskId === null ? null : this.#clientTasks.of(downstream, taskId);
      if (task === null) return { code: JSON_RPC.invalidParams, why: 'unknown task' };
      return { session: task.session, relatedTo: null, task: null };
    }
    if (relatedTask !== null) {
      const task = this.#tasks.ofServer(downstream, relatedTask.id);
      // The task of a client that is gone: its questions are nobody else's.
      if (task === null) return { code: JSON_RPC.invalidParams, why: 'unknown task' };
      return { session: task.session, relatedTo: streamOf(task), task };
    }
    const sessions = this.#candidates(downstream);
    const now = performance.now();
    const involved = sessions.filter(
      (session) =>
        downstream.callOf(session) !== null || this.#tasks.atWork(session, downstream, now),
    );
    const candidates = involved.length > 0 ? involved : sessions;
    const [only] = candidates;
    if (only === undefined || candidates.length > 1) return null;
    return { session: only, relatedTo: downstream.callOf(only), task: null };
  }
}

/** Whether the client said at `initialize` that it can do this; an empty `elicitation` means forms. */
function declares(session: Session, need: ClientNeed): boolean {
  if (need === 'elicitation.form' && !session.supports('elicitation', 'url')) {
    return session.supports('elicitation');
  }
  return session.supports(...need.split('.'));
}

function refusal(why: string): Refusal {
  return { code: JSON_RPC.methodNotFound, why };
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
  return id === null ? null : decodeString(line, id);
}

/** What to replace where the client's answer names the task under another id than its server knows. */
function asServerKnows(task: Task | null, frame: Frame): Edit[] {
  const meta = rangeOf(frame, SLOT.resultMeta);
  if (task === null || task.id === task.shownId || meta === null) return [];
  const related = member(frame.line, meta, RELATED_TASK);
  const at = related === null ? null : member(frame.line, related, 'taskId');
  return at === null ? [] : [{ at, with: rawId(task.id) }];
}
