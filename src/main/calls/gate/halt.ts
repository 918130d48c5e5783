/**
 * The kill switch as the gate sees it: any entry of `.rea` named `halt` in any case, whatever kind it
 * is, and anything that keeps the directory from being read. Main asks before each call; the answer is
 * at most 50 ms old. Never throws, never blocks, never opens what is not a regular file.
 */
import { join } from 'node:path';
import { errorText } from '../../../shared/platform/errno.ts';
import { readRange, withRegularFile } from '../../../shared/platform/safe-file.ts';
import { cleanForTerminal } from '../../../shared/text/clean-text.ts';
import { haltEntries } from '../../processes/halt-file.ts';

const MAX_AGE_MS = 50;
const MAX_REASON_BYTES = 1024;

export interface Halt {
  readonly active: boolean;
  /** One clean line, null while not halted or when no reason was given. */
  readonly reason: string | null;
}

const RUNNING: Halt = { active: false, reason: null };

export class HaltSwitch {
  readonly #dir: string;
  readonly #now: () => number;
  #halt: Halt = RUNNING;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #onChange: ((halt: Halt) => void) | null = null;
  /** A change will be told in a moment. */
  #tells = false;

  /**
   * @param dir absolute path of `.rea`.
   * @param now monotonic milliseconds.
   */
  constructor(dir: string, now: () => number) {
    this.#dir = dir;
    this.#now = now;
  }

  /** Looks again when the last look is 50 ms old; a look costs some 20 µs. */
  active(): Halt {
    const now = this.#now();
    const age = now - this.#lookedAt;
    if (age >= 0 && age < MAX_AGE_MS) return this.#halt;
    const before = this.#halt;
    this.#halt = look(this.#dir);
    this.#lookedAt = now;
    if (this.#halt.active !== before.active || this.#halt.reason !== before.reason) this.#tell();
    return this.#halt;
  }

  /** Makes the next `active` look again, however soon. */
  refresh(): void {
    this.#lookedAt = Number.NEGATIVE_INFINITY;
  }

  /** @param onChange called after each change that a look has shown; null: nobody is any more. */
  listen(onChange: ((halt: Halt) => void) | null): void {
    this.#onChange = onChange;
  }

  /** Later: whoever looked has yet to act on what it saw. */
  #tell(): void {
    if (this.#tells) return;
    this.#tells = true;
    setImmediate(() => {
      this.#tells = false;
      this.#onChange?.(this.#halt);
    });
  }
}

function look(dir: string): Halt {
  let name: string | undefined;
  try {
    [name] = haltEntries(dir);
  } catch (error) {
    // A switch that cannot be read counts as set, whatever the error.
    return { active: true, reason: oneLine(`${dir} cannot be read: ${errorText(error)}`) };
  }
  return name === undefined ? RUNNING : { active: true, reason: reasonIn(dir, name) };
}

function reasonIn(dir: string, name: string): string | null {
  try {
    const read = withRegularFile(join(dir, name), (descriptor) => ({
      kind: 'text' as const,
      // A character cut in two at the end is left out, not shown as damage.
      text: new TextDecoder().decode(readRange(descriptor, 0, MAX_REASON_BYTES), { stream: true }),
    }));
    if (read.kind === 'text') return oneLine(read.text);
    if (read.kind === 'absent') return null;
    return oneLine(`${name} is not a readable file: ${read.detail}`);
  } catch (error) {
    // The entry exists, which is all that counts.
    return oneLine(`${name} cannot be read: ${errorText(error)}`);
  }
}

function oneLine(text: string): string | null {
  const line = cleanForTerminal(text.replace(/\s+/g, ' ').trim());
  return line === '' ? null : line;
}
