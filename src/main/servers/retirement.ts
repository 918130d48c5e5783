/**
 * How far one server has come with being replaced or removed: it serves, it ends its calls, or it has none
 * left. Pure bookkeeping; whoever owns it looks whether calls are left.
 */
type Stage = 'serving' | 'draining' | 'drained';

export class Retirement<S> {
  #stage: Stage = 'serving';
  #successor: S | null = null;
  #onDrained: () => void = () => {};

  /** It takes no new calls. */
  get begun(): boolean {
    return this.#stage !== 'serving';
  }

  /** What takes its place; null while it serves, and when it is removed. */
  get successor(): S | null {
    return this.#successor;
  }

  /** @param onDrained called once, when no call is left. */
  begin(successor: S | null, onDrained: () => void): void {
    this.#stage = 'draining';
    this.#successor = successor;
    this.#onDrained = onDrained;
  }

  /** No call is left now. */
  drained(): void {
    if (this.#stage !== 'draining') return;
    this.#stage = 'drained';
    this.#onDrained();
  }
}
