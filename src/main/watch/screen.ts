/**
 * The terminal while it is watched: another screen without cursor, keys without Enter. `leave` gives it back as it
 * was; whatever ends this process does that, too.
 */
import type { ReadStream, WriteStream } from 'node:tty';
import { difference } from './frame.ts';

const OTHER_SCREEN = '\u001b[?1049h';
/** No cursor, and what is wider than the screen is cut. */
const MODES = '\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[0m\u001b[?7h\u001b[?25h\u001b[?1049l';

export class Screen {
  readonly #out: WriteStream;
  readonly #keys: ReadStream | null;
  #drawn: readonly string[] | null = null;
  #isOn = false;
  readonly #atExit = () => this.leave();

  /** @param keys null: there is no keyboard. */
  constructor(out: WriteStream, keys: ReadStream | null) {
    this.#out = out;
    this.#keys = keys;
  }

  /** Of the terminal; 80 and 24 where it does not say. */
  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: this.#out.columns || 80, rows: this.#out.rows || 24 };
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** Called again when a stopped process goes on: the shell has changed the terminal meanwhile. */
  enter(): void {
    this.#keys?.setRawMode(false);
    this.#keys?.setRawMode(true);
    // Said twice it would forget where the cursor was on the first screen.
    this.#out.write(this.#isOn ? MODES : OTHER_SCREEN + MODES);
    if (!this.#isOn) process.on('exit', this.#atExit);
    this.#isOn = true;
    this.#drawn = null;
  }

  leave(): void {
    if (!this.#isOn) return;
    this.#isOn = false;
    process.off('exit', this.#atExit);
    this.#out.write(LEAVE);
    this.#keys?.setRawMode(false);
  }

  /** Shows these lines and nothing else. */
  draw(lines: readonly string[]): void {
    if (!this.#isOn) return;
    const bytes = difference(this.#drawn, lines);
    this.#drawn = lines;
    if (bytes !== '') this.#out.write(bytes);
  }

  /** What stands there may be different from what was drawn. */
  forget(): void {
    this.#drawn = null;
  }
}
