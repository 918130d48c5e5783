/**
 * Stops reading one stream of a server that has used up its output budget, until there is budget again.
 * What is not read stays in the pipe, and the server waits. Owns the budget and the timer.
 */
import { OutputBudget } from './output-budget.ts';
import { isPaused, NO_OVERLOAD, type Overload, onOverBudget, onPauseOver } from './overload.ts';

export interface BudgetPauseListener {
  /** A pause may have begun or ended; see `on`. */
  changed(): void;
  /** The server has been over its budget for seconds, with hardly a pause. Called once an overload. */
  overloaded(): void;
}

export class BudgetPause {
  readonly budget = new OutputBudget();
  readonly #listener: BudgetPauseListener;
  #overload: Overload = NO_OVERLOAD;
  #timer: NodeJS.Timeout | null = null;

  constructor(listener: BudgetPauseListener) {
    this.#listener = listener;
  }

  /** True while nothing should be read. */
  get on(): boolean {
    return isPaused(this.#overload);
  }

  /** A chunk has been read and dealt with. @param open bytes of unfinished messages. */
  charge(open: number): void {
    const now = performance.now();
    const ms = this.budget.pauseMs(open, now);
    if (ms <= 0) return;
    const [overload, verdict] = onOverBudget(this.#overload, now);
    if (verdict === 'pause_and_report') this.#listener.overloaded();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.end(), ms);
    this.#overload = overload;
    this.#listener.changed();
  }

  /** Ends a pause, if there is one. */
  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#overload = onPauseOver(this.#overload, performance.now());
    this.#listener.changed();
  }
}
