/**
 * Changes parts of a server's answer that a client would act on although they are not the server's to say: the
 * gateway's own members, such as the error object that says whether a call may be tried again, and error codes by which a later
 * revision tells a client to speak differently. Pure; all else stays as it is.
 */
import { type Frame, rangeOf, textAt } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { eachMember, isName, kindAt } from '../../../shared/json/json-slice.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import { JSON_RPC, MISSING_CAPABILITY } from '../../../shared/model/errors.ts';
import { ERROR_MEANS } from '../../../shared/protocol/from-supervisor.ts';
import { type Replace, rewritten } from './rewrite.ts';

const OURS = ['rea/error', 'rea/redacted', 'rea/truncated', 'rea/warnings'] as const;
const RENAMED = new Map(OURS.map((name) => [name, Buffer.from(`"${name}-of-server"`)]));
/** In the state of a task. */
const PLACES = [
  ['result', '_meta'],
  ['error', 'data'],
] as const;
/** Codes of revision 2026-07-28 about its envelope; between client and server stands the gateway. */
const LATER_CODES = { first: -32_022, last: -32_020 };
const CLIENT_CANNOT = String(MISSING_CAPABILITY);
const ORDINARY_CODE = Buffer.from(String(JSON_RPC.internalError));
/** A number that is written longer is not a code that any server means. */
const MAX_CODE_BYTES = 64;

/** The answer without what only the gateway says, in `_meta` of its result or in `data` of its error. */
export function withoutOurError(frame: Frame): Frame {
  const at = rangeOf(frame, SLOT.resultMeta) ?? rangeOf(frame, SLOT.errorData);
  if (at === null) return frame;
  return rewritten(frame, (replace) => rename(frame.line, at, replace));
}

/** The state of a task, in a result or a notification, without the same in the result or error that it holds. */
export function withoutOurErrorInTask(frame: Frame): Frame {
  const at = rangeOf(frame, SLOT.result) ?? rangeOf(frame, SLOT.params);
  if (at === null) return frame;
  const { line } = frame;
  return rewritten(frame, (replace) => {
    eachMember(line, at, (name, nameEnd, start, end) => {
      const place = PLACES.find(([outer]) => isName(line, name, nameEnd, outer));
      if (place === undefined || kindAt(line, start) !== 'object') return;
      eachMember(line, [start, end], (inner, innerEnd, from, to) => {
        if (isName(line, inner, innerEnd, place[1])) rename(line, [from, to], replace);
      });
    });
  });
}

function rename(line: Uint8Array, at: ByteRange, replace: Replace): void {
  if (kindAt(line, at[0]) !== 'object') return;
  eachMember(line, at, (name, nameEnd) => {
    for (const [ours, renamed] of RENAMED) {
      if (isName(line, name, nameEnd, ours)) replace(name, nameEnd, renamed);
    }
  });
}

/** What an error means whose code is replaced. @returns bits of `ERROR_MEANS`. */
export function meaningOf(frame: Frame): number {
  return textAt(frame, SLOT.errorCode) === CLIENT_CANNOT ? ERROR_MEANS.clientCannot : 0;
}

/** The answer with an ordinary error code where its own belongs to the envelope of a later revision. */
export function withoutLaterCode(frame: Frame): Frame {
  const at = rangeOf(frame, SLOT.errorCode);
  if (at === null) return frame;
  const isLong = at[1] - at[0] > MAX_CODE_BYTES;
  const code = isLong ? Number.NaN : Number(textAt(frame, SLOT.errorCode));
  if (!isLong && !(code >= LATER_CODES.first && code <= LATER_CODES.last)) return frame;
  return rewritten(frame, (replace) => replace(at[0], at[1], ORDINARY_CODE));
}
