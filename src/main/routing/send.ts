/**
 * The way of a request to a server: makes the call, refuses what cannot be sent, and asks servers for
 * the gateway itself. Knows no method and no name.
 */
import { type Frame, rangeOf, scanFrame } from '../../shared/json/frame.ts';
import type { Edit } from '../../shared/json/json-rpc.ts';
import { SLOT } from '../../shared/json/json-scan.ts';
import { readName } from '../../shared/json/keys.ts';
import type { Phase } from '../../shared/model/errors.ts';
import type { AnswerForm } from '../calls/answer-form.ts';
import type { Audit } from '../calls/audit.ts';
import { type Call, type CallOwner, type Hooks, newCall } from '../calls/call.ts';
import { type CallTable, TOO_MANY_BYTES } from '../calls/call-table.ts';
import type { Failure } from '../calls/failures.ts';
import { judge, type Subject, subjectOf, tierOfSubject } from '../calls/gate/subject.ts';
import { type Observer, outcomeOf } from '../calls/observer.ts';
import { serverLine } from '../calls/request-line.ts';
import type { Profiles } from '../catalog/profiles.ts';
import type { Server } from '../servers/server.ts';
import type { Servers } from '../servers/servers.ts';
import type { Approvals, Asking } from './approvals/approvals.ts';
import type { LogLevels } from './log-levels.ts';
import type { ServerRequest } from './request.ts';
import { makingOf, NO_HOOKS, TOO_MANY_TASKS } from './tasks/making.ts';
import type { Tasks } from './tasks/tasks.ts';

export interface SenderOptions {
  readonly calls: CallTable;
  readonly servers: Servers;
  readonly tasks: Tasks;
  readonly profiles: Profiles;
  readonly approvals: Approvals;
  readonly observer: Observer;
  readonly audit: Audit;
  readonly levels: LogLevels;
}

/** Where a request was refused. */
interface Place {
  readonly name: string;
  readonly phase: Phase | null;
}

/** A request, of a client or of the gateway itself, for which there is no subject. */
interface Asked extends Pick<ServerRequest, 'frame' | 'method' | 'idRaw' | 'idText'> {
  readonly subject: Subject | null;
  /** What its client can be asked. */
  readonly can: number;
  /** @default null */
  readonly clientName?: string | null;
  /** @default plain */
  readonly form?: AnswerForm;
}

type Why = Omit<Failure, 'server' | 'phase'>;

/** Owns the gateway's own requests to servers; drops their answers. */
const NOBODY: CallOwner = { needsDrain: false, answer: () => {}, send: () => {} };
const OWN_ID = new TextEncoder().encode('0');

export class Sender {
  readonly #options: SenderOptions;
  #accepting = true;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** False from the moment on in which the gateway begins to stop. */
  get accepting(): boolean {
    return this.#accepting;
  }

  /** Every further request is refused: the gateway is stopping. */
  stopAccepting(): void {
    this.#accepting = false;
  }

  /** Calls `use` with the server that serves this client under that name, or answers that there is no such server. */
  serve(request: ServerRequest, server: string, use: (server: Server) => void): void {
    const place = { name: server, phase: null };
    if (!this.#accepting) return this.#refuse(request, place, STOPPING);
    const serving = this.#options.servers.serving(server, request.client);
    if (serving !== null) return use(serving);
    this.#refuse(request, place, ALL_TAKEN);
  }

  /** The server that serves this client under that name; null: there is no room for one. */
  serving({ client }: ServerRequest, server: string): Server | null {
    return this.#options.servers.serving(server, client);
  }

  /** Sends the request as a call. @param edits what to replace in the client's line. */
  submit(
    request: ServerRequest,
    server: Server,
    edits: readonly Edit[] = [],
    hooks: Partial<Hooks> = {},
    subject: Subject = subjectOf(request.method),
  ): void {
    const { frame, client } = request;
    const { calls } = this.#options;
    if (this.#asksFirst(request, server, edits, hooks, subject)) return;
    if (!this.#accepting) return this.refuse(request, server, STOPPING);
    if (!calls.hasRoom(client, frame.line.length)) {
      return this.refuse(request, server, TOO_MANY_BYTES);
    }
    const making = makingOf(request, server, this.#options);
    if (making === null) return this.refuse(request, server, TOO_MANY_TASKS);
    const { method, idRaw, idText, form, clientName } = request;
    const { can } = making;
    const asked = { frame, method, idRaw, idText, subject, form, can, clientName };
    const both = making.hooks === NO_HOOKS ? hooks : { ...hooks, ...making.hooks };
    const all = this.#hearing(request, server, both);
    const call = this.#call(client, asked, server, edits, all);
    client.track(call);
    server.submit(call);
  }

  /** While the call is open its server is asked for what its client wants to hear. */
  #hearing({ logLevel }: ServerRequest, { config }: Server, hooks: Partial<Hooks>): Partial<Hooks> {
    if (logLevel === null) return hooks;
    const done = this.#options.levels.want(config.name, logLevel);
    const { onEnd, elsewhere } = hooks;
    return {
      ...hooks,
      onEnd: (ok, answered) => {
        done();
        onEnd?.(ok, answered);
      },
      // Then another server is asked, and this call has no other end.
      ...(elsewhere == null
        ? {}
        : {
            elsewhere: () => {
              const isElsewhere = elsewhere();
              if (isElsewhere) done();
              return isElsewhere;
            },
          }),
    };
  }

  /** @returns true: a person is asked, and the call is made after a yes. */
  #asksFirst(
    request: ServerRequest,
    server: Server,
    edits: readonly Edit[],
    hooks: Partial<Hooks>,
    subject: Subject,
  ): boolean {
    const { tool } = subject;
    if (tool === null || judge(subject, server.config) !== 'ask') return false;
    // These come first.
    if (!this.#accepting || server.halted().active) return false;
    const { name } = server.config;
    const approved = { ...subject, approved: true };
    const asking: Asking = {
      request,
      tool,
      config: () => this.serving(request, name)?.config ?? null,
      goOn: (progress) => {
        this.serve(request, name, (serving) =>
          this.submit(request, serving, edits, { ...hooks, progress }, approved),
        );
      },
      fail: (why) => this.refuse(request, server.current, why),
      cancelled: () => this.#options.observer.callEnded(name, 'cancelled', null, null),
    };
    this.#options.approvals.ask(asking, server.config);
    return true;
  }

  /**
   * Asks a server something for the gateway itself.
   *
   * @param options `owner` gets the answer; nobody by default. `can`: see `canOf`, nothing by default.
   * @returns null: the server cannot take it now, and it is not worth a queue.
   */
  ask(
    server: Server,
    method: string,
    params: object,
    {
      owner = NOBODY,
      hooks = {},
      can = 0,
    }: { owner?: CallOwner; hooks?: Partial<Hooks>; can?: number } = {},
  ): Call | null {
    if (server.phase !== 'ready' || !this.#accepting) return null;
    const json = JSON.stringify({ jsonrpc: '2.0', id: 0, method, params });
    const frame = scanFrame(new TextEncoder().encode(json));
    if ('error' in frame) throw new Error(`the gateway wrote a bad request: ${json}`);
    const request = { frame, method, idRaw: OWN_ID, idText: '0', subject: null, can };
    const call = this.#call(owner, request, server, [], hooks);
    server.submit(call);
    return call;
  }

  /** Answers a request with why it cannot be sent. */
  refuse(request: ServerRequest, { config, phase }: Server, why: Why): void {
    this.#refuse(request, { name: config.name, phase }, why);
  }

  #refuse(request: ServerRequest, { name, phase }: Place, why: Why): void {
    this.#options.observer.callEnded(name, outcomeOf(why), why.code, null);
    const whole = { ...why, server: name, phase };
    const { client, clientName, method } = request;
    const tool = nameIn(request.frame);
    const asker = { client, clientName };
    this.#options.audit.refused({ server: name, method, tool, ...asker, code: why.code });
    client.answer(request, request.form.failure(method, request.idRaw, whole));
  }

  #call(
    owner: CallOwner,
    { frame, method, idRaw, idText, subject, form, can, clientName = null }: Asked,
    server: Server,
    edits: readonly Edit[],
    hooks: Partial<Hooks>,
  ): Call {
    const id = this.#options.calls.mint();
    const token = rangeOf(frame, SLOT.paramsMetaProgressToken);
    const { callTimeoutMs, callTotalTimeoutMs } = server.config;
    const call = newCall({
      id,
      owner,
      clientName,
      idRaw,
      idText,
      tokenRaw: token === null ? null : frame.line.slice(token[0], token[1]),
      target: server,
      method,
      ...(form === undefined ? {} : { form }),
      subject,
      tier: subject === null ? null : tierOfSubject(subject, server.config),
      can,
      line: serverLine(id, method, frame, edits),
      timeoutMs: callTimeoutMs,
      totalTimeoutMs: callTotalTimeoutMs,
      hooks,
    });
    this.#options.calls.add(call);
    return call;
  }
}

/** The name of the tool or prompt, as its client wrote it. */
function nameIn(frame: Frame): string | null {
  const at = rangeOf(frame, SLOT.paramsName);
  const read = at === null ? null : readName(frame.line, at);
  return read !== null && 'text' in read ? read.text : null;
}

const ALL_TAKEN = {
  code: 'ERR_DOWNSTREAM_DOWN',
  outcome: 'not_sent',
  message:
    'each client has an instance of this server of its own, and other clients have all there may be (max_instances); the call was not sent',
  retryAt: null,
} as const;

/** Why a request is refused once the gateway is stopping. */
export const STOPPING = {
  code: 'ERR_DOWNSTREAM_DOWN',
  outcome: 'not_sent',
  message: 'the gateway is stopping; the call was not sent',
  retryAt: null,
} as const;
