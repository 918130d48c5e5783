/** What a client says about itself in `initialize`, bounded and fit to be shown. Pure. */
import type { ClientRecord } from '../../shared/model/snapshot.ts';
import { clip, visibleLines } from '../../shared/text/clean-text.ts';

/** More than is shown: a secret can only be hidden while it is whole. */
const LONGEST = 512;
/** Of a name, and of a version, in one line with it. */
const MAX_NAME = 64;

/** @param info `clientInfo` of any shape. @returns null when it has no name that could be shown. */
export function clientRecord(info: unknown): ClientRecord | null {
  if (typeof info !== 'object' || info === null) return null;
  const { name, version } = info as Record<string, unknown>;
  const shownName = visible(name);
  return shownName === null ? null : { name: shownName, version: visible(version) };
}

/** Name and version in a line; null: there is no record. */
export function nameOf(record: ClientRecord | null): string | null {
  if (record === null) return null;
  const name = clip(record.name, MAX_NAME);
  return record.version === null ? name : `${name} ${clip(record.version, MAX_NAME)}`;
}

function visible(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  // Clipped first: a client may send a megabyte.
  const text = visibleLines(clip(value, LONGEST)).join(' ').trim();
  return text === '' ? null : text;
}
