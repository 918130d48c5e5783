/** A circuit that was open for long enough says so once, without a call. */
import { expect, test } from 'vitest';
import { Circuit } from '#src/main/calls/circuit.ts';
import type { Logger } from '#src/main/logger.ts';

test('it lapses when its time is over, once, and is half-open from then on', () => {
  const quiet = () => undefined;
  const events: unknown[] = [];
  const server = {
    config: { name: 'one', breaker: { failures: 1, cooldownMs: 1000 } },
    cause: null,
    observer: { circuitOpened: quiet },
    audit: { event: ({ facts }: { facts?: unknown }) => void events.push(facts) },
  };
  const circuit = new Circuit(server, { warn: quiet, error: quiet } as unknown as Logger);
  expect(circuit.lapse(0)).toBe(false);
  circuit.failure('incarnation:1', 0, null);
  expect(circuit.openUntil).toBe(1000);
  expect([circuit.lapse(0), circuit.lapse(999)]).toEqual([false, false]);
  expect([circuit.lapse(1000), circuit.lapse(2000)]).toEqual([true, false]);
  expect(circuit.record(2000)).toMatchObject({ circuit_state: 'half-open', retry_at: null });
  expect(events).toMatchObject([{ to: 'open' }, { from: 'open', to: 'half-open' }]);
});
