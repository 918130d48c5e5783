/**
 * Requests of servers to clients (sampling, elicitation, roots). A server behind stdio does not say
 * whose call made it ask: the request goes to the one session that has calls in flight there, or to
 * the only session there is, and is refused when that is not clear. Nobody else ever sees it. A person
 * may take any time to answer.
 */
import { JSON_RPC } from '../../shared/model/errors.ts';
import { type Frame, rangeOf, textAt } from '../../shared/wire/frame.ts';
import {
  errorParts,
  joinExact,
  notificationLine,
  replaceRanges,
} from '../../shared/wire/json-rpc.ts';
import { SLOT } from '../../shared/wire/json-scan.ts';
import type { ReverseCancelledMessage, ReverseRequestMessage } from '../../shared/wire/protocol.ts';
import type { Downstream } from './downstream.ts';
import type { Session } from './session.ts';

/** The client capability that a request needs. */
const NEEDS: ReadonlyMap<string, string> = new Map([
  ['sampling/createMessage', 'sampling'],
  ['elicitation/create', 'elicitation'],
  ['roots/list', 'roots'],
]);
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
}

const encoder = new TextEncoder();
const NEWLINE = encoder.encode('\n');

export class ReverseRequests {
  readonly #sessions: () => ReadonlySet<Session>;
  /** By the raw text of the id that the client sees. */
  readonly #pending = new Map<string, Pending>();
  #lastId = 0;

  constructor(sessions: () => ReadonlySet<Session>) {
    this.#sessions = sessions;
  }

  /** Whether a request of this server has no answer yet. */
  isOpen(downstream: Downstream): boolean {
    for (const pending of this.#pending.values())
      if (pending.downstream === downstream) return true;
    return false;
  }

  /** A server asks. */
  ask(downstream: Downstream, message: ReverseRequestMessage): void {
    const { incarnation, method, line, id, token } = message;
    const idRaw = line.slice(id[0], id[1]);
    const target = this.#target(downstream, method);
    if (typeof target === 'string') {
      const parts = errorParts(idRaw, JSON_RPC.methodNotFound, target);
      return downstream.tell(incarnation, joinExact([...parts, NEWLINE]));
    }
    this.#lastId += 1;
    const idText = `"rea:${this.#lastId}"`;
    const own = encoder.encode(idText);
    this.#pending.set(idText, {
      session: target,
      downstream,
      incarnation,
      method,
      idRaw,
      tokenRaw: token === null ? null : line.slice(token[0], token[1]),
    });
    const edits = [{ at: id, with: own }];
    if (token !== null) edits.push({ at: token, with: own });
    target.ask(replaceRanges(line, edits), downstream.callOf(target));
  }

  /** A client answers; ignored unless it is the one that was asked. */
  answer(session: Session, frame: Frame): void {
    const idText = textAt(frame, SLOT.id) ?? '';
    const pending = this.#pending.get(idText);
    const id = rangeOf(frame, SLOT.id);
    if (pending === undefined || pending.session !== session || id === null) return;
    this.#pending.delete(idText);
    const parts = replaceRanges(frame.line, [{ at: id, with: pending.idRaw }]);
    pending.downstream.tell(pending.incarnation, joinExact([...parts, NEWLINE]));
    pending.downstream.released();
  }

  /** A client reports progress on what it was asked. */
  progress(session: Session, frame: Frame): void {
    const token = rangeOf(frame, SLOT.paramsProgressToken);
    const pending = this.#pending.get(textAt(frame, SLOT.paramsProgressToken) ?? '');
    if (token === null || pending?.session !== session || pending.tokenRaw === null) return;
    const parts = replaceRanges(frame.line, [{ at: token, with: pending.tokenRaw }]);
    pending.downstream.tell(pending.incarnation, joinExact([...parts, NEWLINE]));
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
      pending.session.ask(parts, downstream.callOf(pending.session));
      downstream.released();
      return;
    }
  }

  /** The session is gone: whoever asked it hears so at once. */
  forget(session: Session): void {
    for (const [idText, pending] of this.#pending) {
      if (pending.session !== session) continue;
      this.#pending.delete(idText);
      const { downstream, incarnation, idRaw } = pending;
      const parts = errorParts(idRaw, JSON_RPC.internalError, 'the client is gone');
      downstream.tell(incarnation, joinExact([...parts, NEWLINE]));
      downstream.released();
    }
  }

  /** The server is gone: its clients need not answer any more. */
  serverGone(downstream: Downstream): void {
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

  /** The session to ask, or why there is none. */
  #target(downstream: Downstream, method: string): Session | string {
    const open = [...this.#pending.values()].filter((one) => one.downstream === downstream);
    if (open.length >= MAX_PENDING_PER_SERVER) return 'too many requests are unanswered';
    const sessions = this.#candidates(downstream);
    const callers = sessions.filter((session) => downstream.callOf(session) !== null);
    const [only] = callers.length > 0 ? callers : sessions;
    if (only === undefined || (callers.length || sessions.length) > 1) {
      return `${method}: it is not clear which client this is for`;
    }
    const needed = NEEDS.get(method);
    if (needed !== undefined && only.supports(needed)) return only;
    return `${method}: the client does not support it`;
  }
}
