/** Which server is read while the process holds too much: the rules one by one, for any credit. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CreditTurn,
  type CreditView,
  isWaiting,
  onChunk,
  onSent,
  onTimer,
  RESERVE_BYTES,
} from '#src/workers/supervisor/limits/credit-turn.ts';

const MIB = 1024 * 1024;
const TURNS: readonly CreditTurn[] = ['open', 'waiting', 'turn', 'turn_used', 'closed'];

/** Over the soft limit, with a message begun and others before it in the queue. */
function credit(changes: Partial<CreditView> = {}): CreditView {
  return {
    overSoft: true,
    overHard: false,
    ownBytes: MIB,
    heldBytes: MIB,
    isFirst: () => false,
    ...changes,
  };
}

const anyTurn = fc.oneof(fc.constantFrom(...TURNS), fc.constant<CreditTurn>('waiting'));
const many = { numRuns: 1000 };
const anyCredit = fc
  .record({
    level: fc.constantFrom('below', 'soft', 'hard'),
    ownBytes: fc.nat(4 * RESERVE_BYTES),
    heldBytes: fc.oneof(fc.constant(0), fc.nat(64 * MIB)),
    first: fc.boolean(),
    firstAmongHolding: fc.boolean(),
  })
  .map(({ level, ownBytes, heldBytes, first, firstAmongHolding }) =>
    credit({
      overSoft: level !== 'below',
      overHard: level === 'hard',
      ownBytes,
      heldBytes,
      isFirst: (amongHolding) => (amongHolding ? firstAmongHolding : first),
    }),
  );

describe('for any credit', () => {
  test('a server is read when the process holds little, and one that holds little always', () => {
    fc.assert(
      fc.property(anyTurn, anyCredit, (turn, view) => {
        fc.pre(!view.overSoft || view.ownBytes < RESERVE_BYTES);
        expect(isWaiting(onChunk(turn, view))).toBe(false);
        expect(isWaiting(onTimer(turn, view))).toBe(false);
      }),
      many,
    );
  });

  test('any other server queues after each chunk, unless it finishes a message in its turn', () => {
    fc.assert(
      fc.property(anyTurn, anyCredit, (turn, view) => {
        fc.pre(turn !== 'closed' && view.overSoft && view.ownBytes >= RESERVE_BYTES);
        const finishes = turn === 'turn' && view.heldBytes > 0;
        expect(onChunk(turn, view)).toBe(finishes ? 'turn' : 'waiting');
      }),
      many,
    );
  });

  test('a turn begins in the queue only, and beyond the hard limit only for a message begun', () => {
    fc.assert(
      fc.property(anyTurn, anyCredit, (turn, view) => {
        fc.pre(view.overSoft && view.ownBytes >= RESERVE_BYTES);
        const mayBegin = view.overHard
          ? view.heldBytes > 0 && view.isFirst(true)
          : view.isFirst(false);
        expect(onTimer(turn, view) === 'turn').toBe(turn === 'waiting' && mayBegin);
      }),
      many,
    );
  });

  test('after the end nothing is throttled', () => {
    fc.assert(
      fc.property(anyCredit, (view) => {
        expect([onSent('closed'), onChunk('closed', view), onTimer('closed', view)]).toEqual(
          Array(3).fill('closed'),
        );
      }),
    );
  });
});

test('a turn ends with the first message, even if another one is unfinished', () => {
  const turn = onTimer('waiting', credit({ isFirst: () => true }));
  expect([turn, onChunk(turn, credit())]).toEqual(['turn', 'turn']);
  expect(onChunk(onSent(turn), credit())).toBe('waiting');
});

test('a turn in which nothing arrives ends, and its server does not queue', () => {
  expect(onTimer('turn', credit())).toBe('open');
  expect(onTimer('turn_used', credit())).toBe('open');
});

test('a message that is sent outside of a turn changes nothing', () => {
  expect([onSent('open'), onSent('waiting')]).toEqual(['open', 'waiting']);
});
