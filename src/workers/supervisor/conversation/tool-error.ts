/**
 * Whether an answer is the result of a failed tool. Used only for counting. Pure; reads the names of the
 * result's members, not their values.
 */
import { type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { firstMember } from '../../../shared/json/json-slice.ts';

/** Error results are short; a larger result is not worth another walk through its members. */
const MAX_RESULT_BYTES = 64 * 1024;
const NAME = Buffer.from('"isError"');
const TRUE = 0x74;

/** True when `result.isError` is `true`; false for a result above 64 KiB, whatever it says. */
export function isToolError(frame: Frame): boolean {
  const result = rangeOf(frame, SLOT.result);
  if (result === null || result[1] - result[0] > MAX_RESULT_BYTES) return false;
  const { buffer, byteOffset } = frame.line;
  // Most results do not have the member at all, and this finds out ten times as fast.
  if (!Buffer.from(buffer, byteOffset + result[0], result[1] - result[0]).includes(NAME)) {
    return false;
  }
  const at = firstMember(frame.line, result, 'isError');
  return at !== null && frame.line[at[0]] === TRUE;
}
