/**
 * Waiting for events in tests: polls a condition every 10 ms up to a limit and says what it last saw.
 * Measured durations go to the file named by REA_REPORT, one JSON line each; no test asserts them.
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';

const POLL_MS = 10;

/** Ends a wait that is in vain. Says nothing of how long a thing may take: the machine may be busy. */
export const NET_MS = 60_000;

export interface UntilOptions {
  /** Where the contract names a bound that is to be held: five times that. @default NET_MS */
  readonly limitMs?: number;
  /** What is waited for, completing "timed out waiting for …". */
  readonly what: string;
  /** Milliseconds between two looks. @default 10 */
  readonly everyMs?: number;
}

/**
 * Resolves with the first value of `look` that is neither false, null nor undefined.
 *
 * @throws Error naming `what` and the last value seen once `limitMs` have passed.
 */
export async function until<T>(
  look: () => T | Promise<T>,
  { limitMs = NET_MS, what, everyMs = POLL_MS }: UntilOptions,
): Promise<Exclude<T, false | null | undefined>> {
  const end = performance.now() + limitMs;
  for (;;) {
    const seen = await look();
    if (isThere(seen)) return seen;
    if (performance.now() > end) {
      throw new Error(
        `timed out after ${limitMs} ms waiting for ${what}; last seen: ${inspect(seen)}`,
      );
    }
    await sleep(everyMs);
  }
}

/** Fails with `describe()` when the promise has not settled within `limitMs`. */
export async function within<T>(
  promise: Promise<T>,
  limitMs: number,
  describe: () => string,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  // Made here, so that its stack tells who waits and not the timer.
  const error = new Error();
  Error.captureStackTrace(error, within);
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      error.message = `timed out after ${limitMs} ms: ${describe()}`;
      reject(error);
    }, limitMs);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** A stopwatch for `report`: started now, read with `ms()`. */
export function stopwatch(): { ms(): number } {
  const start = performance.now();
  return { ms: () => performance.now() - start };
}

/** Notes a measured figure, in milliseconds unless the name says otherwise. */
export function report(name: string, value: number): void {
  const file = process.env['REA_REPORT'];
  if (file === undefined) return;
  const figure = { name, value: Math.round(value * 10) / 10, node: process.version };
  appendFileSync(file, `${JSON.stringify(figure)}\n`);
}

function isThere<T>(value: T): value is Exclude<T, false | null | undefined> {
  return value !== false && value !== null && value !== undefined;
}
