/** A gateway that sessions share ends when no client was there for a while. */
export class IdleExit {
  readonly #ms: number;
  readonly #onIdle: (reason: string) => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(ms: number, onIdle: (reason: string) => void) {
    this.#ms = ms;
    this.#onIdle = onIdle;
  }

  /** @param clients how many there are now. */
  changed(clients: number): void {
    if (clients > 0) return this.close();
    this.#timer ??= setTimeout(() => {
      this.#onIdle(`no client was there for ${this.#ms} ms (idle_exit_ms)`);
    }, this.#ms);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
