/** The text of `pins.json` → pins, or why it cannot be taken. Members that are not known are kept. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { isObject } from '../../shared/model/is-object.ts';
import {
  MOST_DEFINITIONS,
  MOST_FORMS,
  MOST_PINNED_SERVERS,
  NO_PINS,
  PINS_FILE,
  PINS_SCHEMA,
  type Pins,
} from '../../shared/model/pins.ts';
import { unlessRefused } from '../../shared/platform/errno.ts';
import { readRange, withRegularFile } from '../../shared/platform/safe-file.ts';
import { clip, oneLine } from '../../shared/text/clean-text.ts';

export type ReadPins =
  | { readonly kind: 'pins'; readonly pins: Pins }
  | { readonly kind: 'absent' }
  /** There is a file that says nothing that can be relied on. `why`: a part of a line. */
  | { readonly kind: 'damaged'; readonly why: string };

export const MAX_PINS_BYTES = 16 * 1_048_576;
const LONGEST_NAME = 1024;
const LONGEST_HASH = 128;
const LONGEST_SHOWN = 4096;
const LONGEST_TIME = 64;
const MOST_PARTS = 16;
const MOST_RULES = 64;

export function pinsPath(stateDir: string): string {
  return join(stateDir, PINS_FILE);
}

/** Which file `pins.json` is now. */
export interface PinsIdentity {
  /** Differs whenever the content may have changed; '' when there is none that can be looked at. */
  readonly id: string;
  readonly bytes: number;
}

const NO_FILE: PinsIdentity = { id: '', bytes: 0 };

export function identityOf(stateDir: string): PinsIdentity {
  return unlessRefused(NO_FILE, () => {
    const stats = lstatSync(pinsPath(stateDir), { throwIfNoEntry: false, bigint: true });
    if (stats === undefined) return NO_FILE;
    const { ino, mtimeNs, size } = stats;
    return { id: `${ino} ${mtimeNs} ${size}`, bytes: Number(size) };
  });
}

/** Reads and checks the file; never throws for anything that is on the disk. */
export function readPins(stateDir: string): ReadPins {
  const read = withRegularFile(pinsPath(stateDir), (descriptor, { uid, mode, size }): ReadPins => {
    const user = process.getuid?.();
    if (user !== undefined && uid !== user)
      return damaged(`belongs to user ${uid}, not to ${user}`);
    if (user !== undefined && (mode & 0o022) !== 0) {
      return damaged(`others can write to it (mode ${(mode & 0o777).toString(8)})`);
    }
    const tooLarge = damaged(`is larger than ${MAX_PINS_BYTES} bytes`);
    if (size > MAX_PINS_BYTES) return tooLarge;
    const bytes = readRange(descriptor, 0, MAX_PINS_BYTES + 1);
    return bytes.length > MAX_PINS_BYTES ? tooLarge : parsePins(bytes.toString('utf8'));
  });
  if (read.kind === 'pins' || read.kind === 'absent' || read.kind === 'damaged') return read;
  return damaged(`cannot be read (${'detail' in read ? read.detail : 'unknown'})`);
}

export function parsePins(text: string): ReadPins {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return damaged(`is not JSON (${clip(oneLine(error.message), 100)})`);
  }
  const why = problemOf(value);
  return why === null ? { kind: 'pins', pins: value as Pins } : damaged(why);
}

/** What a new file is written from where there is none. */
export function pinsOf(read: ReadPins): Pins | null {
  if (read.kind === 'damaged') return null;
  return read.kind === 'absent' ? NO_PINS : read.pins;
}

function damaged(why: string): ReadPins {
  return { kind: 'damaged', why };
}

function problemOf(value: unknown): string | null {
  if (!isObject(value)) return 'is not an object';
  const { schema, programs, definitions } = value;
  if (typeof schema === 'number' && schema > PINS_SCHEMA) {
    return `is of a newer version of rea (schema ${schema})`;
  }
  if (schema !== PINS_SCHEMA) return `schema is not ${PINS_SCHEMA}`;
  return (
    inRecord('programs', programs, MOST_PINNED_SERVERS, (at, forms) =>
      inForms(at, forms, programOf),
    ) ??
    inRecord('definitions', definitions, MOST_PINNED_SERVERS, (server, kinds) =>
      inRecord(server, kinds, MOST_DEFINITIONS, (at, forms) => inForms(at, forms, definitionOf)),
    )
  );
}

type Check = (at: string, value: unknown) => string | null;

/** @param at where it stands. */
function inRecord(at: string, value: unknown, most: number, check: Check): string | null {
  if (value === undefined) return null;
  if (!isObject(value)) return `${at} is not an object`;
  const entries = Object.entries(value);
  if (entries.length > most) return `${at} has more than ${most} members`;
  for (const [key, member] of entries) {
    if (key.length > LONGEST_NAME) return `${at} has a name of ${key.length} characters`;
    const problem = check(`${at}.${clip(oneLine(key), 100)}`, member);
    if (problem !== null) return problem;
  }
  return null;
}

function inForms(at: string, value: unknown, check: Check): string | null {
  if (!Array.isArray(value)) return `${at} is not a list`;
  if (value.length > MOST_FORMS) return `${at} has more than ${MOST_FORMS} entries`;
  for (const [index, form] of value.entries()) {
    const problem = check(`${at}[${index}]`, form);
    if (problem !== null) return problem;
  }
  return null;
}

function programOf(at: string, value: unknown): string | null {
  if (!isObject(value)) return `${at} is not an object`;
  const { pin, at: time, parts, shown } = value;
  if (!isText(pin, LONGEST_HASH)) return `${at}.pin is no pin`;
  if (!isText(time, LONGEST_TIME)) return `${at}.at is no time`;
  if (shown !== undefined && !isText(shown, LONGEST_SHOWN)) return `${at}.shown is no text`;
  return inRecord(`${at}.parts`, parts, MOST_PARTS, (place, part) =>
    isText(part, LONGEST_HASH) ? null : `${place} is no pin`,
  );
}

function definitionOf(at: string, value: unknown): string | null {
  if (!isObject(value)) return `${at} is not an object`;
  const { hash, at: time, verdict } = value;
  if (!isText(hash, LONGEST_HASH)) return `${at}.hash is no hash`;
  if (!isText(time, LONGEST_TIME)) return `${at}.at is no time`;
  if (verdict === undefined) return null;
  const isList = Array.isArray(verdict) && verdict.length <= MOST_RULES;
  return isList && verdict.every((rule) => isText(rule, LONGEST_HASH))
    ? null
    : `${at}.verdict is no list of rules`;
}

function isText(value: unknown, longest: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= longest;
}
