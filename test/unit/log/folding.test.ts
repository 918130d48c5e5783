/** What a person at a terminal sees of many records: short lines, repeated ones folded, the end always. */
import { describe, expect, test } from 'vitest';
import { Folding } from '#src/main/log/folding.ts';
import { type ShortLine, shortLine } from '#src/main/log/short-line.ts';

/** Feeds records at their times and looks when it is due; what is shown, with its second. */
function shown(records: readonly (readonly [at: number, record: object])[], until: number) {
  const folding = new Folding();
  const lines: string[] = [];
  const print = (at: number, { server, text }: ShortLine) =>
    lines.push(`${at / 1000} ${server ?? 'rea'}: ${text}`);
  const wait = (now: number) => {
    for (let next = folding.nextAt; next !== null && next <= now; next = folding.nextAt) {
      for (const line of folding.due(next)) print(next, line);
    }
  };
  for (const [at, record] of records) {
    wait(at);
    const line = shortLine({ level: 'info', ...record }, false);
    if (line !== null && folding.take(line, at)) print(at, line);
  }
  wait(until);
  for (const line of folding.rest(until)) print(until, line);
  return lines;
}

const life = (msg: string, fields: object = {}) => ({
  server: 'a',
  incarnation: 2,
  msg,
  ...fields,
});
const died = (code: number) =>
  life('child_died_unexpectedly', {
    level: 'warn',
    reason: 'exit',
    detail: `exited with code ${code}`,
  });

describe('repeated failures', () => {
  test('a first failure and what follows it are shown at once', () => {
    expect(
      shown(
        [
          [0, died(1)],
          [100, life('spawned')],
          [200, life('ready')],
        ],
        60_000,
      ),
    ).toEqual(['0 a: exited with code 1', '0.2 a: ready again']);
  });

  test('further ones are one line with their number, and the last one of them', () => {
    const records = [0, 1000, 2000, 3000].map((at) => [at, died(at / 1000)] as const);
    expect(shown(records, 60_000)).toEqual([
      '0 a: exited with code 0',
      '5 a: exited with code 3 (3 more in 5 s)',
    ]);
  });

  test('that it serves in the end is shown, and not while it goes on failing', () => {
    const records = [
      [0, died(1)],
      [500, life('ready')],
      [1000, died(1)],
      [1500, life('ready')],
      [2000, died(1)],
      [2500, life('ready')],
    ] as const;
    expect(shown(records, 60_000)).toEqual([
      '0 a: exited with code 1',
      '0.5 a: ready again',
      '5 a: exited with code 1 (2 more in 5 s)',
      '5 a: ready again',
    ]);
  });

  test('what goes on is told less often, and after a pause at once again', () => {
    const records = Array.from({ length: 600 }, (_, at) => [at * 100, died(1)] as const);
    const lines = shown([...records, [200_000, died(2)]], 300_000);
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['0', '5', '15', '35', '65', '200']);
    const counted = lines.map((line) => Number(/\((\d+) more/.exec(line)?.[1] ?? 1));
    expect(counted.reduce((sum, one) => sum + one, 0)).toBe(601);
  });

  test('one server and one topic hide no other', () => {
    const other = { ...died(1), server: 'b' };
    const said = { server: 'a', stream: 'stderr', msg: 'hello' };
    const own = { level: 'warn', msg: 'the file has 3 mistakes' };
    const records = [died(1), other, said, own].map((record) => [0, record] as const);
    expect(shown(records, 0)).toEqual([
      '0 a: exited with code 1',
      '0 b: exited with code 1',
      '0 a: | hello',
      '0 rea: the file has 3 mistakes',
    ]);
  });

  test('what a server writes to stderr is one topic, whatever it is', () => {
    const lines = [0, 1, 2, 3].map(
      (at) => [at, { server: 'a', stream: 'stderr', msg: `x${'y'.repeat(at)}` }] as const,
    );
    expect(shown(lines, 60_000)).toEqual(['0 a: | x', '5 a: | xyyy (3 more in 5 s)']);
  });
});

describe('a line', () => {
  const textOf = (record: object) => shortLine({ level: 'info', ...record }, false)?.text ?? null;

  test.each([
    [life('starting', { incarnation: 1 }), 'starting'],
    [life('starting'), null],
    [
      life('circuit state changed', { from: 'open', to: 'closed', reason: 'recovered' }),
      'takes calls again',
    ],
    [life('circuit state changed', { from: 'open', to: 'half-open' }), null],
    [life('backoff', { delayMs: 0, crashLoop: false }), null],
    [
      life('backoff', { delayMs: 30_000, crashLoop: true }),
      'fails again and again; starts again in 30 s',
    ],
    [
      life('child_died_unexpectedly', { detail: 'command not found: x (PATH=/a:/b)' }),
      'command not found: x',
    ],
    [
      { server: 'a', msg: 'ended a process group', pgid: 7, outcome: 'gone' },
      'ended a process group (pgid 7, outcome gone)',
    ],
    [{ msg: 'a scrape failed', err: { message: 'no', stack: 'long' } }, 'a scrape failed (err no)'],
    [{ msg: 'a\nb\u001b[2J\u202ec' }, 'a b\\u001b[2J\\u202ec'],
  ])('%# is short and clean', (record, text) => {
    expect(textOf(record)).toBe(text);
  });

  test('is bounded, whatever is in it', () => {
    const long = 'é'.repeat(100_000);
    const record = { server: long, msg: long, detail: long, list: [long] };
    const line = shortLine({ level: 'warn', ...record }, true);
    expect(line?.text).toHaveLength(200);
    expect(line?.server?.length).toBeLessThanOrEqual(40);
    expect(line?.topic.length).toBeLessThan(300);
  });
});
