/**
 * A router with clients, and a server for each of them or one for all, whose threads only remember the last
 * call. Clients remember what they were sent, except for answers.
 */

import pino from 'pino';
import { CallTable } from '#src/main/calls/call-table.ts';
import { Rates } from '#src/main/calls/gate/rate.ts';
import { NO_OBSERVER } from '#src/main/calls/observer.ts';
import { Catalogs } from '#src/main/catalog/catalogs.ts';
import { Profiles } from '#src/main/catalog/profiles.ts';
import { sessionsOf } from '#src/main/clients/session.ts';
import type { Client } from '#src/main/routing/client.ts';
import { Router } from '#src/main/routing/router.ts';
import { ServerMessages } from '#src/main/routing/server-messages.ts';
import { Server } from '#src/main/servers/server.ts';
import { scanFrame } from '#src/shared/json/frame.ts';
import { IDLE } from '#src/shared/model/idle.ts';
import type { Concern } from '#src/shared/model/mcp.ts';
import type {
  LifecycleMessage,
  NotificationMessage,
} from '#src/shared/protocol/from-supervisor.ts';
import { NO_AUDIT } from './no-audit.ts';
import { serverConfig } from './supervisor-thread.ts';

export const URI = 'res://a';

/** Where the progress token stands in each notification of these tests. */
export const TOKEN = [9, 10] as const;

export interface Visitor {
  readonly client: Client;
  /** The server that serves it. */
  readonly server: Server;
  /** Methods of what it was sent, without answers. */
  readonly heard: string[];
  readonly receive: (message: object) => void;
  readonly close: () => void;
}

export class OwnServersWorld {
  readonly #config = { ...serverConfig('own'), asks: { ...serverConfig('own').asks } };
  readonly #calls = new CallTable();
  readonly #servers = new Map<unknown, Server>();
  readonly #shared: Server | null;
  #known: Client | null = null;
  /** The last call that was posted. */
  call = 0;
  readonly catalogs = new Catalogs({
    servers: [this.#config],
    listWaitMs: 0,
    onChange: (catalog) =>
      this.router.fanOut.announce(catalog, 'notifications/resources/list_changed'),
    onCollision: () => {},
  });
  readonly router: Router;
  readonly messages: ServerMessages;

  constructor(isShared: boolean) {
    const profiles = new Profiles([this.#config]);
    const of = (client: Client) => this.#shared ?? this.#servers.get(client);
    const some = (server: Server | undefined) => (server === undefined ? [] : [server]);
    this.router = new Router({
      catalogs: this.catalogs,
      profiles,
      calls: this.#calls,
      servers: {
        names: ['own'],
        all: () => [...this.#servers.values()],
        of: (client) => some(of(client as Client)),
        serving: (_name, client) => of(client as Client) ?? null,
      },
      version: '0',
      halted: () => ({ active: false, reason: null }),
      health: () => '{}',
      hide: (text) => text,
      observer: NO_OBSERVER,
      audit: NO_AUDIT,
      waitingMs: 15_000,
      events: {
        onLogLevel: () => {},
        onClients: () => {},
        onClient: (client) => {
          this.#known = client;
        },
        onClientGone: () => {},
        onLooked: () => {},
      },
    });
    this.messages = new ServerMessages(this.router, profiles);
    this.#shared = isShared ? this.server(null) : null;
  }

  visit(capabilities: object = { elicitation: { url: {} }, roots: {} }): Visitor {
    const heard: string[] = [];
    const session = sessionsOf(this.router)({
      answer: () => {},
      send: (parts) => heard.push(JSON.parse(Buffer.concat(parts).toString()).method),
      needsDrain: false,
      several: false,
      finished: () => {},
    });
    const receive = (message: object): void => {
      const frame = scanFrame(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })));
      if ('error' in frame) throw new Error('the test wrote a bad message');
      session.receive(frame);
    };
    const params = { protocolVersion: '2025-11-25', capabilities, clientInfo: {} };
    receive({ id: 'i', method: 'initialize', params });
    receive({ method: 'notifications/initialized' });
    const client = this.#known;
    if (client === null) throw new Error('the client is not known');
    if (this.#shared === null) this.catalogs.open(client);
    const server = this.#shared ?? this.server(client);
    this.#servers.set(client, server);
    this.lists(server, [URI]);
    heard.length = 0;
    return { client, server, heard, receive, close: () => session.closed('over') };
  }

  lists({ config, owner }: Server, uris: readonly string[]): void {
    const entries = uris.map((key) => {
      return {
        key,
        json: Buffer.from(JSON.stringify({ uri: key })),
        keyAt: [7, 9 + key.length] as const,
      };
    });
    this.catalogs.update({ config, owner }, 'resources', entries);
    for (const kind of ['tools', 'prompts', 'templates'] as const) {
      const tool = { key: 'say', json: Buffer.from('{"name":"say"}'), keyAt: [8, 13] as const };
      this.catalogs.update({ config, owner }, kind, kind === 'tools' ? [tool] : []);
    }
  }

  says(
    server: Server,
    method: string,
    concerns: Concern = { kind: 'all' },
    level: string | null = null,
  ): void {
    const line = Buffer.from(JSON.stringify({ token: 0, jsonrpc: '2.0', method }));
    const note = { type: 'notification', slot: 0, incarnation: 1, method, level } as const;
    this.messages.onMessage(server, { ...note, concerns, line } satisfies NotificationMessage);
  }

  /** The server answers the last call. @param made with a task. */
  replies(server: Server, made = false): void {
    const { call } = this;
    const line = Buffer.from(`{"jsonrpc":"2.0","id":${call},"result":{"task":{"taskId":"t"}}}`);
    const id = [22, 22 + String(call).length] as const;
    const tasks = { notes: made ? [{ ...note, idAt: id }] : [], nextCursor: null };
    const answer = { type: 'answer', slot: 0, incarnation: 1, call, line, id, tasks } as const;
    server.answer({ ...answer, isError: false, toolError: false, at: -1, has: 0, edits: [] });
  }

  server(owner: Client | null): Server {
    const server = new Server({
      config: this.#config,
      owner,
      calls: this.#calls,
      rates: new Rates(),
      thread: {
        slot: 0,
        threadRecord: { state: 'running', restarts: 0, heap_mb: null, mates: 0, held_up: null },
        heldBack: false,
        post: (message) => {
          if (message.type === 'call') this.call = message.call;
          return true;
        },
        wake: () => {},
      },
      uses: this.messages,
      log: pino({ level: 'silent' }),
      observer: NO_OBSERVER,
      audit: NO_AUDIT,
      halted: () => ({ active: false, reason: null }),
      onAwaited: () => {},
      onChange: () => {},
    });
    server.lifecycle({
      type: 'lifecycle',
      slot: 0,
      server: 'own',
      incarnation: 1,
      at: IDLE.since,
      event: {
        event: 'ready',
        features: { tools: true, prompts: true, resources: true, logging: true },
      },
      record: { ...IDLE, phase: 'ready', incarnation: 1 },
      nextStartInMs: null,
    } as LifecycleMessage);
    return server;
  }
}

export const note = { id: 't', idAt: [0, 0], at: [0, 0], ended: false, ttlMs: null } as const;
