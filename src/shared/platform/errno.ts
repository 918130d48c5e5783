/** Errors of the operating system as values: told apart by their code, said in one line. */

/** The `code` of a system error (`ENOENT`), or `''` when it has none. */
export function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

/** A system error in a few words, without the path: the caller names that. */
export function errorText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(/, \w+ '|\n/, 1)[0] ?? message;
}

/** Like `expecting`, but for any error of the operating system: an unreadable thing counts as absent. */
export function unlessRefused<T>(fallback: T, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (errorCode(error) !== '') return fallback;
    throw error;
  }
}

/**
 * Runs `action` and returns its value, or `fallback` when it fails with one of the codes that the
 * caller expects; any other error is thrown on.
 */
export function expecting<T>(codes: readonly string[], fallback: T, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (codes.includes(errorCode(error))) return fallback;
    throw error;
  }
}

/** `code` is the errno name (`ENOSPC`); `message` one line that names call and path. */
export interface SystemFailure {
  readonly code: string;
  readonly message: string;
}

export type Attempt<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: SystemFailure };

export function attempt<T>(call: () => T): Attempt<T> {
  try {
    return { ok: true, value: call() };
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return { ok: false, failure: { code: error.code, message: error.message } };
  }
}

/** For cleaning up when the result is known: a failure does not matter, since leftovers are removed later. */
export function bestEffort(call: () => void): void {
  attempt(call);
}

function isSystemError(error: unknown): error is Error & { code: string } {
  return (
    error instanceof Error && 'syscall' in error && 'code' in error && error.code !== undefined
  );
}
