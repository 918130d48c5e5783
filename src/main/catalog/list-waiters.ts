/**
 * Requests that wait in the first moments of a run until all servers have told their lists, at most for a time that
 * begins with the first of them. Owned by one catalogue.
 */
import type { ListKind } from '../../shared/model/lists.ts';

interface Waiter {
  readonly kind: ListKind;
  readonly done: () => void;
}

export class ListWaiters {
  readonly #waitMs: number;
  readonly #isIncomplete: (kind: ListKind) => boolean;
  #waiters: Waiter[] = [];
  #waitEnds: number | null = null;

  /** @param isIncomplete whether a list of this kind is still waited for. */
  constructor(waitMs: number, isIncomplete: (kind: ListKind) => boolean) {
    this.#waitMs = waitMs;
    this.#isIncomplete = isIncomplete;
  }

  /** Calls back when no list is waited for any more, or the time is over. */
  add(kind: ListKind, now: number, callback: () => void): void {
    if (!this.#isIncomplete(kind)) return callback();
    this.#waitEnds ??= now + this.#waitMs;
    const left = this.#waitEnds - now;
    if (left <= 0) return callback();
    const waiter = {
      kind,
      done: () => {
        clearTimeout(timer);
        callback();
      },
    };
    const timer = setTimeout(() => {
      this.#waiters = this.#waiters.filter((one) => one !== waiter);
      callback();
    }, left);
    this.#waiters.push(waiter);
  }

  /** Nobody waits any more, now or later. */
  end(): void {
    this.#waitEnds = Number.NEGATIVE_INFINITY;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { done } of waiters) done();
  }

  /** A list that was waited for may be there. */
  wake(): void {
    const waiters = this.#waiters;
    this.#waiters = waiters.filter(({ kind }) => this.#isIncomplete(kind));
    for (const waiter of waiters) if (!this.#waiters.includes(waiter)) waiter.done();
  }
}
