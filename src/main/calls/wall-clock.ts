/** Turns monotonic times into what a person reads; nothing is ever decided by the result. */

/**
 * @param monotonic time in question, milliseconds.
 * @param now the same clock, now.
 */
export function isoAt(monotonic: number, now: number): string {
  return new Date(Date.now() + (monotonic - now)).toISOString();
}
