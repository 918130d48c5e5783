/**
 * Looks at a thread over its control link. A look that fails says nothing certain about the thread, so
 * it is never thrown and never a reason to fail; it is logged, at most once a minute.
 */
import type { Remote } from 'comlink';
import { errorText } from '../../shared/platform/errno.ts';
import type { Logger } from '../logger.ts';
import { ControlError, type ControlLink } from './control.ts';

const LOG_EVERY_MS = 60_000;

export type Probed<R> =
  | { readonly ok: true; readonly value: R }
  | { readonly ok: false; readonly timedOut: boolean };

export class ThreadProbe {
  readonly #log: Logger;
  readonly #what: string;
  #loggedAt = Number.NEGATIVE_INFINITY;

  /** @param what the thread in words, as it begins a line of the log. */
  constructor(log: Logger, what: string) {
    this.#log = log;
    this.#what = what;
  }

  /** Runs one call on the other side within `deadlineMs`. */
  async ask<T, R>(
    link: ControlLink<T>,
    request: (remote: Remote<T>) => Promise<R>,
    deadlineMs: number,
  ): Promise<Probed<R>> {
    try {
      return { ok: true, value: await link.call(request, deadlineMs) };
    } catch (error) {
      const code = error instanceof ControlError ? error.code : null;
      if (code !== 'CONTROL_CLOSED') this.#tell(error);
      return { ok: false, timedOut: code === 'CONTROL_TIMEOUT' };
    }
  }

  #tell(error: unknown): void {
    const now = performance.now();
    if (now - this.#loggedAt < LOG_EVERY_MS) return;
    this.#loggedAt = now;
    this.#log.warn({ detail: errorText(error) }, `${this.#what} could not be looked at`);
  }
}
