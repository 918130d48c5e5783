/**
 * Routes between clients and servers: takes each request of a client to the room that deals with its
 * method, and each message of a server to the clients it is for. Handles envelopes and bytes only;
 * knows no transport, no thread and no SDK.
 */
import type { Frame } from '../../shared/json/frame.ts';
import { joinExact, replaceRanges } from '../../shared/json/json-rpc.ts';
import type { ListKind } from '../../shared/model/lists.ts';
import { type LogLevel, moreVerbose } from '../../shared/model/log-levels.ts';
import type { ClientRecord } from '../../shared/model/snapshot.ts';
import type { AnswerForm } from '../calls/answer-form.ts';
import type { Audit } from '../calls/audit.ts';
import type { CallTable } from '../calls/call-table.ts';
import { withoutClaim } from '../calls/claim.ts';
import type { Halt } from '../calls/gate/halt.ts';
import type { Observer } from '../calls/observer.ts';
import type { Catalogs } from '../catalog/catalogs.ts';
import type { Profiles } from '../catalog/profiles.ts';
import type { Server } from '../servers/server.ts';
import type { Servers } from '../servers/servers.ts';
import { Approvals } from './approvals/approvals.ts';
import type { Client } from './client.ts';
import { FanOut } from './fan-out.ts';
import { LogLevels } from './log-levels.ts';
import { NamedRequests } from './named-requests.ts';
import { PendingLists } from './pending-lists.ts';
import type { ServerRequest } from './request.ts';
import { ResourceRequests } from './resources/resource-requests.ts';
import { Sender, STOPPING } from './send.ts';
import { Elicitations } from './server-requests/elicitations.ts';
import { RequestIds } from './server-requests/request-ids.ts';
import { ServerRequests } from './server-requests/server-requests.ts';
import { TaskRequests } from './tasks/task-requests.ts';
import { Tasks } from './tasks/tasks.ts';
import { UnknownMessages } from './unknown.ts';

/** Clients in the state file. */
const MOST_INTRODUCED = 16;

/** Called when clients come, change and go. */
export interface ClientEvents {
  /** Clients have come, gone, or said who they are. */
  onClients(): void;
  /** A client has said what it can do. */
  onClient(client: Client, capabilities: object): void;
  /** A client has asked what it is talking to, for which nothing is started; or it goes on after that. */
  onLooked(isAll: boolean): void;
  /** A client is gone; nothing is routed for it any more. */
  onClientGone(client: Client): void;
  /** The level that servers are to be asked for has changed. @param server its name; null: of all others. */
  onLogLevel(level: LogLevel, server: string | null): void;
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
  readonly observer: Observer;
  readonly audit: Audit;
  /** Takes secrets out of a text. */
  readonly hide: (text: string) => string;
  /** How often a client is told that a call waits for its answer. */
  readonly waitingMs: number;
  readonly events: ClientEvents;
}

const NEWLINE = new TextEncoder().encode('\n');

export class Router {
  readonly version: string;
  readonly profiles: Profiles;
  /** Calls that a person has to agree to first. */
  readonly approvals: Approvals;
  /** Requests of servers to clients. */
  readonly serverRequests: ServerRequests;
  readonly tasks: TaskRequests;
  readonly unknown: UnknownMessages;
  readonly fanOut: FanOut;
  /** Requests that wait for what a server offers. */
  readonly lists: PendingLists;
  readonly #options: RouterOptions;
  readonly #clients = new Set<Client>();
  readonly #tasks = new Tasks();
  readonly #elicitations = new Elicitations();
  readonly #sender: Sender;
  readonly #named: NamedRequests;
  readonly #resources: ResourceRequests;
  readonly #levels: LogLevels;
  #dropped = 0;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.version = options.version;
    this.profiles = options.profiles;
    const clients = this.#clients;
    const elicitations = this.#elicitations;
    const ids = new RequestIds();
    this.approvals = new Approvals({
      ...options,
      ids,
      onAnswer: (server, answer) => options.observer.asked(server, answer),
    });
    this.#levels = new LogLevels((level, server) => options.events.onLogLevel(level, server));
    const sender = new Sender({
      ...options,
      tasks: this.#tasks,
      approvals: this.approvals,
      levels: this.#levels,
    });
    this.#sender = sender;
    const route = (request: ServerRequest) => this.route(request);
    const lists = new PendingLists({ sender, observer: options.observer, route });
    this.lists = lists;
    this.tasks = new TaskRequests({ ...options, sender, tasks: this.#tasks });
    this.#named = new NamedRequests({ ...options, sender, lists });
    this.#resources = new ResourceRequests({ ...options, sender, lists, named: this.#named });
    this.unknown = new UnknownMessages({ ...options, sender, tasks: this.tasks });
    this.serverRequests = new ServerRequests({
      clients,
      tasks: this.#tasks,
      elicitations,
      ids,
      halted: options.halted,
      waitingMs: options.waitingMs,
    });
    this.fanOut = new FanOut({
      clients,
      catalogs: options.catalogs,
      resources: this.#resources,
      tasks: this.tasks,
      elicitations,
    });
  }

  /** A client is there: messages of servers may be for it. */
  join(client: Client): void {
    this.#clients.add(client);
    this.#options.events.onClients();
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** The first clients that have named themselves, as far as people are shown them. */
  introduced(): ClientRecord[] {
    const records: ClientRecord[] = [];
    for (const { record } of this.#clients) {
      if (record !== null) records.push(record);
      if (records.length === MOST_INTRODUCED) break;
    }
    return records;
  }

  /** A message was not passed on because its client does not read. */
  dropped(): void {
    this.#dropped += 1;
  }

  /** HALT was set: nobody is asked for a server any more, and what waits for lists is refused. */
  halted(): void {
    this.reconsider();
    this.lists.settleAll();
  }

  /** What may be asked has changed. */
  reconsider(): void {
    this.serverRequests.reconsider();
    this.approvals.reconsider();
  }

  /** A client answers what it was asked. */
  answered(client: Client, frame: Frame): void {
    if (!this.approvals.answer(client, frame)) this.serverRequests.answer(client, frame);
  }

  /** The number of messages so far that were dropped because their clients do not read. */
  get droppedMessages(): number {
    return this.#dropped;
  }

  /** A client reads again. */
  drained(client: Client): void {
    for (const server of this.#options.servers.of(client)) server.clientDrained();
  }

  /** A client is gone. */
  leave(client: Client): void {
    this.#clients.delete(client);
    this.serverRequests.forget(client);
    this.approvals.forget(client);
    this.tasks.forget(client);
    this.#elicitations.forget(client);
    this.#resources.forget(client);
    this.#options.events.onClientGone(client);
    this.logLevelChanged();
    this.#options.events.onClients();
  }

  /** Refuses every further call: the gateway is stopping. */
  stopAccepting(): void {
    this.#sender.stopAccepting();
    for (const client of this.#clients) client.stopping();
    this.approvals.endAll(STOPPING);
    this.lists.settleAll();
    this.#options.catalogs.endWait();
  }

  /** Calls back when a list request may be answered. */
  list(client: Client, kind: ListKind, callback: () => void): void {
    this.#options.catalogs.of(client).whenListable(kind, performance.now(), callback);
  }

  /** The answer to a list request. */
  listParts(client: Client, kind: ListKind, idRaw: Uint8Array, form: AnswerForm): Uint8Array[] {
    return form.list(kind, idRaw, this.#options.catalogs.of(client).list(kind));
  }

  /** A client has said what it can do. */
  clientKnown(client: Client, capabilities: object): void {
    this.#options.events.onClient(client, capabilities);
    this.#options.events.onClients();
  }

  /** Clients are there that cannot be told apart: none of them gets a server of its own. */
  clientsKnown(several: Client): void {
    this.#options.catalogs.openSeveral(several);
    this.#options.events.onClients();
  }

  /** A client has asked what it is talking to. @param isAll nothing else so far; false: it goes on. */
  clientLooked(isAll: boolean): void {
    this.#options.events.onLooked(isAll);
  }

  /** JSON of a tool as the client is told it; null: it is told of none by that name. */
  tool(client: Client, name: string): Uint8Array | null {
    return this.#options.catalogs.of(client).target('tools', name)?.entry.json ?? null;
  }

  /** A notification of a client that concerns every server. */
  toServers(client: Client, frame: Frame): void {
    const whole = joinExact([...replaceRanges(frame.line, withoutClaim(frame)), NEWLINE]);
    for (const server of this.#options.servers.of(client)) server.notify(whole);
  }

  /** Sends a request to the server it belongs to, or answers it. */
  route(request: ServerRequest): void {
    switch (request.method) {
      case 'tools/call':
        return this.#named.callTool(request);
      case 'prompts/get':
        return this.#named.getPrompt(request);
      case 'completion/complete':
        return this.#resources.complete(request);
      case 'resources/subscribe':
        return this.#resources.subscribe(request);
      case 'resources/unsubscribe':
        return this.#resources.unsubscribe(request);
      case 'tasks/get':
      case 'tasks/update':
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

  /** True when a task of the client runs, or has ended and its result is still to be fetched. */
  isBusy(client: Client): boolean {
    return this.#tasks.isClientBusy(client, performance.now());
  }

  /** True when a client relies on the server without having a call there. */
  reliesOn(server: Server): boolean {
    return this.#resources.isListenedTo(server) || this.serverRequests.isOpen(server);
  }

  /** True when a task may be at work there, or its result is still to be fetched. */
  hasTasks(server: Server): boolean {
    return this.#tasks.isBusy(server, performance.now());
  }

  /** The server is ready, for the first time or again: its subscriptions are asked for anew. */
  serverReady(server: Server): void {
    this.#resources.serverReady(server);
  }

  /** The server is gone, and its tasks and questions with it. */
  serverGone(server: Server): void {
    this.serverRequests.serverGone(server);
    this.#tasks.serverGone(server);
  }

  /** The server retires; its subscriptions go on at its successor. */
  serverRetires(server: Server, successor: Server | null): void {
    this.#resources.serverRetires(server, successor);
  }

  /** The server has retired, and nothing of it comes back. */
  serverRetired(server: Server): void {
    this.serverGone(server);
    this.#elicitations.serverRetired(server);
  }

  /** A session wants another level, or is gone. */
  logLevelChanged(): void {
    let wanted: LogLevel | null = null;
    for (const { logLevel } of this.#clients) wanted = moreVerbose(wanted, logLevel);
    this.#levels.ofSessions(wanted);
  }
}
