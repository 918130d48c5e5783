/**
 * The levels of `logging/setLevel`, from the most to the least verbose.
 */
export const LOG_LEVELS = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

export function isLogLevel(level: string): level is LogLevel {
  return (LOG_LEVELS as readonly string[]).includes(level);
}

/** True when one is more verbose than the other. */
export function isBelow(one: LogLevel, other: LogLevel): boolean {
  return LOG_LEVELS.indexOf(one) < LOG_LEVELS.indexOf(other);
}

/** The more verbose of two; null: neither is there. */
export function moreVerbose(one: LogLevel | null, other: LogLevel | null): LogLevel | null {
  if (one === null || other === null) return one ?? other;
  return isBelow(one, other) ? one : other;
}
