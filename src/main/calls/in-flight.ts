/** The calls that are at one server now, and how many of them are untimed. Owned by its dispatcher. */
import type { Call, CallOwner } from './call.ts';

export class InFlight {
  readonly #calls = new Map<number, Call>();
  #untimed = 0;

  get size(): number {
    return this.#calls.size;
  }

  /** Untimed calls, which take nobody's place. */
  get untimed(): number {
    return this.#untimed;
  }

  get(call: number): Call | undefined {
    return this.#calls.get(call);
  }

  /** In the order in which they were sent. */
  all(): Iterable<Call> {
    return this.#calls.values();
  }

  /** The oldest of this client, null when it has none. */
  of(owner: CallOwner): Call | null {
    for (const call of this.#calls.values()) if (call.owner === owner) return call;
    return null;
  }

  /** All of this client that are at that incarnation, the oldest first. */
  allOf(owner: CallOwner, incarnation: number): Call[] {
    const found: Call[] = [];
    for (const call of this.#calls.values()) {
      if (call.owner === owner && call.postedTo === incarnation) found.push(call);
    }
    return found;
  }

  add(call: Call): void {
    this.#calls.set(call.id, call);
    if (call.untimed) this.#untimed += 1;
  }

  remove(call: Call): void {
    if (this.#calls.delete(call.id) && call.untimed) this.#untimed -= 1;
  }
}
