import { describe, expect, it } from 'vitest';
import { type ForeignHolder, isQuiet, observe } from '#src/workers/state-writer/foreign-holder.ts';
import { lookAtMain, type MainWatch, watchMain } from '#src/workers/state-writer/main-watch.ts';

/** Looks at the given times; `beats` tells the counter at each. */
function look(times: readonly number[], beats: (at: number) => number): MainWatch {
  const [first = 0, ...rest] = times;
  const at = (now: number) => ({ now, iso: `t${now}`, beats: beats(now) });
  return rest.reduce((watch, now) => lookAtMain(watch, at(now)), watchMain(at(first)));
}

describe('the watch over main', () => {
  const steady = [0, 500, 1000, 1500, 2000, 2500, 3000];

  it('is content while the counter moves', () => {
    expect(look(steady, (at) => at).state).toBe('running');
  });

  it('calls main stalled after two seconds without a move, since the last one', () => {
    expect(look([0, 500, 1000, 1500], () => 1).state).toBe('running');
    expect(look(steady, (at) => Math.min(at, 500))).toMatchObject({
      state: 'stalled',
      movedIso: 't500',
    });
  });

  it('calls it running again at the first move', () => {
    expect(look([...steady, 3500], (at) => (at < 3500 ? 0 : 1)).state).toBe('running');
  });

  it('blames nobody when it was itself not running', () => {
    expect(look([0, 500, 60_000, 60_500], () => 1).state).toBe('running');
    expect(look([0, 2000, 4000, 6000, 8000], () => 1).state).toBe('running');
  });
});

describe('a holder that can only be watched', () => {
  function watch(looks: readonly (readonly [at: number, seq: number | null])[]): ForeignHolder {
    let seen: ForeignHolder | undefined;
    for (const [at, seq] of looks) seen = observe(seen, 'n', seq, at);
    return seen as ForeignHolder;
  }
  const every = (count: number): number[] => Array.from({ length: count }, (_, i) => i * 500);

  it('is dead when it has not written for six heartbeats', () => {
    expect(isQuiet(watch(every(12).map((at) => [at, 5])), 1000)).toBe(false);
    expect(isQuiet(watch(every(13).map((at) => [at, 5])), 1000)).toBe(true);
  });

  it('is alive while it writes', () => {
    expect(isQuiet(watch(every(100).map((at) => [at, Math.floor(at / 4000)])), 1000)).toBe(false);
  });

  it('is dead as well when it never wrote anything', () => {
    expect(isQuiet(watch(every(13).map((at) => [at, null])), 1000)).toBe(true);
  });

  it('is not judged by the time in which nobody looked', () => {
    const looks = [[0, 5] as const, [3_600_000, 5] as const];
    expect(watch(looks).quietMs).toBe(1000);
  });

  it('is watched afresh when it is another one', () => {
    const before = watch(every(20).map((at) => [at, 5]));
    expect(observe(before, 'another', 5, 10_000).quietMs).toBe(0);
  });
});
