/** Takes members out of objects in JSON bytes that a scanner has validated. Pure. */
import type { ByteRange } from '../model/byte-range.ts';
import { type Frame, rangeOf, scanFrame } from './frame.ts';
import { type Edit, joinExact, replaceRanges } from './json-rpc.ts';
import { SLOT, type Slot } from './json-scan.ts';
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
  eachCut(line, object, names, (start, end) => edits.push({ at: [start, end], with: NOTHING }));
  return edits.length === 0 ? NONE : edits;
}

/** Members of params that the scanner has looked for already. */
const SLOTS: ReadonlyMap<string, Slot> = new Map([
  ['task', SLOT.paramsTask],
  ['inputResponses', SLOT.paramsInputResponses],
  ['requestState', SLOT.paramsRequestState],
]);

/** The message without these members of its params; the same where it has none of them. */
export function withoutParams(frame: Frame, names: readonly string[]): Frame {
  // Arguments of many megabytes are not to be walked through for what is known not to be there.
  if (names.every((name) => isAbsent(frame, name))) return frame;
  const params = rangeOf(frame, SLOT.params);
  const edits = params === null ? NONE : without(frame.line, params, names);
  if (edits.length === 0) return frame;
  const scanned = scanFrame(joinExact(replaceRanges(frame.line, edits)));
  return 'error' in scanned ? frame : scanned;
}

/** True when the scanner would have found this member of params, and has not. */
function isAbsent(frame: Frame, name: string): boolean {
  const slot = SLOTS.get(name);
  return slot !== undefined && rangeOf(frame, slot) === null;
}

/** Like `without`, and stores nothing: a hostile message may have millions of such members. */
export function eachCut(
  line: Uint8Array,
  object: ByteRange,
  names: readonly string[],
  cut: (start: number, end: number) => void,
): void {
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
    if (from >= 0) cut(from, name);
    from = -1;
    kept = end;
  });
  // With the comma before them: nothing follows.
  if (from >= 0) cut(kept, to);
}
