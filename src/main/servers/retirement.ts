/**
 * The stages of a server's retirement: it serves, its calls in flight end, or no call is left. Pure
 * bookkeeping; its owner checks whether calls are left.
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

  /** The successor; null while it serves, and when it is removed. */
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
