/** What is kept for the page while somebody looks: the last of it, numbered, and bounded. */
import { serialize } from 'node:v8';
import { expect, test } from 'vitest';
import { Ring } from '#src/main/ui/ring.ts';
import { UsageHistory } from '#src/main/ui/usage-history.ts';

test('whoever looks again gets only what has come since', () => {
  const ring = new Ring<number>(3);
  expect(ring.since(0)).toEqual({ next: 0, list: [] });
  ring.push(10);
  ring.push(11);
  expect(ring.since(0)).toEqual({ next: 2, list: [10, 11] });
  expect(ring.since(1)).toEqual({ next: 2, list: [11] });
  expect(ring.since(2)).toEqual({ next: 2, list: [] });
});

test('what was dropped is gone, and a number of another time gets all', () => {
  const ring = new Ring<number>(3);
  for (let one = 0; one < 10; one++) ring.push(one);
  for (const from of [0, 6, 11, -1, 1.5, Number.NaN]) {
    expect(ring.since(from)).toEqual({ next: 10, list: [7, 8, 9] });
  }
  expect(ring.since(8)).toEqual({ next: 10, list: [8, 9] });
});

const used = (name: string | null, rss_mb: number | null, cpu_percent: number | null) => {
  return { name, rss_mb, cpu_percent };
};

test('memory and CPU of ten minutes, with gaps where there was no process', () => {
  const history = new UsageHistory();
  history.sample([used('one', 10.04, null)]);
  history.sample([used('one', null, null), used(null, 1, 1)]);
  history.sample([used('one', 12, 99.96), used('two', 1, 0)]);
  expect(history.rev).toBe(3);
  expect(history.lines()).toEqual({
    one: { memory: [10, null, 12], cpu: [null, null, 100] },
    two: { memory: [null, null, 1], cpu: [null, null, 0] },
  });
  for (let at = 0; at < 200; at++) history.sample([used('two', at, 0)]);
  const { one, two } = history.lines();
  expect(one).toBeUndefined();
  expect(two?.memory).toHaveLength(120);
  expect(two?.memory.at(0)).toBe(80);
  expect(two?.memory.at(-1)).toBe(199);
});

test('a hundred servers and all that is kept of calls take less than 1 MiB', () => {
  const history = new UsageHistory();
  const servers = Array.from({ length: 100 }, (_, at) => used(`server-${at}`, 123.4, 56.7));
  for (let at = 0; at < 130; at++) history.sample(servers);
  // Two figures of four bytes for each sample.
  const usageBytes = Object.keys(history.lines()).length * 120 * 2 * 4;
  const ring = new Ring<object>(1000);
  for (let at = 0; at < 1500; at++) {
    ring.push({
      when: '12:00:00',
      client: 'c'.repeat(64),
      server: 's'.repeat(32),
      what: 't'.repeat(128),
      took: '1.4 s',
      outcome: 'ERR_OUTCOME_UNKNOWN',
      bytes: 123_456,
      given: 'g'.repeat(220),
    });
  }
  const { list } = ring.since(0);
  expect(list).toHaveLength(1000);
  expect(usageBytes + serialize(list).length).toBeLessThan(1024 * 1024);
});
