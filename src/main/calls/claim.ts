/**
 * The claim of a later revision in a client's message: members of `params._meta` by which the message says
 * itself what a handshake said before. Servers are opened by a handshake here, and to some of those a claim
 * means another protocol. Pure.
 */
import { type Frame, rangeOf } from '../../shared/json/frame.ts';
import type { Edit } from '../../shared/json/json-rpc.ts';
import { SLOT } from '../../shared/json/json-scan.ts';
import { eachMember, isName } from '../../shared/json/json-slice.ts';
import type { ByteRange } from '../../shared/model/byte-range.ts';

const CLAIM = ['protocolVersion', 'clientCapabilities', 'clientInfo', 'logLevel'].map(
  (name) => `io.modelcontextprotocol/${name}`,
);
const NOTHING = new Uint8Array(0);
const NONE: readonly Edit[] = [];

/** True when the message makes a claim. */
export function isClaiming(frame: Frame): boolean {
  return withoutClaim(frame).length > 0;
}

/** What to take out of the message, in the order of its bytes, so that it makes no claim. */
export function withoutClaim(frame: Frame): readonly Edit[] {
  const meta = rangeOf(frame, SLOT.paramsMeta);
  return meta === null ? NONE : without(frame.line, meta, CLAIM);
}

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
