import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { LatencyWindow } from '#src/main/calls/latency.ts';

// A safety net for a busy machine: the properties take well under a second each.
vi.setConfig({ testTimeout: 60_000 });

const TOLERANCE = 0.0501;

function exact(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

test('knows nothing before the first call', () => {
  expect(new LatencyWindow().quantile(0.5)).toBeNull();
});

test('is within 5 % of the true quantile, from 10 µs to an hour', () => {
  const latency = fc.double({ min: -2, max: 6.5, noNaN: true }).map((power) => 10 ** power);
  fc.assert(
    fc.property(fc.array(latency, { minLength: 1, maxLength: 300 }), (values) => {
      const window = new LatencyWindow();
      for (const value of values) window.record(value, 0);
      for (const q of [0, 0.01, 0.5, 0.9, 0.99, 1]) {
        const expected = exact(values, q);
        const error = Math.abs((window.quantile(q) ?? Number.NaN) - expected) / expected;
        expect(error).toBeLessThan(TOLERANCE);
      }
    }),
    { numRuns: 500 },
  );
});

// In both directions: what is left over must not be found by rank either.
describe.each([
  ['slow', 500, 5],
  ['fast', 5, 500],
])('having been %s', (_, before, after) => {
  /** Whether all calls it still knows took `value`, give or take 5 %. */
  const knowsOnly = (window: LatencyWindow, value: number) =>
    [0, 1].every((q) => Math.abs((window.quantile(q) ?? 0) / value - 1) < TOLERANCE);

  test('remembers the last window and forgets the one before', () => {
    const window = new LatencyWindow(1000);
    for (let call = 0; call < 100; call++) window.record(before, call);
    expect(knowsOnly(window, before)).toBe(true);
    for (let call = 0; call < 100; call++) window.record(after, 1000 + call);
    expect(knowsOnly(window, after)).toBe(false);
    for (let call = 0; call < 100; call++) window.record(after, 2000 + call);
    expect(knowsOnly(window, after)).toBe(true);
  });

  test('forgets everything at the first call after a long silence', () => {
    const window = new LatencyWindow(1000);
    window.record(before, 0);
    window.record(before, 1500);
    window.record(after, 60_000);
    expect(knowsOnly(window, after)).toBe(true);
  });
});

test.each([
  ['zero', 0, 0.011],
  ['a negative time', -5, 0.011],
  ['a day', 86_400_000, Number.POSITIVE_INFINITY],
  ['for ever', Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
])('survives %s', (_, ms, atMost) => {
  const window = new LatencyWindow();
  window.record(ms, 0);
  const value = window.quantile(0.5);
  expect(value).toBeGreaterThan(0);
  expect(value).toBeLessThan(atMost);
});

test('leaves out what is not a number', () => {
  const window = new LatencyWindow();
  window.record(Number.NaN, 0);
  expect(window.quantile(0.5)).toBeNull();
});
