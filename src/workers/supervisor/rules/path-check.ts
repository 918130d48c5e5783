/**
 * Judges one message: whether one of its strings names a guarded place, in whatever way a server may
 * read it. Goes on where it stopped, when something has to be fetched from a slow mount first or when
 * it has taken long enough for one turn of the loop.
 */
import type { Absent } from './absent.ts';
import { isInnerFile } from './inner-files.ts';
import type { Lookups } from './lookups.ts';
import { fold, isOwnName } from './own-name.ts';
import type { Places } from './places.ts';
import { isProse } from './prose.ts';
import { readingsOf, type Surroundings } from './readings.ts';
import type { Strings } from './strings.ts';
import { namesOf, resolveNames, type Walk, walk } from './walk.ts';

/** Where a server may begin with a relative path. */
export interface Base {
  readonly names: readonly string[];
  /** What is certainly not in it; null where that cannot be told without waiting. */
  readonly absent: Absent | null;
  /** It is, or lies in, a guarded place itself. */
  readonly guarded: boolean;
  /** Folded names in it on the way to guarded places, which may not be there yet. */
  readonly towards: ReadonlySet<string>;
}

/** Why a message does not leave. */
export interface Denial {
  /** Where the string begins in the line. */
  readonly at: number;
  readonly text: string;
  readonly why: string;
}

/** What is the same for all messages to a server at a time. */
export interface CheckContext {
  readonly places: Places;
  readonly bases: readonly Base[];
  readonly around: Surroundings;
}

const ROOT: Base = { names: [], absent: null, guarded: false, towards: new Set() };
/** Of one turn. */
const SLICE_MS = 20;
/** Between two looks at the clock. */
const STRINGS_PER_LOOK = 64;
/** How many may wait for lookups at the same time. */
const MAX_WAITING = 64;
const OWN = 'a directory .rea of the gateway';

export class PathCheck {
  readonly #context: CheckContext;
  readonly #lookups: Lookups;
  readonly #strings: Strings;
  readonly #writes: () => boolean;
  /** Strings that wait for lookups, and where they begin. */
  #waiting: { readonly text: string; readonly at: number }[] = [];
  #ended = false;

  /** @param writes whether it may change what it names. */
  constructor(context: CheckContext, lookups: Lookups, strings: Strings, writes: () => boolean) {
    this.#context = context;
    this.#lookups = lookups;
    this.#strings = strings;
    this.#writes = writes;
  }

  /** A string that waits for lookups. */
  get waitsFor(): { readonly text: string; readonly at: number } | undefined {
    return this.#waiting[0];
  }

  /** Goes on. @returns null when there is more to do. */
  run(): Denial | 'fine' | null {
    const again = this.#waiting;
    this.#waiting = [];
    for (const { text, at } of again) {
      const denial = this.#next(text, at);
      if (denial !== null) return denial;
    }
    let until = 0;
    for (let count = 0; !this.#ended && this.#waiting.length < MAX_WAITING; count++) {
      if (count % STRINGS_PER_LOOK === STRINGS_PER_LOOK - 1) {
        const now = performance.now();
        until ||= now + SLICE_MS;
        if (now > until) return null;
        if (this.#waiting.length === 0) this.#lookups.forgetSome();
      }
      const text = this.#strings.next();
      if (text === null) this.#ended = true;
      else {
        const denial = this.#next(text, this.#strings.start);
        if (denial !== null) return denial;
      }
    }
    return this.#ended && this.#waiting.length === 0 ? 'fine' : null;
  }

  #next(text: string, at: number): Denial | null {
    const why = this.#judge(text);
    if (why === 'pending') this.#waiting.push({ text, at });
    return why === null || why === 'pending' ? null : { at, text, why };
  }

  /** Why the string must not leave; null: it may. */
  #judge(text: string): string | null {
    const readings = readingsOf(text, this.#context.around);
    if (readings === null) return 'which can be read as a path in too many ways';
    let pending = false;
    for (const reading of readings) {
      const why = this.#judgeReading(text, reading);
      if (why === 'pending') pending = true;
      else if (why !== null) return why;
    }
    return pending ? 'pending' : null;
  }

  #judgeReading(text: string, reading: string): string | null {
    const names = namesOf(reading);
    const isAbsolute = reading.startsWith('/');
    const own = names.some(isOwnName);
    const climbs = names.includes('..');
    let pending = false;
    if (isAbsolute) {
      const why = this.#judgeFrom(ROOT, text, names, own, climbs);
      if (why === 'pending') pending = true;
      else if (why !== null) return why;
    }
    // Some take an absolute path for one below their root.
    for (const base of this.#context.bases) {
      const why = this.#judgeFrom(base, text, names, own, climbs);
      if (why === 'pending') pending = true;
      else if (why !== null) return why;
    }
    return pending ? 'pending' : null;
  }

  #judgeFrom(
    base: Base,
    text: string,
    names: readonly string[],
    own: boolean,
    climbs: boolean,
  ): string | null {
    const [first] = names;
    if (base.absent !== null && first !== undefined && !own && !climbs && !base.guarded) {
      if (!base.towards.has(fold(first)) && base.absent.lacks(first)) return null;
    }
    const whole = [...base.names, ...names];
    const followed = this.#judgeWalk(base, text, names, own, whole);
    if (!climbs || (followed !== null && followed !== 'pending')) return followed;
    // Most programs take `..` back by name, before the system sees it.
    return this.#judgeWalk(base, text, names, own, resolveNames(whole)) ?? followed;
  }

  #judgeWalk(
    base: Base,
    text: string,
    names: readonly string[],
    own: boolean,
    whole: readonly string[],
  ): string | null {
    const { places } = this.#context;
    const way = walk(whole, this.#lookups, (entry) => places.isDirectory(entry));
    if (way === null) return 'pending';
    const covering = places.covering(way.real);
    const inside = way.hit || covering !== null;
    if (inside || own) {
      if (isProse(text, way.missing, inside)) return null;
      // Where everything is relative to a guarded place, a word that is nothing there is a word.
      const isWord = names.length === 1 && way.missing.length === 1 && !own;
      if (base.guarded && isWord && !names[0]?.includes('.')) return null;
      return `which leads into ${covering ?? OWN}`;
    }
    return this.#judgeFile(way);
  }

  #judgeFile({ real, entry }: Walk): string | null {
    const { places } = this.#context;
    const file = places.file(real, entry);
    if (file !== null && this.#writes())
      return `which is ${file}, a file of the gateway's configuration`;
    if (entry.kind !== 'file' || entry.links < 2) return null;
    const inner = isInnerFile(entry, places.on(entry.dev), this.#lookups);
    if (inner === null) return 'pending';
    return inner ? 'which is another name of a file in a guarded directory' : null;
  }
}
