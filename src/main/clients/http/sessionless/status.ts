/** The HTTP status of an answer that is a whole response: nearly always 200, also for errors. Pure. */
import { scanFrame, textAt } from '../../../../shared/json/frame.ts';
import { joinExact } from '../../../../shared/json/json-rpc.ts';
import { SLOT } from '../../../../shared/json/json-scan.ts';
import { MISSING_CAPABILITY } from '../../../../shared/model/errors.ts';

const CODE = String(MISSING_CAPABILITY);

/** @param parts together the answer. */
export function statusOf(parts: readonly Uint8Array[]): 200 | 400 {
  // A code that was put in is a part of its own, so that no result has to be read for this.
  if (!parts.some((part) => part.length === CODE.length && isCode(part))) return 200;
  const frame = scanFrame(joinExact(parts));
  return !('error' in frame) && textAt(frame, SLOT.errorCode) === CODE ? 400 : 200;
}

function isCode(part: Uint8Array): boolean {
  return Buffer.from(part.buffer, part.byteOffset, part.length).equals(CODE_BYTES);
}

const CODE_BYTES = Buffer.from(CODE);
