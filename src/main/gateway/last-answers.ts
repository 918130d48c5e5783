/**
 * After the end of stdin: what was read is still answered, and each server is stopped as soon as nothing
 * is open for it.
 */
import type { StopTimes } from '../../shared/machines/supervisor-stop.ts';
import type { Fleet } from '../servers/fleet.ts';
import type { Doors } from './doors.ts';

export class LastAnswers {
  readonly #doors: Doors;
  readonly #fleet: Pick<Fleet, 'stopUnused'>;
  /** The times that servers have to end; null before the end of stdin, and when no answer is waited for any more. */
  #times: StopTimes | null = null;

  constructor(doors: Doors, fleet: Pick<Fleet, 'stopUnused'>) {
    this.#doors = doors;
    this.#fleet = fleet;
  }

  /** @param callback called once everything is answered; that may be at once. */
  begin(times: StopTimes, callback: () => void): void {
    this.#times = times;
    this.#stopUnused();
    this.#doors.whenAnswered(callback);
  }

  /** A call has ended, for example. */
  changed(): void {
    // Later: it may be followed by another one.
    if (this.#times !== null) setImmediate(() => this.#stopUnused());
  }

  end(): void {
    this.#times = null;
  }

  #stopUnused(): void {
    if (this.#times !== null && !this.#doors.mayAskMore) this.#fleet.stopUnused(this.#times);
  }
}
