/**
 * Routes between sessions and downstreams: opens sessions, resolves tool names, fans notifications
 * in. Handles envelopes and bytes only; knows no transport, no thread and no SDK.
 */

import { rangeOf, scanFrame } from '../../shared/json/frame.ts';
import { joinExact, notificationLine, resultParts } from '../../shared/json/json-rpc.ts';
import { SLOT } from '../../shared/json/json-scan.ts';
import { kindAt } from '../../shared/json/json-slice.ts';
import { MAX_NAME_CHARACTERS, readName } from '../../shared/json/keys.ts';
import type { ByteRange } from '../../shared/model/byte-range.ts';
import { JSON_RPC, type Phase } from '../../shared/model/errors.ts';
import { LISTS, type ListKind } from '../../shared/model/lists.ts';
import type { NotificationMessage } from '../../shared/protocol/from-supervisor.ts';
import type { Call, CallOwner } from '../calls/call.ts';
import { type CallTable, type Edit, TOO_MANY_BYTES } from '../calls/call-table.ts';
import { type Failure, failureParts } from '../calls/failures.ts';
import type { Halt } from '../calls/gate/halt.ts';
import { type Observer, outcomeOf } from '../calls/observer.ts';
import { downstreamLine } from '../calls/request-line.ts';
import { advertises } from '../catalog/advertised.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Catalogs } from '../catalog/catalogs.ts';
import { HEALTH_TOOL_NAME } from '../catalog/own-tools.ts';
import type { Profiles } from '../catalog/profiles.ts';
import { isLogLevel, LOG_LEVELS, type LogLevel } from '../clients/handshake.ts';
import type { OpenSession } from '../clients/port.ts';
import { Session } from '../clients/session.ts';
import type { Downstream } from '../servers/server.ts';
import type { Servers } from '../servers/servers.ts';
import { type Hooks, NO_HOOKS, type ServerRequest, type Withdrawable } from './request.ts';
import { ResourceRequests } from './resources/resource-requests.ts';
import { Elicitations } from './server-requests/elicitations.ts';
import { ReverseRequests } from './server-requests/server-requests.ts';
import { TaskRequests, TOO_MANY_TASKS } from './tasks/task-requests.ts';
import { UnknownMessages } from './unknown.ts';

/** A tool call that waits for its server's first list of tools. */
interface Waiting extends Withdrawable {
  readonly retry: () => void;
  readonly server: string;
}

export interface RouterOptions {
  readonly catalogs: Catalogs;
  readonly profiles: Profiles;
  readonly calls: CallTable;
  readonly servers: Servers;
  readonly version: string;
  readonly halted: () => Halt;
  /** JSON text of the health tool's result. */
  readonly health: () => string;
  /** The log level to ask of the servers has changed. */
  readonly onLogLevel: (level: LogLevel) => void;
  readonly observer: Observer;
  readonly onSessions: () => void;
  /** A client has said what it can do. */
  readonly onClient: (client: CallOwner, capabilities: object) => void;
  /** A client is gone; nothing is routed for it any more. */
  readonly onClientGone: (client: CallOwner) => void;
}

/** What the gateway asks of a server for itself: nobody waits for the answer. */
const NOBODY: CallOwner = { congested: false, answer: () => {}, send: () => {} };
/** The longest a timer can wait: 24 days. */
const MAX_TIMER_MS = 2_147_483_647;
const encoder = new TextEncoder();
const NEWLINE = encoder.encode('\n');

export class Router {
  readonly version: string;
  readonly profiles: Profiles;
  readonly tasks = new TaskRequests({
    submit: (request, server, edits, hooks) => this.#submit(request, server, edits, hooks),
    ask: (server, method, params, more) => this.#ask(server, method, params, more),
    refused: (failure) => {
      const { observer } = this.#options;
      observer.callEnded(failure.server, outcomeOf(failure), failure.code, null);
    },
    offers: (server, part) => advertises(this.profiles.of(server.config.name), 'tasks', part),
  });
  readonly unknown: UnknownMessages;
  readonly #resources: ResourceRequests;
  readonly #elicitations = new Elicitations();
  readonly reverse = new ReverseRequests({
    sessions: () => this.#sessions,
    tasks: this.tasks.tasks,
    elicitations: this.#elicitations,
    halted: () => this.#options.halted(),
  });
  readonly #options: RouterOptions;
  readonly #sessions = new Set<Session>();
  readonly #waiting = new Set<Waiting>();
  #logLevel: LogLevel | null = null;
  #accepting = true;
  #dropped = 0;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.profiles = options.profiles;
    this.version = options.version;
    this.#resources = new ResourceRequests({
      ...options,
      serve: (request, server, use) => this.#serve(request, server, use),
      submit: (request, server, edits, hooks) => this.#submit(request, server, edits, hooks),
      awaitLists: (request, server) => this.#awaitCatalog(request, server),
      completePrompt: (request, at) => this.#byName(request, 'prompts', at),
      ask: (server, method, params) => {
        this.#ask(server, method, params);
      },
    });
    this.unknown = new UnknownMessages({
      ...options,
      tasks: this.tasks,
      submit: (request, to, edits) => {
        const submit = (server: Downstream) => this.#submit(request, server, edits, {});
        if (typeof to === 'string') this.#serve(request, to, submit);
        else submit(to);
      },
    });
  }

  readonly open: OpenSession = (sink, transport) => {
    const session = new Session(this, sink, transport);
    this.#sessions.add(session);
    this.#options.onSessions();
    return session;
  };

  get sessions(): number {
    return this.#sessions.size;
  }

  /** A message was not passed on because its client does not read. */
  dropped(): void {
    this.#dropped += 1;
  }

  /** Messages that were not passed on because their clients do not read, so far. */
  get droppedMessages(): number {
    return this.#dropped;
  }

  /** A client takes messages again. */
  drained(session: Session): void {
    for (const downstream of this.#options.servers.of(session)) downstream.clientDrained();
  }

  forget(session: Session): void {
    this.#sessions.delete(session);
    this.reverse.forget(session);
    this.tasks.forget(session);
    this.#elicitations.forget(session);
    this.#resources.forget(session);
    this.#options.onClientGone(session);
    this.logLevelChanged();
    this.#options.onSessions();
  }

  /** Refuses every further tool call: the gateway is stopping. */
  stopAccepting(): void {
    this.#accepting = false;
    for (const waiting of Array.from(this.#waiting)) waiting.retry();
  }

  /** Calls back when a list request may be answered. */
  list(session: Session, kind: ListKind, callback: () => void): void {
    this.#catalog(session).whenListable(kind, performance.now(), callback);
  }

  /** The answer to a list request. */
  listParts(session: Session, kind: ListKind, idRaw: Uint8Array): Uint8Array[] {
    return [
      encoder.encode('{"jsonrpc":"2.0","id":'),
      idRaw,
      encoder.encode(`,"result":{"${LISTS[kind].member}":`),
      this.#catalog(session).list(kind),
      encoder.encode('}}'),
    ];
  }

  /** A client has said what it can do. */
  clientKnown(session: Session, capabilities: object): void {
    this.#options.onClient(session, capabilities);
  }

  /** A notification of a client that concerns every server. */
  toServers(session: Session, line: Uint8Array): void {
    const whole = joinExact([line, NEWLINE]);
    for (const downstream of this.#options.servers.of(session)) downstream.notify(whole);
  }

  /** Sends a request to the server it belongs to, or answers it. */
  route(request: ServerRequest): void {
    switch (request.method) {
      case 'tools/call':
        return this.#byName(request, 'tools', rangeOf(request.frame, SLOT.paramsName));
      case 'prompts/get':
        return this.#byName(request, 'prompts', rangeOf(request.frame, SLOT.paramsName));
      case 'completion/complete':
        return this.#resources.complete(request);
      case 'resources/subscribe':
        return this.#resources.subscribe(request);
      case 'resources/unsubscribe':
        return this.#resources.unsubscribe(request);
      case 'tasks/get':
      case 'tasks/result':
      case 'tasks/cancel':
      case 'tasks/list':
        return this.tasks.route(request);
      case 'resources/read':
        return this.#resources.read(request);
      default:
        return this.unknown.request(request);
    }
  }

  /** Whether somebody relies on the server without having a call there. */
  reliesOn(downstream: Downstream): boolean {
    return this.#resources.isListenedTo(downstream) || this.reverse.isOpen(downstream);
  }

  /** Whether a task may be at work there, or its result still to be fetched. */
  hasTasks(downstream: Downstream): boolean {
    return this.tasks.tasks.isBusy(downstream, performance.now());
  }

  /** The server is ready, for the first time or again: what clients listen to is asked for anew. */
  serverReady(downstream: Downstream): void {
    this.#resources.serverReady(downstream);
  }

  /** The server is gone and with it all that it was busy with. */
  serverGone(downstream: Downstream): void {
    this.reverse.serverGone(downstream);
    this.tasks.tasks.serverGone(downstream);
  }

  /** The server leaves; what clients listen to there they listen to at its heir. */
  serverLeaves(downstream: Downstream, heir: Downstream | null): void {
    this.#resources.serverLeaves(downstream, heir);
  }

  /** The server has left, and nothing of it comes back. */
  serverLeft(downstream: Downstream): void {
    this.serverGone(downstream);
    this.#elicitations.serverLeft(downstream);
  }

  /** Tools of a server have arrived, or it failed: calls that waited for that are judged again. */
  catalogSettled(server: string): void {
    for (const waiting of Array.from(this.#waiting)) if (waiting.server === server) waiting.retry();
  }

  /** A list of this catalogue has become different. */
  announce(catalog: Catalog, method: string): void {
    const line = notificationLine(method, null);
    for (const session of this.#sessions) {
      if (this.#catalog(session) === catalog) session.tell([line.subarray(0, line.length - 1)]);
    }
  }

  /** What a server says by itself, to those it concerns. */
  notification(downstream: Downstream, message: NotificationMessage): void {
    const { concerns } = message;
    switch (concerns.kind) {
      case 'task':
        return this.tasks.notification(downstream, message, concerns.note);
      case 'call': {
        const { call, token } = concerns;
        const progress = { ...message, type: 'progress', call, token } as const;
        if (!downstream.progress(progress)) this.tasks.progress(downstream, progress);
        return;
      }
      case 'elicitation':
        return this.#elicited(downstream, concerns.id, message.line);
      case 'all':
        return this.#broadcast(downstream, message);
    }
  }

  /** An answer that asks its client to visit URLs is about to be passed on. */
  urlsAsked(downstream: Downstream, call: number, ids: readonly string[]): void {
    const owner = downstream.ownerOf(call);
    for (const session of this.#sessions) {
      if (session !== owner) continue;
      for (const id of ids) this.#elicitations.asked(downstream, id, session);
    }
  }

  #broadcast(downstream: Downstream, { method, level, line }: NotificationMessage): void {
    if (method === 'notifications/message') {
      for (const session of this.#sessions) {
        if ((downstream.owner ?? session) === session) session.log(level, [line]);
      }
    } else if (method === 'notifications/resources/updated') {
      for (const session of this.#resources.listeners(downstream.current)) session.notify([line]);
    } else {
      for (const session of this.#sessions) {
        if ((downstream.owner ?? session) === session) session.notify([line]);
      }
    }
  }

  /** A client has done what a URL was for; an unknown id is told to all that could have been asked. */
  #elicited(downstream: Downstream, id: string, line: Uint8Array): void {
    const asked = this.#elicitations.whoWasAsked(downstream, id);
    if (asked !== null) return asked.notify([line]);
    for (const session of this.#sessions) {
      if ((downstream.owner ?? session) !== session) continue;
      if (session.supports('elicitation', 'url')) session.notify([line]);
    }
  }

  /** The servers are asked for the most verbose level that any client wants. */
  logLevelChanged(): void {
    let wanted: LogLevel | null = null;
    for (const { logLevel } of this.#sessions) {
      if (logLevel === null) continue;
      if (wanted === null || LOG_LEVELS.indexOf(logLevel) < LOG_LEVELS.indexOf(wanted))
        wanted = logLevel;
    }
    if (wanted === null || wanted === this.#logLevel || !isLogLevel(wanted)) return;
    this.#logLevel = wanted;
    this.#options.onLogLevel(wanted);
  }

  #catalog(session: Session): Catalog {
    return this.#options.catalogs.of(session);
  }

  /** Goes on with the downstream that serves this client, or answers that there is none. */
  #serve(request: ServerRequest, server: string, use: (downstream: Downstream) => void): void {
    if (!this.#accepting) return this.#refuse(request, { name: server, phase: null }, STOPPING);
    const downstream = this.#options.servers.serving(server, request.session);
    if (downstream !== null) return use(downstream);
    this.#refuse(request, { name: server, phase: null }, ALL_TAKEN);
  }

  #byName(request: ServerRequest, kind: 'tools' | 'prompts', at: ByteRange | null): void {
    const { session, frame, idText } = request;
    const read = at === null ? null : readName(frame.line, at);
    if (at === null || read === null || 'wrong' in read) {
      const message = `${request.method} needs a name (a string of at most ${MAX_NAME_CHARACTERS} characters)`;
      return session.refused(idText, JSON_RPC.invalidParams, message);
    }
    const name = read.text;
    if (kind === 'tools' && name === HEALTH_TOOL_NAME) {
      const answer = () =>
        session.answer(request, resultParts(request.idRaw, this.#options.health()));
      return session.whenRead(idText, answer);
    }
    const target = this.#catalog(session).byName(kind, name);
    switch (target.kind) {
      case 'unknown': {
        const what = kind === 'tools' ? 'tool' : 'prompt';
        const message = `Unknown ${what}: ${name}`;
        return session.refused(idText, JSON_RPC.invalidParams, message);
      }
      case 'pending':
        return this.#awaitCatalog(request, target.server);
      case 'target': {
        const edits = [{ at, with: target.keyRaw }];
        return this.#serve(request, target.server, (server) =>
          this.#submit(request, server, edits, {}),
        );
      }
    }
  }

  /** Asks a server something for the gateway; not worth a queue when it cannot take it now. */
  #ask(
    downstream: Downstream,
    method: string,
    params: object,
    { owner = NOBODY, hooks = {} }: { owner?: CallOwner; hooks?: Partial<Hooks> } = {},
  ): Call | null {
    if (downstream.phase !== 'ready' || !this.#accepting) return null;
    const json = JSON.stringify({ jsonrpc: '2.0', id: 0, method, params });
    const frame = scanFrame(encoder.encode(json));
    if ('error' in frame) throw new Error(`the gateway wrote a bad request: ${json}`);
    const request = { frame, method, idRaw: encoder.encode('0'), idText: '0' };
    const call = this.#call(owner, request, downstream, [], hooks);
    downstream.submit(call);
    return call;
  }

  #submit(
    request: ServerRequest,
    downstream: Downstream,
    edits: readonly Edit[],
    hooks: Partial<Hooks>,
  ): void {
    if (!this.#accepting) return this.#refuse(request, placeOf(downstream), STOPPING);
    const { frame, session } = request;
    if (!this.#options.calls.hasRoom(session, frame.line.length)) {
      return this.#refuse(request, placeOf(downstream), TOO_MANY_BYTES);
    }
    const task = rangeOf(frame, SLOT.paramsTask);
    const makesTask = task !== null && kindAt(frame.line, task[0]) === 'object';
    const making = makesTask ? this.tasks.hooksOfMaking(session) : {};
    if (making === null) return this.#refuse(request, placeOf(downstream), TOO_MANY_TASKS);
    const call = this.#call(session, request, downstream, edits, { ...hooks, ...making });
    request.session.track(call);
    downstream.submit(call);
  }

  #call(
    session: CallOwner,
    request: Pick<ServerRequest, 'frame' | 'method' | 'idRaw' | 'idText'>,
    downstream: Downstream,
    edits: readonly Edit[],
    hooks: Partial<Hooks>,
  ): Call {
    const { frame, method, idRaw, idText } = request;
    const id = this.#options.calls.mint();
    const token = rangeOf(frame, SLOT.paramsMetaProgressToken);
    const now = performance.now();
    const { callTimeoutMs, callTotalTimeoutMs } = downstream.config;
    const timeoutMs = hooks.patient === true ? MAX_TIMER_MS : callTimeoutMs;
    const call: Call = {
      id,
      session,
      idRaw,
      idText,
      tokenRaw: token === null ? null : frame.line.slice(token[0], token[1]),
      downstream,
      method,
      line: downstreamLine(id, method, frame, edits),
      admittedAt: now,
      totalDeadline: hooks.patient === true ? Infinity : now + callTotalTimeoutMs,
      ...NO_HOOKS,
      ...hooks,
      timer: setTimeout(() => call.downstream.expire(call), timeoutMs),
      postedTo: null,
      postedAt: now,
    };
    this.#options.calls.add(call);
    return call;
  }

  /** The server has not said what it has in this run: wait for it, unless it would refuse anyway. */
  #awaitCatalog(request: ServerRequest, server: string): void {
    this.#serve(request, server, (downstream) => this.#awaitLists(request, downstream));
  }

  #awaitLists(request: ServerRequest, downstream: Downstream): void {
    const place = placeOf(downstream);
    if (!this.#accepting) return this.#refuse(request, place, STOPPING);
    const now = performance.now();
    const deadline = request.listDeadline ?? now + downstream.config.callTimeoutMs;
    const refusal = downstream.refusal(deadline);
    if (refusal !== null) return this.#refuse(request, place, downstream.describe(refusal));
    downstream.wake();
    const leave = () => {
      clearTimeout(timer);
      this.#waiting.delete(waiting);
    };
    const waiting: Waiting = {
      idText: request.idText,
      server: downstream.config.name,
      withdraw: () => {
        leave();
        this.#options.observer.callEnded(downstream.config.name, 'cancelled', null, null);
      },
      retry: () => {
        leave();
        request.session.untrack(waiting);
        this.route({ ...request, listDeadline: deadline });
      },
    };
    const timer = setTimeout(
      () => {
        leave();
        request.session.untrack(waiting);
        this.#refuse(request, placeOf(downstream), {
          code: 'ERR_TIMEOUT',
          outcome: 'not_sent',
          message: `server "${downstream.config.name}" did not tell what it has in time; the call was not sent`,
          retryAt: null,
        });
      },
      Math.max(0, deadline - now),
    );
    this.#waiting.add(waiting);
    request.session.track(waiting);
  }

  #refuse(
    request: ServerRequest,
    { name, phase }: Place,
    failure: Omit<Failure, 'server' | 'phase'>,
  ): void {
    this.#options.observer.callEnded(name, outcomeOf(failure), failure.code, null);
    const whole = { ...failure, server: name, phase };
    request.session.answer(request, failureParts(request.method, request.idRaw, whole));
  }
}

/** Where a request was refused. */
interface Place {
  readonly name: string;
  readonly phase: Phase | null;
}

function placeOf({ config, phase }: Downstream): Place {
  return { name: config.name, phase };
}

const ALL_TAKEN = {
  code: 'ERR_DOWNSTREAM_DOWN',
  outcome: 'not_sent',
  message:
    'each client has an instance of this server of its own, and other clients have all there may be (max_instances); the call was not sent',
  retryAt: null,
} as const;

const STOPPING = {
  code: 'ERR_DOWNSTREAM_DOWN',
  outcome: 'not_sent',
  message: 'the gateway is stopping; the call was not sent',
  retryAt: null,
} as const;
