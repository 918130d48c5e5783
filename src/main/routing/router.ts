/**
 * Routes between sessions and downstreams: opens sessions, resolves tool names, fans notifications
 * in. Handles envelopes and bytes only; knows no transport, no thread and no SDK.
 */
import { JSON_RPC } from '../../shared/model/errors.ts';
import { type Frame, rangeOf, stringAt } from '../../shared/wire/frame.ts';
import { notificationLine, resultParts } from '../../shared/wire/json-rpc.ts';
import { SLOT } from '../../shared/wire/json-scan.ts';
import type { NotificationMessage } from '../../shared/wire/protocol.ts';
import type { OpenSession } from '../upstream/session.ts';
import { type Call, type CallTable, downstreamLine } from './calls.ts';
import type { Catalog } from './catalog.ts';
import type { Downstream } from './downstream.ts';
import { type Failure, failureParts } from './failures.ts';
import { isLogLevel, LOG_LEVELS, type LogLevel } from './handshake.ts';
import { Session } from './session.ts';

/** A tool call that waits for its server's first list of tools. */
export interface Waiting {
  readonly idText: string;
  readonly withdraw: () => void;
  readonly retry: () => void;
  readonly server: string;
}

export interface RouterOptions {
  readonly catalog: Catalog;
  readonly calls: CallTable;
  readonly downstreams: ReadonlyMap<string, Downstream>;
  readonly version: string;
  /** JSON text of the health tool's result. */
  readonly health: () => string;
  /** The log level to ask of the servers has changed. */
  readonly onLogLevel: (level: LogLevel) => void;
  readonly onSessions: () => void;
}

/** A tools/call on its way to a downstream. */
interface ToolRequest {
  readonly session: Session;
  readonly frame: Frame;
  readonly idRaw: Uint8Array;
  readonly idText: string;
  /** Monotonic time at which waiting for a list of tools ends, null while it has not begun. */
  readonly listDeadline: number | null;
}

const encoder = new TextEncoder();

export class Router {
  readonly version: string;
  readonly catalog: Catalog;
  readonly #options: RouterOptions;
  readonly #sessions = new Set<Session>();
  readonly #waiting = new Set<Waiting>();
  #logLevel: LogLevel | null = null;
  #accepting = true;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.catalog = options.catalog;
    this.version = options.version;
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
    this.logLevelChanged();
    this.#options.onSessions();
  }

  /** Refuses every further tool call: the gateway is stopping. */
  stopAccepting(): void {
    this.#accepting = false;
    for (const waiting of Array.from(this.#waiting)) waiting.retry();
  }

  /** Calls back when tools/list may be answered. */
  list(callback: () => void): void {
    this.catalog.whenListable(performance.now(), callback);
  }

  /** The answer to tools/list. */
  listParts(idRaw: Uint8Array): Uint8Array[] {
    return [
      encoder.encode('{"jsonrpc":"2.0","id":'),
      idRaw,
      encoder.encode(',"result":{"tools":'),
      this.catalog.list,
      encoder.encode('}}'),
    ];
  }

  callTool(request: ToolRequest): void {
    const { session, idRaw, idText } = request;
    const name = stringAt(request.frame, SLOT.paramsName);
    if (name === null) {
      return session.refused(
        idText,
        JSON_RPC.invalidParams,
        'tools/call needs params.name (a string)',
      );
    }
    const target = this.catalog.resolve(name);
    switch (target.kind) {
      case 'health':
        return session.answer(request, resultParts(idRaw, this.#options.health()));
      case 'unknown':
        return session.refused(
          idText,
          JSON_RPC.invalidParams,
          `Unknown tool: ${name.slice(0, 200)}`,
        );
      case 'pending':
        return this.#awaitCatalog(request, this.#downstream(target.server));
      case 'tool':
        return this.#submit(request, this.#downstream(target.server), target.nameRaw);
    }
  }

  /** Tools of a server have arrived, or it failed: calls that waited for that are judged again. */
  catalogSettled(server: string): void {
    for (const waiting of Array.from(this.#waiting)) if (waiting.server === server) waiting.retry();
  }

  /** The merged list of tools has become different. */
  announceTools(): void {
    const line = notificationLine('notifications/tools/list_changed', null);
    for (const session of this.#sessions) session.notify([line.subarray(0, line.length - 1)]);
  }

  /** A log message of a server. */
  notification({ level, line }: Pick<NotificationMessage, 'level' | 'line'>): void {
    for (const session of this.#sessions) session.log(level, [line]);
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

  #submit(request: ToolRequest, downstream: Downstream, nameRaw: Uint8Array): void {
    if (!this.#accepting) return this.#refuse(request, downstream, STOPPING);
    const { session, frame, idRaw, idText } = request;
    const id = this.#options.calls.mint();
    const token = rangeOf(frame, SLOT.paramsMetaProgressToken);
    const now = performance.now();
    const { callTimeoutMs, callTotalTimeoutMs } = downstream.config;
    const call: Call = {
      id,
      session,
      idRaw,
      idText,
      tokenRaw: token === null ? null : frame.line.slice(token[0], token[1]),
      downstream,
      method: 'tools/call',
      line: downstreamLine(id, 'tools/call', frame, nameRaw),
      admittedAt: now,
      totalDeadline: now + callTotalTimeoutMs,
      timer: setTimeout(() => downstream.expire(call), callTimeoutMs),
      postedTo: null,
      postedAt: now,
    };
    this.#options.calls.add(call);
    session.track(call);
    downstream.submit(call);
  }

  /** The server has not said what it has in this run: wait for it, unless it would refuse anyway. */
  #awaitCatalog(request: ToolRequest, downstream: Downstream): void {
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
        this.callTool({ ...request, listDeadline: deadline });
      },
    };
    const timer = setTimeout(
      () => {
        withdraw();
        request.session.untrack(waiting);
        this.#refuse(request, downstream, {
          code: 'ERR_TIMEOUT',
          outcome: 'not_sent',
          message: `server "${downstream.config.name}" did not tell its tools in time; the call was not sent`,
          retryAt: null,
        });
      },
      Math.max(0, deadline - now),
    );
    this.#waiting.add(waiting);
    request.session.track(waiting);
  }

  #refuse(
    request: ToolRequest,
    downstream: Downstream,
    failure: Omit<Failure, 'server' | 'phase'>,
  ): void {
    const whole = { ...failure, server: downstream.config.name, phase: downstream.phase };
    request.session.answer(request, failureParts('tools/call', request.idRaw, whole));
  }
}

const STOPPING = {
  code: 'ERR_DOWNSTREAM_DOWN',
  outcome: 'not_sent',
  message: 'the gateway is stopping; the call was not sent',
  retryAt: null,
} as const;
