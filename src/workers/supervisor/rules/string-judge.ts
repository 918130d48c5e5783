/**
 * Judges one string: whether any path that a server may make of it, from any directory where it may begin,
 * leads to a guarded place. Asks the file system through the lookups of the check; keeps nothing.
 */

import type { BlockedPath } from '../../../shared/model/policy.ts';
import type { Absent } from './absent.ts';
import { blocking, Unblocked } from './blocked.ts';
import type { Entry } from './entry.ts';
import { isInnerFile } from './inner-files.ts';
import type { Lookups } from './lookups.ts';
import { isOwnName } from './own-name.ts';
import type { Places } from './places.ts';
import { isProse } from './prose.ts';
import { readingsOf, type Surroundings } from './readings.ts';
import { namesOf, pathOf, ROOT, resolveNames, type Start, type Walk, walk } from './walk.ts';

/** Where a server may begin with a relative path. */
export interface Base {
  readonly names: readonly string[];
  /** What is certainly not in it; null where that cannot be told. */
  readonly absent: Absent | null;
  /** Where it was when it was looked for last; null where a walk has to begin at the root. */
  readonly start: Start | null;
  /** It is, or lies in, a guarded place itself. */
  readonly guarded: boolean;
  /**
   * Only a server with other rights than ours may look into it. What is relative to it is judged by its
   * spelling: every word of every call would have to be refused otherwise, and what the server has these
   * rights for could not be done. Whole paths that lead there are refused.
   */
  readonly closed: boolean;
}

/** What is the same for all messages to a server at a time. */
export interface Surface {
  readonly places: Places;
  readonly bases: readonly Base[];
  readonly around: Surroundings;
  /** What the policy blocks. */
  readonly blocked: readonly BlockedPath[];
}

/** In words, why the string must not leave; null: it may; `pending`: lookups are to be fetched first. */
type Verdict = string | null;

interface Reading {
  /** The string that it was made of. */
  readonly text: string;
  readonly names: readonly string[];
  readonly isAbsolute: boolean;
  /** One of the names is that of the gateway's directory. */
  readonly hasOwnName: boolean;
  readonly climbs: boolean;
}

/** What is to be walked. */
interface Way {
  readonly start: Start;
  readonly left: readonly string[];
}

export const PENDING = 'pending';
const NO_FILES: readonly string[] = [];
const NONE: Entry = { kind: 'none' };
const FROM_ROOT: Base = { names: [], absent: null, start: ROOT, guarded: false, closed: false };
/** Names to be followed for one string. */
const MAX_STEPS = 100_000;
const TOO_MANY_WAYS = 'which can be read as a path in too many ways';
const ADDRESS = /^(?:https?|wss?):$/i;
const OWN = "a directory .rea, which is the gateway's";

export class StringJudge {
  readonly #surface: Surface;
  readonly #lookups: Lookups;
  readonly #writes: () => boolean;
  #steps = 0;
  #blocked: BlockedPath | null = null;
  /** Whether it is blocked by its names has to be found out. */
  #asksNames = false;

  /** @param writes whether the message may change what it names. */
  constructor(surface: Surface, lookups: Lookups, writes: () => boolean) {
    this.#surface = surface;
    this.#lookups = lookups;
    this.#writes = writes;
  }

  /** The pattern of the policy that blocks the last string, as far as it has been judged; null: none. */
  get blocked(): BlockedPath | null {
    return this.#blocked;
  }

  judge(text: string): Verdict {
    const { bases, around, blocked } = this.#surface;
    const unblocked = blocked.length === 0 ? null : Unblocked.of(bases, blocked);
    this.#blocked = null;
    this.#asksNames = unblocked?.has(text) === false;
    const readings = readingsOf(text, around);
    if (readings === null) return TOO_MANY_WAYS;
    this.#steps = 0;
    let verdict: Verdict = null;
    for (const one of readings) {
      const reading = readingOf(text, one);
      // Some servers take an absolute path for one below their root.
      for (const base of reading.isAbsolute ? [FROM_ROOT, ...bases] : bases) {
        const found = this.#from(base, reading);
        if (found !== null && found !== PENDING) return found;
        verdict ??= found;
      }
    }
    // What is blocked is looked at anew each time.
    if (this.#blocked === null) unblocked?.add(text);
    return verdict;
  }

  #from(base: Base, reading: Reading): Verdict {
    const { names, climbs, hasOwnName } = reading;
    const [first] = names;
    // Also what is not there: it may be made.
    if (this.#asksNames) this.#blocked ??= this.#blocks(reading, [...base.names, ...names], names);
    if (base.absent !== null && first !== undefined && !hasOwnName && !climbs) {
      if (base.absent.lacks(first, this.#lookups)) return null;
    }
    const whole = [...base.names, ...names];
    this.#steps += whole.length;
    if (this.#steps > MAX_STEPS) return TOO_MANY_WAYS;
    const followed = this.#follow(base, reading, whole);
    if (!climbs || (followed !== null && followed !== PENDING)) return followed;
    // Most programs take `..` back by name, before the system sees it.
    return this.#follow(base, reading, resolveNames(whole)) ?? followed;
  }

  #follow(base: Base, reading: Reading, whole: readonly string[]): Verdict {
    const { places } = this.#surface;
    const blocks = this.#surface.blocked.length > 0;
    const ways = [this.#nearest(whole)];
    for (let one = ways.pop(); one !== undefined; one = ways.pop()) {
      const { start, left } = one;
      const seen = walk(start, left, this.#lookups, (entry) => places.isDirectory(entry));
      if (seen === null) return PENDING;
      const isClosed = base.closed && seen.entry.kind === 'unknown';
      const way = isClosed ? spelled(whole, reading.names, seen.hit) : seen;
      if (blocks) this.#blocked ??= this.#blocks(reading, namesOf(way.real), way.missing);
      const verdict = this.#led(base, reading, way) ?? this.#otherWays(way, ways);
      if (verdict !== null) return verdict;
    }
    return null;
  }

  /** @param missing names of it that are not there, as far as that is known. */
  #blocks(
    { text }: Reading,
    whole: readonly string[],
    missing: readonly string[],
  ): BlockedPath | null {
    // Another machine's files are its own.
    if (ADDRESS.test(missing[0] ?? '')) return null;
    const found = blocking(this.#surface.blocked, pathOf(resolveNames(whole)));
    return found !== null && !isProse(text, missing, true) ? found : null;
  }

  /** Where the next name is not, some servers take one that is written otherwise. @param ways gets those. */
  #otherWays({ stopped, missing }: Walk, ways: Way[]): Verdict {
    const [name, ...rest] = missing;
    if (stopped === null || name === undefined) return null;
    const path = stopped === '' ? '/' : stopped;
    const entry = this.#lookups.entry(path);
    if (entry === null) return PENDING;
    if (entry.kind !== 'directory') return null;
    const others = this.#lookups.like(name, path, entry);
    if (others === null) return PENDING;
    if (others === 'unknown') return unseen('its directory');
    this.#steps += others.length * missing.length;
    if (this.#steps > MAX_STEPS) return TOO_MANY_WAYS;
    for (const other of others) {
      if (other !== name) ways.push({ start: { path: stopped, entry }, left: [other, ...rest] });
    }
    return null;
  }

  #led(base: Base, { text, names, hasOwnName }: Reading, way: Walk): Verdict {
    const { places } = this.#surface;
    const covering = places.covering(way.real);
    const inside = way.hit || covering !== null;
    if (way.entry.kind === 'unknown' && !inside) return unseen(way.entry.code);
    if (!inside && !hasOwnName) return this.#reached(way);
    if (isProse(text, way.missing, inside)) return null;
    // Where everything is relative to a guarded place, a word that is nothing there is a word.
    const isWord = names.length === 1 && way.missing.length === 1 && !hasOwnName;
    if (base.guarded && isWord && names[0]?.includes('.') === false) return null;
    return `which leads into ${covering ?? OWN}`;
  }

  /** A base that the path lies below and that is where it was: what is above it need not be looked at. */
  #nearest(whole: readonly string[]): Way {
    for (const { names, start, absent } of this.#surface.bases) {
      if (start === null || absent?.is(start.entry) !== true) continue;
      const isBelow = names.every((name, at) => whole[at] === name);
      if (isBelow) return { start, left: whole.slice(names.length) };
    }
    return { start: ROOT, left: whole };
  }

  #reached({ real, entry }: Walk): Verdict {
    const { places } = this.#surface;
    const found = places.file(real, entry);
    const files = found === null ? this.#held(real) : [found];
    if (files === null) return PENDING;
    if (files.length > 0) {
      const file = files.find((one) => places.isSecret(one)) ?? (this.#writes() ? files[0] : null);
      if (file !== undefined && file !== null) return `which is ${file}, a file of the gateway's`;
    }
    if (entry.kind !== 'file' || entry.links < 2) return null;
    const inner = isInnerFile(entry, places.on(entry.dev), this.#lookups);
    if (inner === null) return PENDING;
    return inner ? "which is another name of one of the gateway's own files" : null;
  }

  /** Guarded files of its name, if it lies where one of them lies, wherever that has been moved to. */
  #held(real: string): readonly string[] | null {
    const { places } = this.#surface;
    const slash = real.lastIndexOf('/');
    const files = places.filesCalled(real.slice(slash + 1));
    if (files.length === 0 || slash <= 0) return NO_FILES;
    const above = this.#lookups.entry(real.slice(0, slash));
    if (above === null) return null;
    return above.kind === 'unknown' || places.isHolder(above) ? files : NO_FILES;
  }
}

function unseen(why: string): string {
  return `which cannot be looked at (${why}): it may be one of the gateway's own files`;
}

/** Where a path leads by its names alone. */
function spelled(whole: readonly string[], missing: readonly string[], hit: boolean): Walk {
  return { real: pathOf(resolveNames(whole)), missing, stopped: null, entry: NONE, hit };
}

function readingOf(text: string, path: string): Reading {
  const names = namesOf(path);
  return {
    text,
    names,
    isAbsolute: path.startsWith('/'),
    hasOwnName: names.some(isOwnName),
    climbs: names.includes('..'),
  };
}
