/** What a request is given: arguments, or what takes their place. */
import type { ByteRange } from '../model/byte-range.ts';
import { member } from './json-slice.ts';

/** The first of these that there is. */
const PLACES = ['arguments', 'uri', 'ref'];
const PARAMS = Buffer.from('"params":');

/** Where it is in the line that the gateway has written for the server; null: it is given nothing. */
export function givenIn(line: Uint8Array): ByteRange | null {
  // The gateway has written what comes before it; a method that says so has its quotes escaped.
  const found = Buffer.from(line.buffer, line.byteOffset, line.length).indexOf(PARAMS);
  if (found < 0) return null;
  const params = [found + PARAMS.length, line.length] as const;
  for (const name of PLACES) {
    const at = member(line, params, name);
    if (at !== null) return at;
  }
  return null;
}
