import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  changed,
  dueAt,
  failed,
  NOTHING_TO_WRITE,
  type Pace,
  skipped,
  written,
} from '#src/workers/state-writer/schedule.ts';

const pace: Pace = { debounceMs: 250, gapMs: 50, heartbeatMs: 5000 };
const rare: Pace = { ...pace, heartbeatMs: Infinity };

describe('when a file is written', () => {
  it('has no reason to write a file without a heartbeat and without a change', () => {
    expect(dueAt(NOTHING_TO_WRITE, rare)).toBe(Infinity);
    expect(dueAt(written(100, 0), rare)).toBe(Infinity);
  });

  it('shows that it lives once per heartbeat', () => {
    expect(dueAt(written(100, 0), pace)).toBe(5100);
  });

  it('makes one write of all counter changes within the debounce', () => {
    let schedule = changed(written(0, 0), 1000, false);
    for (let at = 1001; at < 1250; at++) schedule = changed(schedule, at, false);
    expect(dueAt(schedule, pace)).toBe(1250);
  });

  it('writes what is urgent at once, but not twice within the gap', () => {
    expect(dueAt(changed(written(0, 0), 1000, true), pace)).toBe(1000);
    expect(dueAt(changed(written(990, 0), 1000, true), pace)).toBe(1040);
  });

  it('leaves time between writes that take long, but never more than half a second', () => {
    expect(dueAt(changed(written(1000, 40), 1010, true), pace)).toBe(1200);
    expect(dueAt(changed(written(1000, 5), 1010, true), pace)).toBe(1050);
    expect(dueAt(changed(written(1000, 4000), 1010, true), pace)).toBe(1500);
  });

  it('does not let a waiting counter delay what is urgent', () => {
    const schedule = changed(changed(written(0, 0), 1000, false), 1010, true);
    expect(dueAt(schedule, pace)).toBe(1010);
  });

  it('forgets a change that turned out to be none', () => {
    expect(dueAt(skipped(changed(written(100, 0), 200, true)), pace)).toBe(5100);
  });

  it('tries again ever more slowly, at least once a second, until it works', () => {
    let schedule = changed(written(0, 0), 0, true);
    const delays: number[] = [];
    for (let at = 0, tries = 0; tries < 7; tries++) {
      schedule = failed(schedule, at);
      delays.push(dueAt(schedule, pace) - at);
      at = dueAt(schedule, pace);
    }
    expect(delays).toEqual([100, 200, 400, 800, 1000, 1000, 1000]);
    expect(dueAt(written(9000, 0), pace)).toBe(14_000);
  });

  it('never leaves a change unwritten for longer than the debounce or the back-off', () => {
    const action = fc.record({
      after: fc.integer({ min: 0, max: 400 }),
      what: fc.constantFrom('lazy', 'urgent', 'works', 'fails'),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        let schedule = written(0, 0);
        let now = 0;
        for (const { after, what } of actions) {
          now += after;
          if (what === 'works') schedule = written(now, 0);
          else if (what === 'fails') schedule = failed(schedule, now);
          else schedule = changed(schedule, now, what === 'urgent');
          const pending = schedule.lazySince !== null || schedule.urgentSince !== null;
          if (pending) expect(dueAt(schedule, pace) - now).toBeLessThanOrEqual(1000);
          expect(dueAt(schedule, pace)).toBeGreaterThanOrEqual(schedule.lastWriteAt + 50);
        }
      }),
    );
  });
});
