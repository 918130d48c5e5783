/**
 * Two servers, the second of which is the first one's successor, with the real call table, threads that
 * only remember, and clients that count what they get. Checks with each call that is posted whether it may
 * be. Needs fake timers.
 */

import { deepEqual, equal } from 'node:assert/strict';
import pino from 'pino';
import { type Call, type CallOwner, newCall } from '#src/main/calls/call.ts';
import { CallTable } from '#src/main/calls/call-table.ts';
import { Rates } from '#src/main/calls/gate/rate.ts';
import { NO_OBSERVER } from '#src/main/calls/observer.ts';
import { Server } from '#src/main/servers/server.ts';
import type { ServerThread } from '#src/main/servers/server-options.ts';
import { IDLE } from '#src/shared/model/idle.ts';
import type { SupervisorRecord } from '#src/shared/model/snapshot.ts';
import type { LifecycleMessage } from '#src/shared/protocol/from-supervisor.ts';
import { NO_AUDIT } from './no-audit.ts';
import { serverConfig } from './supervisor-thread.ts';

const OUTCOMES = {
  unsent: 'not_sent',
  lost: 'unknown',
  undeliverable: 'answered',
  refused: 'not_sent',
} as const;

export interface Made {
  readonly call: Call;
  readonly client: number;
  /** The server that has it, null while it waits. */
  at: Side | null;
  ends: number;
}

export interface Client extends CallOwner {
  needsDrain: boolean;
}

/** One server and its thread. */
export interface Side {
  readonly server: Server;
  reachable: boolean;
  /** It was told to be ready, and neither was it asked to end nor was its thread lost since. */
  takesCalls: boolean;
  incarnation: number;
  generation: number;
  drained: number;
}

export class ServerWorld {
  readonly calls = new CallTable();
  readonly made: Made[] = [];
  /** Answers by the id of the call. */
  readonly answers = new Map<string, number>();
  /** What the observer was told of each call that ended: how long it was at its server. */
  readonly times: (number | null)[] = [];
  readonly sides: readonly [Side, Side];
  readonly clients: readonly Client[];
  /** Where clients' calls go. */
  current: Side;
  readonly posts: number[] = [];

  constructor() {
    this.sides = [this.#side(), this.#side()];
    this.current = this.sides[0];
    this.clients = [0, 1, 2].map(() => ({
      needsDrain: false,
      send: () => {},
      answer: ({ idText }) => {
        this.answers.set(idText, (this.answers.get(idText) ?? 0) + 1);
      },
    }));
  }

  submit(client: number, timeoutMs = 1000, untimed = false): void {
    const id = this.calls.mint();
    const owner = this.clients[client];
    if (owner === undefined) throw new Error('there is no such client');
    const { server } = this.current;
    const call = newCall({
      id,
      owner,
      idRaw: Buffer.from(String(id)),
      idText: String(id),
      tokenRaw: null,
      target: server,
      method: 'tools/call',
      line: Buffer.from('{}\n'),
      timeoutMs,
      totalTimeoutMs: 3 * timeoutMs,
      hooks: {
        untimed,
        onEnd: () => {
          made.ends += 1;
          made.at = null;
        },
      },
    });
    const made: Made = { call, client, at: null, ends: 0 };
    this.made.push(made);
    this.calls.add(call);
    server.submit(call);
  }

  /** Calls that are at a server, and those that were once: what comes for them now is too late. */
  posted(at: number): { readonly side: Side; readonly id: number } | null {
    const id = this.posts[at % Math.max(1, this.posts.length)];
    const made = this.made.find(({ call }) => call.id === id);
    if (id === undefined || made === undefined) return null;
    return { side: made.at ?? this.sides[0], id };
  }

  answer(at: number, isError: boolean): void {
    const found = this.posted(at);
    if (found === null) return;
    const line = Buffer.from(`{"jsonrpc":"2.0","id":${found.id},"result":{}}`);
    found.side.server.answer({
      type: 'answer',
      slot: 0,
      incarnation: found.side.incarnation,
      call: found.id,
      line,
      id: [22, 22 + String(found.id).length],
      isError,
      toolError: false,
      at: -1,
      has: 0,
      edits: [],
    });
  }

  fail(at: number, how: 'unsent' | 'lost' | 'undeliverable' | 'refused'): void {
    const found = this.posted(at);
    if (found === null) return;
    const { side, id } = found;
    const made = this.made.find(({ call }) => call.id === id);
    if (made !== undefined && how === 'unsent') made.at = null;
    side.server.callFailed({
      type: 'call_failed',
      slot: 0,
      incarnation: side.incarnation,
      call: id,
      code: how === 'unsent' ? null : 'ERR_OUTCOME_UNKNOWN',
      outcome: OUTCOMES[how],
      message: how,
    });
  }

  told(side: Side, phase: SupervisorRecord['phase'], more: object = {}): void {
    if (phase === 'starting') side.incarnation += 1;
    side.takesCalls = phase === 'ready';
    side.server.lifecycle({
      type: 'lifecycle',
      slot: 0,
      server: 'echo',
      incarnation: side.incarnation,
      at: '2026-01-01T00:00:00.000Z',
      event: { event: phase, ...more },
      record: { ...IDLE, phase, incarnation: side.incarnation },
      nextStartInMs: phase === 'backoff' ? 100 : null,
    } as unknown as LifecycleMessage);
  }

  lose(side: Side): void {
    side.generation += 1;
    side.takesCalls = false;
    side.server.threadLost(side.generation, 'gone', 100);
  }

  retire(withSuccessor: boolean): void {
    const [first, second] = this.sides;
    if (first.server.retiring) return;
    if (withSuccessor) this.current = second;
    first.server.retire(withSuccessor ? second.server : null, () => {
      first.drained += 1;
      deepEqual([first.server.inFlight, first.server.record.queued], [0, 0]);
    });
  }

  /** A client reads what it was sent, or not any more. */
  reads(at: number, on: boolean): void {
    const client = this.clients[at];
    if (client === undefined) return;
    client.needsDrain = !on;
    if (on) for (const { server } of this.sides) server.clientDrained();
  }

  /** Every call that has no answer yet. */
  open(): Made[] {
    return this.made.filter(({ ends }) => ends === 0);
  }

  #side(): Side {
    const config = {
      ...serverConfig('echo'),
      breaker: { failures: 4, cooldownMs: 500 },
      maxConcurrency: 2,
      maxQueue: 4,
      maxRssMb: 100,
    };
    const thread: ServerThread = {
      slot: 0,
      threadRecord: { state: 'running', restarts: 0, heap_mb: null, mates: 0, held_up: null },
      heldBack: false,
      wake: () => {},
      post: (message) => {
        if (message.type === 'rest') side.takesCalls = false;
        if (message.type === 'call' && side.reachable) this.#check(side, message);
        return side.reachable;
      },
    };
    const server = new Server({
      config,
      owner: null,
      thread,
      calls: this.calls,
      rates: new Rates(),
      uses: { reliesOn: () => false, hasTasks: () => false },
      log: pino({ level: 'silent' }),
      audit: NO_AUDIT,
      observer: {
        ...NO_OBSERVER,
        callEnded: (_server, _outcome, _code, ms) => this.times.push(ms),
      },
      halted: () => ({ active: false, reason: null }),
      onAwaited: () => {},
      onChange: () => {},
    });
    const side: Side = {
      server,
      reachable: true,
      takesCalls: false,
      incarnation: 0,
      generation: 0,
      drained: 0,
    };
    return side;
  }

  #check(side: Side, { call: id, incarnation }: { call: number; incarnation: number }): void {
    const made = this.made.find(({ call }) => call.id === id);
    if (made === undefined) throw new Error('a call was posted that nobody made');
    deepEqual(side.server.availability, { kind: 'ready', incarnation });
    equal(side.takesCalls, true);
    equal(incarnation, side.incarnation);
    // It is at no server already, has no answer, and its client reads.
    deepEqual([made.at, made.ends, made.call.owner.needsDrain], [null, 0, false]);
    equal(made.call.target, side.server);
    const earlier = this.open().filter(
      ({ call, at, client }) =>
        call.target === side.server && at === null && client === made.client && call.id < id,
    );
    deepEqual(
      earlier.map(({ call }) => call.id),
      [],
    );
    made.at = side;
    this.posts.push(id);
  }
}
