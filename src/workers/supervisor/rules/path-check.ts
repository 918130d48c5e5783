/**
 * Judges one message, string by string. Goes on where it stopped, when something has to be fetched from a
 * slow mount first, or when it has taken long enough for one turn of the loop.
 */
import type { BlockedPath } from '../../../shared/model/policy.ts';
import type { Lookups } from './lookups.ts';
import { PENDING, StringJudge, type Surface } from './string-judge.ts';
import type { Strings } from './strings.ts';

/** Why a message does not leave. */
export interface Denial {
  /** Where the string begins in the line. */
  readonly at: number;
  readonly text: string;
  readonly why: string;
  /** The pattern of the policy that blocks it; null: it is one of the gateway's own files. */
  readonly blocked: BlockedPath | null;
}

/** What is asked about the message only where it matters. */
export interface Meaning {
  /** Whether it may change what it names. */
  readonly writes: () => boolean;
  /** Whether a string that begins at this place is text, and no path. */
  readonly isContent: (at: number) => boolean;
}

/** Of one turn. */
const SLICE_MS = 20;
/** Between two looks at the clock. */
const STRINGS_PER_LOOK = 16;
/** How many may wait for lookups at the same time. */
const MAX_WAITING = 64;

export class PathCheck {
  readonly #lookups: Lookups;
  readonly #strings: Strings;
  readonly #judge: StringJudge;
  readonly #isContent: (at: number) => boolean;
  /** Strings that wait for lookups, and where they begin. */
  #waiting: { readonly text: string; readonly at: number }[] = [];
  #ended = false;

  constructor(
    surface: Surface,
    lookups: Lookups,
    strings: Strings,
    { writes, isContent }: Meaning,
  ) {
    this.#lookups = lookups;
    this.#strings = strings;
    this.#isContent = isContent;
    this.#judge = new StringJudge(surface, lookups, writes);
  }

  /** A string that waits for lookups. */
  get waitsFor(): { readonly text: string; readonly at: number } | undefined {
    return this.#waiting[0];
  }

  /** Goes on. @returns null when there is more to do. */
  run(): Denial | 'fine' | null {
    const again = this.#waiting;
    this.#waiting = [];
    this.#lookups.nextTurn();
    for (const { text, at } of again) {
      const denial = this.#next(text, at);
      if (denial !== null) return denial;
    }
    let until = 0;
    let count = 0;
    while (!this.#ended && this.#waiting.length < MAX_WAITING) {
      const text = this.#strings.next();
      const denial = text === null ? null : this.#next(text, this.#strings.start);
      if (denial !== null) return denial;
      this.#ended = text === null;
      count += 1;
      // '': a piece of a long one.
      if (text !== '' && count % STRINGS_PER_LOOK !== 0) continue;
      const now = performance.now();
      until ||= now + SLICE_MS;
      if (now > until) break;
      if (this.#waiting.length === 0) this.#lookups.forgetSome();
    }
    return this.#ended && this.#waiting.length === 0 ? 'fine' : null;
  }

  #next(text: string, at: number): Denial | null {
    const why = this.#judge.judge(text);
    if (why !== null && why !== PENDING) return { at, text, why, blocked: null };
    const { blocked } = this.#judge;
    if (blocked !== null && !this.#isContent(at)) {
      const by = `blocked_paths (${JSON.stringify(blocked.pattern)}, ${blocked.at})`;
      return { at, text, why: `which ${by} forbids`, blocked };
    }
    if (why === PENDING) this.#waiting.push({ text, at });
    return null;
  }
}
