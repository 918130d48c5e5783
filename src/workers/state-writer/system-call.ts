/**
 * System calls whose failure is expected, as values. Only errors of the operating system become
 * values; anything else is a bug and is thrown on.
 */

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

/** Cleaning up on a way that already has its result: what cannot be removed now is swept up later. */
export function bestEffort(call: () => void): void {
  attempt(call);
}

function isSystemError(error: unknown): error is Error & { code: string } {
  return (
    error instanceof Error && 'syscall' in error && 'code' in error && error.code !== undefined
  );
}
