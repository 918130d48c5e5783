/**
 * One open question of a server and the calls that may have caused it: a server behind stdio does not say
 * which one did. Their clocks stand until the question is settled.
 */
import type { Call, OpenQuestion } from '../../calls/call.ts';
import type { CallsInFlight } from '../../calls/delivery.ts';

export class Standing implements OpenQuestion {
  readonly #inFlight: CallsInFlight;
  readonly #calls: Set<Call>;
  readonly #onTooLate: (call: Call) => void;

  /**
   * @param inFlight where the calls are.
   * @param calls of the client that is asked.
   * @param onTooLate the last of the calls has ended because the client has not answered.
   */
  constructor(inFlight: CallsInFlight, calls: readonly Call[], onTooLate: (call: Call) => void) {
    this.#inFlight = inFlight;
    this.#calls = new Set(calls);
    this.#onTooLate = onTooLate;
    for (const call of calls) inFlight.stopClock(call, this);
  }

  /** Those that have not ended. */
  get calls(): ReadonlySet<Call> {
    for (const call of this.#calls) {
      if (this.#inFlight.ownerOf(call.id) === null) this.#calls.delete(call);
    }
    return this.#calls;
  }

  expired(call: Call): void {
    this.#calls.delete(call);
    if (this.calls.size === 0) this.#onTooLate(call);
  }

  /** The question is settled: the clocks go on. */
  end(): void {
    for (const call of this.#calls) this.#inFlight.resumeClock(call, this);
    this.#calls.clear();
  }
}
