import { describe, expect, it } from 'vitest';
import { type LockStep, step } from '#src/shared/machines/lock.ts';
import { claimOn, explore, line } from '../../support/lock-model.ts';

/** Protocols with one idea left out; the checker has to notice each. */
const mutants: Record<string, typeof step> = {
  'without a claim': (self, state, reply) => {
    const next = step(self, state, reply);
    if (next.state.at !== 'claiming') return next;
    return { state: { ...next.state, at: 'checking' }, effect: { do: 'read', name: self.lock } };
  },
  'without reading the lock again': (self, state, reply) => {
    const next = step(self, state, reply);
    if (next.state.at !== 'checking') return next;
    const rename: LockStep = {
      state: { at: 'replacing', claim: next.state.claim },
      effect: { do: 'rename', name: self.lock },
    };
    return rename;
  },
  'with rename where nobody holds the lock': (self, state, reply) => {
    const next = step(self, state, reply);
    if (next.effect?.do !== 'link' || next.state.at !== 'linking') return next;
    return { ...next, effect: { do: 'rename', name: self.lock } };
  },
  'that ignores the claims of the living': (self, state, reply) =>
    step(self, state, state.at === 'claim_judging' ? { is: 'dead' } : reply),
  'that unlinks the dead lock and makes its own': (self, state, reply) => {
    const next = step(self, state, reply);
    if (next.state.at !== 'claiming') return next;
    return { state: { at: 'clearing' }, effect: { do: 'unlink', name: self.lock } };
  },
};

describe('the lock protocol, in every interleaving of its system calls', () => {
  it('is safe and live for two processes that try twice, with two crashes', () => {
    const found = explore({ processes: 2, rounds: 2, crashes: 2 });
    expect(found).toMatchObject({ unsafe: 0, stuck: 0 });
    expect(found.states).toBeGreaterThan(1000);
  });

  it('is safe and live for three processes, with two crashes', () => {
    const found = explore({ processes: 3, rounds: 1, crashes: 2 });
    expect(found).toMatchObject({ unsafe: 0, stuck: 0 });
    expect(found.states).toBeGreaterThan(10_000);
  });

  it('is safe and live when threads die and are replaced within their process', () => {
    const found = explore({ processes: 2, rounds: 2, crashes: 2, threadDeaths: 2 });
    expect(found).toMatchObject({ unsafe: 0, stuck: 0 });
  });

  it.each([
    ['no lock at all', {}],
    ['an empty lock', { L: '' }],
    ['a truncated lock', { L: '12' }],
    ['a claim of a dead process', { L: line(900), [claimOn(900)]: line(901) }],
    [
      'a chain of dead claims',
      { L: line(900), [claimOn(900)]: line(901), [claimOn(901)]: line(902) },
    ],
    ['an unreadable claim', { L: line(900), [claimOn(900)]: '' }],
    ['a claim on the lock of somebody long gone', { L: line(900), [claimOn(902)]: line(903) }],
  ])('is safe and live from %s', (_name, files) => {
    const found = explore({ processes: 2, rounds: 2, crashes: 2, files });
    expect(found).toMatchObject({ unsafe: 0, stuck: 0 });
  });
});

describe('the model checker', () => {
  it.each(Object.entries(mutants))('finds two owners in a protocol %s', (_name, mutant) => {
    const found = explore({ processes: 2, rounds: 2, crashes: 1, step: mutant });
    expect(found.unsafe).toBeGreaterThan(0);
    expect(found.trace.length).toBeGreaterThan(5);
  });

  it('finds the end of the road in a protocol that respects an empty lock', () => {
    const timid: typeof step = (self, state, reply) =>
      step(self, state, reply.is === 'malformed' ? { is: 'failed', why: 'odd' } : reply);
    const found = explore({ processes: 2, rounds: 1, crashes: 0, files: { L: '' }, step: timid });
    expect(found).toMatchObject({ unsafe: 0 });
    expect(found.stuck).toBeGreaterThan(0);
  });

  it('finds the end of the road in a protocol that respects dead claims', () => {
    const timid: typeof step = (self, state, reply) =>
      step(self, state, state.at === 'claim_judging' ? { is: 'alive' } : reply);
    const found = explore({ processes: 2, rounds: 1, crashes: 1, step: timid });
    expect(found.stuck).toBeGreaterThan(0);
  });
});
