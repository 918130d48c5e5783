/** What the supervisor machine tells of its steps: events, reasons, counts and times. */
import { describe, expect, test } from 'vitest';
import { step } from '#src/shared/machines/supervisor.ts';
import {
  initialSupervisor,
  nextStartOf,
  phaseOf,
  pidOf,
} from '#src/shared/machines/supervisor-state.ts';
import {
  busyStart,
  condemned,
  exited,
  handshaken,
  open,
  play,
  policy,
  rest,
  short,
  spawned,
  ticket,
  timer,
  toReady,
  wake,
} from './supervisor-inputs.ts';

describe('the supervisor machine', () => {
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
