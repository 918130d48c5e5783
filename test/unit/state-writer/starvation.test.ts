import { describe, expect, it } from 'vitest';
import { StarvationWatch } from '#src/workers/state-writer/starvation.ts';

const TREES = new Map([
  [20, [20, 21]],
  [30, [30]],
]);

/** Threads by pid, main as 0 and the looking one as 1, of which each has run and waited for some ms. */
function house({ readMs = 0 } = {}) {
  const times = new Map([0, 1, 20, 21, 30].map((pid) => [pid, { ranMs: 1000, waitedMs: 1000 }]));
  const world = { now: 0, reads: 0 };
  const timesOf = (pid: number) => times.get(pid) ?? { ranMs: 0, waitedMs: 0 };
  const watch = new StarvationWatch({
    now: () => world.now,
    times: (pid) => {
      if (pid === 'self') return times.get(0) ?? null;
      if (pid === 'thread-self') return times.get(1) ?? null;
      world.reads += 1;
      world.now += readMs;
      return times.get(pid) ?? null;
    },
  });
  /** Lets time pass in which each runs and waits for so many cores. */
  const pass = (ms: number, cores: Readonly<Record<number, readonly [number, number]>>) => {
    world.now += ms;
    for (const [pid, [ran, waited]] of Object.entries(cores)) {
      const before = timesOf(Number(pid));
      times.set(Number(pid), {
        ranMs: before.ranMs + ran * ms,
        waitedMs: before.waitedMs + waited * ms,
      });
    }
  };
  const look = () => watch.look(TREES);
  return { watch, world, times, pass, look };
}

const rounded = (trees: ReturnType<StarvationWatch['look']>) =>
  trees?.map(({ pgid, ranCores, wantedCores }) => {
    return [pgid, Math.round(ranCores * 100) / 100, Math.round(wantedCores * 100) / 100];
  });

describe('starvation', () => {
  it('is told with what each tree wanted since it was looked at before', () => {
    const { pass, look } = house();
    pass(500, { 0: [0.2, 0] });
    expect(look()).toBeNull();
    pass(100, { 0: [0.1, 0.5], 20: [0.1, 0.6], 21: [0, 0.25], 30: [0.02, 0.05] });
    expect(rounded(look())).toEqual([
      [20, 0.1, 0.95],
      [30, 0.02, 0.07],
    ]);
    pass(100, { 0: [0.1, 0.2], 20: [0.1, 0.9] });
    expect(look()).toBeNull();
  });

  it('is shown by what this thread waits for, too: what main still waits for is not counted yet', () => {
    const { pass, look } = house();
    pass(500, { 0: [0.2, 0] });
    look();
    pass(150, { 0: [0.1, 0.1], 1: [0.01, 0.2], 20: [0.1, 0.8] });
    expect(look()).toBeNull();
    pass(150, { 0: [0.1, 0.1], 1: [0.01, 0.4], 20: [0.1, 0.8] });
    expect(rounded(look())?.[0]).toEqual([20, 0.1, 0.9]);
  });

  it('is not a look that comes late because this thread was busy or blocked', () => {
    const { pass, look } = house();
    pass(500, { 0: [0.2, 0] });
    look();
    pass(900, { 0: [0.1, 0.1], 1: [0.5, 0.1], 20: [0.1, 0.8] });
    expect(look()).toBeNull();
  });

  it('says nothing of what was long ago', () => {
    const { pass, look } = house();
    pass(500, { 0: [0.2, 0] });
    look();
    pass(1100, { 0: [0, 0.5], 20: [0.5, 0.5] });
    expect(rounded(look())?.[0]).toEqual([20, 0, 0]);
    pass(100, { 0: [0, 0.5], 20: [0.1, 0.4] });
    expect(rounded(look())?.[0]).toEqual([20, 0.1, 0.5]);
  });

  it('is never told where the kernel does not count', () => {
    const { pass, look, times } = house();
    times.clear();
    pass(500, {});
    expect(look()).toBeNull();
  });

  it('is looked for soon while main works, and nobody is asked while it rests', () => {
    const { watch, world, pass, look } = house();
    expect(watch.nextMs).toBe(500);
    pass(500, { 0: [0.01, 0.01] });
    look();
    expect([watch.nextMs, world.reads]).toEqual([500, 0]);
    pass(500, { 0: [0.02, 0.02] });
    look();
    expect([watch.nextMs, world.reads]).toEqual([100, 3]);
  });

  it('costs a hundredth of the time, and a fifth while there is starvation', () => {
    const { world, pass, look } = house({ readMs: 2 });
    pass(500, { 0: [0.2, 0] });
    look();
    for (let at = 0; at < 5; at += 1) {
      pass(100, { 0: [0.2, 0] });
      look();
    }
    expect(world.reads).toBe(3);
    pass(100, { 0: [0.2, 0] });
    look();
    expect(world.reads).toBe(6);
    pass(20, { 0: [0.1, 0.5] });
    look();
    expect(world.reads).toBe(6);
    pass(20, { 0: [0.1, 0.5] });
    look();
    expect(world.reads).toBe(9);
  });

  it('makes nothing of a process that is new or gone, or could not be read for once', () => {
    const { watch, pass, times } = house();
    pass(500, { 0: [0.2, 0] });
    watch.look(new Map([[30, [30]]]));
    times.delete(30);
    pass(100, { 0: [0.1, 0.5], 20: [0.5, 0.5] });
    expect(rounded(watch.look(TREES))).toEqual([
      [20, 0, 0],
      [30, 0, 0],
    ]);
    times.set(30, { ranMs: 90_000, waitedMs: 90_000 });
    pass(100, { 0: [0.1, 0.5], 20: [0.1, 0.5] });
    expect(rounded(watch.look(TREES))).toEqual([
      [20, 0.1, 0.6],
      [30, 0, 0],
    ]);
  });
});
