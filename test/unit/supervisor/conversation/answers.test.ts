/** Whatever happens to calls, each of them ends once. */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ConversationWorld } from '../../../support/conversation-world.ts';

type Step = {
  readonly do: 'call' | 'cancel' | 'take_back' | 'answer' | 'error' | 'malformed' | 'lose';
  readonly call: number;
};

const LOSS = { code: 'ERR_OUTCOME_UNKNOWN', outcome: 'unknown', message: 'lost' } as const;
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    do: fc.constantFrom(
      'call' as const,
      'call' as const,
      'cancel' as const,
      'take_back' as const,
      'answer' as const,
      'error' as const,
      'malformed' as const,
      'lose' as const,
    ),
    // Main's are even.
    call: fc.nat(5).map((at) => 2 * at),
  }),
  { maxLength: 60 },
);

/** What is expected, with no more than sets. */
class Model {
  readonly open = new Set<number>();
  readonly late = new Set<number>();
  readonly ends: string[] = [];
  readonly used = new Set<number>();
  strays = 0;
  noise = 0;

  apply({ do: what, call }: Step): void {
    if (what === 'call') {
      this.used.add(call);
      this.open.add(call);
    } else if (what === 'cancel' || what === 'take_back') {
      if (this.open.delete(call) && what === 'cancel') this.late.add(call);
    } else if (this.open.delete(call)) {
      this.ends.push(`${what} ${call}`);
    } else if (what === 'malformed') {
      this.noise += 1;
    } else if (what !== 'lose' && !this.late.delete(call)) {
      this.strays += 1;
    }
  }
}

function apply(world: ConversationWorld, { do: what, call }: Step): void {
  switch (what) {
    case 'call':
      return world.call(call);
    case 'take_back':
      world.line.unsent.add(call);
      return world.conversation.cancel(call, '');
    case 'cancel':
      world.line.unsent.delete(call);
      return world.conversation.cancel(call, '');
    case 'answer':
      return world.say(`{"jsonrpc":"2.0","id":${call},"result":{}}`);
    case 'error':
      return world.say(`{"jsonrpc":"2.0","id":${call},"error":{"code":1,"message":""}}`);
    case 'malformed':
      return world.say(`{"id":${call},"result":{}}`);
    case 'lose':
      return world.conversation.lost(call, LOSS);
    default:
      what satisfies never;
  }
}

/** What main was told of calls, in the words of the steps. */
function ends(world: ConversationWorld): string[] {
  return world.posted.map((message) => {
    if (message.type === 'answer') {
      return `${message.isError ? 'error' : 'answer'} ${message.call}`;
    }
    if (message.type !== 'call_failed') return message.type;
    return `${message.outcome === 'unknown' ? 'lose' : 'malformed'} ${message.call}`;
  });
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a call is answered, fails, is cancelled or is left over, and nothing else happens to it', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const world = new ConversationWorld();
      world.shakeHands({});
      const model = new Model();
      for (const step of all) {
        // Main uses each number once.
        if (step.do === 'call' && model.used.has(step.call)) continue;
        apply(world, step);
        model.apply(step);
      }
      const { conversation } = world;
      expect(ends(world)).toEqual(model.ends);
      expect([conversation.strayAnswers, conversation.noiseLines]).toEqual([
        model.strays,
        model.noise,
      ]);
      expect(conversation.close()).toEqual([...model.open]);
      expect(conversation.close()).toEqual([]);
    }),
  );
});
