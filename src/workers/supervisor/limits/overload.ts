/**
 * Whether one server is read after it has used up its output budget, and whether this has gone on for so
 * long that main must know. Pure over the times handed in, which are monotonic and in milliseconds; a
 * budget pause owns the state and the timer.
 */

export type Overload =
  | { readonly phase: 'none' }
  /** Not read. `since`: start of the first pause of this overload. */
  | { readonly phase: 'paused'; readonly since: number; readonly reported: boolean }
  /** Read again. The next pause belongs to the same overload if it comes soon. */
  | {
      readonly phase: 'resumed';
      readonly since: number;
      readonly reported: boolean;
      readonly at: number;
    };

export type OverloadVerdict = 'pause' | 'pause_and_report';

/** Pauses closer together than this are one overload. */
const OVERLOAD_GAP_MS = 500;
/** An overload this long is reported to main, once. */
const SUSTAINED_MS = 3000;

export const NO_OVERLOAD: Overload = { phase: 'none' };

export function isPaused(overload: Overload): boolean {
  return overload.phase === 'paused';
}

/** The budget is used up, perhaps once more in the same pause. */
export function onOverBudget(
  overload: Overload,
  now: number,
): readonly [Overload, OverloadVerdict] {
  const isNew =
    overload.phase === 'none' ||
    (overload.phase === 'resumed' && now - overload.at > OVERLOAD_GAP_MS);
  const { since, reported } = isNew ? { since: now, reported: false } : overload;
  const reports = !reported && now - since >= SUSTAINED_MS;
  return [
    { phase: 'paused', since, reported: reported || reports },
    reports ? 'pause_and_report' : 'pause',
  ];
}

/** The pause has lasted long enough. */
export function onPauseOver(overload: Overload, now: number): Overload {
  if (overload.phase !== 'paused') return overload;
  const { since, reported } = overload;
  return { phase: 'resumed', since, reported, at: now };
}
