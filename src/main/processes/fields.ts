/**
 * Reads values from JSON that any program may have written: each reader takes one field and returns its
 * value, or null, false or 0. Never throws.
 */
import type { ProcessIdentity } from '../../shared/model/snapshot.ts';
import { clip } from '../../shared/text/clean-text.ts';

/** A JSON object with unknown fields; without prototype, so that a name finds only its fields. */
export type Fields = { readonly [name: string]: unknown };

const MAX_TEXT = 4096;

/** The value of a JSON text, or undefined for invalid JSON. */
export function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The fields of a JSON object, or null for anything else, also for an array. */
export function fieldsOf(value: unknown): Fields | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  return Object.assign(Object.create(null), value);
}

/** The elements of a JSON array, or null. */
export function listOf(value: unknown): readonly unknown[] | null {
  return Array.isArray(value) ? value : null;
}

/** A string, cut to 4096 UTF-16 units, or null. */
export function text(value: unknown): string | null {
  return typeof value === 'string' ? clip(value, MAX_TEXT) : null;
}

/** One of a closed set of words, or null. */
export function oneOf<const T extends string>(words: readonly T[], value: unknown): T | null {
  return words.find((word) => word === value) ?? null;
}

/** A time as Date.parse takes it, or null. */
export function iso(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > 64) return null;
  return Number.isNaN(Date.parse(value)) ? null : value;
}

export function bool(value: unknown): boolean {
  return value === true;
}

/** A number that is not negative, or null. */
export function measure(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}

/** A whole number that is not negative, or null. */
export function whole(value: unknown): number | null {
  return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : null;
}

/** A whole number that is not negative; 0 for anything else. */
export function count(value: unknown): number {
  return whole(value) ?? 0;
}

/** A pid that can be looked up, or null. */
export function pidOf(value: unknown): number | null {
  const pid = whole(value);
  return pid !== null && pid > 0 && pid <= 0x7fff_ffff ? pid : null;
}

/** A whole identity, or null when any part of it is missing. */
export function identityOf(value: unknown): ProcessIdentity | null {
  const fields = fieldsOf(value);
  if (fields === null) return null;
  const pid = pidOf(fields['pid']);
  const start_time = text(fields['start_time']);
  const boot_id = text(fields['boot_id']);
  const pid_ns = text(fields['pid_ns']);
  if (pid === null || start_time === null || boot_id === null || pid_ns === null) return null;
  return { pid, start_time, boot_id, pid_ns };
}
