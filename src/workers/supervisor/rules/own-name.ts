/**
 * Whether a name is that of the gateway's own directory to any file system there is: one that ignores
 * case, forms of Unicode, characters that are not seen, or what Windows drops at the end of a name. Pure.
 */

import { fold } from '../../../shared/text/fold.ts';

/** `.rea`, its short name on FAT and NTFS, and the one with a hash that several of them get. */
const OWN = /^(?:\.rea|rea~\d+|re[0-9a-f]{4}~\d+)$/;
/** Windows drops dots and spaces there. */
const TRAILING = /[. ]+$/;
/** Longest name that a file system takes, in UTF-16 units. */
export const MAX_NAME = 255;

/** @param name one component of a path. */
export function isOwnName(name: string): boolean {
  const first = name.charCodeAt(0);
  const isOther = first !== 0x2e && (first | 0x20) !== 0x72 && first > 0x20 && first < 0x7f;
  if (isOther || name.length > MAX_NAME) return false;
  // Behind a colon is the name of a stream (`.rea::$INDEX_ALLOCATION`), behind a NUL what C does not see.
  const [seen = ''] = fold(name).split(/[:\0]/, 1);
  return OWN.test(seen.replace(TRAILING, ''));
}
