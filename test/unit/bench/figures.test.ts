import { describe, expect, test } from 'vitest';
import { inShort } from '../../../bench/lib/in-short.ts';
import { jsonText } from '../../../bench/lib/json.ts';
import { comparisons } from '../../../bench/lib/losses.ts';
import { cellText, pivots, remarks, shown, verdict } from '../../../bench/lib/pivot.ts';
import { Recorder } from '../../../bench/lib/recorder.ts';
import type { Goal, ProgramResult, Results } from '../../../bench/lib/results.ts';
import { standing } from '../../../bench/lib/standing.ts';
import { median, quantile, seeded, shuffled, spread } from '../../../bench/lib/statistics.ts';

const LIMITS = { must: 3, aim: 2 };

describe('statistics', () => {
  test('the median of an even number of values is between the middle two', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([3, 1, 2])).toBe(2);
    expect(median([])).toBeNaN();
  });

  test('a quantile is interpolated', () => {
    expect(quantile([0, 10], 0.99)).toBeCloseTo(9.9);
  });

  test('spread is the whole range as a share of the median', () => {
    expect(spread([8, 10, 12])).toBeCloseTo(0.4);
    expect(spread([5])).toBe(0);
  });

  test('the same seed gives the same order, another seed another', () => {
    const items = Array.from({ length: 20 }, (_, at) => at);
    const order = (seed: number) => shuffled(items, seeded(seed));
    expect(order(1)).toEqual(order(1));
    expect(order(1)).not.toEqual(order(2));
    expect(order(1).toSorted((a, b) => a - b)).toEqual(items);
  });
});

describe('recorder', () => {
  const place = (side: string) => ({ metric: 'p50', scenario: '100 B', side });

  function recorded(rows: Readonly<Record<string, readonly number[]>>): Recorder {
    const recorder = new Recorder([{ name: 'p50', unit: 'ms', better: 'lower' }]);
    for (const [side, values] of Object.entries(rows)) {
      for (const p50 of values) recorder.add('100 B', side, { p50 });
    }
    return recorder;
  }

  test('a ratio is taken in each round before the median', () => {
    // A busy second round slows both sides; medians first would give 10 ÷ 1.
    const recorder = recorded({ rea: [2, 20, 10], direct: [1, 10, 1] });
    const part = recorder.ratio('100 B', place('rea'), place('direct'), LIMITS);
    expect(part.value).toBe(2);
    expect(part.spread).toBe(4);
  });

  test('a goal without values has no figure', () => {
    const part = recorded({}).part('100 B', place('rea'), LIMITS);
    expect(part.value).toBeNull();
  });

  test('knows only its own metrics', () => {
    expect(() => recorded({}).add('100 B', 'rea', { p51: 1 })).toThrow('p51');
  });
});

describe('verdicts', () => {
  const goal = (limit: Goal['limit']): Goal => ({ figure: 'x', limit, unit: '×', parts: [] });
  const part = (value: number | null) => ({ label: 'x', value, spread: 0, must: 3, aim: 2 });

  test('at most', () => {
    const verdicts = [2, 2.1, 3, 3.1, null].map((value) => verdict(goal('at most'), part(value)));
    expect(verdicts).toEqual([
      'aim reached',
      'must reached',
      'must reached',
      'missed',
      'not measured',
    ]);
  });

  test('at least', () => {
    const limits = { must: 2, aim: 4 };
    const verdicts = [4, 3, 1].map((value) =>
      verdict(goal('at least'), { ...part(value), ...limits }),
    );
    expect(verdicts).toEqual(['aim reached', 'must reached', 'missed']);
  });
});

test('numbers are shown with three digits, thousands apart', () => {
  expect([0, 0.12345, 12.345, 999.4, 1234567].map(shown)).toEqual([
    '0',
    '0.123',
    '12.3',
    '999',
    '1\u202f234\u202f567',
  ]);
});

describe('losses', () => {
  const result = (better: 'lower' | 'higher', sides: Record<string, number>): ProgramResult => ({
    program: 'latency',
    title: 'Latency',
    at: '2025-01-01T00:00:00.000Z',
    seconds: 1,
    load: [0, 0],
    quick: false,
    repetitions: 1,
    metrics: [{ name: 'p50', unit: 'ms', better }],
    figures: Object.entries(sides).map(([side, value]) => ({
      metric: 'p50',
      scenario: '100 B',
      side,
      values: [value],
    })),
    goals: [],
    notes: [],
  });
  const rivals = (better: 'lower' | 'higher', sides: Record<string, number>) =>
    comparisons(result(better, sides)).flatMap(({ who, rival }) =>
      who === 'rival' ? [rival] : [],
    );

  test('a side that is better by more than a twentieth is one', () => {
    expect(rivals('lower', { rea: 10, 'in-process': 9.4 })).toEqual(['in-process']);
    expect(rivals('lower', { rea: 10, 'in-process': 9.6 })).toEqual([]);
    expect(rivals('higher', { rea: 10, 'in-process': 10.6 })).toEqual(['in-process']);
  });

  test('no gateway at all is no rival', () => {
    expect(rivals('lower', { direct: 1, 'thread-relay': 2, rea: 10 })).toEqual([]);
  });

  test('over HTTP the rival is compared with rea over HTTP', () => {
    expect(rivals('lower', { rea: 1, 'rea-http': 10, 'mcp-hub': 5 })).toEqual(['mcp-hub']);
    expect(rivals('lower', { rea: 10, 'rea-http': 1, 'mcp-hub': 5 })).toEqual([]);
    expect(rivals('lower', { rea: 10, 'mcp-hub': 5 })).toEqual(['mcp-hub']);
  });

  test('lists say how many times better, in how many cases, and what nobody has is no infinity', () => {
    const run = (sides: Record<string, number>) => ({
      schema: 1 as const,
      machine: {} as Results['machine'],
      seed: 1,
      versions: {},
      programs: [result('lower', sides)],
    });
    const runs = [run({ rea: 1, 'in-process': 2 }), run({ rea: 1, 'in-process': 8 })];
    expect(standing(runs, 'rea')).toBe('- *latency, p50*: in-process 2 to 8 × (2 of 2).');
    expect(standing(runs, 'rival')).toBe('Nowhere in these runs.');
    const behind = standing([run({ rea: 3, 'in-process': 1 }), ...runs], 'rival');
    expect(behind).toContain('- *latency, p50*: in-process 3 × (1 of 3). Over stdio');
    expect(standing([run({ rea: 0, 'in-process': 5 })], 'rea')).toContain('altogether (1 of 1)');
  });

  test('what was not measured is said in the first sentences', () => {
    const text = inShort([]);
    expect(text.split('\n')).toHaveLength(3);
    expect(text).toContain('A call takes (not measured) through rea');
    expect(text).not.toContain('NaN');
  });

  test('tables have the sides in their order, and say what was not measured', () => {
    const [pivot] = pivots(result('lower', { 'mcp-hub': 5, rea: 1, direct: 2 }));
    expect(pivot?.sides).toEqual(['direct', 'rea', 'mcp-hub']);
    const cell = { side: 'rea', median: null, lowest: null, highest: null, spread: 0 };
    expect(cellText({ ...cell, note: 'never answered' })).toBe('–');
    expect(cellText({ ...cell, note: null })).toBe('');
  });
});

test('the same remark about many points is only counted', () => {
  const figures = (count: number) =>
    Array.from({ length: count }, (_, at) => ({
      metric: 'p50',
      scenario: `${at} servers`,
      side: 'rea',
      values: [],
      note: 'never answered',
    }));
  const result = { figures: figures(2) } as unknown as ProgramResult;
  expect(remarks(result)).toEqual([
    'rea, 0 servers: never answered',
    'rea, 1 servers: never answered',
  ]);
  expect(remarks({ ...result, figures: figures(9) })).toEqual(['9 points: never answered']);
});

test('JSON has short lists on one line and says the same', () => {
  const long = Array.from({ length: 9 }, () => 'a rather long note');
  const value = { values: [1, 2.5], long, nested: [[1, 2], { a: [] }], text: '[\n 1,\n 2 ]' };
  const text = jsonText(value);
  expect(JSON.parse(text)).toEqual(value);
  expect(text).toContain('"values": [1, 2.5],');
  expect(text.split('\n').every((line) => line.length <= 100)).toBe(true);
});
