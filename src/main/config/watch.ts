/**
 * Tells when one of a few files has changed and is at rest again: written in place or in two steps,
 * replaced, removed, or reached through a link that now leads elsewhere. Polls them by name instead of
 * using the system's events, see docs/decisions/0010. Reads nothing.
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
/** More looks: editors and version control remove a file for a moment. */
const LOOKS_WHEN_GONE = 6;

export class FileWatch {
  readonly #options: FileWatchOptions;
  #known: readonly string[];
  #seen: readonly string[];
  #looks = 0;
  #timer: NodeJS.Timeout | null = null;

  /** The present state of the files counts as known. */
  constructor(options: FileWatchOptions) {
    this.#options = options;
    this.#known = this.#look();
    this.#seen = this.#known;
  }

  start(): void {
    const { everyMs = EVERY_MS } = this.#options;
    this.#timer ??= setInterval(() => this.#check(), everyMs).unref();
  }

  /** To be called before the files are read: only a difference from their state now is a change. */
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

/** A text that differs whenever the content may have changed. */
function identityOf(file: string): string {
  try {
    const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return GONE;
    return [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ');
  } catch (error) {
    return errorCode(error);
  }
}
