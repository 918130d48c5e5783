/** The level that each server is asked for, by what sessions and calls want of it. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LogLevels } from '#src/main/routing/log-levels.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function house() {
  const told: string[] = [];
  const levels = new LogLevels((level, server) => void told.push(`${server ?? 'all'} ${level}`));
  return { levels, told, next: () => told.splice(0) };
}

test('a call changes the level of its own server, and of no other', () => {
  const { levels, next } = house();
  const done = levels.want('a', 'debug');
  levels.want('b', 'error');
  expect(next()).toEqual(['a debug', 'b error']);
  done();
  vi.advanceTimersByTime(999);
  expect(next()).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(next()).toEqual(['a info']);
});

test('the most verbose of what is wanted counts, and sessions are not told less for a call', () => {
  const { levels, next } = house();
  levels.ofSessions('info');
  const [one, other] = [levels.want('a', 'error'), levels.want('a', 'debug')];
  expect(next()).toEqual(['all info', 'a info', 'a debug']);
  levels.ofSessions('warning');
  levels.ofSessions(null);
  expect(next()).toEqual(['all warning']);
  other();
  one();
  vi.advanceTimersByTime(1000);
  expect(next()).toEqual(['a warning']);
});

test('calls that follow each other change nothing in between', () => {
  const { levels, next } = house();
  for (let at = 0; at < 5; at += 1) {
    levels.want('a', 'debug')();
    vi.advanceTimersByTime(150);
  }
  expect(next()).toEqual(['a debug']);
  levels.want('a', 'error')();
  vi.advanceTimersByTime(1000);
  expect(next()).toEqual(['a info']);
});
