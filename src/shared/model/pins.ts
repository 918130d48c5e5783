/**
 * What a person has accepted of the servers of a project: their programs, and what they tell the model. Kept
 * as `pins.json` in the state directory. Types and limits; members that are not known are kept.
 */

/** What becomes of a program that is not pinned, the sternest last: nothing is looked at; a warning; it is not started. */
export const PIN_ACTIONS = ['off', 'warn', 'block'] as const;

export type PinAction = (typeof PIN_ACTIONS)[number];

/** The sternest of them; null: there is none. */
export function sternest(actions: readonly PinAction[]): PinAction | null {
  return PIN_ACTIONS.findLast((one) => actions.includes(one)) ?? null;
}

/** A program or address that may be started. */
export interface ProgramPin {
  /** HMAC of all that decides what runs, with the key of the state directory. */
  readonly pin: string;
  /** ISO; when it was accepted. */
  readonly at: string;
  /** The same for each part (`command`, `args`, …), so that what differs can be named. */
  readonly parts?: Readonly<Record<string, string>>;
  /** The command line as it was shown, secrets hidden. */
  readonly shown?: string;
}

/** One form of a definition that may be listed. */
export interface DefinitionPin {
  /** sha256 of its canonical form. */
  readonly hash: string;
  /** ISO. */
  readonly at: string;
  /** Names of the rules that it was found to break when it was judged; empty: none. Absent: not judged. */
  readonly verdict?: readonly string[];
}

/** By `<kind>/<name>`. */
export type DefinitionPins = Readonly<Record<string, readonly DefinitionPin[]>>;

export interface Pins {
  readonly schema: typeof PINS_SCHEMA;
  /** By name of the server. Absent: no program was ever pinned here, and the next start pins all. */
  readonly programs?: Readonly<Record<string, readonly ProgramPin[]>>;
  /** The mildest that the policy of the project may say of them; a milder one is accepted like a program. @default block */
  readonly programs_action?: PinAction;
  /** By name of the server. */
  readonly definitions?: Readonly<Record<string, DefinitionPins>>;
}

export const PINS_SCHEMA = 1;
export const PINS_FILE = 'pins.json';
/** Forms of one program or definition; the newest are kept. */
export const MOST_FORMS = 16;
export const MOST_PINNED_SERVERS = 4096;
/** Definitions of one server. */
export const MOST_DEFINITIONS = 20_000;

export const NO_PINS: Pins = { schema: PINS_SCHEMA };

/** The own member of a record: names of servers and tools may be those of inherited members. */
export function ownOf<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | null {
  return record !== undefined && Object.hasOwn(record, key) ? (record[key] as T) : null;
}

/** The record with one member set; also for a name like `__proto__`. */
export function withOwn<T>(
  record: Readonly<Record<string, T>> | undefined,
  key: string,
  value: T,
): Readonly<Record<string, T>> {
  return Object.fromEntries([...Object.entries(record ?? {}), [key, value]]);
}

/** The forms with one more, the newest last. */
export function withForm<T>(
  forms: readonly T[] | null,
  form: T,
  isSame: (one: T) => boolean,
): readonly T[] {
  const others = (forms ?? []).filter((one) => !isSame(one));
  return [...others, form].slice(-MOST_FORMS);
}
