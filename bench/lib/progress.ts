/** Tells on stderr how far a run is: one line that is rewritten on a terminal, else a line for each step. */
export class Progress {
  readonly #begun = performance.now();
  #program = '';

  program(name: string): void {
    this.#program = name;
  }

  step(text: string): void {
    const seconds = String(Math.round((performance.now() - this.#begun) / 1000)).padStart(4);
    const line = `${seconds} s  ${this.#program}: ${text}`;
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line.slice(0, 100)}`);
    else process.stderr.write(`${line}\n`);
  }

  /** Leaves the line free for a table. */
  clear(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  }
}
