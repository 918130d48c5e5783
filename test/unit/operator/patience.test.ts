import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SILENT_MS } from '#src/main/operator/ask.ts';
import { Patience } from '#src/main/operator/patience.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test('of a gateway that says nothing a command speaks before two seconds are over', () => {
  const onEnd = vi.fn<() => void>();
  new Patience(SILENT_MS, onEnd);
  vi.advanceTimersByTime(1400);
  expect(onEnd).not.toHaveBeenCalled();
  vi.advanceTimersByTime(200);
  expect(onEnd).toHaveBeenCalledOnce();
  vi.advanceTimersByTime(60_000);
  expect(onEnd).toHaveBeenCalledOnce();
});

test('each word begins it anew, and nothing ends after the end', () => {
  const onEnd = vi.fn<() => void>();
  const patience = new Patience(SILENT_MS, onEnd);
  for (let second = 0; second < 10; second += 1) {
    vi.advanceTimersByTime(1000);
    patience.heard();
  }
  expect(onEnd).not.toHaveBeenCalled();
  patience.end();
  vi.advanceTimersByTime(60_000);
  expect(onEnd).not.toHaveBeenCalled();
});
