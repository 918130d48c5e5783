/**
 * The claim of a later revision in a client's message: members of `params._meta` by which the message says
 * itself what a handshake said before. Servers are opened by a handshake here, and to some of those a claim
 * means another protocol.
 */
import { type Frame, rangeOf } from '../../shared/json/frame.ts';
import type { Edit } from '../../shared/json/json-rpc.ts';
import { SLOT } from '../../shared/json/json-scan.ts';
import { member } from '../../shared/json/json-slice.ts';
import { LastText } from '../../shared/json/last-text.ts';
import { without } from '../../shared/json/without.ts';
import { CLAIM_KEYS } from '../../shared/model/meta-keys.ts';

const CLAIM: readonly string[] = Object.values(CLAIM_KEYS);
const NONE: readonly Edit[] = [];
/** What was taken out of the last claim, and where that began. */
const last = new LastText<{ readonly edits: readonly Edit[]; readonly start: number }>();

/** True when the message makes a claim. */
export function isClaiming(frame: Frame): boolean {
  return withoutClaim(frame).length > 0;
}

/** True when the message names its revision. In a session only that makes it a message without a session. */
export function namesRevision({ line, ranges }: Frame): boolean {
  const meta = rangeOf({ line, ranges }, SLOT.paramsMeta);
  return meta !== null && member(line, meta, CLAIM_KEYS.protocolVersion) !== null;
}

/** What to take out of the message, in the order of its bytes, so that it makes no claim. */
export function withoutClaim(frame: Frame): readonly Edit[] {
  const meta = rangeOf(frame, SLOT.paramsMeta);
  if (meta === null) return NONE;
  const [start, end] = meta;
  const text = frame.line.subarray(start, end);
  const known = last.find(text);
  if (known === null)
    return last.keep(text, { edits: without(frame.line, meta, CLAIM), start }).edits;
  if (known.start === start || known.edits.length === 0) return known.edits;
  const by = start - known.start;
  return known.edits.map(({ at, with: text }) => ({ at: [at[0] + by, at[1] + by], with: text }));
}
