/**
 * Tells when one of a few files has become different and is at rest again: written in place or in two
 * steps, replaced by another file, reached through a link that now leads elsewhere, gone. Looks at them
 * by name instead of being told by the system, see docs/decisions/0010. Reads nothing.
 */
import { statSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { errorCode } from '../../shared/platform/errno.ts';

export interface FileWatchOptions {
  /** Absolute paths. */
  readonly files: readonly string[];
  /** Called again only after `acknowledge`, for the next change. */
  readonly onChange: () => void;
  /** @default 200 */
  readonly everyMs?: number;
}

const EVERY_MS = 200;
/** Looks that have to agree before a change is told. */
const LOOKS_AT_REST = 2;
/** Editors and version control take a file away for a moment. */
const LOOKS_WHEN_GONE = 6;

export class FileWatch {
  readonly #options: FileWatchOptions;
  #known: readonly string[];
  #seen: readonly string[];
  #looks = 0;
  #timer: NodeJS.Timeout | null = null;

  /** What is there now is known. */
  constructor(options: FileWatchOptions) {
    this.#options = options;
    this.#known = this.#look();
    this.#seen = this.#known;
  }

  start(): void {
    const { everyMs = EVERY_MS } = this.#options;
    this.#timer ??= setInterval(() => this.#check(), everyMs).unref();
  }

  /** What is there now is about to be read: only what differs from it is a change. */
  acknowledge(): void {
    this.#known = this.#look();
    this.#seen = this.#known;
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  #check(): void {
    const now = this.#look();
    this.#looks = isDeepStrictEqual(now, this.#seen) ? this.#looks + 1 : 1;
    this.#seen = now;
    if (isDeepStrictEqual(now, this.#known)) return;
    const gone = now.some((file, at) => file === GONE && this.#known[at] !== GONE);
    if (this.#looks >= (gone ? LOOKS_WHEN_GONE : LOOKS_AT_REST)) this.#options.onChange();
  }

  #look(): string[] {
    return this.#options.files.map(identityOf);
  }
}

const GONE = 'gone';

/** Differs after everything that could have changed the content. */
function identityOf(file: string): string {
  try {
    const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return GONE;
    return [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ');
  } catch (error) {
    return errorCode(error);
  }
}
