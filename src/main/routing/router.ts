/**
 * Routes between sessions and downstreams: opens sessions, resolves tool names, fans notifications
 * in. Handles envelopes and bytes only; knows no transport, no thread and no SDK.
 */
import { JSON_RPC } from '../../shared/model/errors.ts';
import { LISTS, type ListKind } from '../../shared/model/lists.ts';
import { decodeString, type Frame, rangeOf, scanFrame, stringAt } from '../../shared/wire/frame.ts';
import {
  errorParts,
  joinExact,
  notificationLine,
  resultParts,
} from '../../shared/wire/json-rpc.ts';
import { SLOT } from '../../shared/wire/json-scan.ts';
import { kindAt, member } from '../../shared/wire/json-slice.ts';
import type { ByteRange, NotificationMessage } from '../../shared/wire/protocol.ts';
import type { OpenSession } from '../upstream/session.ts';
import { advertises } from './advertised.ts';
import { type Call, type CallOwner, type CallTable, downstreamLine, type Edit } from './calls.ts';
import type { Catalog } from './catalog.ts';
import type { Downstream } from './downstream.ts';
import { Elicitations } from './elicitations.ts';
import { type Failure, failureParts } from './failures.ts';
import { isLogLevel, LOG_LEVELS, type LogLevel } from './handshake.ts';
import { HEALTH_TOOL_NAME } from './health.ts';
import type { Profiles } from './profiles.ts';
import { ReverseRequests } from './reverse.ts';
import { Session } from './session.ts';
import { Subscriptions } from './subscriptions.ts';
import { TaskRequests, TOO_MANY_TASKS } from './task-requests.ts';
import { UnknownMessages } from './unknown.ts';

/** A client's request that is not on its way to one server. */
export interface Withdrawable {
  readonly idText: string;
  /** Its client cancelled it. */
  withdraw(): void;
}

/** A tool call that waits for its server's first list of tools. */
interface Waiting extends Withdrawable {
  readonly retry: () => void;
  readonly server: string;
}

export interface RouterOptions {
  readonly catalog: Catalog;
  readonly profiles: Profiles;
  readonly calls: CallTable;
  readonly downstreams: ReadonlyMap<string, Downstream>;
  readonly version: string;
  /** JSON text of the health tool's result. */
  readonly health: () => string;
  /** The log level to ask of the servers has changed. */
  readonly onLogLevel: (level: LogLevel) => void;
  readonly onSessions: () => void;
  /** A client has said what it can do. */
  readonly onClient: (capabilities: object) => void;
}

/** A client's request on its way to a server. */
export interface ServerRequest {
  readonly session: Session;
  readonly frame: Frame;
  readonly method: string;
  readonly idRaw: Uint8Array;
  readonly idText: string;
  /** Monotonic time at which waiting for a server's list ends, null while it has not begun. */
  readonly listDeadline: number | null;
}

/** What is done besides passing the answer on. */
export type Hooks = Pick<Call, 'onEnd' | 'elsewhere' | 'tasks' | 'onTasks' | 'patient'>;

const RESOURCE_NOT_FOUND = -32002;
/** What the gateway asks of a server for itself: nobody waits for the answer. */
const NOBODY: CallOwner = { answer: () => {}, send: () => {} };
const NO_HOOKS: Hooks = {
  onEnd: null,
  elsewhere: null,
  tasks: null,
  onTasks: null,
  patient: false,
};
/** The longest a timer can wait: 24 days. */
const MAX_TIMER_MS = 2_147_483_647;
const encoder = new TextEncoder();
const NEWLINE = encoder.encode('\n');

export class Router {
  readonly version: string;
  readonly catalog: Catalog;
  readonly profiles: Profiles;
  readonly tasks = new TaskRequests({
    submit: (request, server, edits, hooks) => this.#submit(request, server, edits, hooks),
    ask: (server, method, params, more) => this.#ask(server, method, params, more),
    offers: (server, part) => advertises(this.profiles.of(server.config.name), 'tasks', part),
  });
  readonly unknown: UnknownMessages;
  readonly #elicitations = new Elicitations();
  readonly reverse = new ReverseRequests(() => this.#sessions, {
    tasks: this.tasks.tasks,
    elicitations: this.#elicitations,
  });
  readonly #options: RouterOptions;
  readonly #sessions = new Set<Session>();
  readonly #waiting = new Set<Waiting>();
  readonly #subscriptions = new Subscriptions();
  #logLevel: LogLevel | null = null;
  #accepting = true;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.catalog = options.catalog;
    this.profiles = options.profiles;
    this.version = options.version;
    this.unknown = new UnknownMessages({
      ...options,
      tasks: this.tasks,
      servers: () => [...options.downstreams.keys()],
      downstream: (server) => this.#downstream(server),
      submit: (request, server, edits) => this.#submit(request, server, edits, {}),
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

  forget(session: Session): void {
    this.#sessions.delete(session);
    this.reverse.forget(session);
    this.tasks.forget(session);
    this.#elicitations.forget(session);
    for (const { server, uri } of this.#subscriptions.drop(session)) {
      this.#ask(this.#downstream(server), 'resources/unsubscribe', { uri });
    }
    this.logLevelChanged();
    this.#options.onSessions();
  }

  /** Refuses every further tool call: the gateway is stopping. */
  stopAccepting(): void {
    this.#accepting = false;
    for (const waiting of Array.from(this.#waiting)) waiting.retry();
  }

  /** Calls back when a list request may be answered. */
  list(kind: ListKind, callback: () => void): void {
    this.catalog.whenListable(kind, performance.now(), callback);
  }

  /** The answer to a list request. */
  listParts(kind: ListKind, idRaw: Uint8Array): Uint8Array[] {
    return [
      encoder.encode('{"jsonrpc":"2.0","id":'),
      idRaw,
      encoder.encode(`,"result":{"${LISTS[kind].member}":`),
      this.catalog.list(kind),
      encoder.encode('}}'),
    ];
  }

  /** A client has said what it can do. */
  clientKnown(capabilities: object): void {
    this.#options.onClient(capabilities);
  }

  /** A notification of a client that concerns every server. */
  toServers(line: Uint8Array): void {
    const whole = joinExact([line, NEWLINE]);
    for (const downstream of this.#options.downstreams.values()) downstream.notify(whole);
  }

  /** Sends a request to the server it belongs to, or answers it. */
  route(request: ServerRequest): void {
    switch (request.method) {
      case 'tools/call':
        return this.#byName(request, 'tools', rangeOf(request.frame, SLOT.paramsName));
      case 'prompts/get':
        return this.#byName(request, 'prompts', rangeOf(request.frame, SLOT.paramsName));
      case 'completion/complete':
        return this.#complete(request);
      case 'resources/subscribe':
        return this.#byUri(request, (server, uri) => this.#subscribe(request, server, uri));
      case 'resources/unsubscribe':
        return this.#byUri(request, (server, uri) => this.#unsubscribe(request, server, uri));
      case 'tasks/get':
      case 'tasks/result':
      case 'tasks/cancel':
      case 'tasks/list':
        return this.tasks.route(request);
      case 'resources/read':
        return this.#byUri(request, (server) => this.#submit(request, server, [], {}));
      default:
        return this.unknown.request(request);
    }
  }

  /** The server is ready, for the first time or again: what clients listen to is asked for anew. */
  serverReady(downstream: Downstream): void {
    for (const uri of this.#subscriptions.urisOf(downstream.config.name)) {
      this.#ask(downstream, 'resources/subscribe', { uri });
    }
  }

  /** The server is gone and with it all that it was busy with. */
  serverGone(downstream: Downstream): void {
    this.reverse.serverGone(downstream);
    this.tasks.tasks.serverGone(downstream);
  }

  /** Tools of a server have arrived, or it failed: calls that waited for that are judged again. */
  catalogSettled(server: string): void {
    for (const waiting of Array.from(this.#waiting)) if (waiting.server === server) waiting.retry();
  }

  /** A merged list has become different. */
  announce(method: string): void {
    const line = notificationLine(method, null);
    for (const session of this.#sessions) session.notify([line.subarray(0, line.length - 1)]);
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
    const { name } = downstream.config;
    if (method === 'notifications/message') {
      for (const session of this.#sessions) session.log(level, [line]);
    } else if (method === 'notifications/resources/updated') {
      for (const session of this.#subscriptions.listeners(name)) session.notify([line]);
    } else {
      for (const session of this.#sessions) session.notify([line]);
    }
  }

  /** A client has done what a URL was for; an unknown id is told to all that could have been asked. */
  #elicited(downstream: Downstream, id: string, line: Uint8Array): void {
    const asked = this.#elicitations.whoWasAsked(downstream, id);
    if (asked !== null) return asked.notify([line]);
    for (const session of this.#sessions) {
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

  #downstream(server: string): Downstream {
    const downstream = this.#options.downstreams.get(server);
    if (downstream === undefined) throw new Error(`no downstream named ${server}`);
    return downstream;
  }

  #byName(request: ServerRequest, kind: 'tools' | 'prompts', at: ByteRange | null): void {
    const { session, frame, idText } = request;
    const name = at === null ? null : decodeString(frame.line, at);
    if (at === null || name === null) {
      return session.refused(
        idText,
        JSON_RPC.invalidParams,
        `${request.method} needs a name (a string)`,
      );
    }
    if (kind === 'tools' && name === HEALTH_TOOL_NAME) {
      return session.answer(request, resultParts(request.idRaw, this.#options.health()));
    }
    const target = this.catalog.byName(kind, name);
    switch (target.kind) {
      case 'unknown': {
        const what = kind === 'tools' ? 'tool' : 'prompt';
        const message = `Unknown ${what}: ${name.slice(0, 200)}`;
        return session.refused(idText, JSON_RPC.invalidParams, message);
      }
      case 'pending':
        return this.#awaitCatalog(request, this.#downstream(target.server));
      case 'target': {
        const edits = [{ at, with: target.keyRaw }];
        return this.#submit(request, this.#downstream(target.server), edits, {});
      }
    }
  }

  #byUri(request: ServerRequest, use: (server: Downstream, uri: string) => void): void {
    const { session, frame, idText, idRaw } = request;
    const uri = stringAt(frame, SLOT.paramsUri);
    if (uri === null) {
      return session.refused(
        idText,
        JSON_RPC.invalidParams,
        `${request.method} needs params.uri (a string)`,
      );
    }
    const owner = this.catalog.byUri(uri);
    if (owner !== null) return use(this.#downstream(owner), uri);
    const pending = this.catalog.pendingResources();
    if (pending !== null) return this.#awaitCatalog(request, this.#downstream(pending));
    if (request.method === 'resources/read' && this.#readAnywhere(request, 0)) return;
    const parts = errorParts(idRaw, RESOURCE_NOT_FOUND, 'Resource not found', { uri });
    session.answer(request, parts);
  }

  /** Nobody lists the resource: servers are asked one after the other until one knows it. */
  #readAnywhere(request: ServerRequest, from: number): boolean {
    const servers = [...this.#options.downstreams.values()];
    for (let at = from; at < servers.length; at++) {
      const server = servers[at];
      if (server?.phase !== 'ready' || server.features?.resources !== true) continue;
      this.#submit(request, server, [], { elsewhere: () => this.#readAnywhere(request, at + 1) });
      return true;
    }
    return false;
  }

  #complete(request: ServerRequest): void {
    const { frame, session, idText, idRaw } = request;
    const params = rangeOf(frame, SLOT.params);
    const ref = params === null ? null : member(frame.line, params, 'ref');
    const typeAt = ref === null ? null : member(frame.line, ref, 'type');
    const type = typeAt === null ? null : decodeString(frame.line, typeAt);
    if (ref !== null && type === 'ref/prompt') {
      return this.#byName(request, 'prompts', member(frame.line, ref, 'name'));
    }
    const uriAt = ref === null ? null : member(frame.line, ref, 'uri');
    const uri = uriAt === null ? null : decodeString(frame.line, uriAt);
    if (type !== 'ref/resource' || uri === null) {
      return session.refused(
        idText,
        JSON_RPC.invalidParams,
        'completion/complete needs params.ref: {type: "ref/prompt", name} or {type: "ref/resource", uri}',
      );
    }
    const owner = this.catalog.byUri(uri);
    if (owner !== null) return this.#submit(request, this.#downstream(owner), [], {});
    const pending = this.catalog.pendingResources();
    if (pending !== null) return this.#awaitCatalog(request, this.#downstream(pending));
    session.answer(request, errorParts(idRaw, JSON_RPC.invalidParams, 'Unknown resource', { uri }));
  }

  #subscribe(request: ServerRequest, server: Downstream, uri: string): void {
    const { session } = request;
    const { name } = server.config;
    if (!this.#subscriptions.add(name, uri, session)) {
      return session.answer(request, resultParts(request.idRaw, '{}'));
    }
    this.#submit(request, server, [], {
      onEnd: (ok) => {
        if (!ok) this.#subscriptions.remove(name, uri, session);
      },
    });
  }

  #unsubscribe(request: ServerRequest, server: Downstream, uri: string): void {
    if (this.#subscriptions.remove(server.config.name, uri, request.session)) {
      return this.#submit(request, server, [], {});
    }
    request.session.answer(request, resultParts(request.idRaw, '{}'));
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
    if (!this.#accepting) return this.#refuse(request, downstream, STOPPING);
    const { frame, session } = request;
    const task = rangeOf(frame, SLOT.paramsTask);
    const makesTask = task !== null && kindAt(frame.line, task[0]) === 'object';
    const making = makesTask ? this.tasks.hooksOfMaking(session) : {};
    if (making === null) return this.#refuse(request, downstream, TOO_MANY_TASKS);
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
      timer: setTimeout(() => downstream.expire(call), timeoutMs),
      postedTo: null,
      postedAt: now,
    };
    this.#options.calls.add(call);
    return call;
  }

  /** The server has not said what it has in this run: wait for it, unless it would refuse anyway. */
  #awaitCatalog(request: ServerRequest, downstream: Downstream): void {
    if (!this.#accepting) return this.#refuse(request, downstream, STOPPING);
    const now = performance.now();
    const deadline = request.listDeadline ?? now + downstream.config.callTimeoutMs;
    const refusal = downstream.refusal(deadline);
    if (refusal !== null) return this.#refuse(request, downstream, downstream.describe(refusal));
    const withdraw = () => {
      clearTimeout(timer);
      this.#waiting.delete(waiting);
    };
    const waiting: Waiting = {
      idText: request.idText,
      server: downstream.config.name,
      withdraw,
      retry: () => {
        withdraw();
        request.session.untrack(waiting);
        this.route({ ...request, listDeadline: deadline });
      },
    };
    const timer = setTimeout(
      () => {
        withdraw();
        request.session.untrack(waiting);
        this.#refuse(request, downstream, {
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
    downstream: Downstream,
    failure: Omit<Failure, 'server' | 'phase'>,
  ): void {
    const whole = { ...failure, server: downstream.config.name, phase: downstream.phase };
    request.session.answer(request, failureParts(request.method, request.idRaw, whole));
  }
}

const STOPPING = {
  code: 'ERR_DOWNSTREAM_DOWN',
  outcome: 'not_sent',
  message: 'the gateway is stopping; the call was not sent',
  retryAt: null,
} as const;
