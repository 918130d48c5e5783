import { describe, expect, it } from 'vitest';
import {
  NEW_SERVER,
  type ShareEvent,
  type SharePolicy,
  type ShareState,
  stepShare,
  wantedShare,
} from '#src/main/processes/priority/share.ts';

const AUTO: SharePolicy = { mode: 'auto', canRaise: true };
const ONE_WAY: SharePolicy = { mode: 'auto', canRaise: false };

const STARTING: ShareEvent = { type: 'phase', phase: 'starting', hasProcess: true };
const READY: ShareEvent = { type: 'phase', phase: 'ready', hasProcess: true };
const GONE: ShareEvent = { type: 'phase', phase: 'failed', hasProcess: false };
const LOOP: ShareEvent = { type: 'died', crashLoop: true };

function after(policy: SharePolicy, ...events: readonly ShareEvent[]): ShareState {
  return events.reduce((state, event) => stepShare(policy, state, event), NEW_SERVER);
}

function share(policy: SharePolicy, ...events: readonly ShareEvent[]): string {
  return wantedShare(policy, after(policy, ...events));
}

/** One usage for each second, `seconds` times after the first. */
function usage(
  seconds: number,
  options: { wants?: number; gets?: number; contended?: boolean; from?: number } = {},
): ShareEvent[] {
  const { wants = 1, contended = true, from = 0 } = options;
  const { gets = wants } = options;
  return Array.from({ length: seconds + 1 }, (_, index) => ({
    type: 'usage',
    at: (from + index) * 1000,
    cpuMs: 1_000_000 + (from + index) * 1000 * gets,
    wantedMs: 2_000_000 + (from + index) * 1000 * wants,
    contended,
  }));
}

describe('the share of a server', () => {
  it('is low while it starts, where it can be raised again', () => {
    expect(share(AUTO)).toBe('normal');
    expect(share(AUTO, STARTING)).toBe('low');
    expect(share(AUTO, STARTING, READY)).toBe('normal');
    expect(share(ONE_WAY, STARTING)).toBe('normal');
  });

  it.each([AUTO, ONE_WAY])('is low from a crash loop until it is stable', (policy) => {
    expect(share(policy, READY, LOOP, GONE, STARTING)).toBe('low');
    expect(share(policy, READY, LOOP, GONE, STARTING, READY)).toBe('low');
    expect(share(policy, READY, LOOP, GONE, STARTING, READY, { type: 'stable' })).toBe('normal');
  });

  it('is normal after a death that makes no loop', () => {
    const died: ShareEvent = { type: 'died', crashLoop: false };
    expect(share(ONE_WAY, READY, died, GONE, STARTING)).toBe('normal');
    expect(share(AUTO, READY, died, GONE, STARTING, READY)).toBe('normal');
  });

  it.each([
    { mode: 'low', always: 'low' },
    { mode: 'normal', always: 'normal' },
  ] as const)('is always $always where the configuration says so', ({ mode, always }) => {
    const policy: SharePolicy = { mode, canRaise: true };
    expect(share(policy)).toBe(always);
    expect(share(policy, READY)).toBe(always);
    expect(share(policy, LOOP, STARTING)).toBe(always);
    expect(share(policy, READY, ...usage(20))).toBe(always);
  });
});

describe('the CPU budget', () => {
  it('is exceeded by much for a second, and not earlier', () => {
    expect(share(AUTO, READY, ...usage(0))).toBe('normal');
    expect(share(AUTO, READY, ...usage(1))).toBe('low');
    expect(share(AUTO, READY, ...usage(1, { wants: 0.4 }))).toBe('low');
    expect(share(AUTO, READY, ...usage(30, { wants: 0.35 }))).toBe('normal');
    expect(share(ONE_WAY, READY, ...usage(90, { wants: 0.85 }))).toBe('normal');
  });

  it('is exceeded by one that waits for most of what it wants', () => {
    expect(share(AUTO, READY, ...usage(2, { wants: 1, gets: 0.12 }))).toBe('low');
  });

  it('is not exceeded by one that is only held up', () => {
    expect(share(AUTO, READY, ...usage(30, { wants: 1, gets: 0.02 }))).toBe('normal');
  });

  it('does not matter while no other server is called', () => {
    expect(share(AUTO, READY, ...usage(30, { contended: false }))).toBe('normal');
    const later = usage(1, { from: 31 });
    expect(share(AUTO, READY, ...usage(30, { contended: false }), ...later)).toBe('low');
  });

  it('is not kept again by the calm before', () => {
    const calm = usage(10, { wants: 0 });
    const burning = usage(4, { from: 10 }).map((event) => {
      if (event.type !== 'usage') return event;
      return { ...event, cpuMs: event.cpuMs - 10_000, wantedMs: event.wantedMs - 10_000 };
    });
    expect(share(AUTO, READY, ...calm, ...burning)).toBe('low');
  });

  it('is kept again by less than half of it for five seconds', () => {
    const burnt = [READY, ...usage(12)];
    const calm = (seconds: number, wants: number): ShareEvent[] =>
      usage(seconds, { wants, from: 13 }).map((event) => {
        if (event.type !== 'usage') return event;
        const before = 13_000 * (1 - wants);
        return { ...event, cpuMs: event.cpuMs + before, wantedMs: event.wantedMs + before };
      });
    expect(share(AUTO, ...burnt, ...calm(2, 0))).toBe('low');
    expect(share(AUTO, ...burnt, ...calm(10, 0))).toBe('normal');
    expect(share(AUTO, ...burnt, ...calm(30, 0.25))).toBe('low');
    expect(share(AUTO, ...burnt, ...calm(30, 0.15))).toBe('normal');
  });

  const starvation = (
    wantedCores: number,
    { ranCores = 0.1, contended = true } = {},
  ): ShareEvent => ({ type: 'starvation', ranCores, wantedCores, contended });

  it('is exceeded at once by much while the gateway is starved, where it can be raised again', () => {
    expect(share(AUTO, READY, starvation(0.4))).toBe('low');
    expect(share(AUTO, READY, starvation(0.35))).toBe('normal');
    expect(share(AUTO, READY, starvation(1, { ranCores: 0.02 }))).toBe('normal');
    expect(share(AUTO, READY, starvation(1, { contended: false }))).toBe('normal');
    expect(share(ONE_WAY, READY, starvation(1))).toBe('normal');
    // It is low while it starts, and no longer.
    expect(share(AUTO, STARTING, starvation(1), READY)).toBe('normal');
    expect(share({ ...AUTO, mode: 'normal' }, READY, starvation(1))).toBe('normal');
  });

  it('is kept again after five seconds of calm that come after the starvation', () => {
    const calm = usage(10, { wants: 0 });
    expect(share(AUTO, READY, ...calm, starvation(1), ...usage(0, { wants: 0, from: 11 }))).toBe(
      'low',
    );
    expect(share(AUTO, READY, starvation(1), ...usage(4, { wants: 0 }))).toBe('low');
    expect(share(AUTO, READY, starvation(1), ...usage(5, { wants: 0 }))).toBe('normal');
  });

  it('takes a minute where a lowered share stays low', () => {
    expect(share(ONE_WAY, READY, ...usage(59))).toBe('normal');
    expect(share(ONE_WAY, READY, ...usage(60))).toBe('low');
  });

  it('is that of one process: the next one begins anew', () => {
    const burnt = [READY, ...usage(12)];
    const next: ShareEvent[] = [{ type: 'died', crashLoop: false }, GONE, READY];
    expect(share(AUTO, ...burnt, ...next)).toBe('normal');
    expect(share(AUTO, ...burnt, ...next, ...usage(0, { from: 13 }))).toBe('normal');
  });

  it('remembers no more than its window', () => {
    expect(after(AUTO, READY, ...usage(1000)).samples.length).toBeLessThanOrEqual(11);
  });
});
