/** Takes members out of an object in JSON bytes that a scanner has validated. Pure. */
import type { ByteRange } from '../model/byte-range.ts';
import type { Edit } from './json-rpc.ts';
import { eachMember, isName } from './json-slice.ts';

const NOTHING = new Uint8Array(0);
const NONE: readonly Edit[] = [];

/** What to take out of an object, in the order of its bytes, so that it has none of these members. */
export function without(
  line: Uint8Array,
  object: ByteRange,
  names: readonly string[],
): readonly Edit[] {
  const edits: Edit[] = [];
  /** Where the member before ends that stays, and where the members begin and end that go. */
  let kept = object[0] + 1;
  let from = -1;
  let to = -1;
  eachMember(line, object, (name, nameEnd, _start, end) => {
    if (names.some((one) => isName(line, name, nameEnd, one))) {
      if (from < 0) from = name;
      to = end;
      return;
    }
    if (from >= 0) edits.push({ at: [from, name], with: NOTHING });
    from = -1;
    kept = end;
  });
  // With the comma before them: nothing follows.
  if (from >= 0) edits.push({ at: [kept, to], with: NOTHING });
  return edits.length === 0 ? NONE : edits;
}
