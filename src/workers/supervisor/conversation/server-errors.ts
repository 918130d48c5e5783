/**
 * Renames members of a server's answer that have the name of the gateway's own error object: clients act on
 * that object, because it says whether a call may be tried again. Pure; all else stays as it is.
 */
import { type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { eachMember, isName } from '../../../shared/json/json-slice.ts';
import { rewritten } from './rewrite.ts';

const OURS = 'rea/error';
const RENAMED = Buffer.from('"rea/error-of-server"');

/** The answer without `rea/error` in `_meta` of its result or in `data` of its error. */
export function withoutOurError(frame: Frame): Frame {
  const at = rangeOf(frame, SLOT.resultMeta) ?? rangeOf(frame, SLOT.errorData);
  if (at === null) return frame;
  const { line } = frame;
  return rewritten(frame, (replace) => {
    eachMember(line, at, (name, nameEnd) => {
      if (isName(line, name, nameEnd, OURS)) replace(name, nameEnd, RENAMED);
    });
  });
}
