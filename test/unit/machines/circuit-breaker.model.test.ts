import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import {
  type BreakerEffect,
  type BreakerEvent,
  type BreakerState,
  INITIAL_BREAKER,
  step,
} from '#src/shared/machines/circuit-breaker.ts';

// A safety net for a busy machine: the properties take well under a second each.
vi.setConfig({ testTimeout: 60_000 });

const POLICY = { failures: 3, cooldownMs: 1000 };
const RUNS = 1500;

const EDGES: Readonly<Record<string, readonly string[]>> = {
  'closed>open': ['failure_threshold'],
  'open>half-open': ['cooldown_elapsed', 'recovered'],
  'half-open>closed': ['recovered'],
  'half-open>open': ['half_open_failed'],
};

type Command =
  | { readonly do: 'call' }
  | { readonly do: 'answer' | 'cancel' | 'timeout'; readonly pick: number }
  | { readonly do: 'die' | 'report death again' | 'ready' | 'ready again' | 'stable' | 'tick' };

/** A gateway in miniature: it knows what was really posted, and checks every answer of the machine. */
class Gateway {
  #state: BreakerState = INITIAL_BREAKER;
  #now = 0;
  #nextCall = 1;
  #incarnation = 1;
  #readyIncarnation = 0;
  #deaths = 0;
  #posted: number[] = [];
  #probes = new Set<number>();
  #incidentsInARow = 0;
  #openedAt = 0;

  run(command: Command, elapsed: number): void {
    this.#now += elapsed;
    switch (command.do) {
      case 'call':
        return this.#call();
      case 'answer':
        return this.#settle(command.pick, (call) => ({ type: 'success', call }));
      case 'cancel':
        return this.#settle(command.pick, (call) => ({ type: 'released', call }));
      case 'timeout':
        return this.#settle(command.pick, (call) => ({
          type: 'failure',
          incident: `call:${call}`,
          call,
        }));
      case 'die':
        this.#deaths += 1;
        this.#incarnation += 1;
        this.#send({ type: 'failure', incident: `death:${this.#deaths}`, call: null });
        // Every call in flight is lost with the process and reported as part of the same incident.
        for (const call of this.#posted.splice(0)) {
          this.#probes.delete(call);
          this.#sameState({ type: 'failure', incident: `death:${this.#deaths}`, call });
          this.#send({ type: 'released', call });
        }
        return;
      case 'report death again':
        if (this.#deaths === 0) return;
        return this.#sameState({
          type: 'failure',
          incident: `death:${this.#deaths}`,
          call: null,
        });
      case 'ready':
        this.#readyIncarnation = this.#incarnation;
        this.#send({ type: 'ready', incarnation: this.#incarnation });
        return;
      case 'ready again':
        return this.#sameState({ type: 'ready', incarnation: this.#readyIncarnation });
      case 'stable':
        this.#send({ type: 'success', call: null });
        return;
      case 'tick':
        this.#send({ type: 'tick' });
    }
  }

  #call(): void {
    const call = this.#nextCall++;
    const wasClosed = this.#state.kind === 'closed';
    const effects = this.#send({ type: 'acquire', call });
    const decision = effects.at(-1);
    if (decision?.type === 'pass') {
      assert.equal(decision.probe, !wasClosed);
      this.#posted.push(call);
      if (decision.probe) this.#probes.add(call);
      assert.ok(this.#probes.size <= 1);
    } else if (decision?.type === 'refuse') {
      assert.equal(wasClosed, false);
      if (decision.retryAt === null) assert.equal(this.#probes.size, 1);
      else {
        assert.ok(decision.retryAt > this.#now);
        assert.equal(decision.retryAt, this.#openedAt + POLICY.cooldownMs);
      }
    }
  }

  #settle(pick: number, event: (call: number) => BreakerEvent): void {
    if (this.#posted.length === 0) return;
    const [call] = this.#posted.splice(pick % this.#posted.length, 1);
    if (call === undefined) return;
    this.#probes.delete(call);
    this.#send(event(call));
  }

  #sameState(event: BreakerEvent): void {
    const before = this.#state;
    assert.deepEqual(this.#send(event), []);
    assert.equal(this.#state, before);
  }

  #send(event: BreakerEvent): readonly BreakerEffect[] {
    const before = this.#state;
    const [after, effects] = step(POLICY, this.#now, before, event);
    this.#state = after;
    const transitions = effects.filter((effect) => effect.type === 'transition');
    assert.equal(effects.length - transitions.length, event.type === 'acquire' ? 1 : 0);
    assert.equal(transitions.length, before.kind === after.kind ? 0 : 1);
    this.#count(before, event);
    for (const { from, to, reason, retryAt } of transitions) {
      assert.deepEqual([from, to], [before.kind, after.kind]);
      assert.ok(EDGES[`${from}>${to}`]?.includes(reason));
      if (from === 'closed') assert.equal(this.#incidentsInARow, POLICY.failures);
      if (reason === 'cooldown_elapsed') {
        assert.ok(this.#now - this.#openedAt >= POLICY.cooldownMs);
      }
      if (from === 'open' && reason === 'recovered') assert.equal(event.type, 'ready');
      if (to === 'open') {
        this.#openedAt = this.#now;
        // What a call of an earlier half-open period shows later decides nothing any more.
        this.#probes.clear();
        assert.equal(retryAt, this.#now + POLICY.cooldownMs);
      }
      if (to === 'closed') {
        this.#probes.clear();
        this.#incidentsInARow = 0;
      }
    }
    if (after.kind === 'closed') assert.ok(this.#incidentsInARow < POLICY.failures);
    return effects;
  }

  #count(before: BreakerState, event: BreakerEvent): void {
    if (before.kind !== 'closed') return;
    if (event.type === 'success') this.#incidentsInARow = 0;
    if (event.type === 'failure' && !before.seen.includes(event.incident)) {
      this.#incidentsInARow += 1;
    }
  }
}

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Command>({ do: 'call' }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('answer', 'cancel', 'timeout', 'timeout'),
      pick: fc.nat(20),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('die', 'report death again', 'ready', 'ready again', 'stable', 'tick'),
    }),
  },
);
/** Mostly short steps; also exactly the cooldown, and a machine that slept for a year. */
const elapsed = fc.oneof(
  fc.nat(400),
  fc.constantFrom(0, 0, 999, 1000, 1001, 3_600_000, 31_536_000_000),
);

test('keeps its promises in any order of events, clocks stepping forward by any amount', () => {
  let commands = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(command, elapsed), { maxLength: 60, size: 'max' }), (story) => {
      const gateway = new Gateway();
      for (const [next, by] of story) gateway.run(next, by);
      commands += story.length;
    }),
    { numRuns: RUNS },
  );
  expect(commands).toBeGreaterThan(10_000);
});
