import { describe, expect, test } from 'vitest';
import { step } from '#src/shared/machines/supervisor.ts';
import {
  initialSupervisor,
  nextStartOf,
  phaseOf,
  pidOf,
  type SupervisorEffect,
  type SupervisorInput,
  type SupervisorState,
} from '#src/shared/machines/supervisor-state.ts';

const FEATURES = {
  tools: true,
  prompts: false,
  resources: false,
  logging: false,
};

const policy = {
  restart: { intensity: 3, periodMs: 30_000, backoffMs: 200, backoffMaxMs: 1000, stableMs: 5000 },
  startTimeoutMs: 30_000,
  unavailable: null,
};
const open: SupervisorInput = { type: 'open', delayMs: 0 };
const ticket: SupervisorInput = { type: 'ticket' };
const spawned = (incarnation = 1): SupervisorInput => ({ type: 'spawned', incarnation, pid: 42 });
const handshaken = (incarnation = 1): SupervisorInput => ({
  type: 'handshaken',
  incarnation,
  features: FEATURES,
});
const exited = (incarnation = 1): SupervisorInput => ({
  type: 'exited',
  incarnation,
  code: 1,
  signal: null,
  detail: 'exited with code 1',
  random: 0.5,
});
const condemned = (incarnation = 1): SupervisorInput => ({
  type: 'condemned',
  incarnation,
  reason: 'stall',
  detail: 'hangs',
});
const timer = (name: 'start' | 'ticket' | 'stable' | 'restart' | 'stop', incarnation = 1) =>
  ({ type: 'timer', timer: name, incarnation, busy: false }) as const;
const busyStart = { ...timer('start'), busy: true };
const rest = (into: 'idle' | 'restart', incarnation = 1): SupervisorInput => ({
  type: 'rest',
  incarnation,
  into,
  eofMs: 600,
  termMs: 500,
});
const wake: SupervisorInput = { type: 'wake' };
const stop: SupervisorInput = { type: 'stop', eofMs: 600, termMs: 500 };
const toReady = [open, ticket, spawned(), handshaken()];

/** Feeds all inputs; returns the last state and the effects of the last step. */
function play(inputs: readonly SupervisorInput[], initial = initialSupervisor(0, 0)) {
  let state: SupervisorState = initial;
  let effects: readonly SupervisorEffect[] = [];
  for (const input of inputs) [state, effects] = step(policy, 1000, state, input);
  return { state, effects: effects.map(short) };
}

function short(effect: SupervisorEffect): string {
  if (effect.do === 'emit') return effect.event.event;
  return effect.do === 'timer' ? `${effect.timer} timer ${effect.ms}` : effect.do;
}

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
      ['return_ticket', 'stable timer 5000', 'ready', 'health_changed'],
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
      ['return_ticket', 'stable timer 5000', 'ready'],
    ],
    [
      'begins anew when that is asked for, and that is a restart',
      [...toReady, rest('restart'), exited(), ticket, handshaken(2)],
      'ready',
      ['return_ticket', 'stable timer 5000', 'ready', 'respawned'],
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

  test('tells why a child was killed, not how it ended', () => {
    const { state } = play([...toReady, condemned()]);
    expect(pidOf(state)).toBe(42);
    const [, effects] = step(policy, 0, state, exited());
    expect(effects).toContainEqual(
      expect.objectContaining({
        event: {
          event: 'child_died_unexpectedly',
          reason: 'stall',
          detail: 'hangs',
          code: 1,
          signal: null,
        },
      }),
    );
  });

  test('tells once, without a date for the next start, that a child is being killed', () => {
    const { state } = play(toReady);
    const [, effects] = step(policy, 1000, state, condemned());
    const told = effects.flatMap((effect) => (effect.do === 'emit' ? [effect] : []));
    expect(told.map(({ event }) => event)).toEqual([{ event: 'health_changed', healthy: false }]);
    expect(told.map((effect) => [phaseOf(effect.state), nextStartOf(effect.state)])).toEqual([
      ['backoff', null],
    ]);
    expect(play([condemned(), exited()], state).effects).not.toContain('health_changed');
  });

  test('gives each event the state right after it', () => {
    const { state: ready } = play(toReady);
    const [, effects] = step(policy, 1000, ready, exited());
    const phases = effects.flatMap((effect) =>
      effect.do === 'emit'
        ? [[effect.event.event, phaseOf(effect.state), effect.state.incarnation]]
        : [],
    );
    expect(phases).toEqual([
      ['child_died_unexpectedly', 'backoff', 1],
      ['health_changed', 'backoff', 1],
      ['backoff', 'backoff', 1],
      ['starting', 'starting', 2],
    ]);
  });

  test('goes on counting where an earlier thread left off', () => {
    const earlier = initialSupervisor(7, 3);
    const { state, effects } = play([{ type: 'open', delayMs: 500 }], earlier);
    expect(nextStartOf(state)).toBe(1500);
    expect(effects).toEqual(['restart timer 500', 'backoff']);
    const started = play([timer('restart', 7), ticket, spawned(8), handshaken(8)], state);
    expect(started.state).toMatchObject({ incarnation: 8, restarts: 4, phase: 'ready' });
    expect(started.effects).toContain('respawned');
  });

  test('counts as restarts what began again, not what was woken', () => {
    const woken = play([...toReady, rest('idle'), exited(), wake, ticket, handshaken(2)]);
    expect(woken.state).toMatchObject({ incarnation: 2, restarts: 0 });
    const anew = play([...toReady, rest('restart'), exited(), ticket, handshaken(2)]);
    expect(anew.state).toMatchObject({ incarnation: 2, restarts: 1 });
    expect(anew.state.deaths).toEqual(woken.state.deaths);
  });

  test('says how long a start was waited for', () => {
    const [, effects] = step(
      policy,
      0,
      play([open, ticket, spawned(), busyStart, timer('start')]).state,
      exited(),
    );
    expect(JSON.stringify(effects)).toContain('no answer to initialize within 60000 ms');
  });

  test('never tries a server that cannot be started', () => {
    const [state, effects] = step(
      { ...policy, unavailable: 'missing env: A' },
      0,
      initialSupervisor(0, 0),
      open,
    );
    expect(phaseOf(state)).toBe('failed');
    expect(nextStartOf(state)).toBeNull();
    expect(effects.map(short)).toEqual(['health_changed']);
    expect(play([timer('restart', 0)], state).effects).toEqual([]);
  });
});
