/** A server over HTTP that cannot be reached: what the machine tells of it, and how long it waits. */
import { describe, expect, test } from 'vitest';
import { retryDelay } from '#src/shared/machines/restart.ts';
import { step } from '#src/shared/machines/supervisor.ts';
import {
  isQuiet,
  phaseOf,
  type SupervisorEffect,
  type SupervisorInput,
  type SupervisorState,
} from '#src/shared/machines/supervisor-state.ts';
import {
  condemned,
  exited,
  handshaken,
  open,
  play,
  policy,
  rest,
  stop,
  ticket,
  timer,
  toReady,
} from './supervisor-inputs.ts';

const away = (incarnation = 1, waitedMs = 0): SupervisorInput => ({
  type: 'away',
  incarnation,
  detail: 'nobody listens',
  waitedMs,
  random: 0.5,
});

/** Tries a server that never listens, for so long. @returns the effects that others see, with their times. */
function tried(forMs: number, first: readonly SupervisorInput[]) {
  let { state } = play(first);
  let now = 1000;
  const seen: { at: number; effect: SupervisorEffect; state: SupervisorState }[] = [];
  const feed = (input: SupervisorInput) => {
    const [next, effects] = step(policy, now, state, input);
    state = next;
    for (const effect of effects) seen.push({ at: now, effect, state });
  };
  feed(away(state.incarnation));
  while (now < forMs) {
    const due = seen.findLast(({ effect }) => effect.do === 'timer' && effect.timer === 'restart');
    if (due?.effect.do !== 'timer') throw new Error('no try is due');
    now += due.effect.ms;
    feed(timer('restart', state.incarnation));
    feed(away(state.incarnation));
  }
  return { seen, state, events: seen.filter(({ effect }) => effect.do === 'emit') };
}

describe('a server that cannot be reached', () => {
  test.each([
    [
      'gives its calls back at once',
      [...toReady, away()],
      ['health_changed', 'unreachable', 'fail_calls', 'restart timer 75'],
    ],
    [
      'hands back the ticket of a first start',
      [open, ticket, away()],
      ['return_ticket', 'unreachable', 'fail_calls', 'restart timer 75'],
    ],
    [
      'is tried again without a ticket and without a word',
      [open, ticket, away(), timer('restart')],
      ['start timer 30000', 'spawn'],
    ],
    [
      'is not told again when a try fails',
      [open, ticket, away(), timer('restart'), away(2)],
      ['fail_calls', 'restart timer 150'],
    ],
    [
      'is ready when it answers',
      [open, ticket, away(), timer('restart'), handshaken(2)],
      ['ready', 'stable timer 5000', 'health_changed'],
    ],
    [
      'has died when it refuses the handshake',
      [open, ticket, away(), timer('restart'), exited(2)],
      ['child_died_unexpectedly', 'fail_calls', 'backoff', 'starting', 'want_ticket'],
    ],
    [
      'is given up when it says nothing',
      [open, ticket, away(), timer('restart'), timer('start', 2)],
      ['terminate', 'end_input', 'stop timer 400', 'health_changed'],
    ],
    ['can be stopped meanwhile', [open, ticket, away(), stop], ['fail_calls', 'stopped']],
    [
      'can be stopped during a try',
      [open, ticket, away(), timer('restart'), stop],
      ['end_input', 'stop timer 600'],
    ],
    ['ends as it was to end', [...toReady, rest('idle'), away()], ['fail_calls', 'idle']],
    [
      'dies of what it was condemned for',
      [...toReady, condemned(), away()],
      ['child_died_unexpectedly', 'fail_calls', 'backoff', 'starting', 'want_ticket'],
    ],
    ['is news of the present incarnation only', [...toReady, away(7)], []],
  ] satisfies [string, SupervisorInput[], string[]][])('%s', (_name, inputs, effects) => {
    expect(play(inputs).effects).toEqual(effects);
  });

  test('is in back-off all the time, and told of at the beginning and every five seconds', () => {
    const { seen, events } = tried(60_000, toReady);
    expect(new Set(seen.map(({ state }) => phaseOf(state)))).toEqual(new Set(['backoff']));
    const told = events.map(({ effect }) => (effect.do === 'emit' ? effect.event : null));
    expect(told.slice(0, 2)).toMatchObject([
      { event: 'health_changed', healthy: false },
      { event: 'unreachable', begins: true, forMs: 0, detail: 'nobody listens' },
    ]);
    const later = told.slice(2);
    expect(later).toMatchObject(later.map(() => ({ event: 'unreachable', begins: false })));
    expect(later.length).toBeGreaterThan(8);
    expect(later.length).toBeLessThan(12);
    const times = events.slice(1).map(({ at }) => at);
    for (const [at, time] of times.slice(1).entries()) {
      expect(time - (times[at] ?? 0)).toBeGreaterThanOrEqual(5000);
      expect(time - (times[at] ?? 0)).toBeLessThan(6000);
    }
    // Every try is one more incarnation, and all of them are one restart.
    expect(seen.at(-1)?.state).toMatchObject({ restarts: 1, deaths: { inARow: 0, deaths: [] } });
  });

  test('that was never up has not been restarted', () => {
    expect(tried(10_000, [open, ticket]).state.restarts).toBe(0);
  });

  test('counts for no crash loop afterwards', () => {
    const { state } = tried(60_000, toReady);
    const back = play(
      [timer('restart', state.incarnation), handshaken(state.incarnation + 1)],
      state,
    );
    expect([back.state.phase, back.state.absence, isQuiet(back.state)]).toEqual([
      'ready',
      null,
      false,
    ]);
    const died = play([exited(back.state.incarnation)], back.state);
    expect(died.effects).toContain('starting');
  });

  test('has been away for as long as it took to find out', () => {
    const { state } = play([open, ticket, away(1, 5000)]);
    expect(state.absence).toMatchObject({ since: -4000, toldAt: 1000 });
  });
});

test('it is tried again within a second, and after two minutes within five', () => {
  const steps = Array.from({ length: 20 }, (_, at) => retryDelay(0, at + 1, 0.999));
  expect(Math.max(...steps)).toBeLessThan(1000);
  expect(steps.slice(0, 4).map(Math.round)).toEqual([100, 200, 400, 800]);
  expect(retryDelay(119_999, 200, 0.999)).toBeLessThan(1000);
  expect(retryDelay(120_000, 200, 0)).toBe(2500);
  expect(retryDelay(120_000, 200, 0.999)).toBeLessThanOrEqual(5000);
});
