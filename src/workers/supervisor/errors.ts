/** Reading system errors: what Node throws and emits, as values. Decides nothing. */

/** The `code` of a system error, null for anything else. */
export function codeOf(error: unknown): string | null {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : null;
}

/**
 * For the `error` events of a child's pipes. A pipe breaks because its other end is gone, and that is
 * learnt from the child's exit; the event must be listened to all the same, or it would be thrown.
 */
export function ignoreBrokenPipe(): void {}
