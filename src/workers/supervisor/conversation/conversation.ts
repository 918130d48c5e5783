/**
 * The MCP conversation with one incarnation of a server: handshake, calls and their answers, tools,
 * pings, and what the server says by itself. Owned by the supervisor of the slot. Passes bytes on as
 * they are; never decides about the child's life, only tells what it saw.
 */

import { type Frame, rangeOf, textAt } from '../../../shared/json/frame.ts';
import { LineFramer, type Refused, sampleOf } from '../../../shared/json/framing.ts';
import {
  classify,
  errorParts,
  joinExact,
  notificationLine,
  resultParts,
} from '../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { isLongId, MAX_ID_BYTES, readTaskId } from '../../../shared/json/keys.ts';
import { kindOfAsk } from '../../../shared/model/asks.ts';
import type { LivenessPolicy } from '../../../shared/model/config.ts';
import { JSON_RPC } from '../../../shared/model/errors.ts';
import { LIST_KINDS, LISTS, type ListKind } from '../../../shared/model/lists.ts';
import type { CatalogEntry, TaskAnswer, TaskNote } from '../../../shared/model/mcp.ts';
import type { ServerFeatures } from '../../../shared/model/server.ts';
import type {
  CallFailedMessage,
  FromSupervisor,
} from '../../../shared/protocol/from-supervisor.ts';
import { clip } from '../../../shared/text/clean-text.ts';
import type { Conversation, Loss } from '../carried.ts';
import type { NoiseReport } from '../limits/noise.ts';
import { type Readable, Readers } from '../limits/readers.ts';
import { StdoutWatch } from '../limits/stdout-watch.ts';
import { type Rate, TokenBucket } from '../limits/token-bucket.ts';
import type { Line, RequestId } from '../link.ts';
import { callOf } from './call-id.ts';
import { concernOf, elicitationOf, elicitationsOf, visitOf } from './concern.ts';
import { initializeParams, readHandshake, type SelfDescription } from './handshake.ts';
import { LivenessWatch } from './liveness-watch.ts';
import { needsOf } from './needs.ts';
import { type DroppedNotifications, Notifications } from './notifications.ts';
import { OwnRequests } from './own-requests.ts';
import { withoutOurError } from './server-errors.ts';
import { ServerList } from './server-list.ts';
import { TaskCalls } from './task-calls.ts';
import { relatedTaskOf } from './task-notes.ts';
import { isToolError } from './tool-error.ts';
import { signedRequest, signedVisits } from './who-asks.ts';

export interface SessionOptions {
  readonly server: string;
  readonly slot: number;
  readonly incarnation: number;
  readonly maxMessageBytes: number;
  /** How long the server may take for one page of its tools. */
  readonly listTimeoutMs: number;
  readonly gatewayVersion: string;
  /** JSON text of the capabilities it is told. */
  readonly clientCapabilities: string;
  readonly line: Line;
  /** A response has been read on. @param bytes that were read. */
  readonly onTaken: (bytes: number) => void;
  /** A line that was read is an answer that is or was waited for. */
  readonly onUseful: (bytes: number) => void;
  /** A message that is none. */
  readonly onUnasked: () => void;
  /** A line that is no message. */
  readonly onBadLine: () => void;
  /** Does what the server has given cause to. */
  readonly work: (task: () => void) => void;
  readonly post: (message: FromSupervisor, transfer: ArrayBuffer[]) => void;
  /** Called before `onHandshaken`. `leftOut` says in words what of it was not kept. */
  readonly onDescribed: (description: SelfDescription, leftOut: string | null) => void;
  readonly onHandshaken: (features: ServerFeatures) => void;
  readonly onRefused: (problem: string) => void;
  readonly liveness: LivenessPolicy;
  /** It fell silent and answers no pings. */
  readonly onStalled: (detail: string) => void;
  readonly onList: (kind: ListKind, entries: readonly CatalogEntry[]) => void;
  /** What of a list was left out, in words; "" for nothing. Told with every list. */
  readonly onLeftOut: (kind: ListKind, message: string) => void;
  /** A list could not be fetched. */
  readonly onListTrouble: (message: string) => void;
  readonly onNoise: (report: NoiseReport) => void;
  readonly onTooMuchNoise: (detail: string) => void;
  /** Some of what it said by itself was not passed on. */
  readonly onDropped: (dropped: DroppedNotifications) => void;
}

/** Replies to a server that does not read them are dropped beyond this. */
const MAX_QUEUED_REPLIES = 1024 * 1024;
/** What only a client may say, or only the gateway answers. */
const NOT_FOR_CLIENTS = new Set(['initialize', 'tasks/list']);
const NOT_OF_SERVERS = new Set(['notifications/initialized', 'notifications/roots/list_changed']);
/** What a server may ask of clients. */
const REQUEST_RATE: Rate = { perSecond: 200, burst: 500 };
const MAX_METHOD = 1024;
const LONG_ID = `id and progress token may have at most ${MAX_ID_BYTES} bytes`;
/** Calls given up whose answer would still be known for one. */
const MAX_LATE = 1024;
/** A server that heeds a cancellation sends no answer at all: after this a large one is not kept. */
const LATE_MS = 30_000;
/** Pings whose answer would still be noticed. */
const MAX_OPEN_PINGS = 8;
const NEWLINE = Buffer.from('\n');

export class Session implements Conversation {
  readonly readers = new Readers();
  readonly #options: SessionOptions;
  readonly #framer: LineFramer;
  readonly #requests: OwnRequests;
  readonly #lists: ReadonlyMap<ListKind, ServerList>;
  readonly #watch: StdoutWatch;
  readonly #notifications: Notifications;
  readonly #calls = new Set<number>();
  readonly #tasks = new TaskCalls();
  readonly #requestRate = new TokenBucket(REQUEST_RATE, performance.now());
  readonly #pings: string[] = [];
  #liveness: LivenessWatch | null = null;
  #features: ServerFeatures | null = null;
  /** Calls that were given up and may be answered all the same: no server can help that. */
  readonly #late = new Set<number>();
  /** The newest of them. */
  #gaveUpAt = 0;
  /** Answers nobody waited for: doubled, or to an id never used. */
  #stray = 0;

  /** Sends `initialize`. */
  constructor(options: SessionOptions) {
    this.#options = options;
    this.#requests = new OwnRequests(options.line);
    this.#lists = new Map(
      LIST_KINDS.map((kind) => [
        kind,
        new ServerList({
          kind,
          requests: this.#requests,
          timeoutMs: options.listTimeoutMs,
          maxBytes: options.maxMessageBytes,
          onList: (entries) => options.onList(kind, entries),
          onLeftOut: (message) => options.onLeftOut(kind, message),
          onTrouble: options.onListTrouble,
        }),
      ]),
    );
    this.#watch = new StdoutWatch({
      maxBytes: options.maxMessageBytes,
      onReport: options.onNoise,
      onTooMuch: options.onTooMuchNoise,
    });
    this.#notifications = new Notifications({
      slot: options.slot,
      incarnation: options.incarnation,
      send: (message) => this.#forward(message.line, message),
      onDropped: options.onDropped,
    });
    this.#framer = this.#source(true);
    this.#requests.send(
      'initialize',
      initializeParams(options.gatewayVersion, options.clientCapabilities),
      (reply) => {
        const handshake = readHandshake(reply);
        if (!handshake.ok) return options.onRefused(handshake.problem);
        const { version, features } = handshake;
        this.#features = features;
        options.line.handshaken(version);
        this.#notify('notifications/initialized', null);
        options.onDescribed(handshake.description, handshake.leftOut);
        options.onHandshaken(features);
        this.#liveness = new LivenessWatch({
          policy: options.liveness,
          ping: () => this.#ping(),
          onStalled: options.onStalled,
        });
        for (const [kind, list] of this.#lists) {
          if (features[LISTS[kind].capability]) list.refresh();
          else options.onList(kind, []);
        }
      },
    );
  }

  /** Lines of stdout that were no messages. */
  get noiseLines(): number {
    return this.#watch.lines;
  }

  /** Answers that were dropped because nobody waited for them. */
  get strayAnswers(): number {
    return this.#stray;
  }

  /**
   * A stream of messages from the server. A child has one, which is read by `push`; over HTTP each
   * response is one.
   */
  source(): LineFramer {
    return this.#source(false);
  }

  #source(ownsChunks: boolean): LineFramer {
    return new LineFramer({
      ownsChunks,
      maxBytes: this.#options.maxMessageBytes,
      onFrame: (frame) => this.#receive(frame),
      onRefused: (refused) => this.#refuse(refused),
      skips: (line) => this.#passesOver(line),
      isAwaited: () => this.#awaitsAnswers,
    });
  }

  /** For a while late ones count: they are no fault of the server, and may tell of a task that nobody wants. */
  get #awaitsAnswers(): boolean {
    const isLate = this.#late.size > 0 && performance.now() - this.#gaveUpAt < LATE_MS;
    return this.#calls.size > 0 || isLate || !this.#requests.areSettled;
  }

  /** Whether what the server says is still worth reading. */
  get reading(): boolean {
    return this.#watch.reading;
  }

  /** A sign of life. */
  heard(): void {
    this.#liveness?.bytes();
  }

  /** Whether the answer to a request is still waited for. */
  isOpen(id: RequestId): boolean {
    return typeof id === 'number' ? this.#calls.has(id) : this.#requests.has(id);
  }

  /** A request will have no answer. Ignored when nobody waits for one. */
  lost(id: RequestId, loss: Loss): void {
    if (typeof id === 'string') this.#requests.fail(id, loss.message);
    else if (this.#calls.delete(id)) {
      this.#tasks.cancelled(id, true);
      this.#fail({ call: id, ...loss });
    }
  }

  /** The server may have said something that did not arrive: its lists are fetched again. */
  missed(): void {
    for (const [kind, list] of this.#lists) {
      if (this.#features?.[LISTS[kind].capability] === true) list.changed();
    }
  }

  /** Bytes of a local server's stdout, which are nobody else's afterwards. */
  push(chunk: Uint8Array): void {
    if (!this.#watch.reading) return;
    this.#liveness?.bytes();
    this.#framer.push(chunk);
    this.#watch.chunk(this.#framer.pendingBytes);
  }

  /** What `push` is fed from, as one of the readers. */
  readerOf(source: Pick<Readable, 'pause' | 'resume'>): Readable {
    return {
      pause: () => source.pause(),
      resume: () => source.resume(),
      heldBytes: () => this.#framer.heldBytes,
      openBytes: () => this.#framer.openBytes,
    };
  }

  /** Does what bytes of the server give cause to. */
  work(task: () => void): void {
    this.#options.work(task);
  }

  /** A response has been read on, and what it brought dealt with. */
  taken(bytes: number): void {
    this.#options.onTaken(bytes);
  }

  /** Nothing is read from the server for a while, through no fault of its own; or it is read again. */
  paused(paused: boolean): void {
    this.#liveness?.pause(paused);
  }

  /** The child's stdout has been read to its end. */
  end(): void {
    this.#watch.end();
  }

  /** @param line complete with newline, its id is the number `call`. */
  call(call: number, line: Uint8Array, tasks: TaskAnswer | null): void {
    this.#calls.add(call);
    this.#tasks.sent(call, tasks);
    this.#options.line.write(line, call);
  }

  cancel(call: number, reason: string): void {
    this.#notifications.forget(call);
    if (!this.#calls.delete(call)) return;
    const withdrawn = this.#options.line.withdraw(call);
    this.#tasks.cancelled(call, !withdrawn);
    if (withdrawn) return;
    this.#late.add(call);
    this.#gaveUpAt = performance.now();
    if (this.#late.size > MAX_LATE) this.#late.delete(this.#late.values().next().value ?? 0);
    this.#notify('notifications/cancelled', JSON.stringify({ requestId: call, reason }));
  }

  /** A call timed out: finds out now whether the server still lives. */
  suspect(): void {
    this.#liveness?.suspect();
  }

  /** Ignored by a server that has no logging. */
  setLogLevel(level: string): void {
    if (this.#features?.logging !== true) return;
    this.#requests.send('logging/setLevel', JSON.stringify({ level }), () => {});
  }

  /** Ends the conversation. @returns the calls that have no answer. */
  close(): number[] {
    this.#watch.close();
    this.#notifications.close();
    for (const list of this.#lists.values()) list.close();
    this.#liveness?.close();
    const open = [...this.#calls];
    this.#calls.clear();
    return open;
  }

  #ping(): void {
    const id = this.#requests.send('ping', null, (reply) => {
      if (reply.ok || reply.lost !== true) this.#liveness?.pingAnswered();
    });
    this.#pings.push(id);
    if (this.#pings.length > MAX_OPEN_PINGS) this.#requests.forget(this.#pings.shift() ?? '');
  }

  #receive(frame: Frame): void {
    const message = classify(frame);
    switch (message.kind) {
      case 'response':
        return this.#answer(frame, message.isError);
      case 'request':
        this.#options.onUnasked();
        return this.#serve(frame, message.method);
      case 'notification':
        this.#options.onUnasked();
        return this.#hear(frame, message.method);
      case 'invalid':
        return this.#discard({
          idText: textAt(frame, SLOT.id),
          hasMethod: rangeOf(frame, SLOT.method) !== null,
          code: 'ERR_MALFORMED_MESSAGE',
          why: message.why,
          bytes: frame.line.length,
          sample: sampleOf(frame.line),
        });
      default:
        message satisfies never;
    }
  }

  #passesOver(line: Uint8Array): boolean {
    if (!this.#notifications.passesOver(line)) return false;
    this.#options.onUnasked();
    return true;
  }

  #refuse({ reason, idText, hasMethod, bytes, sample }: Refused): void {
    // What else would be wrong with an answer has not been looked for, but it must be one.
    if (reason === 'unawaited' && idText !== null && !hasMethod) {
      const call = callOf(idText);
      if (call !== null && this.#late.delete(call)) return this.#options.onUseful(bytes);
      return this.#countStray();
    }
    const tooLarge = reason === 'too_large';
    this.#discard({
      idText,
      hasMethod,
      code: tooLarge ? 'ERR_MESSAGE_TOO_LARGE' : 'ERR_MALFORMED_MESSAGE',
      why: tooLarge
        ? `${bytes} bytes, ${this.#options.maxMessageBytes} are allowed`
        : reason.replaceAll('_', ' '),
      bytes,
      sample,
    });
  }

  /** A line that cannot be passed on: its call ends, and without one it is noise. */
  #discard(line: {
    readonly idText: string | null;
    readonly hasMethod: boolean;
    readonly code: 'ERR_MESSAGE_TOO_LARGE' | 'ERR_MALFORMED_MESSAGE';
    readonly why: string;
    readonly bytes: number;
    readonly sample: string;
  }): void {
    const { idText, hasMethod, code, why, bytes, sample } = line;
    if (idText !== null && !hasMethod) {
      if (this.#requests.refuse(idText, why)) return;
      const call = callOf(idText);
      if (call !== null && this.#calls.delete(call)) {
        this.#options.onUseful(bytes);
        this.#tasks.cancelled(call, false);
        const what = code === 'ERR_MESSAGE_TOO_LARGE' ? 'is too large' : 'is malformed';
        const message = `the answer of server "${this.#options.server}" ${what}: ${why}`;
        return this.#fail({ call, code, outcome: 'answered', message });
      }
    }
    this.#options.onBadLine();
    this.#watch.badLine(sample);
  }

  #answer(frame: Frame, isError: boolean): void {
    const idText = textAt(frame, SLOT.id) ?? '';
    const call = callOf(idText);
    if (call !== null && this.#calls.delete(call)) {
      this.#options.onUseful(frame.line.length);
      return this.#deliver(
        call,
        signedVisits(withoutOurError(frame), this.#options.server),
        isError,
      );
    }
    const orphan = call === null ? null : this.#tasks.orphan(call, frame);
    if (orphan !== null) {
      this.#late.delete(call ?? 0);
      this.#requests.send('tasks/cancel', JSON.stringify({ taskId: orphan }), () => {});
    } else if (this.#requests.settle(idText, frame) || this.#late.delete(call ?? 0)) {
      this.#options.onUseful(frame.line.length);
    } else {
      this.#countStray();
    }
  }

  /** An answer that is waited for. */
  #deliver(call: number, frame: Frame, isError: boolean): void {
    const { slot, incarnation } = this.#options;
    const { line } = frame;
    this.#notifications.finish(call);
    this.#options.line.answered(call);
    const answer = {
      type: 'answer',
      slot,
      incarnation,
      call,
      line,
      id: rangeOf(frame, SLOT.id) ?? [0, 0],
      isError,
      toolError: !isError && isToolError(frame),
    } as const;
    const tasks = this.#tasks.answered(call, frame);
    if (isError) {
      const code = visitOf(frame);
      return this.#forward(line, {
        ...answer,
        ...(code === null ? {} : { visits: { code, ids: elicitationsOf(frame) } }),
        ...(tasks === undefined ? {} : { tasks }),
      });
    }
    if (tasks === undefined) return this.#forward(line, answer);
    for (const note of tasks.notes) this.#taskTold(note);
    return this.#forward(line, { ...answer, tasks });
  }

  #countStray(): void {
    this.#stray += 1;
    this.#options.onUnasked();
  }

  /** The last progress of a task comes before the word that it has ended. */
  #taskTold(note: TaskNote): void {
    const call = this.#tasks.told(note);
    if (call !== null) this.#notifications.finish(call);
  }

  /** A reply to a request of the server's, or a notification of the client's. */
  tell(line: Uint8Array): void {
    if (this.#options.line.queuedBytes <= MAX_QUEUED_REPLIES) this.#options.line.write(line, null);
  }

  #serve(frame: Frame, method: string): void {
    const { line } = this.#options;
    const [start, end] = rangeOf(frame, SLOT.id) ?? [0, 0];
    const isForClients =
      method !== 'ping' && method.length <= MAX_METHOD && !NOT_FOR_CLIENTS.has(method);
    const isLong = isLongId(frame, SLOT.id) || isLongId(frame, SLOT.paramsMetaProgressToken);
    if (isForClients && !isLong && this.#requestRate.take(performance.now())) {
      return this.#ask(frame, method);
    }
    if (line.queuedBytes > MAX_QUEUED_REPLIES) return;
    const id = frame.line.subarray(start, end);
    const reply =
      method === 'ping'
        ? resultParts(id, '{}')
        : isForClients
          ? isLong
            ? errorParts(id, JSON_RPC.invalidRequest, LONG_ID)
            : errorParts(id, JSON_RPC.gatewayError, 'too many requests in a short time')
          : errorParts(id, JSON_RPC.methodNotFound, `Method not found: ${clip(method, 200)}`);
    line.write(joinExact([...reply, NEWLINE]), null);
  }

  /** For a client, who is told whose question it is. */
  #ask(frame: Frame, method: string): void {
    const { slot, incarnation, server } = this.#options;
    const signed = signedRequest(frame, method, server);
    const taskAt = rangeOf(signed, SLOT.paramsTaskId);
    return this.#forward(signed.line, {
      type: 'reverse_request',
      slot,
      incarnation,
      method,
      line: signed.line,
      id: rangeOf(signed, SLOT.id) ?? [0, 0],
      token: rangeOf(signed, SLOT.paramsMetaProgressToken),
      needs: needsOf(signed, method),
      relatedTask: relatedTaskOf(signed),
      makesTask: rangeOf(signed, SLOT.paramsTask) !== null,
      taskId: taskAt === null ? null : readTaskId(signed.line, taskAt),
      elicitationId: method === 'elicitation/create' ? elicitationOf(signed) : null,
    });
  }

  #hear(frame: Frame, method: string): void {
    switch (method) {
      case 'notifications/tools/list_changed':
      case 'notifications/prompts/list_changed':
      case 'notifications/resources/list_changed':
        return this.#listChanged(method);
      case 'notifications/cancelled': {
        const { slot, incarnation } = this.#options;
        const { line } = frame;
        const id = rangeOf(frame, SLOT.paramsRequestId);
        if (id === null || isLongId(frame, SLOT.paramsRequestId)) return;
        return this.#forward(line, { type: 'reverse_cancelled', slot, incarnation, line, id });
      }
      case 'notifications/progress': {
        const token = rangeOf(frame, SLOT.paramsProgressToken);
        const call = callOf(textAt(frame, SLOT.paramsProgressToken) ?? '');
        if (token === null || call === null) return;
        if (!this.#calls.has(call) && !this.#tasks.runs(call)) return;
        return this.#notifications.progress(call, frame.line, token);
      }
      default:
        return this.#pass(frame, method);
    }
  }

  /** Whatever else it says, to those it concerns. */
  #pass(frame: Frame, method: string): void {
    // A question without an id is none, and nothing else either.
    const isNone = NOT_OF_SERVERS.has(method) || kindOfAsk(method) !== 'other';
    const concerns = isNone ? null : concernOf(frame, method);
    if (concerns === null) return;
    if (concerns.kind === 'call') {
      const { call } = concerns;
      if (!this.#calls.has(call) && !this.#tasks.runs(call)) return;
    }
    if (method === 'notifications/tasks/status' && concerns.kind === 'task') {
      this.#taskTold(concerns.note);
    }
    this.#notifications.pass(frame, method, concerns);
  }

  #listChanged(method: string): void {
    for (const [kind, list] of this.#lists) {
      const { changed, capability } = LISTS[kind];
      if (changed === method && this.#features?.[capability] === true) list.changed();
    }
  }

  #fail(failed: Pick<CallFailedMessage, 'call' | 'code' | 'outcome' | 'message'>): void {
    const { slot, incarnation } = this.#options;
    this.#notifications.finish(failed.call);
    this.#options.post({ type: 'call_failed', slot, incarnation, ...failed }, []);
  }

  #forward(line: Uint8Array, message: FromSupervisor): void {
    this.#options.post(message, [line.buffer as ArrayBuffer]);
  }

  #notify(method: string, paramsJson: string | null): void {
    this.#options.line.write(notificationLine(method, paramsJson), null);
  }
}
