/**
 * The machine in a simulated world: a clock, timers that fire late or early relative to everything
 * else, one ticket office, and children that die whenever they like.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { step } from '#src/shared/machines/supervisor.ts';
import {
  initialSupervisor,
  type SupervisorEffect,
  type SupervisorInput,
  type SupervisorState,
  type SupervisorTimer,
} from '#src/shared/machines/supervisor-state.ts';

const FEATURES = {
  tools: true,
  prompts: false,
  resources: false,
  logging: true,
};

const policy = {
  restart: { intensity: 4, periodMs: 10_000, backoffMs: 100, backoffMaxMs: 4000, stableMs: 2000 },
  startTimeoutMs: 3000,
  unavailable: null,
};

type Command =
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'grant' | 'handshake' | 'condemn' | 'stop' | 'stale' | 'wake' }
  | { readonly do: 'rest'; readonly into: 'idle' | 'restart' }
  | { readonly do: 'die' | 'away'; readonly random: number };

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(3000) }) },
  { weight: 6, arbitrary: fc.constant({ do: 'grant' as const }) },
  { weight: 4, arbitrary: fc.constant({ do: 'handshake' as const }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('die' as const),
      random: fc.double({ min: 0, max: 0.9999, noNaN: true }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('away' as const),
      random: fc.double({ min: 0, max: 0.9999, noNaN: true }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: 'condemn' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'stale' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'wake' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('rest' as const),
      into: fc.constantFrom('idle' as const, 'restart' as const),
    }),
  },
);

class World {
  now = 0;
  state: SupervisorState = initialSupervisor(0, 0);
  alive = false;
  ticket: 'none' | 'wanted' | 'held' = 'none';
  readonly spawns: number[] = [];
  readonly timers = new Map<SupervisorTimer, { at: number; incarnation: number }>();

  feed(input: SupervisorInput): void {
    const before = this.state;
    const [state, effects] = step(policy, this.now, before, input);
    this.state = state;
    if (before.phase === 'stopped') ensure(effects.length === 0, 'effects after stopped');
    for (const effect of effects) this.#run(effect);
    if (state.phase === 'stopped') ensure(this.ticket === 'none', 'a ticket is kept for ever');
  }

  run(next: Command): void {
    const { incarnation } = this.state;
    switch (next.do) {
      case 'wait':
        return this.#wait(this.now + next.ms);
      case 'grant':
        if (this.ticket === 'wanted') {
          this.ticket = 'held';
          this.feed({ type: 'ticket' });
        }
        return;
      case 'handshake':
        if (this.alive) this.feed({ type: 'handshaken', incarnation, features: FEATURES });
        return;
      case 'condemn':
        if (this.alive) this.feed({ type: 'condemned', incarnation, reason: 'noise', detail: '' });
        return;
      case 'die':
        if (!this.alive) return;
        this.alive = false;
        return this.feed({ type: 'exited', incarnation, ...death, random: next.random });
      case 'away': {
        if (!this.alive) return;
        this.alive = false;
        const { random } = next;
        return this.feed({ type: 'away', incarnation, detail: '', waitedMs: 0, random });
      }
      case 'stop':
        return this.feed({ type: 'stop', eofMs: 600, termMs: 500 });
      case 'wake':
        return this.feed({ type: 'wake' });
      case 'rest': {
        const { into } = next;
        return this.feed({ type: 'rest', incarnation, into, eofMs: 600, termMs: 500 });
      }
      case 'stale':
        this.feed({ type: 'exited', incarnation: incarnation - 1, ...death, random: 0 });
        this.feed({ type: 'handshaken', incarnation: incarnation - 1, features: FEATURES });
        this.feed({ type: 'timer', incarnation: incarnation - 1, timer: 'restart', busy: false });
        return this.feed({ type: 'spawned', incarnation: incarnation + 1, pid: 1 });
      default:
        next satisfies never;
    }
  }

  /** Fires due timers in order. */
  #wait(until: number): void {
    for (;;) {
      const due = [...this.timers].sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined || due[1].at > until) break;
      const [timer, { at, incarnation }] = due;
      this.timers.delete(timer);
      this.now = at;
      this.feed({ type: 'timer', timer, incarnation, busy: at % 2 === 0 });
    }
    this.now = until;
    const heldFor = this.now - (this.spawns.at(-1) ?? this.now);
    ensure(this.ticket !== 'held' || heldFor <= 5000, 'a ticket is held too long');
  }

  #run(effect: SupervisorEffect): void {
    switch (effect.do) {
      case 'want_ticket':
        ensure(this.ticket === 'none', 'a second ticket is asked for');
        this.ticket = 'wanted';
        return;
      case 'return_ticket':
        ensure(this.ticket !== 'none', 'a ticket is handed back twice');
        this.ticket = 'none';
        return;
      case 'spawn':
        ensure(!this.alive, 'a second child');
        // A server that is away is tried again without one.
        ensure(
          this.ticket === (this.state.absence === null ? 'held' : 'none'),
          'a start without a ticket',
        );
        this.alive = true;
        this.spawns.push(this.now);
        return;
      case 'timer':
        this.timers.set(effect.timer, {
          at: this.now + effect.ms,
          incarnation: this.state.incarnation,
        });
        return;
      case 'emit':
      case 'end_input':
      case 'terminate':
      case 'kill':
      case 'fail_calls':
        return;
      default:
        effect satisfies never;
    }
  }
}

/** Cheaper than an assertion of the test library, and called very often. */
function ensure(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

const death = { code: 1, signal: null, detail: 'exited' } as const;

function explore(commands: readonly Command[], more: readonly Command[] = []): World {
  const world = new World();
  world.feed({ type: 'open', delayMs: 0 });
  for (const next of [...commands, ...more]) world.run(next);
  return world;
}

describe('whatever happens', { timeout: 60_000 }, () => {
  test('there is never a second child, and a ticket is always handed back', () => {
    const runs = fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
      explore(commands);
    });
    expect(() => fc.assert(runs, { numRuns: 2000 })).not.toThrow();
  });

  test('a stop ends it within its time, and nothing follows', () => {
    fc.assert(
      fc.property(
        fc.array(command, { maxLength: 40 }),
        fc.array(command, { maxLength: 20 }),
        (before, after) => {
          const world = explore(before, [{ do: 'stop' }, { do: 'wait', ms: 1600 }]);
          expect(world.state.phase).toBe('stopped');
          for (const next of after) world.run(next);
          expect(world.state.phase).toBe('stopped');
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('restarts within a period stay within what the policy allows', () => {
    const { intensity, periodMs, backoffMaxMs } = policy.restart;
    // After the crash loop has begun, starts are at least half the slowest back-off apart.
    const allowed = intensity + Math.floor(periodMs / (backoffMaxMs / 2));
    const round = fc.record({
      random: fc.constantFrom(0, 0.01, 0.3, 0.9),
      lives: fc.constantFrom<Command[]>([], [{ do: 'handshake' }, { do: 'wait', ms: 2500 }]),
      pause: fc.nat(1000),
    });
    const runs = fc.property(fc.array(round, { minLength: 30, maxLength: 100 }), (rounds) => {
      const commands = rounds.flatMap(({ random, lives, pause }): Command[] => [
        { do: 'grant' },
        ...lives,
        { do: 'die', random },
        { do: 'wait', ms: pause },
      ]);
      const restarts = explore(commands).spawns.slice(1);
      restarts.forEach((start, first) => {
        const within = restarts.slice(first).filter((at) => at - start < periodMs);
        ensure(within.length <= allowed, `${within.length} restarts within a period`);
      });
    });
    expect(() => fc.assert(runs, { numRuns: 300 })).not.toThrow();
  });

  test('a server that is killed again and again is started again and again', () => {
    const round: Command[] = [
      { do: 'grant' },
      { do: 'die', random: 0.9 },
      { do: 'wait', ms: 4000 },
    ];
    const world = explore(Array.from({ length: 50 }, () => round).flat());
    expect(world.spawns).toHaveLength(50);
  });
});
