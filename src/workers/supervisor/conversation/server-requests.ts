/**
 * The requests of the server: pings are answered here, what clients answer is signed with the server's name
 * and passed on to main, anything else is refused. Also carries the clients' replies back. Owned by the
 * conversation.
 */
import { type Frame, rangeOf, stringAt } from '../../../shared/json/frame.ts';
import { errorParts, joinExact, resultParts } from '../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { isLongId, LONG_ID, readTaskId } from '../../../shared/json/keys.ts';
import { JSON_RPC } from '../../../shared/model/errors.ts';
import { clip } from '../../../shared/text/clean-text.ts';
import { type Rate, TokenBucket } from '../limits/token-bucket.ts';
import type { Line } from '../link.ts';
import type { ToMain } from '../to-main.ts';
import { elicitationOf } from './concern.ts';
import { needsOf } from './needs.ts';
import type { Stateless } from './stateless/stateless.ts';
import { relatedTaskOf } from './task-notes.ts';
import { signedRequest } from './who-asks.ts';

export interface ServerRequestsOptions {
  readonly server: string;
  readonly line: Line;
  /** Null: the server speaks a revision in which servers send requests. */
  readonly stateless: () => Stateless | null;
  readonly toMain: ToMain;
  /** The calls that are in flight. */
  readonly calls: () => readonly number[];
  /** The server may ask something for a call that has ended here. */
  readonly mayAskForOthers: () => boolean;
}

/** While more bytes than this wait for the server to read them, replies to it are dropped. */
const MAX_QUEUED_REPLIES = 1024 * 1024;
/** Requests that only clients may send, or that only the gateway answers. */
const NOT_FOR_CLIENTS = new Set(['initialize', 'tasks/list']);
/** Requests of one server that are passed on. */
const REQUEST_RATE: Rate = { perSecond: 200, burst: 500 };
const MAX_METHOD = 1024;
const NEWLINE = Buffer.from('\n');

export class ServerRequests {
  readonly #options: ServerRequestsOptions;
  readonly #rate = new TokenBucket(REQUEST_RATE, performance.now());

  constructor(options: ServerRequestsOptions) {
    this.#options = options;
  }

  /** A request of the server. */
  take(frame: Frame, method: string): void {
    const isForClients =
      this.#options.stateless() === null &&
      method !== 'ping' &&
      method.length <= MAX_METHOD &&
      !NOT_FOR_CLIENTS.has(method);
    const isLong = isLongId(frame, SLOT.id) || isLongId(frame, SLOT.paramsMetaProgressToken);
    if (isForClients && !isLong && this.#rate.take(performance.now())) {
      return this.ask(frame, method, null, stringAt(frame, SLOT.id));
    }
    if (!this.#hasRoom) return;
    const [start, end] = rangeOf(frame, SLOT.id) ?? [0, 0];
    const reply = replyTo(frame.line.subarray(start, end), method, isForClients, isLong);
    this.#options.line.write(joinExact([...reply, NEWLINE]), null);
  }

  /** The server no longer wants the answer to a request of its own. */
  cancelled(frame: Frame): void {
    const { toMain } = this.#options;
    const { slot, incarnation } = toMain;
    const { line } = frame;
    const id = rangeOf(frame, SLOT.paramsRequestId);
    if (id === null || isLongId(frame, SLOT.paramsRequestId)) return;
    toMain.line({ type: 'reverse_cancelled', slot, incarnation, line, id });
  }

  /** @param line a client's answer to a request of the server, or a client's notification. */
  send(line: Uint8Array): void {
    const stateless = this.#options.stateless();
    if (stateless !== null) stateless.reply(line);
    else if (this.#hasRoom) this.#options.line.write(line, null);
  }

  /** Puts a question of the server to a client. @param call that it belongs to; null: nobody knows. @param name see `ReverseRequestMessage`. */
  ask(frame: Frame, method: string, call: number | null, name: string | null): void {
    const { server, toMain } = this.#options;
    const { slot, incarnation } = toMain;
    const signed = signedRequest(frame, method, server);
    const taskAt = rangeOf(signed, SLOT.paramsTaskId);
    toMain.line({
      type: 'reverse_request',
      slot,
      incarnation,
      method,
      line: signed.line,
      id: rangeOf(signed, SLOT.id) ?? [0, 0],
      token: rangeOf(signed, SLOT.paramsMetaProgressToken),
      needs: needsOf(signed, method),
      name,
      call,
      calls: call === null ? this.#options.calls() : [],
      mayBeOfOthers: call === null && this.#options.mayAskForOthers(),
      relatedTask: relatedTaskOf(signed),
      makesTask: rangeOf(signed, SLOT.paramsTask) !== null,
      taskId: taskAt === null ? null : readTaskId(signed.line, taskAt),
      // One that belongs to a call is over with the answer of the client.
      elicitationId:
        method === 'elicitation/create' && call === null ? elicitationOf(signed) : null,
    });
  }

  get #hasRoom(): boolean {
    return this.#options.line.queuedBytes <= MAX_QUEUED_REPLIES;
  }
}

/** @param id raw JSON text. @returns the gateway's own reply, in parts. */
function replyTo(
  id: Uint8Array,
  method: string,
  isForClients: boolean,
  isLong: boolean,
): Uint8Array[] {
  if (method === 'ping') return resultParts(id, '{}');
  if (!isForClients) {
    return errorParts(id, JSON_RPC.methodNotFound, `Method not found: ${clip(method, 200)}`);
  }
  if (isLong) return errorParts(id, JSON_RPC.invalidRequest, LONG_ID);
  return errorParts(id, JSON_RPC.gatewayError, 'too many requests in a short time');
}
