/**
 * Finds out whether main's event loop still runs: main moves a counter several times a second, and this looks
 * at it twice a second. A late look proves nothing, because then this thread was starved as well. Pure.
 */

export interface MainWatch {
  readonly state: 'running' | 'stalled';
  readonly beats: number;
  /** When the counter was last seen to have moved: monotonic ms, and ISO for people. */
  readonly movedAt: number;
  readonly movedIso: string;
  readonly lookedAt: number;
}

export interface Look {
  readonly now: number;
  readonly iso: string;
  readonly beats: number;
}

/** How often to look, in ms. */
export const LOOK_EVERY_MS = 500;
const STALLED_AFTER_MS = 2000;
const LATE_MS = 500;

export function watchMain({ now, iso, beats }: Look): MainWatch {
  return { state: 'running', beats, movedAt: now, movedIso: iso, lookedAt: now };
}

export function lookAtMain(before: MainWatch, look: Look): MainWatch {
  if (look.beats !== before.beats) return watchMain(look);
  const gap = look.now - before.lookedAt;
  const late = gap - LOOK_EVERY_MS;
  // Time in which this thread did not run either is not counted against main.
  const movedAt = late > LATE_MS ? before.movedAt + gap : before.movedAt;
  const stalled = before.state === 'stalled' || look.now - movedAt >= STALLED_AFTER_MS;
  return { ...before, state: stalled ? 'stalled' : 'running', movedAt, lookedAt: look.now };
}
