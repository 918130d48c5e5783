/** The servers of one supervisor thread by slot, and which of them takes most of its time. */
import { LoadWatch } from './load-watch.ts';
import type { Tenant } from './tenant.ts';

export class Tenants {
  readonly #capacity: number;
  readonly #bySlot = new Map<number, Tenant>();
  readonly #load = new LoadWatch();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#bySlot.size;
  }

  /**
   * Gives a server the first free slot.
   *
   * @throws Error when no slot is free.
   */
  add(tenant: Tenant): number {
    const slot = this.slots().find((one) => !this.#bySlot.has(one));
    if (slot === undefined) throw new Error('a supervisor thread has no room left');
    this.#bySlot.set(slot, tenant);
    return slot;
  }

  remove(tenant: Tenant): void {
    for (const [slot, one] of this.#bySlot) {
      if (one !== tenant) continue;
      this.#bySlot.delete(slot);
      this.#load.forget(slot);
    }
  }

  at(slot: number): Tenant | undefined {
    return this.#bySlot.get(slot);
  }

  /** A copy: servers may be added and removed meanwhile. */
  all(): Tenant[] {
    return [...this.#bySlot.values()];
  }

  entries(): [number, Tenant][] {
    return [...this.#bySlot];
  }

  /** All slots, taken or free. */
  slots(): number[] {
    return Array.from({ length: this.#capacity }, (_, slot) => slot);
  }

  /** Another thread begins: earlier readings count no more. */
  clearLoad(): void {
    this.#load.clear();
  }

  /**
   * Tells a server that takes most of the time of a thread that others use, too.
   *
   * @param now monotonic, ms.
   * @param workedUs microseconds that the thread has worked for a slot so far, modulo 2^32.
   */
  findBusy(now: number, workedUs: (slot: number) => number): void {
    const us = new Map([...this.#bySlot.keys()].map((slot) => [slot, workedUs(slot)]));
    const found = this.#load.look(now, us);
    if (found === null || this.#bySlot.size < 2) return;
    const detail = `it takes ${Math.round(found.share * 100)} % of a thread that ${us.size} servers share`;
    this.#bySlot.get(found.slot)?.onTooBusy(detail);
  }
}
