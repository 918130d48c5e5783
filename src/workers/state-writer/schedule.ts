/**
 * When a file is written next. Counters wait a little, so that many changes become one write; urgent changes
 * are written at once; an idle owner still writes heartbeats; a failed write is tried again with back-off.
 * Pure: times are monotonic milliseconds handed in.
 */

/** How often a file may and must be written. */
export interface Pace {
  /** A counter change waits this long for others. */
  readonly debounceMs: number;
  /** Least time between the starts of two writes; more where a write takes long. */
  readonly gapMs: number;
  /** Longest time without a write; Infinity for a file without heartbeats. */
  readonly heartbeatMs: number;
}

export interface Schedule {
  readonly lastWriteAt: number;
  /** Least time until the next one. */
  readonly restMs: number;
  /** When the oldest unwritten change came, by urgency. */
  readonly lazySince: number | null;
  readonly urgentSince: number | null;
  readonly failures: number;
  readonly retryAt: number;
}

const FIRST_RETRY_MS = 100;
const SLOWEST_RETRY_MS = 1000;
/** Writing takes at most this part of the thread's time, but a gap is never longer than `LONGEST_REST_MS`. */
const WRITING_SHARE = 0.2;
const LONGEST_REST_MS = 500;

/** Before any clock reading, and finite, so that it can be added to. */
const NEVER = Number.MIN_SAFE_INTEGER;

export const NOTHING_TO_WRITE: Schedule = {
  lastWriteAt: NEVER,
  restMs: 0,
  lazySince: null,
  urgentSince: null,
  failures: 0,
  retryAt: NEVER,
};

export function changed(schedule: Schedule, now: number, urgent: boolean): Schedule {
  if (urgent) return { ...schedule, urgentSince: schedule.urgentSince ?? now };
  return { ...schedule, lazySince: schedule.lazySince ?? now };
}

/**
 * @param now when the write started; later changes come by `changed` again.
 * @param tookMs how long it took.
 */
export function written(now: number, tookMs: number): Schedule {
  const restMs = Math.min(LONGEST_REST_MS, tookMs / WRITING_SHARE);
  return { ...NOTHING_TO_WRITE, lastWriteAt: now, restMs };
}

/** The change turned out to be none. */
export function skipped(schedule: Schedule): Schedule {
  return { ...schedule, lazySince: null, urgentSince: null };
}

/** The write failed: the change stays pending, and nothing is tried before the back-off has passed. */
export function failed(schedule: Schedule, now: number): Schedule {
  const delay = Math.min(FIRST_RETRY_MS * 2 ** schedule.failures, SLOWEST_RETRY_MS);
  return {
    ...schedule,
    urgentSince: schedule.urgentSince ?? now,
    failures: schedule.failures + 1,
    retryAt: now + delay,
  };
}

/** When to write; Infinity when there is no reason to. */
export function dueAt(schedule: Schedule, pace: Pace): number {
  const lazy = schedule.lazySince === null ? Infinity : schedule.lazySince + pace.debounceMs;
  const urgent = schedule.urgentSince ?? Infinity;
  const wanted = Math.min(lazy, urgent, heartbeatAt(schedule, pace));
  return Math.max(
    wanted,
    schedule.lastWriteAt + Math.max(pace.gapMs, schedule.restMs),
    schedule.retryAt,
  );
}

/** When a write is owed even if nothing has changed. */
export function heartbeatAt(schedule: Schedule, pace: Pace): number {
  return schedule.lastWriteAt + pace.heartbeatMs;
}
