/** The steps of the supervisor machine, one line each. */
import { describe, expect, test } from 'vitest';
import { phaseOf, type SupervisorInput } from '#src/shared/machines/supervisor-state.ts';
import {
  busyStart,
  condemned,
  exited,
  handshaken,
  open,
  play,
  rest,
  spawned,
  stop,
  ticket,
  timer,
  toReady,
  wake,
} from './supervisor-inputs.ts';

describe('the supervisor machine', () => {
  test.each([
    ['waits for a ticket first', [open], 'starting', ['starting', 'want_ticket']],
    [
      'spawns with a ticket',
      [open, ticket],
      'starting',
      ['ticket timer 5000', 'start timer 30000', 'spawn'],
    ],
    ['tells the pid', [open, ticket, spawned()], 'starting', ['spawned']],
    [
      'is ready after the handshake',
      toReady,
      'ready',
      ['ready', 'return_ticket', 'stable timer 5000', 'health_changed'],
    ],
    ['is stable after a while', [...toReady, timer('stable')], 'ready', ['stable']],
    [
      'hands back the ticket of a slow start',
      [open, ticket, timer('ticket')],
      'starting',
      ['return_ticket'],
    ],
    [
      'starts again at once after a first death',
      [...toReady, exited()],
      'starting',
      [
        'child_died_unexpectedly',
        'fail_calls',
        'health_changed',
        'backoff',
        'starting',
        'want_ticket',
      ],
    ],
    [
      'backs off after a second one',
      [...toReady, exited(), ticket, exited(2)],
      'backoff',
      ['return_ticket', 'child_died_unexpectedly', 'fail_calls', 'backoff', 'restart timer 100'],
    ],
    [
      'goes on after the back-off',
      [...toReady, exited(), ticket, exited(2), timer('restart', 2)],
      'starting',
      ['starting', 'want_ticket'],
    ],
    [
      'fails in a crash loop and keeps trying',
      [...toReady, exited(), ticket, exited(2), timer('restart', 2), ticket, exited(3)],
      'failed',
      ['return_ticket', 'child_died_unexpectedly', 'fail_calls', 'backoff', 'restart timer 750'],
    ],
    [
      'kills a hung child, tells so at once, and waits for its exit',
      [...toReady, condemned()],
      'backoff',
      ['kill', 'health_changed'],
    ],
    [
      'kills a child that takes too long to start',
      [open, ticket, timer('start')],
      'backoff',
      ['kill', 'health_changed'],
    ],
    [
      'gives a busy start more time',
      [open, ticket, spawned(), busyStart],
      'starting',
      ['start timer 30000'],
    ],
    [
      'but only four times as much',
      [open, ticket, spawned(), busyStart, busyStart, busyStart, busyStart],
      'backoff',
      ['kill', 'health_changed'],
    ],
    [
      'and none once it no longer works',
      [open, ticket, spawned(), busyStart, timer('start')],
      'backoff',
      ['kill', 'health_changed'],
    ],
    [
      'is put to rest by the end of its input',
      [...toReady, rest('idle')],
      'draining',
      ['end_input', 'stop timer 600', 'draining'],
    ],
    [
      'is idle once it has ended',
      [...toReady, rest('idle'), exited()],
      'idle',
      ['fail_calls', 'idle'],
    ],
    ['stays idle', [...toReady, rest('idle'), exited(), timer('restart')], 'idle', []],
    [
      'is woken',
      [...toReady, rest('idle'), exited(), wake],
      'starting',
      ['starting', 'want_ticket'],
    ],
    [
      'without that being a restart',
      [...toReady, rest('idle'), exited(), wake, ticket, handshaken(2)],
      'ready',
      ['ready', 'return_ticket', 'stable timer 5000'],
    ],
    [
      'begins anew when that is asked for, and that is a restart',
      [...toReady, rest('restart'), exited(), ticket, handshaken(2)],
      'ready',
      ['ready', 'return_ticket', 'stable timer 5000', 'respawned'],
    ],
    ['rests only when it is ready', [open, ticket, rest('idle')], 'starting', []],
    ['does not rest for an older incarnation', [...toReady, rest('idle', 0)], 'ready', []],
    ['is woken only when it is idle', [...toReady, wake], 'ready', []],
    [
      'waits for the exit of a stubborn one before it is idle',
      [...toReady, rest('idle'), timer('stop'), timer('stop'), timer('stop')],
      'draining',
      ['kill', 'stop timer 500'],
    ],
    [
      'is stopped for good while it goes to rest',
      [...toReady, rest('restart'), stop, exited()],
      'stopped',
      ['fail_calls', 'stopped'],
    ],
    ['condemns a child once', [...toReady, condemned(), condemned()], 'backoff', []],
    ['takes no ticket it does not wait for', [...toReady, ticket], 'ready', []],
    ['drops the exit of an older incarnation', [...toReady, exited(), exited()], 'starting', []],
    [
      'drops a timer of an older incarnation',
      [...toReady, exited(), timer('stable')],
      'starting',
      [],
    ],
    ['drops a start timer that comes late', [...toReady, timer('start')], 'ready', []],
    ['closes stdin to stop', [...toReady, stop], 'draining', ['end_input', 'stop timer 600']],
    [
      'sends TERM after that',
      [...toReady, stop, timer('stop')],
      'draining',
      ['terminate', 'stop timer 500'],
    ],
    [
      'then KILL',
      [...toReady, stop, timer('stop'), timer('stop')],
      'draining',
      ['kill', 'stop timer 500'],
    ],
    [
      'and waits no longer than that',
      [...toReady, stop, timer('stop'), timer('stop'), timer('stop')],
      'stopped',
      ['fail_calls', 'stopped'],
    ],
    ['is stopped at the exit', [...toReady, stop, exited()], 'stopped', ['fail_calls', 'stopped']],
    [
      'hurries for a second stop',
      [...toReady, stop, { ...stop, eofMs: 0 }],
      'draining',
      ['stop timer 0'],
    ],
    [
      'withdraws its wish for a ticket',
      [open, stop],
      'stopped',
      ['fail_calls', 'return_ticket', 'stopped'],
    ],
    ['does nothing after it stopped', [open, stop, ticket], 'stopped', []],
    [
      'waits only for the exit of a child that is being killed',
      [...toReady, condemned(), stop],
      'draining',
      ['stop timer 500'],
    ],
  ] as [string, SupervisorInput[], string, string[]][])('%s', (_name, inputs, phase, expected) => {
    const { state, effects } = play(inputs);
    expect(phaseOf(state)).toBe(phase);
    expect(effects).toEqual(expected);
  });
});
