import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { NoiseReport } from '#src/workers/supervisor/limits/noise.ts';
import { StdoutWatch } from '#src/workers/supervisor/limits/stdout-watch.ts';

let reports: NoiseReport[] = [];
let verdicts: string[] = [];
let watch: StdoutWatch;

beforeEach(() => {
  vi.useFakeTimers();
  reports = [];
  verdicts = [];
  watch = new StdoutWatch({
    maxBytes: 1000,
    onReport: (report) => reports.push(report),
    onTooMuch: (detail) => verdicts.push(detail),
  });
});
afterEach(() => {
  watch.close();
  expectNoTimers();
  vi.useRealTimers();
});

function expectNoTimers(): void {
  if (vi.getTimerCount() > 0) throw new Error('a timer is left');
}

describe('noise on stdout', () => {
  test('is reported at once, then at most every five seconds, the rest at the end', () => {
    watch.badLine('not JSON', 'one');
    expect(watch.first).toEqual({ why: 'not JSON', sample: 'one' });
    watch.badLine('not JSON', 'two');
    watch.badLine('not JSON', 'three');
    expect(reports).toEqual([{ lines: 1, sample: 'one' }]);
    vi.advanceTimersByTime(5000);
    expect(reports.slice(1)).toEqual([{ lines: 2, sample: 'three' }]);
    vi.advanceTimersByTime(60_000);
    expect(reports).toHaveLength(2);
    watch.badLine('not JSON', 'four');
    watch.badLine('not JSON', 'five');
    watch.end();
    expect(reports.slice(2)).toEqual([
      { lines: 1, sample: 'four' },
      { lines: 1, sample: 'five' },
    ]);
    expect(watch.lines).toBe(5);
  });
});

test('the first line that may have been a message tells most', () => {
  watch.badLine('not JSON', 'listening');
  watch.badLine('syntax', '{"id":1,,}', true);
  watch.badLine('batch', '[]', true);
  watch.badLine('not JSON', 'more');
  expect(watch.first).toEqual({ why: 'syntax', sample: '{"id":1,,}' });
});

describe('a line over the cap', () => {
  test('may end within ten seconds', () => {
    watch.chunk(1001);
    vi.advanceTimersByTime(9999);
    watch.chunk(10);
    vi.advanceTimersByTime(60_000);
    expect(verdicts).toEqual([]);
    expect(watch.reading).toBe(true);
  });

  test('is too much when it does not, however slowly it grows', () => {
    watch.chunk(1001);
    vi.advanceTimersByTime(5000);
    watch.chunk(1002);
    vi.advanceTimersByTime(5000);
    expect(verdicts).toEqual(['a line of more than 1000 bytes does not end']);
    expect(watch.reading).toBe(false);
  });

  test('is too much at four times the cap, told once', () => {
    watch.chunk(4000);
    expect(verdicts).toEqual([]);
    watch.chunk(4001);
    watch.chunk(5000);
    expect(verdicts).toEqual(['a line of more than 4000 bytes']);
  });
});
