/** The calls that are at one server now, and how many of them may take any time. Owned by its downstream. */
import type { Call, CallOwner } from './call.ts';

export class InFlight {
  readonly #calls = new Map<number, Call>();
  #patient = 0;

  get size(): number {
    return this.#calls.size;
  }

  /** Those that may take any time, and so take nobody's place. */
  get patient(): number {
    return this.#patient;
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
    for (const call of this.#calls.values()) if (call.session === owner) return call;
    return null;
  }

  add(call: Call): void {
    this.#calls.set(call.id, call);
    if (call.patient) this.#patient += 1;
  }

  remove(call: Call): void {
    if (this.#calls.delete(call.id) && call.patient) this.#patient -= 1;
  }
}
