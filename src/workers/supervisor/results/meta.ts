/** Puts a member of the gateway's own into the `_meta` of a result. Pure. */
import { type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { isEmpty, kindAt } from '../../../shared/json/json-slice.ts';
import { type Replace, rewritten } from '../conversation/rewrite.ts';

interface Insertion {
  readonly at: number;
  readonly text: Uint8Array;
}

/**
 * As `rewritten`, with a member in `_meta` besides, where the frame has a result that can hold one.
 *
 * @param member its name and value, as JSON.
 */
export function rewrittenWithMeta(
  frame: Frame,
  member: string,
  tell: (replace: Replace) => void,
): Frame {
  const meta = insertion(frame, member);
  if (meta === null) return rewritten(frame, tell);
  return rewritten(frame, (replace) => {
    let isTold = false;
    tell((start, end, by) => {
      if (!isTold && meta.at <= start) {
        isTold = true;
        replace(meta.at, meta.at, meta.text);
      }
      replace(start, end, by);
    });
    if (!isTold) replace(meta.at, meta.at, meta.text);
  });
}

function insertion(frame: Frame, member: string): Insertion | null {
  const { line } = frame;
  const result = rangeOf(frame, SLOT.result);
  if (result === null || kindAt(line, result[0]) !== 'object') return null;
  const meta = rangeOf(frame, SLOT.resultMeta);
  // Clients refuse a `_meta` that is no object.
  if (meta !== null && kindAt(line, meta[0]) !== 'object') return null;
  const into = meta ?? result;
  const text = meta === null ? `"_meta":{${member}}` : member;
  return { at: into[0] + 1, text: Buffer.from(isEmpty(line, into) ? text : `${text},`) };
}
