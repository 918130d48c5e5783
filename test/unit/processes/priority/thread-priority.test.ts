import { describe, expect, it } from 'vitest';
import { ThreadPriority } from '#src/main/processes/priority/thread-priority.ts';

/** A thread that runs or waits all the time from the time 0 on; `nices` is what was set. */
function threadOf(
  mode: 'auto' | 'normal' | 'low',
  { canRaise = false, normal = 0, share = 1 } = {},
) {
  const nices: string[] = [];
  const world = { now: 0, known: true };
  const priority = new ThreadPriority(mode, {
    canRaise,
    normal,
    times: () => {
      if (!world.known) return null;
      return { ranMs: (world.now * share) / 4, waitedMs: (world.now * share * 3) / 4 };
    },
    setNice: (tid, nice) => nices.push(`${tid} ${nice}`),
  });
  const pass = (seconds: number, { tid = 7, contended = true } = {}) => {
    for (let second = 0; second < seconds; second += 1) {
      priority.look(tid, world.now, contended);
      world.now += 1000;
    }
  };
  const starve = (ms: number, { tid = 7, contended = true } = {}) => {
    world.now += ms;
    priority.starved(tid, world.now, contended);
  };
  return { pass, starve, nices, world };
}

describe('the share of a supervisor thread', () => {
  it('is lowered once after a minute of work while others are called', () => {
    const { pass, nices } = threadOf('auto');
    pass(60);
    expect(nices).toEqual([]);
    pass(1000);
    expect(nices).toEqual(['7 10']);
  });

  it.each([
    ['has pauses', { share: 0.8 }, {}],
    ['disturbs nobody', {}, { contended: false }],
  ])('stays when the thread %s', (_name, thread, looks) => {
    const { pass, nices } = threadOf('auto', thread);
    pass(200, looks);
    expect(nices).toEqual([]);
  });

  it('is lowered at once while the gateway is starved, where it can be raised again', () => {
    const { starve, nices } = threadOf('auto', { canRaise: true });
    starve(100);
    expect(nices).toEqual([]);
    starve(100);
    expect(nices).toEqual(['7 10']);
  });

  it.each([
    ['can never be raised again', {}, {}],
    ['wants little', { canRaise: true, share: 0.3 }, {}],
    ['disturbs nobody', { canRaise: true }, { contended: false }],
  ])('stays in a starvation when the thread %s', (_name, thread, look) => {
    const { starve, nices } = threadOf('auto', thread);
    for (let at = 0; at < 10; at += 1) starve(100, look);
    expect(nices).toEqual([]);
  });

  it('is not judged by two looks that come at once', () => {
    const { starve, nices, world } = threadOf('auto', { canRaise: true, share: 0.3 });
    starve(100);
    // It ran all the time for a moment, as it seems to who asks too often.
    world.now += 5;
    starve(1);
    expect(nices).toEqual([]);
    starve(94);
    expect(nices).toEqual([]);
  });

  it('is not judged by what was between two starvations, nor by another thread', () => {
    const { starve, nices } = threadOf('auto', { canRaise: true });
    starve(100);
    starve(60_000);
    expect(nices).toEqual([]);
    starve(100, { tid: 8 });
    expect(nices).toEqual([]);
    starve(100, { tid: 8 });
    expect(nices).toEqual(['8 10']);
  });

  it('follows the configuration', () => {
    const low = threadOf('low', { normal: 5 });
    low.pass(100);
    expect(low.nices).toEqual(['7 15']);
    const normal = threadOf('normal');
    normal.pass(100);
    expect(normal.nices).toEqual([]);
  });

  it('is judged anew for a thread that replaces another', () => {
    const { pass, nices } = threadOf('auto');
    pass(61);
    pass(60, { tid: 8 });
    expect(nices).toEqual(['7 10']);
    pass(1, { tid: 8 });
    expect(nices).toEqual(['7 10', '8 10']);
  });

  it('is left alone while nothing is known of the thread', () => {
    const { pass, nices, world } = threadOf('low');
    pass(3, { tid: 0 });
    world.known = false;
    pass(3);
    expect(nices).toEqual([]);
  });
});
