/**
 * Whose calls have ended here without an answer of their server, which may work on and ask something for them. Holds
 * no owner: one may be long gone by then.
 */
import { LATE_ASKS_MS } from '../../shared/model/asks.ts';
import type { CallOwner } from './call.ts';

interface Late {
  readonly incarnation: number;
  readonly until: number;
}

export class LateOwners {
  readonly #numbers = new WeakMap<CallOwner, number>();
  /** By the numbers of the owners, the next to be forgotten first. */
  readonly #late = new Map<number, Late>();
  #last = 0;

  /** A call has ended. @param now monotonic milliseconds. */
  add(owner: CallOwner, incarnation: number, now: number): void {
    const number = this.#numbers.get(owner) ?? ++this.#last;
    this.#numbers.set(owner, number);
    this.#late.delete(number);
    this.#late.set(number, { incarnation, until: now + LATE_ASKS_MS });
    for (const [one, { until }] of this.#late) {
      if (until > now) break;
      this.#late.delete(one);
    }
  }

  /** Whether another than this one has such calls at that incarnation. */
  othersThan(owner: CallOwner, incarnation: number, now: number): boolean {
    const own = this.#numbers.get(owner);
    for (const [number, late] of this.#late) {
      if (number !== own && late.incarnation === incarnation && late.until > now) return true;
    }
    return false;
  }
}
