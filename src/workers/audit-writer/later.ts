/** Something that is done later, once, however often it is asked for until then. */
export class Later {
  readonly #work: () => void;
  #timer: NodeJS.Timeout | null = null;
  #immediate: NodeJS.Immediate | null = null;

  constructor(work: () => void) {
    this.#work = work;
  }

  /** When the present turn of the loop is over, unless it is due at another time already. */
  soon(): void {
    if (this.#timer === null) this.#immediate ??= setImmediate(() => this.#run());
  }

  /** Unless it is due already. */
  in(ms: number): void {
    if (this.#immediate === null) this.#timer ??= setTimeout(() => this.#run(), ms);
  }

  cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#timer = null;
    this.#immediate = null;
  }

  #run(): void {
    this.cancel();
    this.#work();
  }
}
