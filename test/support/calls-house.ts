/** Clients, router and one server together, with what is posted to the server's thread kept in a list. */

import pino from 'pino';
import type { Audit } from '#src/main/calls/audit.ts';
import { CallTable } from '#src/main/calls/call-table.ts';
import { Rates } from '#src/main/calls/gate/rate.ts';
import { NO_OBSERVER } from '#src/main/calls/observer.ts';
import { Catalogs } from '#src/main/catalog/catalogs.ts';
import { Profiles } from '#src/main/catalog/profiles.ts';
import type { ClientFace } from '#src/main/clients/port.ts';
import { sessionsOf } from '#src/main/clients/session.ts';
import { Router } from '#src/main/routing/router.ts';
import { Server } from '#src/main/servers/server.ts';
import { scanFrame } from '#src/shared/json/frame.ts';
import type { EndpointConfig, ServerConfig } from '#src/shared/model/config.ts';
import type { ServerFeatures } from '#src/shared/model/server.ts';
import type { SupervisorRecord } from '#src/shared/model/snapshot.ts';
import type { AnswerMessage, LifecycleMessage } from '#src/shared/protocol/from-supervisor.ts';
import type { CallMessage, ToSupervisor } from '#src/shared/protocol/to-supervisor.ts';
import { NO_AUDIT } from './no-audit.ts';
import { serverConfig } from './supervisor-thread.ts';

const RECORD: SupervisorRecord = {
  phase: 'ready',
  since: '2026-01-01T00:00:00.000Z',
  pid: 1,
  pgid: 1,
  child_started: null,
  incarnation: 1,
  restarts: 0,
  last_exit: null,
  next_restart_at: null,
  last_error: null,
  connection_state: 'ok',
  tools_count: 1,
  protocol_version: '2025-11-25',
  noise_lines: 0,
  withheld: 0,
  withheld_why: null,
  left_running: [],
};

const FEATURES: ServerFeatures = {
  tools: true,
  prompts: false,
  resources: false,
  logging: false,
};

const open: ClientFace[] = [];

/** Lets every client of every house go. */
export function closeClients(): void {
  for (const client of open.splice(0)) client.closed('the test is over');
}

/** A router over one server whose thread only remembers what it was sent. */
export function house(
  settings: {
    maxQueue?: number;
    maxConcurrency?: number;
    callTimeoutMs?: number;
    endpoint?: EndpointConfig;
    tierOverrides?: ServerConfig['tierOverrides'];
  } = {},
  failures = 5,
  audit: Audit = NO_AUDIT,
) {
  const config = { ...serverConfig('echo'), name: 'echo', prefix: 'echo', ...settings };
  const calls = new CallTable();
  const posted: ToSupervisor[] = [];
  const world = { reachable: true, halted: false, heldBack: false, awaited: 0 };
  const catalogs = new Catalogs({
    servers: [config],
    listWaitMs: 0,
    onChange: () => {},
    onCollision: () => {},
  });
  const server = new Server({
    config: { ...config, breaker: { failures, cooldownMs: 60_000 } },
    owner: null,
    calls,
    rates: new Rates(),
    uses: { reliesOn: () => false, hasTasks: () => false },
    onAwaited: () => {
      world.awaited += 1;
    },
    thread: {
      slot: 0,
      threadRecord: { state: 'running', restarts: 0, heap_mb: null, mates: 0, held_up: null },
      get heldBack() {
        return world.heldBack;
      },
      post: (message) => {
        if (world.reachable) posted.push(message);
        return world.reachable;
      },
      wake: () => {},
    },
    halted: () => ({ active: world.halted, reason: 'test' }),
    log: pino({ level: 'silent' }),
    observer: NO_OBSERVER,
    audit,
    onChange: () => {},
  });
  const levels: string[] = [];
  const router = new Router({
    catalogs,
    profiles: new Profiles([config]),
    calls,
    servers: {
      names: ['echo'],
      all: () => [server],
      of: () => [server],
      serving: () => server,
    },
    version: '0',
    halted: () => ({ active: world.halted, reason: 'test' }),
    health: () => '{}',
    hide: (text) => text,
    observer: NO_OBSERVER,
    audit,
    waitingMs: 15_000,
    events: {
      onLogLevel: (level, server) => levels.push(server === null ? level : `${server}: ${level}`),
      onClients: () => {},
      onClient: () => {},
      onClientGone: () => {},
      onLooked: () => {},
    },
  });
  const connect = () => {
    const answers: { id: unknown; code: string | number | null; outcome: string | null }[] = [];
    const sent: string[] = [];
    const state = { congested: false, parts: [] as readonly Uint8Array[] };
    const take = (parts: readonly Uint8Array[]) => {
      state.parts = parts;
      const message = JSON.parse(Buffer.concat(parts).toString());
      if (message.method !== undefined) return void sent.push(message.method);
      const error = message.result?._meta?.['rea/error'];
      answers.push({
        id: message.id,
        code: error?.code ?? message.error?.code ?? null,
        outcome: error?.outcome ?? null,
      });
    };
    const peer = sessionsOf(router)({
      answer: take,
      send: take,
      get needsDrain() {
        return state.congested;
      },
      finished: () => {},
      several: false,
    });
    open.push(peer);
    const receive = (message: object): void => {
      const frame = scanFrame(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })));
      if ('error' in frame) throw new Error('the test wrote a bad message');
      peer.receive(frame);
    };
    const call = (id: unknown, more: object = {}) =>
      receive({ id, method: 'tools/call', params: { name: 'echo__say', ...more } });
    const drained = () => {
      state.congested = false;
      peer.drained();
    };
    const close = () => peer.closed('gone');
    return { answers, sent, state, receive, call, drained, close };
  };
  const first = connect();
  const { answers, receive } = first;
  const tool = (key: string, more: string) => {
    const json = new TextEncoder().encode(`{"name":"${key}"${more}}`);
    return { key, json, keyAt: [8, 10 + key.length] as const };
  };
  const reads = ',"annotations":{"readOnlyHint":true}';
  catalogs.shared.update('echo', 'tools', [tool('say', ''), tool('look', reads)]);
  const event = (incarnation: number, phase: SupervisorRecord['phase'], of: object): void => {
    server.lifecycle({
      type: 'lifecycle',
      slot: 0,
      server: 'echo',
      incarnation,
      at: RECORD.since,
      event: of,
      record: { ...RECORD, phase, incarnation },
      nextStartInMs: null,
    } as LifecycleMessage);
  };
  return {
    answers,
    first,
    connect,
    router,
    /** Of log messages, that servers were asked for. */
    levels,
    calls: () => posted.filter((message): message is CallMessage => message.type === 'call'),
    posted,
    server,
    receive,
    awaited: () => [server.awaited, world.awaited],
    set: (state: Partial<typeof world>) => Object.assign(world, state),
    ready: (incarnation: number) =>
      event(incarnation, 'ready', { event: 'ready', features: FEATURES }),
    died: (incarnation: number) =>
      event(incarnation, 'backoff', {
        event: 'child_died_unexpectedly',
        reason: 'exit',
        code: 1,
        signal: null,
        detail: 'exit 1',
      }),
    away: (incarnation: number, forMs: number) =>
      event(incarnation, 'backoff', {
        event: 'unreachable',
        detail: 'nobody listens',
        begins: forMs === 0,
        forMs,
        delayMs: 100,
      }),
    starting: (incarnation: number) => event(incarnation, 'starting', { event: 'starting' }),
    call: (id: unknown) => receive({ id, method: 'tools/call', params: { name: 'echo__say' } }),
    reply: (call: number, text = '', more: Partial<AnswerMessage> = {}) => {
      const json = Buffer.from(`{"jsonrpc":"2.0","id":${call},"result":{"text":"${text}"}}`);
      const line = Buffer.allocUnsafeSlow(json.length);
      line.set(json);
      server.answer({
        type: 'answer',
        slot: 0,
        incarnation: 1,
        call,
        line,
        id: [22, 22 + String(call).length],
        isError: false,
        toolError: false,
        at: line.indexOf('"text"'),
        has: 1,
        edits: [],
        ...more,
      });
      return line;
    },
    unsent: (call: number, incarnation: number) =>
      server.callFailed({
        type: 'call_failed',
        slot: 0,
        incarnation,
        call,
        code: null,
        outcome: 'not_sent',
        message: '',
      }),
    /** The thread says what became of a call whose time is over. */
    expired: (call: number, outcome: 'unknown' | 'not_sent') =>
      server.callFailed({
        type: 'call_failed',
        slot: 0,
        incarnation: 1,
        call,
        code: 'ERR_TIMEOUT',
        outcome,
        message: '',
      }),
  };
}
