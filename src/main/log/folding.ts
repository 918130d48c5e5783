/**
 * Folds what is said again and again: the first line of a topic is shown at once, what follows within five
 * seconds is counted and shown as one line, then within ten, and so on up to thirty. How a server is in the end is
 * always shown. Pure: the caller has the clock.
 */
import { duration } from '../status/words.ts';
import type { ShortLine } from './short-line.ts';

const FIRST_MS = 5000;
const LONGEST_MS = 30_000;
/** More topics at a time are not folded. */
const MAX_TOPICS = 500;

interface Window {
  readonly since: number;
  readonly lengthMs: number;
  /** Lines held back, of `life` only those of trouble. */
  count: number;
  /** The last of these. */
  held: ShortLine | null;
  /** Good news after it. */
  next: ShortLine | null;
}

export class Folding {
  readonly #windows = new Map<string, Window>();

  /** @returns whether the line is to be shown now; else it is kept. */
  take(line: ShortLine, now: number): boolean {
    const key = `${line.server ?? ''}\0${line.topic}`;
    const window = this.#windows.get(key);
    if (window === undefined) {
      if (line.kind !== 'life' && this.#windows.size < MAX_TOPICS) {
        this.#windows.set(key, opened(now, FIRST_MS));
      }
      return true;
    }
    if (line.kind === 'life') {
      if (window.held === null) return true;
      window.next = line;
      return false;
    }
    window.count += 1;
    window.held = line;
    window.next = null;
    return false;
  }

  /** When `due` has something to do next; null while nothing is folded. */
  get nextAt(): number | null {
    let next: number | null = null;
    for (const { since, lengthMs } of this.#windows.values()) {
      next = Math.min(next ?? Number.POSITIVE_INFINITY, since + lengthMs);
    }
    return next;
  }

  /** The lines whose time has come. A topic that goes on is folded for longer, one that has gone quiet no more. */
  due(now: number): ShortLine[] {
    const lines: ShortLine[] = [];
    for (const [key, window] of Array.from(this.#windows)) {
      if (window.since + window.lengthMs > now) continue;
      this.#windows.delete(key);
      if (window.held === null) continue;
      lines.push(...folded(window, now));
      this.#windows.set(key, opened(now, Math.min(LONGEST_MS, window.lengthMs * 2)));
    }
    return lines;
  }

  /** All that is held back. */
  rest(now: number): ShortLine[] {
    const windows = [...this.#windows.values()];
    this.#windows.clear();
    return windows.flatMap((window) => folded(window, now));
  }
}

function opened(since: number, lengthMs: number): Window {
  return { since, lengthMs, count: 0, held: null, next: null };
}

function folded({ since, count, held, next }: Window, now: number): ShortLine[] {
  if (held === null) return [];
  const times = count === 1 ? 'once more' : `${count} more`;
  const text = `${held.text} (${times} in ${duration(now - since)})`;
  return [{ ...held, text }, ...(next === null ? [] : [next])];
}
